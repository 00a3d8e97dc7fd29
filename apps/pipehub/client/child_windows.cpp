#include "client/child.hpp"

#include <windows.h>

#include <cstdio>

namespace pipehub {

namespace {

/// A file that is gone when this is.
class temporary_file {
public:
  explicit temporary_file(const std::string& content) {
    char folder[MAX_PATH + 1] = {};
    char name[MAX_PATH + 1] = {};
    if (GetTempPathA(MAX_PATH, folder) == 0 || GetTempFileNameA(folder, "hub", 0, name) == 0)
      return;
    auto* file = std::fopen(name, "wb");
    if (file == nullptr)
      return;
    is_complete_ = std::fwrite(content.data(), 1, content.size(), file) == content.size();
    is_complete_ = std::fclose(file) == 0 && is_complete_;
    name_ = name;
  }

  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;

  ~temporary_file() {
    if (!name_.empty())
      DeleteFileA(name_.c_str());
  }

  bool is_complete() const noexcept {
    return is_complete_;
  }

  const std::string& name() const noexcept {
    return name_;
  }

private:
  std::string name_;
  bool is_complete_ = false;
};

} // namespace

child_result run_child(const std::string& command, const std::string& input) {
  // A pipe would wait for the child to read.
  temporary_file file{input};
  if (!file.is_complete())
    return {{}, "cannot write a temporary file"};
  auto* output = _popen(("(" + command + ") < \"" + file.name() + "\"").c_str(), "rb");
  if (output == nullptr)
    return {{}, "cannot start the command"};
  child_result result;
  char chunk[4096];
  while (auto size = std::fread(chunk, 1, sizeof(chunk), output))
    result.output.append(chunk, size);
  if (auto code = _pclose(output); code != 0)
    result.failure = "exit code " + std::to_string(code);
  return result;
}

} // namespace pipehub
