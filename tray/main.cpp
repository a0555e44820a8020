#include "base/error.hpp"
#include "base/log.hpp"
#include "base/paths.hpp"
#include "protocol/error_table.hpp"
#include "tray/app.hpp"
#include "tray/arguments.hpp"
#include "tray/model/state_json.hpp"
#include "tray/once.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <malloc.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <span>
#include <string>

namespace {

using namespace hearth; // NOLINT(google-build-using-namespace): this file is the program, nothing includes it

/// Small and steady, as the service is.
void tune_memory() {
    ::mallopt(M_ARENA_MAX, 1);
    ::mallopt(M_TRIM_THRESHOLD, 64 << 10);
    ::mallopt(M_MMAP_THRESHOLD, 64 << 10);
}

int print_once(bool json) {
    const tray::State state = tray::look_once(paths::api_socket());
    const std::string text = json ? to_text(tray::shown_json(state)) + "\n" : tray::shown_text(state);
    std::fwrite(text.data(), 1, text.size(), stdout);
    return 0;
}

int run(const tray::Arguments& arguments) {
    switch (arguments.action) {
    case tray::Arguments::Action::help:
        std::fwrite(tray::help_text.data(), 1, tray::help_text.size(), stdout);
        return 0;
    case tray::Arguments::Action::version:
        std::puts("hearth-tray " HEARTH_VERSION);
        return 0;
    case tray::Arguments::Action::once:
        return print_once(arguments.json);
    case tray::Arguments::Action::show:
        break;
    }
    return tray::App(paths::api_socket()).run();
}

int report(const Error& error) {
    std::fputs(fmt::format("hearth-tray: {}\n", error.what()).c_str(), stderr);
    if (!error.hint().empty()) {
        std::fputs(fmt::format("  {}\n", error.hint()).c_str(), stderr);
    }
    return protocol::error_row(error.code()).exit_code;
}

} // namespace

int main(int count, char** values) {
    tune_memory();
    std::signal(SIGPIPE, SIG_IGN);
    log::init_from_environment();
    try {
        const std::span<const char* const> words(values, static_cast<std::size_t>(count));
        return run(tray::parse_arguments(words.subspan(std::min<std::size_t>(1, words.size()))));
    } catch (...) {
        return report(to_error(std::current_exception()));
    }
}
