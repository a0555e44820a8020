#include "cli/arguments.hpp"
#include "cli/chat_request.hpp"
#include "cli/commands/commands.hpp"
#include "cli/output.hpp"
#include "cli/service.hpp"
#include "cli/terminal.hpp"

#include <nlohmann/json.hpp>

namespace hearth::cli {

int run_load(const Arguments& arguments, Service& service) {
    RunOptions options = arguments.run;
    options.model = model_address(options.model);
    Json body = chat_request(options, Json::array());
    body.erase("messages");
    body.erase("stream");
    Json answer = service.started_client().post("/hearth/v1/load", body);
    if (arguments.json) {
        print_json(answer.is_object() ? std::move(answer) : Json::object());
    } else {
        print((arguments.quiet ? "" : "loaded ") + printable_line(options.model) + "\n");
    }
    return 0;
}

} // namespace hearth::cli
