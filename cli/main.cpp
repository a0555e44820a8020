#include "base/error.hpp"
#include "cli/arguments.hpp"
#include "cli/commands/commands.hpp"
#include "cli/complete.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/service.hpp"
#include "protocol/error_table.hpp"

#include <algorithm>
#include <array>
#include <clocale>
#include <csignal>
#include <langinfo.h>
#include <string_view>

namespace hearth::cli {
namespace {

struct CommandEntry {
    std::string_view name;
    int (*run)(const Arguments& arguments, Service& service);
};

constexpr std::array<CommandEntry, 21> entries{{
    {"version", run_version}, {"status", run_status}, {"list", run_list},       {"plan", run_plan},
    {"ps", run_ps},           {"show", run_show},     {"pull", run_pull},       {"quantize", run_quantize},
    {"search", run_search},   {"rm", run_rm},         {"load", run_load},       {"stop", run_stop},
    {"devices", run_devices}, {"config", run_config}, {"service", run_service}, {"doctor", run_doctor},
    {"run", run_run},         {"token", run_token},   {"use", run_use},         {"open", run_open},
    {"backend", run_backend},
}};

int run_command(const Arguments& arguments) {
    if (arguments.command == "help") {
        return run_help(arguments);
    }
    Interrupt interrupt;
    Service service(interrupt, arguments.quiet);
    const auto entry = std::find_if(entries.begin(), entries.end(),
                                    [&](const CommandEntry& row) { return row.name == arguments.command; });
    return entry->run(arguments, service);
}

int guarded_main(std::vector<std::string> words) {
    if (words.size() == 2 && words.front() == "__complete") {
        return complete(words.back());
    }
    const bool json = std::find(words.begin(), words.end(), "--json") != words.end();
    try {
        return run_command(parse_arguments(std::move(words)));
    } catch (...) {
        const Error error = to_error(std::current_exception());
        print_error(error, json);
        return protocol::error_row(error.code()).exit_code;
    }
}

} // namespace
} // namespace hearth::cli

int main(int count, char** values) {
    // A reader that closes our stdout ends us quietly, even when our parent ignores the signal; sockets use
    // MSG_NOSIGNAL.
    std::signal(SIGPIPE, SIG_DFL);
    std::setlocale(LC_CTYPE, "");
    if (std::string_view(::nl_langinfo(CODESET)) ==
        "ANSI_X3.4-1968") { // no LANG: what is typed is UTF-8 nevertheless
        std::setlocale(LC_CTYPE, "C.UTF-8");
    }
    return hearth::cli::guarded_main(std::vector<std::string>(values + std::min(count, 1), values + count));
}
