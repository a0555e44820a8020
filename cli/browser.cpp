#include "cli/browser.hpp"

#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "cli/interrupt.hpp"
#include "process/detached.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <sstream>

namespace hearth::cli {
namespace {

constexpr auto opener = "xdg-open";
// Where it starts the browser itself it stays as long as that; a refusal comes sooner.
constexpr std::chrono::seconds refusal_limit(2);
constexpr int look_milliseconds = 10;

std::string variable(const char* name) {
    const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): one thread
    return value != nullptr ? value : "";
}

bool has_desktop() {
    return !variable("DISPLAY").empty() || !variable("WAYLAND_DISPLAY").empty() ||
           !variable("BROWSER").empty();
}

std::optional<std::filesystem::path> find_program(const std::string& name) {
    std::istringstream folders(variable("PATH"));
    for (std::string folder; std::getline(folders, folder, ':');) {
        std::filesystem::path path = std::filesystem::path(folder) / name;
        if (path.is_absolute() && ::access(path.c_str(), X_OK) == 0) {
            return path;
        }
    }
    return std::nullopt;
}

} // namespace

bool open_in_browser(const std::string& address, Interrupt& interrupt) {
    const auto program = has_desktop() ? find_program(opener) : std::nullopt;
    if (!program) {
        return false;
    }
    const UniqueFd nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    std::optional<process::DetachedProcess> browser;
    try {
        browser = process::start_detached(*program, {address}, nowhere.get());
    } catch (const Error&) {
        return false;
    }
    const auto deadline = std::chrono::steady_clock::now() + refusal_limit;
    while (std::chrono::steady_clock::now() < deadline) {
        if (const auto ending = browser->try_reap()) {
            return ending->signal == 0 && ending->exit_code == 0;
        }
        pollfd watched{interrupt.fd(), POLLIN, 0};
        ::poll(&watched, 1, look_milliseconds);
        interrupt.check();
    }
    return true;
}

} // namespace hearth::cli
