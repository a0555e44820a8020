#include "base/config.hpp"
#include "cli/arguments.hpp"
#include "cli/commands/commands.hpp"
#include "cli/output.hpp"
#include "cli/service.hpp"
#include "cli/terminal.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace hearth::cli {
namespace {

std::uint64_t bytes_member(const Json& answer, const char* key) {
    const std::int64_t bytes = answer.is_object() ? get_integer(answer, key).value_or(0) : 0;
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, bytes));
}

std::string describe(const std::string& model, const Json& answer) {
    std::string text = "removed " + printable_line(model) + ", " +
                       format_bytes(bytes_member(answer, "freed_bytes")) + " freed";
    if (const auto shared = bytes_member(answer, "shared_bytes"); shared > 0) {
        text += " (" + format_bytes(shared) + " are used by other models and stay)";
    }
    return text + "\n";
}

} // namespace

int run_rm(const Arguments& arguments, Service& service) {
    const protocol::Client& client = service.started_client();
    for (const std::string& model : arguments.models) {
        protocol::ClientRequest request;
        request.method = "DELETE";
        request.target = "/api/delete";
        request.body = to_text(Json{{"model", model}});
        Json answer = client.ask(request);
        if (arguments.json) {
            Json event = answer.is_object() ? std::move(answer) : Json::object();
            event["removed"] = model;
            print_json(std::move(event));
        } else {
            print(arguments.quiet ? model + "\n" : describe(model, answer));
        }
    }
    return 0;
}

} // namespace hearth::cli
