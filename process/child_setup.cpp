#include "process/child_setup.hpp"

#include "base/error.hpp"
#include "process/spawn.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <string_view>

namespace hearth::process {

namespace {

constexpr std::array kept_names{
    std::string_view("PATH"),          std::string_view("HOME"),           std::string_view("LANG"),
    std::string_view("TMPDIR"),        std::string_view("JOURNAL_STREAM"), std::string_view("ASAN_OPTIONS"),
    std::string_view("UBSAN_OPTIONS"), std::string_view("TSAN_OPTIONS"),   std::string_view("LSAN_OPTIONS")};
constexpr std::array kept_prefixes{std::string_view("XDG_"), std::string_view("HEARTH_")};
constexpr const char* parent_variable = "HEARTH_PARENT_PID";

std::string_view name_of(std::string_view variable) {
    return variable.substr(0, variable.find('='));
}

bool is_kept(std::string_view name) {
    const auto starts = [name](std::string_view prefix) { return name.starts_with(prefix); };
    return std::find(kept_names.begin(), kept_names.end(), name) != kept_names.end() ||
           std::any_of(kept_prefixes.begin(), kept_prefixes.end(), starts);
}

void close_range_of(unsigned first, unsigned last) noexcept {
    if (first > last || ::syscall(SYS_close_range, first, last, 0) == 0) {
        return;
    }
    rlimit limit{}; // a kernel before 5.9
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > 65536) {
        limit.rlim_cur = 65536;
    }
    for (unsigned fd = first; fd <= last && fd < limit.rlim_cur; ++fd) {
        ::close(static_cast<int>(fd));
    }
}

} // namespace

void close_all_but(std::span<const int> kept) noexcept {
    unsigned first = 3;
    for (const int fd : kept) {
        close_range_of(first, static_cast<unsigned>(fd) - 1);
        first = static_cast<unsigned>(fd) + 1;
    }
    close_range_of(first, UINT_MAX);
}

void reset_signals() noexcept {
    struct sigaction fresh{};
    fresh.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; ++number) {
        ::sigaction(number, &fresh, nullptr); // fails for KILL and STOP, which is right
    }
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void die_with_parent(pid_t parent) noexcept {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) { // it went before the line above
        ::_exit(0);
    }
}

void forbid_dumps() noexcept {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    ::prctl(PR_SET_DUMPABLE, 0);
}

std::vector<std::string> child_environment(const std::vector<std::string>& added) {
    std::vector<std::string> result;
    const auto put = [&result](std::string variable) {
        const std::string_view name = name_of(variable);
        std::erase_if(result, [name](const std::string& other) { return name_of(other) == name; });
        result.push_back(std::move(variable));
    };
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        if (is_kept(name_of(*entry))) {
            put(*entry);
        }
    }
    put(std::string(parent_variable) + "=" + std::to_string(::getpid()));
    for (const std::string& variable : added) {
        if (variable.starts_with("LD_") || variable.find('=') == std::string::npos) {
            throw Error(ErrorCode::invalid_argument,
                        "\"" + variable + "\" may not be set for a child process");
        }
        put(variable);
    }
    return result;
}

void tie_to_parent() {
    const char* text = std::getenv(parent_variable);
    die_with_parent(text != nullptr ? static_cast<pid_t>(std::strtol(text, nullptr, 10)) : ::getppid());
    forbid_dumps();
}

} // namespace hearth::process
