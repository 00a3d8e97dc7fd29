#include "state/database.hpp"

#include <sqlite3.h>

namespace pipehub {

namespace {

database_error error_of(sqlite3* handle, int code) {
  return {code & 0xFF, handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code)};
}

void check(sqlite3* handle, int code) {
  if (code != SQLITE_OK && code != SQLITE_ROW && code != SQLITE_DONE)
    throw error_of(handle, code);
}

} // namespace

// -- database ---------------------------------------------------------------------------------

void database::closer::operator()(sqlite3* x) const noexcept {
  sqlite3_close(x);
}

database::database(const std::string& path) {
  sqlite3* handle = nullptr;
  // One thread at a time uses it.
  auto code = sqlite3_open_v2(path.c_str(), &handle,
                              SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                              nullptr);
  handle_.reset(handle);
  check(handle, code);
}

void database::run(const std::string& sql) {
  check(handle_.get(), sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr));
}

int64_t database::number(const std::string& sql) {
  statement query{*this, sql};
  return query.next() ? query.number() : 0;
}

std::string database::text(const std::string& sql) {
  statement query{*this, sql};
  return query.next() ? std::string{query.bytes()} : std::string{};
}

bool database::is_read_only() const {
  return sqlite3_db_readonly(handle_.get(), "main") == 1;
}

bool database::in_transaction() const {
  return sqlite3_get_autocommit(handle_.get()) == 0;
}

// -- statement --------------------------------------------------------------------------------

void statement::closer::operator()(sqlite3_stmt* x) const noexcept {
  sqlite3_finalize(x);
}

statement::statement(database& in, std::string_view sql) {
  sqlite3_stmt* handle = nullptr;
  auto code = sqlite3_prepare_v3(in.handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                 SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
  handle_.reset(handle);
  check(in.handle_.get(), code);
}

void statement::finish(int code) {
  // Before the reset, which forgets it.
  std::optional<database_error> error;
  if (code != SQLITE_OK && code != SQLITE_DONE)
    error = error_of(sqlite3_db_handle(handle_.get()), code);
  sqlite3_reset(handle_.get());
  sqlite3_clear_bindings(handle_.get());
  parameter_ = 0;
  if (error)
    throw *error;
}

statement& statement::bound(int code) {
  if (code != SQLITE_OK)
    finish(code);
  return *this;
}

statement& statement::bind(int64_t value) {
  return bound(sqlite3_bind_int64(handle_.get(), ++parameter_, value));
}

statement& statement::bind(std::optional<int64_t> value) {
  if (value)
    return bind(*value);
  return bound(sqlite3_bind_null(handle_.get(), ++parameter_));
}

statement& statement::bind(std::string_view bytes) {
  // Without a pointer it would be NULL.
  auto* data = bytes.empty() ? "" : bytes.data();
  return bound(sqlite3_bind_blob64(handle_.get(), ++parameter_, data, bytes.size(), SQLITE_STATIC));
}

void statement::run() {
  finish(sqlite3_step(handle_.get()));
}

bool statement::next() {
  auto code = sqlite3_step(handle_.get());
  check(sqlite3_db_handle(handle_.get()), code);
  column_ = 0;
  return code == SQLITE_ROW;
}

int64_t statement::number() {
  return sqlite3_column_int64(handle_.get(), column_++);
}

uint64_t statement::number_up_to(uint64_t highest) {
  auto result = static_cast<uint64_t>(number());
  if (result > highest)
    throw database_error{SQLITE_CORRUPT, "a number is out of its range"};
  return result;
}

bool statement::flag() {
  return number_up_to(1) != 0;
}

std::optional<int64_t> statement::optional_number() {
  if (sqlite3_column_type(handle_.get(), column_) == SQLITE_NULL) {
    ++column_;
    return {};
  }
  return number();
}

std::string_view statement::bytes() {
  auto* data = static_cast<const char*>(sqlite3_column_blob(handle_.get(), column_));
  auto size = static_cast<size_t>(sqlite3_column_bytes(handle_.get(), column_));
  ++column_;
  return {data, data != nullptr ? size : 0};
}

} // namespace pipehub
