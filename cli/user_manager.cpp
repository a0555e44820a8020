#include "cli/user_manager.hpp"

#include "base/error.hpp"
#include "process/program.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cstdlib>

namespace hearth::cli::user_manager {
namespace {

/// Stopping a service waits until its runners have ended.
constexpr auto patience = std::chrono::seconds(90);

std::string first_line(const std::string& text) {
    return text.substr(0, text.find('\n'));
}

std::string word(const std::vector<std::string>& question) {
    std::vector<std::string> words{"systemctl", "--user"};
    words.insert(words.end(), question.begin(), question.end());
    const auto answer = process::ask_program(words);
    return answer ? first_line(answer->out) : "";
}

void run(const std::vector<std::string>& words) {
    const auto answer = process::ask_program(words, patience);
    const std::string text = fmt::format("{}", fmt::join(words, " "));
    if (!answer) {
        throw Error(ErrorCode::unsupported, words.front() + " is not on this machine");
    }
    if (answer->exit_code != 0) {
        throw Error(ErrorCode::backend_failed, fmt::format("{}: {}", text, first_line(answer->err)),
                    "run it yourself to see more: " + text);
    }
}

} // namespace

bool answers() {
    const auto answer = process::ask_program({"systemctl", "--user", "show", "--property=Version"});
    return answer && answer->exit_code == 0;
}

bool knows(const std::string& unit) {
    const std::string state = word({"show", "--property=LoadState", "--value", unit});
    return !state.empty() && state != "not-found"; // "masked" is known too
}

std::string enabled_state(const std::string& unit) {
    return word({"is-enabled", unit});
}

std::string active_state(const std::string& unit) {
    return word({"is-active", unit});
}

std::optional<pid_t> main_pid(const std::string& service) {
    const int pid = std::atoi(word({"show", "--property=MainPID", "--value", service}).c_str());
    return pid > 0 ? std::optional<pid_t>(pid) : std::nullopt;
}

void command(const std::vector<std::string>& words) {
    std::vector<std::string> all{"systemctl", "--user"};
    all.insert(all.end(), words.begin(), words.end());
    run(all);
}

void login_command(const std::vector<std::string>& words) {
    std::vector<std::string> all{"loginctl"};
    all.insert(all.end(), words.begin(), words.end());
    run(all);
}

} // namespace hearth::cli::user_manager
