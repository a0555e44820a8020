#include "process/start_service.hpp"

#include "base/error.hpp"
#include "base/paths.hpp"
#include "base/unique_fd.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>

namespace hearth::process {
namespace {

UniqueFd open_log() {
    const std::filesystem::path path = paths::log_file();
    std::error_code failure;
    std::filesystem::create_directories(path.parent_path(), failure);
    UniqueFd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) {
        throw system_error(errno, "opening the log " + path.string());
    }
    return fd;
}

constexpr std::size_t most_words = 400; // bytes of the log that fit an error

std::uintmax_t size_of(const UniqueFd& file) {
    struct stat status = {};
    return ::fstat(file.get(), &status) == 0 ? static_cast<std::uintmax_t>(status.st_size) : 0;
}

} // namespace

/// What it wrote into its log, as one line.
std::string StartedService::last_words() const {
    std::ifstream log(paths::log_file());
    log.seekg(static_cast<std::streamoff>(log_before_));
    std::string said;
    for (std::string line; std::getline(log, line);) {
        line.erase(0, line.find_first_not_of(" \t"));
        if (!line.empty()) {
            said += (said.empty() ? "" : "; ") + line;
        }
    }
    return said.size() > most_words ? "…" + said.substr(said.size() - most_words) : said;
}

std::optional<std::string> StartedService::failure() {
    constexpr int another_owns_the_socket = 75; // design section 4
    const auto ending = process_.try_reap();
    if (!ending || ending->exit_code == another_owns_the_socket) {
        return std::nullopt;
    }
    const std::string how = ending->signal != 0
                                ? fmt::format("hearthd was ended by signal {}", ending->signal)
                                : fmt::format("hearthd ended with exit code {}", ending->exit_code);
    const std::string said = last_words();
    return said.empty() ? how : how + ", saying: " + said;
}

StartedService start_service() {
    const UniqueFd log = open_log();
    const std::uintmax_t before = size_of(log);
    try {
        return {start_detached(paths::sibling_program("hearthd"), {"--leave-when-idle"}, log.get()), before};
    } catch (Error& error) {
        error.set_hint("install hearthd beside hearth, or start it yourself");
        throw;
    }
}

} // namespace hearth::process
