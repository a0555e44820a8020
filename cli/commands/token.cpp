#include "base/error.hpp"
#include "cli/arguments.hpp"
#include "cli/commands/commands.hpp"
#include "cli/human_time.hpp"
#include "cli/model_row.hpp"
#include "cli/output.hpp"
#include "cli/service.hpp"
#include "cli/table.hpp"
#include "cli/terminal.hpp"

#include <nlohmann/json.hpp>

namespace hearth::cli {
namespace {

int create(const Arguments& arguments, Service& service) {
    Json body{{"name", arguments.token.name}, {"scope", arguments.token.scope}};
    if (!arguments.token.expires.empty()) {
        body["expires"] = arguments.token.expires;
    }
    Json answer = service.started_client().post("/hearth/v1/tokens", body);
    if (arguments.json) {
        print_json(std::move(answer));
        return 0;
    }
    print(get_string(answer, "token").value_or("") + "\n");
    if (!arguments.quiet) {
        note("It is shown once and kept nowhere: give it to the app now.\n");
    }
    return 0;
}

/// A time for people when stdout is a terminal, else as the service wrote it.
std::string time_of(const Json& token, const char* key, bool for_people) {
    const std::string text = get_string(token, key).value_or("");
    if (text.empty()) {
        return "never";
    }
    const auto time = parse_rfc3339(text);
    return for_people && time ? relative_time(*time, seconds_now()) : text;
}

int list(const Arguments& arguments, Service& service) {
    Json answer = service.started_client().get("/hearth/v1/tokens");
    if (arguments.json) {
        print_json(std::move(answer));
        return 0;
    }
    const auto width = table_width();
    std::vector<TableRow> rows;
    for (const Json& token : answer.value("tokens", Json::array())) {
        const std::string name = get_string(token, "name").value_or("");
        if (arguments.quiet) {
            print(printable_line(name) + "\n");
            continue;
        }
        rows.push_back({name, get_string(token, "id").value_or(""), get_string(token, "scope").value_or(""),
                        time_of(token, "created_at", width.has_value()),
                        time_of(token, "last_used_at", width.has_value()),
                        time_of(token, "expires_at", width.has_value())});
    }
    if (!arguments.quiet) {
        print(format_table({"NAME", "ID", "SCOPE", "CREATED", "LAST USED", "EXPIRES"}, rows, width));
    }
    return 0;
}

int revoke(const Arguments& arguments, Service& service) {
    protocol::ClientRequest request;
    request.method = "DELETE";
    request.target = "/hearth/v1/tokens";
    request.body = to_text(Json{{"name", arguments.token.name}});
    Json answer = service.started_client().ask(request);
    if (arguments.json) {
        print_json(std::move(answer));
    } else if (!arguments.quiet) {
        print("revoked " + printable_line(get_string(answer, "name").value_or("")) + "\n");
    }
    return 0;
}

} // namespace

int run_token(const Arguments& arguments, Service& service) {
    const std::string& action = arguments.token.action;
    return action == "create"   ? create(arguments, service)
           : action == "revoke" ? revoke(arguments, service)
                                : list(arguments, service);
}

} // namespace hearth::cli
