#include "cli/service.hpp"

#include "base/error.hpp"
#include "base/paths.hpp"
#include "cli/arguments.hpp"
#include "cli/commands/commands.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/terminal.hpp"
#include "cli/user_manager.hpp"
#include "cli/user_units.hpp"
#include "process/program.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <iterator>
#include <poll.h>
#include <pwd.h>
#include <sstream>
#include <unistd.h>

namespace hearth::cli {
namespace {

constexpr const char* socket_unit = "hearthd.socket";
constexpr const char* service_unit = "hearthd.service";
constexpr std::chrono::seconds stop_limit(60);
constexpr std::chrono::milliseconds stop_pause(20);

std::string own_user() {
    const passwd* user =
        ::getpwuid(::geteuid()); // NOLINT(concurrency-mt-unsafe): this program has one thread
    return user != nullptr ? user->pw_name : std::to_string(::geteuid());
}

bool lingers() {
    std::error_code ignored;
    return std::filesystem::exists("/var/lib/systemd/linger/" + own_user(), ignored);
}

/// The service that answers, or nothing. One that sleeps is let sleep.
std::optional<pid_t> answering_pid(const Service& service) {
    if (service.asleep()) {
        return std::nullopt;
    }
    try {
        const auto pid = get_integer(service.client().get("/hearth/v1/status"), "pid");
        return pid ? std::optional(static_cast<pid_t>(*pid)) : std::nullopt;
    } catch (const Error& error) {
        if (error.code() != ErrorCode::daemon_unreachable) {
            throw;
        }
        return std::nullopt;
    }
}

bool is_managed(pid_t pid) {
    return user_manager::main_pid(service_unit) == pid;
}

/// A process that its parent has not reaped yet has ended as well.
bool has_ended(pid_t pid) {
    if (::kill(pid, 0) != 0) {
        return errno == ESRCH;
    }
    std::ifstream file(fmt::format("/proc/{}/stat", pid));
    const std::string stat{std::istreambuf_iterator<char>(file), {}};
    const auto name_end = stat.rfind(')');
    return name_end != std::string::npos && stat.compare(name_end, 3, ") Z") == 0;
}

/// Ends a service that no manager started, and waits: it lets answers finish first.
void stop_unmanaged(pid_t pid, Interrupt& interrupt) {
    if (::kill(pid, SIGTERM) != 0 && errno != ESRCH) {
        throw system_error(errno, fmt::format("ending the service (process {})", pid),
                           ErrorCode::backend_failed);
    }
    const auto deadline = std::chrono::steady_clock::now() + stop_limit;
    while (!has_ended(pid)) {
        if (std::chrono::steady_clock::now() > deadline) {
            throw Error(ErrorCode::timeout,
                        fmt::format("the service (process {}) has not ended in a minute", pid),
                        fmt::format("kill -KILL {}", pid));
        }
        pollfd watched{interrupt.fd(), POLLIN, 0};
        ::poll(&watched, 1, static_cast<int>(stop_pause.count()));
        interrupt.check();
    }
}

/// @return whether one ran
bool stop(const Service& service) {
    const auto pid = answering_pid(service);
    if (!pid) {
        return false;
    }
    if (is_managed(*pid)) {
        user_manager::command({"stop", service_unit});
    } else {
        stop_unmanaged(*pid, service.interrupt());
    }
    return true;
}

/// What was done, line by line, for people or as one object.
class Report {
  public:
    explicit Report(const Arguments& arguments) : arguments_(arguments) { answer_["done"] = Json::array(); }

    void say(const std::string& line) {
        answer_["done"].push_back(line);
        if (!arguments_.json && !arguments_.quiet) {
            print(printable(line + "\n"));
        }
    }
    void end() {
        if (arguments_.json) {
            print_json(std::move(answer_));
        }
    }

  private:
    const Arguments& arguments_;
    Json answer_;
};

void require_manager() {
    if (!user_manager::answers()) {
        throw Error(ErrorCode::unsupported, "no service manager of this user answers (systemctl --user)",
                    "hearth starts the service when it is needed; on a server, log in by ssh or set "
                    "XDG_RUNTIME_DIR to "
                    "/run/user/" +
                        std::to_string(::geteuid()));
    }
}

void enable(const Arguments& arguments, const Service& service) {
    require_manager();
    Report report(arguments);
    // What a package brought stays; what we wrote follows the program when it moves.
    std::error_code ignored;
    if (!user_manager::knows(socket_unit) ||
        std::filesystem::exists(user_unit_dir() / socket_unit, ignored)) {
        for (const auto& file : write_user_units(paths::sibling_program("hearthd"))) {
            report.say("wrote " + file.string());
        }
        user_manager::command({"daemon-reload"});
    }
    if (const auto pid = answering_pid(service); pid && !is_managed(*pid)) {
        stop_unmanaged(*pid,
                       service.interrupt()); // systemd would bind its sockets over those of a running service
        report.say("ended the service that ran until now");
    }
    if (user_manager::enabled_state(socket_unit) == "masked") {
        user_manager::command({"unmask", socket_unit});
    }
    user_manager::command({"enable", "--now", socket_unit});
    report.say("enabled: the first connection starts the service");
    if (arguments.service.at_boot) {
        user_manager::login_command({"enable-linger", own_user()});
        report.say("it starts at boot and lives on after you log out (lingering is on for " + own_user() +
                   ")");
    } else if (!lingers()) {
        report.say("it ends when you log out; hearth service enable --at-boot changes that");
    }
    report.end();
}

void disable(const Arguments& arguments) {
    require_manager();
    Report report(arguments);
    if (user_manager::knows(socket_unit)) {
        user_manager::command({"disable", "--now", socket_unit, service_unit});
        if (user_manager::enabled_state(socket_unit) == "enabled") { // a package enables it for everybody
            user_manager::command({"mask", socket_unit});
        }
        report.say("disabled: hearth starts the service when a command needs it");
    }
    for (const auto& file : remove_user_units()) {
        report.say("removed " + file.string());
    }
    user_manager::command({"daemon-reload"});
    if (arguments.service.at_boot) {
        user_manager::login_command({"disable-linger", own_user()});
        report.say("lingering is off for " + own_user());
    }
    report.end();
}

void restart(const Arguments& arguments, Service& service) {
    Report report(arguments);
    if (const auto pid = answering_pid(service); pid && is_managed(*pid)) {
        user_manager::command({"restart", service_unit});
    } else if (pid) {
        stop_unmanaged(*pid, service.interrupt());
    }
    const auto version = get_string(service.started_client().get("/api/version"), "version");
    report.say("the service runs, version " + version.value_or("?"));
    report.end();
}

void stop_and_say(const Arguments& arguments, const Service& service) {
    Report report(arguments);
    report.say(stop(service) ? "the service has ended; the next command starts it" : "no service runs");
    report.end();
}

void show_status(const Arguments& arguments, const Service& service) {
    const auto pid = answering_pid(service);
    const bool manager = user_manager::answers();
    Json answer;
    answer["running"] = pid.has_value();
    answer["asleep"] = service.asleep();
    answer["pid"] = pid ? Json(*pid) : Json();
    answer["managed"] = pid && is_managed(*pid);
    answer["manager"] = manager;
    answer["socket"] = service.client().socket().string();
    answer["socket_unit"] = manager ? user_manager::enabled_state(socket_unit) : "";
    answer["service_unit"] = manager ? user_manager::active_state(service_unit) : "";
    answer["lingering"] = lingers();
    if (arguments.json) {
        print_json(std::move(answer));
        return;
    }
    const std::string how = answer["managed"] == true ? "by systemd" : "by itself";
    std::string text = "not running\n";
    if (pid) {
        text = fmt::format("running {} (process {})\n", how, *pid);
    } else if (answer["asleep"] == true) {
        text = "asleep: the first connection starts it\n";
    }
    if (!arguments.quiet) {
        text += fmt::format("  socket     {}\n", answer["socket"].get<std::string>());
        text += fmt::format("  at login   {}\n", !manager ? "no service manager of this user answers"
                                                 : answer["socket_unit"] == "enabled"
                                                     ? "yes: the first connection starts it"
                                                     : "no; hearth service enable");
        text += fmt::format("  at boot    {}\n", lingers() ? "yes" : "no; hearth service enable --at-boot");
    }
    print(printable(text));
}

std::vector<std::string> log_command(const ServiceOptions& options, bool journal) {
    const std::string lines = std::to_string(options.lines);
    std::vector<std::string> words =
        journal
            ? std::vector<std::string>{"journalctl", "--user", "--no-pager", "-u", service_unit, "-n", lines}
            : std::vector<std::string>{"tail", "-n", lines, paths::log_file().string()};
    if (options.follow) {
        words.insert(words.begin() + 1, journal ? "-f" : "-F");
    }
    return words;
}

void show_logs(const Arguments& arguments, const Service& service) {
    const ServiceOptions& options = arguments.service;
    const auto pid = answering_pid(service);
    const bool journal = pid ? is_managed(*pid) : user_manager::enabled_state(socket_unit) == "enabled";
    if (!journal && ::access(paths::log_file().c_str(), R_OK) != 0) {
        throw Error(ErrorCode::store_failed, "there is no log yet: " + paths::log_file().string(),
                    "a service that you started yourself logs to its stderr");
    }
    if (!arguments.json) {
        process::become_program(log_command(options, journal));
    }
    const auto said = process::ask_program(log_command({.lines = options.lines}, journal));
    Json answer;
    answer["source"] = journal ? "journal" : paths::log_file().string();
    answer["lines"] = Json::array();
    std::istringstream lines(said ? said->out : "");
    for (std::string line; std::getline(lines, line);) {
        answer["lines"].push_back(line);
    }
    print_json(std::move(answer));
}

} // namespace

int run_service(const Arguments& arguments, Service& service) {
    const std::string& action = arguments.service.action;
    if (action == "enable") {
        enable(arguments, service);
    } else if (action == "disable") {
        disable(arguments);
    } else if (action == "restart") {
        restart(arguments, service);
    } else if (action == "stop") {
        stop_and_say(arguments, service);
    } else if (action == "logs") {
        show_logs(arguments, service);
    } else {
        show_status(arguments, service);
    }
    return 0;
}

} // namespace hearth::cli
