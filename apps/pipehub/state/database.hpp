#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace pipehub {

/// A failure of SQLite's.
struct database_error {
  /// SQLite's primary result code.
  int code = 0;
  std::string text;
};

/// A file of SQLite's. Functions throw `database_error`.
class database {
public:
  database() noexcept = default;

  /// Opens a file, and makes it if there is none.
  explicit database(const std::string& path);

  /// Runs statements that return nothing.
  void run(const std::string& sql);

  /// Runs a statement that returns one number.
  int64_t number(const std::string& sql);

  /// Runs a statement that returns one text.
  std::string text(const std::string& sql);

  bool is_read_only() const;

  /// Returns whether a transaction is open.
  bool in_transaction() const;

private:
  friend class statement;

  struct closer {
    void operator()(sqlite3* x) const noexcept;
  };

  std::unique_ptr<sqlite3, closer> handle_;
};

/// A prepared statement. Parameters and columns are taken in their order.
class statement {
public:
  statement() noexcept = default;
  statement(database& in, std::string_view sql);

  statement& bind(int64_t value);
  statement& bind(std::optional<int64_t> value);
  /// Binds bytes, which must stay until the statement has run.
  statement& bind(std::string_view bytes);

  /// Runs a statement that returns nothing, and makes it ready to be run again.
  void run();

  /// Goes to the next row.
  /// @returns whether there is one
  bool next();

  // -- columns of the row ---------------------------------------------------------------------

  int64_t number();
  /// As `number`.
  /// @throws database_error if it is less than 0 or more than `highest`
  uint64_t number_up_to(uint64_t highest);
  bool flag();
  std::optional<int64_t> optional_number();
  /// Returns a view that is valid until the next row.
  std::string_view bytes();

private:
  struct closer {
    void operator()(sqlite3_stmt* x) const noexcept;
  };

  statement& bound(int code);
  void finish(int code);

  std::unique_ptr<sqlite3_stmt, closer> handle_;
  int parameter_ = 0;
  int column_ = 0;
};

} // namespace pipehub
