#include "daemon/shipped_model.hpp"

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "registry/catalog.hpp"
#include "registry/pull/pull_engine.hpp"
#include "registry/shipped_models.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <sys/stat.h>

#include <optional>
#include <string>
#include <utility>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

constexpr std::uint64_t note_limit_bytes = 64u << 10;

/// What an earlier start did.
struct Note {
    std::string file;  ///< which file it was
    std::string model; ///< the model that it became; empty: the name was taken
};

struct Seen {
    std::optional<std::string> file; ///< the shipped file as it is now; nullopt: there is none
    std::optional<Note> note;
};

/// Says whether the file is still the same without reading it.
std::optional<std::string> file_state() {
    const auto file = registry::shipped_model(registry::ember_name);
    struct stat status{};
    if (!file || ::stat(file->c_str(), &status) != 0) {
        return std::nullopt;
    }
    return fmt::format("{} bytes of {}.{:09}", status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

std::optional<Note> read_note(const std::filesystem::path& path) {
    std::error_code absent;
    if (!std::filesystem::exists(path, absent)) {
        return std::nullopt;
    }
    const Json note = parse_json(read_file(path, note_limit_bytes), "the file");
    return Note{require_string(note, "file"), get_string(note, "model").value_or("")};
}

void write_note(const std::filesystem::path& path, const Note& note) {
    const Json text = {{"version", 1}, {"file", note.file}, {"model", note.model}};
    write_file_atomically(path, text.dump(1) + "\n");
}

/// @param present  what has the name in the store
bool may_bring(const Seen& seen, const std::optional<registry::Model>& present) {
    if (!seen.note) { // the first start
        return !present;
    }
    return present && present->digest.text() == seen.note->model; // an update of what was never touched
}

} // namespace

ShippedModel::ShippedModel(asio::any_io_executor executor, registry::PullEngine& pulls,
                           registry::Catalog& catalog, BlockingPool& disk, std::filesystem::path note)
    : pulls_(pulls), catalog_(catalog), disk_(disk), note_(std::move(note)), settled_(executor),
      tasks_(executor) {}

void ShippedModel::start() {
    tasks_.spawn("shipped", install());
}

asio::awaitable<void> ShippedModel::settled() {
    while (!done_) {
        co_await settled_.wait();
    }
}

asio::awaitable<void> ShippedModel::stop() {
    tasks_.cancel();
    co_await tasks_.join();
}

asio::awaitable<void> ShippedModel::install() {
    try {
        co_await bring();
    } catch (...) {
        const Error error = to_error(std::current_exception());
        if (error.code() != ErrorCode::cancelled) {
            log::warning("shipped",
                         fmt::format("ember was not put into the store: {} ({}); the next start tries again",
                                     error.what(), code_name(error.code())));
        }
    }
    done_ = true;
    settled_.notify_all();
}

asio::awaitable<void> ShippedModel::bring() {
    auto look = [path = note_] { return Seen{file_state(), read_note(path)}; };
    const Seen seen = co_await run_blocking(disk_, std::move(look));
    if (!seen.file || (seen.note && seen.note->file == *seen.file)) {
        co_return;
    }
    const auto present = co_await catalog_.find(std::string(registry::ember_name));
    Note note{*seen.file, seen.note ? seen.note->model : ""};
    if (may_bring(seen, present)) {
        registry::PullRequest request;
        request.name = registry::ember_name;
        auto quiet = [](const registry::PullProgress&) {};
        const registry::Model model = co_await pulls_.pull(std::move(request), std::move(quiet));
        note.model = model.digest.text();
    }
    auto write = [path = note_, note = std::move(note)] { write_note(path, note); };
    co_await run_blocking(disk_, std::move(write));
}

} // namespace hearth::daemon
