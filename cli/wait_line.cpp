#include "cli/wait_line.hpp"

#include "cli/output.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

namespace hearth::cli {

std::string waiting_text(const Json& event) {
    const std::int64_t ahead = get_integer(event, "ahead").value_or(0);
    const std::string place = ahead > 0 ? fmt::format("{} ahead", ahead) : "next";
    const std::string reason = printable_line(get_string(event, "reason").value_or(""));
    return "waiting: " + place + (reason.empty() ? "" : ", " + reason);
}

WaitLine::WaitLine(bool terminal) : terminal_(terminal) {}

WaitLine::~WaitLine() {
    wipe();
}

void WaitLine::wipe() {
    if (drawn_) {
        note("\r\x1b[K");
        drawn_ = false;
    }
}

bool WaitLine::show(const Json& event) {
    const auto status = event.find("status");
    const bool waiting = status != event.end() && *status == "waiting";
    const bool loading = status != event.end() && *status == "loading";
    if (!waiting && !loading) {
        return false;
    }
    if (!terminal_) {
        const std::string text = waiting ? waiting_text(event) : std::string();
        if (waiting && text != told_) {
            note(text + "\n");
        }
        told_ = text;
        return true;
    }
    const std::string text =
        waiting ? waiting_text(event)
                : fmt::format("loading {} {:.0f}%", printable_line(get_string(event, "stage").value_or("")),
                              get_number(event, "fraction").value_or(0) * 100);
    note("\r" + elide(text, terminal_width(STDERR_FILENO) - 1) + "\x1b[K");
    drawn_ = true;
    return true;
}

} // namespace hearth::cli
