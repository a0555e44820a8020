#include "base/error.hpp"
#include "cli/arguments.hpp"
#include "cli/commands/commands.hpp"
#include "cli/output.hpp"
#include "cli/service.hpp"
#include "cli/terminal.hpp"

#include <nlohmann/json.hpp>

namespace hearth::cli {
namespace {

constexpr std::string_view own_version = HEARTH_VERSION;

/// Version of the service, or nothing when none answers.
std::optional<std::string> service_version(const protocol::Client& client) {
    protocol::ClientRequest request;
    request.target = "/api/version";
    request.limit = std::chrono::seconds(5);
    try {
        return get_string(client.ask(request), "version");
    } catch (const Error& error) {
        if (error.code() == ErrorCode::cancelled) {
            throw;
        }
        return std::nullopt;
    }
}

} // namespace

int run_version(const Arguments& arguments, Service& service) {
    const bool asleep = service.asleep();
    const auto other = asleep ? std::nullopt : service_version(service.client());
    if (arguments.json) {
        Json answer;
        answer["hearth"] = own_version;
        answer["service"] = other ? Json(*other) : Json();
        print_json(std::move(answer));
        return 0;
    }
    std::string text = "hearth " + std::string(own_version) + "\n";
    if (!arguments.quiet) {
        text += "service " +
                (other ? printable_line(*other) : std::string(asleep ? "asleep" : "not running")) + "\n";
    }
    print(text);
    if (other && *other != own_version) {
        note("warning: the service is of another version; restart it: hearth service restart\n");
    }
    return 0;
}

} // namespace hearth::cli
