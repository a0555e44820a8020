#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace hearth::registry {

class Connection;

/// A prepared statement. Bind in order, step, read columns. Must not outlive its Connection.
class Statement {
  public:
    Statement(Connection& connection, std::string_view sql);

    /// Binds the next parameter. Text and blobs are copied.
    Statement& bind(std::string_view text);
    Statement& bind(const char* text) { return bind(std::string_view(text)); }
    Statement& bind(std::int64_t number);
    Statement& bind(std::uint64_t number);
    Statement& bind(double number);
    Statement& bind_blob(std::string_view bytes);

    /// @return true when there is a row to read
    bool step();
    /// Runs a statement that gives no rows.
    void run();
    /// Back to the start, parameters cleared.
    Statement& reset();

    std::string text(int column) const;
    std::string blob(int column) const;
    std::int64_t integer(int column) const;
    double real(int column) const;

  private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const noexcept;
    };
    void check(int result, const char* doing) const;

    Connection& connection_;
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
    int bound_ = 0;
};

/// One SQLite connection. Lives on the database's thread and is used nowhere else.
class Connection {
  public:
    /// Opens or creates the file (0600), checks it, and brings its schema up to date.
    /// @throws Error  store_failed: damaged, made by a newer Hearth, no permission; disk_full
    explicit Connection(const std::filesystem::path& file);

    Statement prepare(std::string_view sql) { return Statement(*this, sql); }
    /// One or more statements without parameters.
    void execute(const char* sql);
    /// Rows changed by the last statement.
    std::int64_t changes() const;

    /// @throws Error  for the connection's last error: disk_full, or store_failed with what to do
    [[noreturn]] void fail(int result, const std::string& doing) const;
    sqlite3* handle() const noexcept { return handle_.get(); }

  private:
    struct Close {
        void operator()(sqlite3* handle) const noexcept;
    };
    void configure();
    void check_intact();
    void migrate();

    std::filesystem::path file_;
    std::unique_ptr<sqlite3, Close> handle_;
};

/// BEGIN IMMEDIATE … COMMIT; rolled back when it is destroyed before commit().
class Transaction {
  public:
    explicit Transaction(Connection& connection);
    ~Transaction();
    Transaction(const Transaction&) = delete;

    /// Returns when the change is on the disk (synchronous=FULL).
    void commit();

  private:
    Connection& connection_;
    bool open_ = true;
};

} // namespace hearth::registry
