#include "process/start_service.hpp"

#include "base/error.hpp"
#include "base/paths.hpp"
#include "base/unique_fd.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fcntl.h>

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

} // namespace

std::optional<std::string> StartedService::failure() {
    constexpr int another_owns_the_socket = 75; // design section 4
    const auto ending = process_.try_reap();
    if (!ending || ending->exit_code == another_owns_the_socket) {
        return std::nullopt;
    }
    if (ending->signal != 0) {
        return fmt::format("hearthd was ended by signal {}", ending->signal);
    }
    return fmt::format("hearthd ended with exit code {}", ending->exit_code);
}

StartedService start_service() {
    const UniqueFd log = open_log();
    try {
        return StartedService(
            start_detached(paths::sibling_program("hearthd"), {"--leave-when-idle"}, log.get()));
    } catch (Error& error) {
        error.set_hint("install hearthd beside hearth, or start it yourself");
        throw;
    }
}

} // namespace hearth::process
