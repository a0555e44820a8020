#include "cli/arguments.hpp"
#include "cli/commands/commands.hpp"
#include "cli/output.hpp"
#include "cli/service.hpp"
#include "cli/terminal.hpp"

#include <nlohmann/json.hpp>

namespace hearth::cli {

int run_stop(const Arguments& arguments, Service& service) {
    for (const std::string& model : arguments.models) {
        Json answer = service.client().post("/hearth/v1/unload", Json{{"model", model}});
        const bool was_loaded = !answer.is_object() || get_bool(answer, "unloaded").value_or(true);
        if (arguments.json) {
            Json event = answer.is_object() ? std::move(answer) : Json::object();
            event["stopped"] = model;
            print_json(std::move(event));
        } else if (arguments.quiet) {
            print(printable_line(model) + "\n");
        } else {
            print((was_loaded ? "stopped " : "not loaded: ") + printable_line(model) + "\n");
        }
    }
    return 0;
}

} // namespace hearth::cli
