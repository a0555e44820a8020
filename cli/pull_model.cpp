#include "cli/pull_model.hpp"

#include "base/error.hpp"
#include "base/time.hpp"
#include "cli/arguments.hpp"
#include "cli/chat_request.hpp"
#include "cli/output.hpp"
#include "cli/pull_display.hpp"
#include "cli/terminal.hpp"
#include "protocol/client.hpp"

#include <nlohmann/json.hpp>

#include <unistd.h>

namespace hearth::cli {
namespace {

protocol::ClientRequest pull_request(const PullOptions& options) {
    Json body{{"model", options.model}, {"stream", true}};
    if (!options.as.empty()) {
        body["as"] = options.as;
    }
    if (options.insecure) {
        body["insecure"] = true;
    }
    protocol::ClientRequest request;
    request.method = "POST";
    request.target = "/api/pull";
    request.body = to_text(body);
    return request;
}

std::optional<std::size_t> progress_width() {
    if (!is_terminal(STDERR_FILENO)) {
        return std::nullopt;
    }
    return terminal_width(STDERR_FILENO);
}

} // namespace

std::string pull_model(const protocol::Client& client, PullOptions options, PullReport report) {
    options.model = model_address(options.model);
    std::string kept_as = options.as.empty() ? options.model : options.as;
    std::optional<PullDisplay> display;
    if (report == PullReport::progress) {
        display.emplace(kept_as, progress_width(), system_clock(), note);
    }
    bool succeeded = false;
    std::string full_name;
    const auto on_event = [&](const Json& event) {
        succeeded = get_string(event, "status") == "success";
        kept_as = get_string(event, "model").value_or(kept_as);
        full_name = get_string(event, "full_name").value_or("");
        if (report == PullReport::events) {
            print_json(event);
        } else if (display && !succeeded) {
            display->show(event);
        }
    };
    try {
        client.stream_lines(pull_request(options), on_event);
    } catch (Error& error) {
        if (error.code() == ErrorCode::cancelled) {
            error.set_hint("run again to resume");
        }
        throw;
    }
    if (!succeeded) {
        throw Error(ErrorCode::protocol, "the service ended the pull without saying that it succeeded",
                    "run again to resume");
    }
    if (display) {
        display->finish(full_name.empty() ? kept_as : full_name);
    }
    return kept_as;
}

} // namespace hearth::cli
