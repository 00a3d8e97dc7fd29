#include "state/state_file.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace pipehub {

namespace {

/// "phub": the file's header says whose it is.
constexpr int64_t our_application = 0x70687562;
/// Of the tables below. A hub reads older ones, and not newer ones.
constexpr int64_t our_version = 1;

/// Of a file of SQLite's.
constexpr off_t header_size = 100;

const char* const tables = R"(
CREATE TABLE session(number INTEGER PRIMARY KEY, client_id BLOB NOT NULL, user BLOB NOT NULL,
  expiry_interval INTEGER NOT NULL, is_connected INTEGER NOT NULL, expiry INTEGER,
  will INTEGER, will_delay INTEGER NOT NULL, will_time INTEGER, lost INTEGER NOT NULL);
CREATE TABLE subscription(session INTEGER NOT NULL, filter BLOB NOT NULL, qos INTEGER NOT NULL,
  no_local INTEGER NOT NULL, retain_as_published INTEGER NOT NULL,
  retain_handling INTEGER NOT NULL, identifier INTEGER NOT NULL,
  PRIMARY KEY(session, filter)) WITHOUT ROWID;
CREATE TABLE delivery(session INTEGER NOT NULL, number INTEGER NOT NULL,
  message INTEGER NOT NULL, qos INTEGER NOT NULL, retain INTEGER NOT NULL,
  is_counted INTEGER NOT NULL, lost_before INTEGER NOT NULL, identifiers BLOB NOT NULL,
  packet_id INTEGER NOT NULL, is_received INTEGER NOT NULL,
  PRIMARY KEY(session, number)) WITHOUT ROWID;
CREATE TABLE received(session INTEGER NOT NULL, packet_id INTEGER NOT NULL,
  PRIMARY KEY(session, packet_id)) WITHOUT ROWID;
CREATE TABLE message(number INTEGER PRIMARY KEY, topic BLOB NOT NULL, properties BLOB NOT NULL,
  payload BLOB NOT NULL, qos INTEGER NOT NULL, retain INTEGER NOT NULL, expiry_seconds INTEGER,
  expiry INTEGER);
CREATE TABLE retained(topic BLOB PRIMARY KEY, message INTEGER NOT NULL) WITHOUT ROWID;
)";

/// Why a file is not used, and what to do.
struct refusal {
  std::string text;
};

refusal cannot_open(const std::string& why) {
  return {"cannot be used: " + why
          + ": give a path in a directory where the hub may make and write files"};
}

refusal damaged(const std::string& why) {
  return {"is damaged (" + why
          + "): restore it from a backup, or move it away to begin without its contents"};
}

refusal refusal_of(const database_error& error) {
  switch (error.code) {
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    return {"is in use by another hub: stop that one, or give each hub a file of its own"};
  case SQLITE_NOTADB:
  case SQLITE_CORRUPT:
  case SQLITE_ERROR: // e.g. a table is missing
    return damaged(error.text);
  default:
    return cannot_open(error.text);
  }
}

/// Makes the file if there is none. Messages are nobody else's business: SQLite would let others
/// read a file that it makes.
void make_file(const std::string& path) {
  auto file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file >= 0) {
    ::close(file);
    return;
  }
  struct stat found {};
  if (errno != EEXIST || ::stat(path.c_str(), &found) != 0)
    throw cannot_open(std::system_category().message(errno));
  if (!S_ISREG(found.st_mode))
    throw cannot_open("it is no regular file");
  // SQLite takes a file of a single byte as an empty one.
  if (found.st_size > 0 && found.st_size < header_size)
    throw damaged("it is shorter than a header");
}

/// Makes the tables of an empty file, or checks whether a file is ours.
void check_tables(database& file) {
  auto application = file.number("PRAGMA application_id");
  auto version = file.number("PRAGMA user_version");
  auto is_empty = file.number("SELECT count(*) FROM sqlite_master") == 0;
  if (is_empty && application == 0 && version == 0) {
    file.run("BEGIN IMMEDIATE");
    file.run(tables);
    file.run("PRAGMA application_id = " + std::to_string(our_application));
    file.run("PRAGMA user_version = " + std::to_string(our_version));
    file.run("COMMIT");
    return;
  }
  if (application != our_application)
    throw refusal{"is no state file of pipehub: give another path"};
  if (version > our_version)
    throw refusal{"is of version " + std::to_string(version) + ", and this pipehub knows version "
                  + std::to_string(our_version) + ": run the newer pipehub, or give another path"};
  if (auto fault = file.text("PRAGMA quick_check(1)"); fault != "ok")
    throw damaged(fault);
}

database open_file(const std::string& path) {
  make_file(path);
  database file{path};
  if (file.is_read_only())
    throw cannot_open("it cannot be written");
  // Until it is closed, or the process ends in any way.
  file.run("PRAGMA locking_mode = EXCLUSIVE");
  file.run("PRAGMA journal_mode = WAL");
  // A commit is on disk when it returns.
  file.run("PRAGMA synchronous = FULL");
  // Room that a burst took is given back.
  file.run("PRAGMA journal_size_limit = 67108864");
  check_tables(file);
  return file;
}

} // namespace

opened_state open_state(const std::string& path, unix_clock clock) {
  opened_state result;
  auto refuse = [&](const refusal& why) {
    result = {};
    result.error = "state file " + path + " " + why.text;
  };
  try {
    auto file = std::make_unique<state_file>(open_file(path), std::move(clock));
    result.contents = file->load();
    result.file = std::move(file);
  } catch (const database_error& error) {
    refuse(refusal_of(error));
  } catch (const refusal& why) {
    refuse(why);
  }
  return result;
}

} // namespace pipehub
