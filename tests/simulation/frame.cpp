#include "frame.hpp"

#include <cstring>

namespace simulation {

std::string bytes_of(const frame& f) {
  std::string result(frame_header + f.size, '\0');
  std::memcpy(result.data(), &f, frame_header);
  for (size_t i = 0; i < f.size; ++i)
    result[frame_header + i] = static_cast<char>(f.stream * 31 + f.number * 7 + i);
  return result;
}

std::vector<frame> frame_reader::read(std::string_view bytes) {
  std::vector<frame> result;
  rest_ += bytes;
  size_t begin = 0;
  while (!failed_ && rest_.size() - begin >= frame_header) {
    frame f;
    std::memcpy(&f, rest_.data() + begin, frame_header);
    auto size = frame_header + f.size;
    if (rest_.size() - begin < size)
      break;
    failed_ = rest_.compare(begin, size, bytes_of(f)) != 0;
    begin += size;
    result.push_back(f);
  }
  rest_.erase(0, begin);
  return result;
}

} // namespace simulation
