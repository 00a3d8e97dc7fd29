// State files with any rows: each is refused with a reason, or the hub goes on with it, and what
// the hub writes then can be read again.

#include "fuzz.hpp"
#include "session/broker.hpp"
#include "state/state.hpp"

#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <deque>
#include <filesystem>
#include <string>
#include <vector>

using namespace pipehub;

namespace {

constexpr std::array tables{"session",  "subscription", "delivery",
                            "received", "message",      "retained"};

/// A directory in memory, which goes with the program.
class directory {
public:
  directory() {
    auto base = std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : "/tmp";
    path_ = std::filesystem::path{base} / ("fuzz-state-" + std::to_string(getpid()));
    std::filesystem::create_directory(path_);
  }

  directory(const directory&) = delete;
  directory& operator=(const directory&) = delete;

  ~directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string file() const {
    return path_ / "state";
  }

private:
  std::filesystem::path path_;
};

std::chrono::milliseconds time_of_day(time_point at) {
  return std::chrono::milliseconds{1'700'000'000'000}
         + std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch());
}

/// Binds a value of any type that SQLite has.
void bind(sqlite3_stmt* row, int column, fuzz::input& in) {
  switch (in.byte() % 5) {
  case 0:
    sqlite3_bind_null(row, column);
    return;
  case 1:
    sqlite3_bind_int64(row, column, in.byte());
    return;
  case 2: {
    int64_t number = 0;
    for (int count = 0; count < 8; ++count)
      number = static_cast<int64_t>(static_cast<uint64_t>(number) << 8 | in.byte());
    sqlite3_bind_int64(row, column, number);
    return;
  }
  case 3: {
    auto bytes = in.short_text();
    sqlite3_bind_text(row, column, bytes.data(), static_cast<int>(bytes.size()), SQLITE_TRANSIENT);
    return;
  }
  default: {
    auto bytes = in.short_text();
    sqlite3_bind_blob(row, column, bytes.data(), static_cast<int>(bytes.size()), SQLITE_TRANSIENT);
  }
  }
}

/// Replaces what is in the file. Rows that its tables do not take are left out.
void fill(const std::string& path, fuzz::input& in) {
  sqlite3* file = nullptr;
  fuzz::require(sqlite3_open(path.c_str(), &file) == SQLITE_OK, "the file can be opened");
  auto run = [&](const std::string& sql) {
    fuzz::require(sqlite3_exec(file, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK,
                  "the file can be written");
  };
  run("PRAGMA synchronous=OFF; BEGIN");
  for (auto* table : tables)
    run(std::string{"DELETE FROM "} + table);
  for (int rows = 0; rows < 30 && !in.empty(); ++rows) {
    std::string table = tables[in.byte() % tables.size()];
    sqlite3_stmt* row = nullptr;
    sqlite3_prepare_v2(file, ("SELECT * FROM " + table).c_str(), -1, &row, nullptr);
    auto columns = sqlite3_column_count(row);
    sqlite3_finalize(row);
    auto sql = "INSERT OR REPLACE INTO " + table + " VALUES(?";
    for (int column = 1; column < columns; ++column)
      sql += ",?";
    sqlite3_prepare_v2(file, (sql + ")").c_str(), -1, &row, nullptr);
    for (int column = 1; column <= columns; ++column)
      bind(row, column, in);
    sqlite3_step(row);
    sqlite3_finalize(row);
  }
  run("COMMIT");
  sqlite3_close(file);
}

/// Takes what the hub sends.
class taker final : public link_output {
public:
  void write(link_id id, pipeactor::payload) override {
    written_.push_back(id);
  }

  void close(link_id, farewell) override {}

  /// Tells the hub that all has left.
  void take(broker& hub, time_point now) {
    for (; !written_.empty(); written_.pop_front())
      hub.written(written_.front(), now);
  }

private:
  std::deque<link_id> written_;
};

/// Returns a CONNECT of MQTT 3.1.1 that goes on with a session.
std::string connect_packet(std::string_view client_id) {
  std::string result{"\x10\x00\x00\x04MQTT\x04\x00\x00\x00\x00", 13};
  result += static_cast<char>(client_id.size());
  result += client_id;
  result[1] = static_cast<char>(result.size() - 2);
  return result;
}

/// Lets the hub go on with the file, with clients that come back, until nothing is due.
void use(opened_state kept) {
  time_point now{};
  taker clients;
  std::vector<std::string> names;
  for (auto& session : kept.contents.sessions)
    if (session.about.client_id.size() < 100 && names.size() < 3)
      names.push_back(session.about.client_id);
  broker hub{broker_options{}, clients, kept.file.get()};
  hub.restore(std::move(kept.contents), now);
  hub.flush(now);
  link_id id = 0;
  for (auto& name : names) {
    ++id;
    hub.opened(id, "u", now);
    hub.received(id, connect_packet(name), now);
    hub.flush(now);
    clients.take(hub, now);
    if (id == 2)
      hub.closed(2, now);
  }
  for (int count = 0; count < 100 && hub.next_tick(); ++count) {
    now = std::max(now, *hub.next_tick());
    hub.tick(now);
    hub.flush(now);
    clients.take(hub, now);
  }
  fuzz::require(!hub.is_failing(), "the file can be written");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const directory home;
  static const auto path = home.file();
  // Makes the tables.
  static const auto is_made = open_state(path, time_of_day).error.empty();
  fuzz::require(is_made, "a state file can be made");
  fuzz::input in{data, size};
  fill(path, in);
  auto kept = open_state(path, time_of_day);
  fuzz::require(kept.error.empty() == (kept.file != nullptr), "a file is used, or refused");
  if (!kept.error.empty())
    return 0;
  use(std::move(kept));
  auto again = open_state(path, time_of_day);
  fuzz::require(again.error.empty(), "what a hub wrote can be read again");
  return 0;
}
