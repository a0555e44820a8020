#include "registry/db/connection.hpp"

#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "registry/db/migrations.hpp"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <limits>
#include <linux/magic.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/vfs.h>

namespace hearth::registry {
namespace {

constexpr int busy_timeout_ms = 5000;
constexpr const char* damaged_hint = "move index.db away and pull the models again: files that are in the "
                                     "store already are not downloaded twice";

/// WAL needs shared memory between processes, which network filesystems do not give.
bool on_network_filesystem(const std::filesystem::path& file) {
    struct statfs status{};
    if (::statfs(file.c_str(), &status) != 0)
        return false;
    const auto type = static_cast<std::uint32_t>(status.f_type);
    constexpr std::uint32_t cifs = 0xff534d42;
    return type == NFS_SUPER_MAGIC || type == SMB_SUPER_MAGIC || type == SMB2_SUPER_MAGIC || type == cifs;
}

/// SQLite would create it with the umask's mode; its journals take over the mode of the file.
void create_private(const std::filesystem::path& file) {
    const UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd || ::fchmod(fd.get(), 0600) != 0)
        throw system_error(errno, "opening " + file.string());
}

} // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
    sqlite3_finalize(statement);
}

Statement::Statement(Connection& connection, std::string_view sql) : connection_(connection) {
    sqlite3_stmt* statement = nullptr;
    const int result = sqlite3_prepare_v2(connection.handle(), sql.data(), static_cast<int>(sql.size()),
                                          &statement, nullptr);
    statement_.reset(statement);
    check(result, "preparing a query");
}

void Statement::check(int result, const char* doing) const {
    if (result != SQLITE_OK)
        connection_.fail(result, doing);
}

Statement& Statement::bind(std::string_view text) {
    const char* data = text.data() == nullptr ? "" : text.data(); // a null pointer would bind NULL
    check(sqlite3_bind_text64(statement_.get(), ++bound_, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8),
          "binding text");
    return *this;
}

Statement& Statement::bind_blob(std::string_view bytes) {
    const char* data = bytes.data() == nullptr ? "" : bytes.data();
    check(sqlite3_bind_blob64(statement_.get(), ++bound_, data, bytes.size(), SQLITE_TRANSIENT),
          "binding bytes");
    return *this;
}

Statement& Statement::bind(std::int64_t number) {
    check(sqlite3_bind_int64(statement_.get(), ++bound_, number), "binding a number");
    return *this;
}

Statement& Statement::bind(std::uint64_t number) {
    if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        throw Error(ErrorCode::invalid_argument, "a number is too large for the index");
    return bind(static_cast<std::int64_t>(number));
}

Statement& Statement::bind(double number) {
    check(sqlite3_bind_double(statement_.get(), ++bound_, number), "binding a number");
    return *this;
}

bool Statement::step() {
    const int result = sqlite3_step(statement_.get());
    if (result == SQLITE_ROW)
        return true;
    if (result != SQLITE_DONE)
        connection_.fail(result, "asking the index");
    return false;
}

void Statement::run() {
    while (step()) {
    }
}

Statement& Statement::reset() {
    sqlite3_reset(statement_.get()); // its result repeats the error that step() threw
    sqlite3_clear_bindings(statement_.get());
    bound_ = 0;
    return *this;
}

std::string Statement::text(int column) const {
    return blob(column);
}

std::string Statement::blob(int column) const {
    const void* bytes = sqlite3_column_blob(statement_.get(), column);
    const int size = sqlite3_column_bytes(statement_.get(), column);
    return bytes == nullptr ? std::string()
                            : std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

std::int64_t Statement::integer(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
}

double Statement::real(int column) const {
    return sqlite3_column_double(statement_.get(), column);
}

void Connection::Close::operator()(sqlite3* handle) const noexcept {
    sqlite3_close_v2(handle);
}

Connection::Connection(const std::filesystem::path& file) : file_(file) {
    create_private(file);
    sqlite3* handle = nullptr;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    const int result = sqlite3_open_v2(file.c_str(), &handle, flags, nullptr);
    handle_.reset(handle); // also after an error, with its message
    if (result != SQLITE_OK)
        fail(result, "opening the index");
    configure();
    check_intact();
    migrate();
}

void Connection::configure() {
    sqlite3_busy_timeout(handle(), busy_timeout_ms);
    execute(on_network_filesystem(file_) ? "PRAGMA journal_mode = DELETE" : "PRAGMA journal_mode = WAL");
    execute("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;"
            "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -1024");
}

void Connection::check_intact() {
    Statement check = prepare("PRAGMA quick_check(1)");
    if (check.step() && check.text(0) != "ok")
        throw Error(ErrorCode::store_failed, file_.string() + " is damaged: " + check.text(0), damaged_hint);
}

void Connection::migrate() {
    const auto version = [this] {
        Statement query = prepare("PRAGMA user_version");
        query.step();
        return query.integer(0);
    };
    const auto newest = static_cast<std::int64_t>(migrations().size());
    if (version() == newest)
        return;
    if (version() > newest)
        throw Error(ErrorCode::store_failed, file_.string() + " was made by a newer Hearth", "update Hearth");
    Transaction transaction(*this);
    for (const Migration& migration : migrations()) {
        if (migration.number <= version())
            continue;
        execute(std::string(migration.sql).c_str());
        execute(fmt::format("PRAGMA user_version = {}", migration.number).c_str());
    }
    transaction.commit();
}

void Connection::execute(const char* sql) {
    const int result = sqlite3_exec(handle(), sql, nullptr, nullptr, nullptr);
    if (result != SQLITE_OK)
        fail(result, "writing the index");
}

std::int64_t Connection::changes() const {
    return sqlite3_changes64(handle());
}

void Connection::fail(int result, const std::string& doing) const {
    const char* why = handle() != nullptr ? sqlite3_errmsg(handle()) : sqlite3_errstr(result);
    const std::string text = fmt::format("{} {}: {}", doing, file_.string(), why);
    switch (result & 0xff) { // without the extended part
    case SQLITE_FULL:
        throw Error(ErrorCode::disk_full, text, "free space on the disk of the store");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        throw Error(ErrorCode::store_failed, text, damaged_hint);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        throw Error(ErrorCode::store_failed, text, "another program holds index.db open");
    case SQLITE_NOMEM:
        throw std::bad_alloc();
    default:
        throw Error(ErrorCode::store_failed, text);
    }
}

Transaction::Transaction(Connection& connection) : connection_(connection) {
    connection.execute("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
    if (open_)
        sqlite3_exec(connection_.handle(), "ROLLBACK", nullptr, nullptr,
                     nullptr); // fails only when SQLite did it already
}

void Transaction::commit() {
    connection_.execute("COMMIT");
    open_ = false;
}

} // namespace hearth::registry
