#include "daemon/config_keeper.hpp"

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "base/paths.hpp"
#include "base/unique_fd.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <sys/inotify.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>

namespace hearth::daemon {

namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

constexpr std::uint32_t changes = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE;

/// Watches the folders, because editors replace the file. A folder that is not there is not watched.
void watch_folders(int inotify) {
    for (const fs::path& file : paths::config_files()) {
        ::inotify_add_watch(inotify, file.parent_path().c_str(), changes); // again: the same watch
    }
}

bool names_a_configuration(const std::string& name) {
    return std::ranges::any_of(paths::config_files(),
                               [&](const fs::path& file) { return file.filename() == name; });
}

/// Whether one of the kernel's records is about a file of ours.
bool concerns_us(const char* bytes, std::size_t length) {
    bool ours = false;
    for (std::size_t at = 0; at + sizeof(inotify_event) <= length;) {
        inotify_event event{};
        std::memcpy(&event, bytes + at, sizeof event);
        const char* name = bytes + at + sizeof event;
        ours =
            ours || (event.len > 0 && names_a_configuration(std::string(name, ::strnlen(name, event.len))));
        at += sizeof event + event.len;
    }
    return ours;
}

/// Blocking. @throws Error
void change_user_file(const std::string& key, const std::optional<std::string>& value) {
    const fs::path file = paths::config_files().back();
    std::error_code ignored;
    const bool there = fs::exists(file, ignored);
    const std::string text = there ? read_file(file) : "";
    const std::string changed = value ? set_in_config(text, key, *value) : unset_in_config(text, key);
    if (changed == text) {
        return;
    }
    fs::create_directories(file.parent_path(), ignored);
    struct stat status{};
    const bool known = ::stat(file.c_str(), &status) == 0;
    const fs::path real =
        there ? fs::canonical(file, ignored) : file; // a link into somebody's dotfiles stays one
    write_file_atomically(real, changed, known ? status.st_mode & 0777u : 0600u);
}

} // namespace

const std::string& value_of(const ConfigRow& row) {
    return row.words.back().value;
}

ConfigKeeper::ConfigKeeper(asio::any_io_executor executor, Config& config, std::vector<ConfigRow> rows,
                           BlockingPool& disk, Seams seams)
    : executor_(std::move(executor)), config_(config), rows_(std::move(rows)), disk_(disk),
      seams_(std::move(seams)), tasks_(executor_) {
    for (const ConfigRow& row : rows_) {
        if (!row.live) {
            at_start_[row.name] = value_of(row);
        }
    }
}

void ConfigKeeper::start() {
    tasks_.spawn("config-files", watch_files());
    tasks_.spawn("config-signal", wait_for_signal());
}

asio::awaitable<void> ConfigKeeper::stop() {
    tasks_.cancel();
    co_await tasks_.join();
}

asio::awaitable<void> ConfigKeeper::watch_files() {
    UniqueFd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!fd) {
        log::warning("config", "changed files are read on SIGHUP alone: there is no inotify");
        co_return;
    }
    const int inotify = fd.release();
    asio::posix::stream_descriptor events(executor_, inotify);
    std::array<char, 4096> buffer{};
    for (;;) {
        watch_folders(inotify);
        const std::size_t length = co_await events.async_read_some(asio::buffer(buffer), asio::use_awaitable);
        if (concerns_us(buffer.data(), length)) {
            co_await reload();
        }
    }
}

asio::awaitable<void> ConfigKeeper::wait_for_signal() {
    asio::signal_set signals(executor_, SIGHUP);
    for (;;) {
        co_await signals.async_wait(asio::use_awaitable);
        co_await reload();
    }
}

asio::awaitable<void> ConfigKeeper::reload() {
    std::string why;
    try {
        auto read = [] { return Config::load_with_words(); };
        LoadedConfig loaded = co_await run_blocking(disk_, std::move(read));
        seams_.check(loaded.config);
        take(std::move(loaded));
    } catch (const Error& error) {
        if (error.code() == ErrorCode::cancelled) {
            throw;
        }
        why = error.what();
    }
    problem_ = why;
    if (!why.empty()) {
        log::warning("config", "the old settings stay in force: " + why);
        seams_.tell("config.problem", Json{{"error", why}});
    }
}

void ConfigKeeper::take(LoadedConfig loaded) {
    std::vector<std::string> changed;
    for (const ConfigRow& row : loaded.rows) {
        const auto before = std::ranges::find(rows_, row.name, &ConfigRow::name);
        if (before == rows_.end() || value_of(*before) != value_of(row)) {
            changed.push_back(row.name);
        }
    }
    for (const ConfigRow& row : rows_) {
        if (std::ranges::find(loaded.rows, row.name, &ConfigRow::name) == loaded.rows.end()) {
            changed.push_back(row.name);
        }
    }
    rows_ = std::move(loaded.rows);
    loaded.config.server = config_.server; // doors are opened once, before the process is locked
    loaded.config.default_registry = config_.default_registry;
    config_ = std::move(loaded.config);
    if (!changed.empty()) {
        log::info("config", fmt::format("read again; changed: {}", fmt::join(changed, ", ")));
        seams_.tell("config.changed", Json{{"keys", changed}});
    }
}

bool ConfigKeeper::waits_for_restart(const ConfigRow& row) const {
    const auto before = at_start_.find(row.name);
    return before != at_start_.end() && before->second != value_of(row);
}

asio::awaitable<void> ConfigKeeper::set(std::string key, std::optional<std::string> value) {
    co_await reload();
    if (!problem_.empty()) {
        throw Error(ErrorCode::invalid_argument, problem_,
                    "correct that first: the old settings are in force");
    }
    auto change = [key = std::move(key), value = std::move(value)] { change_user_file(key, value); };
    co_await run_blocking(disk_, std::move(change));
    co_await reload();
}

} // namespace hearth::daemon
