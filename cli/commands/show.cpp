#include "cli/arguments.hpp"
#include "cli/commands/commands.hpp"
#include "cli/output.hpp"
#include "cli/service.hpp"
#include "cli/show_text.hpp"
#include "cli/terminal.hpp"

#include <nlohmann/json.hpp>

namespace hearth::cli {
namespace {

/// The member that one of the --template, --system, … flags asks for, or nullptr.
const char* single_member(const ShowOptions& options) {
    if (options.only_template) {
        return "template";
    }
    if (options.only_system) {
        return "system";
    }
    if (options.only_parameters) {
        return "parameters";
    }
    return options.only_license ? "license" : nullptr;
}

} // namespace

int run_show(const Arguments& arguments, Service& service) {
    Json request{{"model", arguments.show.model}};
    if (arguments.show.verbose) {
        request["verbose"] = true;
    }
    Json answer = service.started_client().post("/api/show", request);
    if (arguments.json) {
        print_json(std::move(answer));
        return 0;
    }
    if (const char* key = single_member(arguments.show)) {
        const std::string text = member_text(answer, key);
        print(text.empty() || text.ends_with('\n') ? text : text + "\n");
        return 0;
    }
    print(arguments.quiet ? printable_line(arguments.show.model) + "\n"
                          : describe_model(answer, arguments.show.verbose));
    return 0;
}

} // namespace hearth::cli
