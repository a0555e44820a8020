#include "base/config.hpp"
#include "base/error.hpp"
#include "base/time.hpp"
#include "cli/arguments.hpp"
#include "cli/commands/commands.hpp"
#include "cli/output.hpp"
#include "cli/progress_line.hpp"
#include "cli/service.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <optional>

namespace hearth::cli {
namespace {

protocol::ClientRequest quantize_request(const QuantizeOptions& options) {
    Json body{{"model", options.model}, {"type", options.type}, {"stream", true}};
    if (!options.as.empty()) {
        body["as"] = options.as;
    }
    protocol::ClientRequest request;
    request.method = "POST";
    request.target = "/hearth/v1/quantize";
    request.body = to_text(body);
    return request;
}

std::uint64_t bytes_of(const Json& event, const char* key) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, get_integer(event, key).value_or(0)));
}

/// Runs to the last event. @throws Error  what the service did; cancelled on Ctrl-C, whereupon it stops, too
Json follow(const protocol::Client& client, const QuantizeOptions& options, bool json,
            ProgressLine* progress) {
    Json last = Json::object();
    const auto on_event = [&](const Json& event) {
        last = event;
        if (json) {
            print_json(event);
        } else if (progress != nullptr && event.contains("completed")) {
            progress->show(get_string(event, "status").value_or(""), bytes_of(event, "completed"),
                           bytes_of(event, "total"));
        }
    };
    try {
        client.stream_lines(quantize_request(options), on_event);
    } catch (Error& error) {
        if (error.code() == ErrorCode::cancelled) {
            error.set_hint("nothing of it was kept");
        }
        throw;
    }
    if (get_string(last, "status") != "success") {
        throw Error(ErrorCode::protocol, "the service ended without saying that it succeeded");
    }
    return last;
}

std::string result_text(const Json& result) {
    const Json saving = result.value("saving", Json::object());
    std::string text =
        fmt::format("{}  {}\n{:.2f} bits per weight; {:.1f} % less than F32, {:.1f} % less than F16\n",
                    printable_line(get_string(result, "model").value_or("")),
                    format_bytes(bytes_of(result, "size")), get_number(result, "bits_per_weight").value_or(0),
                    100 * get_number(saving, "f32").value_or(0), 100 * get_number(saving, "f16").value_or(0));
    if (const auto note = get_string(result, "note")) {
        text += printable_line(*note) + "\n";
    }
    return text;
}

} // namespace

int run_quantize(const Arguments& arguments, Service& service) {
    const protocol::Client& client = service.started_client();
    std::optional<ProgressLine> progress;
    if (!arguments.json && !arguments.quiet) {
        const bool terminal = is_terminal(STDERR_FILENO);
        progress.emplace(terminal ? std::optional(terminal_width(STDERR_FILENO)) : std::nullopt,
                         system_clock(), note);
    }
    const Json result = follow(client, arguments.quantize, arguments.json, progress ? &*progress : nullptr);
    progress.reset(); // its line goes before the result comes
    if (arguments.quiet && !arguments.json) {
        print(printable_line(get_string(result, "model").value_or("")) + "\n");
    } else if (!arguments.json) {
        print(result_text(result));
    }
    return 0;
}

} // namespace hearth::cli
