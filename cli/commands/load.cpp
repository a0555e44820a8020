#include "base/error.hpp"
#include "cli/arguments.hpp"
#include "cli/chat_request.hpp"
#include "cli/commands/commands.hpp"
#include "cli/output.hpp"
#include "cli/service.hpp"
#include "cli/terminal.hpp"
#include "cli/wait_line.hpp"

#include <nlohmann/json.hpp>

#include <unistd.h>

namespace hearth::cli {
namespace {

protocol::ClientRequest load_request(const RunOptions& options) {
    Json body{{"model", model_address(options.model)}, {"stream", true}};
    if (!options.backend.empty()) {
        body["backend"] = options.backend;
    }
    if (!options.keep_alive.empty()) {
        body["keep_alive"] = keep_alive_value(options.keep_alive);
    }
    add_memory_wishes(options.memory, body);
    protocol::ClientRequest request;
    request.method = "POST";
    request.target = "/hearth/v1/load";
    request.body = to_text(body);
    return request;
}

} // namespace

int run_load(const Arguments& arguments, Service& service) {
    WaitLine line(is_terminal(STDERR_FILENO));
    Json last = Json::object();
    const auto on_event = [&](const Json& event) {
        last = event;
        if (arguments.json) {
            print_json(event);
        } else if (!arguments.quiet) {
            line.show(event);
        }
    };
    const protocol::Client& client = service.started_client();
    const protocol::ClientRequest request = load_request(arguments.run);
    client.stream_lines(request, on_event);
    line.wipe();
    if (get_string(last, "status") != "success") {
        throw Error(ErrorCode::protocol, "the service ended the load without saying that it succeeded");
    }
    if (!arguments.json) {
        print((arguments.quiet ? "" : "loaded ") + printable_line(arguments.run.model) + "\n");
    }
    return 0;
}

} // namespace hearth::cli
