#include "base/error.hpp"
#include "base/log.hpp"
#include "process/sandbox.hpp"
#include "process/spawn.hpp"
#include "process/wire/server.hpp"
#include "runtime/host/control_thread.hpp"
#include "runtime/host/host.hpp"
#include "runtime/host/plugin.hpp"
#include "runtime/host/scratch.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fmt/format.h>

#include <csignal>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace {

using namespace hearth;

constexpr int wire_number = 3;
constexpr std::size_t most_streams = 256;

struct Arguments {
    std::string plugin;
    std::string sha256;
    std::string config; ///< for the plugin: JSON, may be empty
};

std::optional<Arguments> parse_arguments(std::span<char*> words) {
    Arguments arguments;
    for (std::size_t index = 1; index + 1 < words.size(); index += 2) {
        const std::string_view name = words[index];
        if (name == "--plugin") {
            arguments.plugin = words[index + 1];
        } else if (name == "--sha256") {
            arguments.sha256 = words[index + 1];
        } else if (name == "--config") {
            arguments.config = words[index + 1];
        } else {
            return std::nullopt;
        }
    }
    const bool complete = words.size() % 2 == 1 && arguments.plugin.starts_with('/');
    return complete ? std::optional(arguments) : std::nullopt;
}

int print_usage() {
    fmt::print(stderr,
               "usage: hearth-runner --plugin /path/to/hearth-NAME.so [--sha256 HEX] [--config JSON]\n"
               "hearthd starts this program, with a socket as descriptor {}.\n",
               wire_number);
    return 2;
}

/// When memory runs out, the kernel should take a runner and not the service. Before the process becomes
/// undumpable: its /proc files belong to root then.
void prefer_this_process_when_memory_runs_out() {
    const UniqueFd file(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
    if (!file || ::write(file.get(), "500", 3) != 3) {
        log::debug("runner", "oom_score_adj could not be set");
    }
}

/// The core has gone, or needs this runner no more. Somebody may be waiting for its memory: the kernel frees that faster
/// than a plugin's destructors, and does not wait for an engine in the middle of a step.
[[noreturn]] void leave(runtime::Scratch& scratch) {
    scratch.remove();
    // As _exit, which under a sanitizer looks for threads that have just ended and nobody joined.
    ::syscall(SYS_exit_group, 0);
    std::unreachable();
}

void run(const Arguments& arguments) {
    prefer_this_process_when_memory_runs_out();
    process::tie_to_parent();
    ::fcntl(wire_number, F_SETFD, FD_CLOEXEC);
    runtime::Scratch scratch;
    if (!arguments.sha256.empty()) {
        runtime::check_library(arguments.plugin, arguments.sha256);
    }
    process::enter_sandbox(process::SandboxProfile::runner);
    runtime::Plugin plugin(arguments.plugin);
    runtime::ControlThread control;
    control.run([&] { plugin.init(scratch.path(), arguments.config); });
    runtime::Host host(plugin.table(), control);
    const process::wire::ServerOptions options{.role = "runner",
                                               .hello_extra = plugin.hello(),
                                               .max_threads = most_streams,
                                               .on_eof = [&scratch] { leave(scratch); }};
    process::wire::serve(UniqueFd(wire_number), options,
                         [&host](process::wire::ServerStream& stream) { host.serve(stream); });
}

} // namespace

int main(int count, char** words) {
    log::init_from_environment();
    ::signal(SIGPIPE, SIG_IGN);
    ::prctl(PR_SET_NAME, "hearth-runner");
    const auto arguments = parse_arguments(std::span(words, static_cast<std::size_t>(count)));
    if (!arguments || ::fcntl(wire_number, F_GETFD) < 0) {
        return print_usage();
    }
    int status = 0;
    try {
        run(*arguments);
    } catch (const std::exception& error) {
        log::error("runner", error.what());
        status = 1;
    }
    // Not exit(): a plugin's static destructors run beside its own threads.
    ::_exit(status);
}
