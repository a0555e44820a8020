#include "cli/arguments.hpp"
#include "cli/commands/commands.hpp"
#include "cli/output.hpp"
#include "cli/service.hpp"
#include "cli/table.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filesystem>

namespace hearth::cli {
namespace {

constexpr const char* endpoint = "/hearth/v1/default";

/// "all apps", or the app as the service names it.
std::string whom(const Json& row) {
    return get_string(row, "app").value_or("all apps");
}

/// A token's name as it is; a path seen from here, as the service stands elsewhere.
Json app_field(const std::string& app) {
    const bool path = app.find('/') != std::string::npos;
    return path ? std::filesystem::absolute(app).lexically_normal().string() : app;
}

int list(const Arguments& arguments, Service& service) {
    Json answer = service.started_client().get(endpoint);
    if (arguments.json) {
        print_json(std::move(answer));
        return 0;
    }
    std::vector<TableRow> rows;
    for (const Json& row : answer.value("defaults", Json::array())) {
        const std::string model = get_string(row, "model").value_or("");
        if (arguments.quiet) {
            print(printable_line(model) + "\n");
            continue;
        }
        rows.push_back({whom(row), get_string(row, "kind").value_or(""), model});
    }
    if (!arguments.quiet) {
        print(format_table({"APP", "KIND", "MODEL"}, rows, table_width()));
    }
    return 0;
}

Json change(const Arguments& arguments, Service& service) {
    const UseOptions& options = arguments.use;
    protocol::ClientRequest request;
    request.method = options.clear ? "DELETE" : "PUT";
    request.target = endpoint;
    Json body = Json::object();
    if (!options.clear) {
        body["model"] = options.model;
    }
    if (!options.app.empty()) {
        body["app"] = app_field(options.app);
    }
    request.body = to_text(body);
    return service.started_client().ask(request);
}

void tell(const Json& answer, bool cleared) {
    const std::string model = get_string(answer, "model").value_or("");
    if (!cleared) {
        print(printable_line(fmt::format("\"default\" is {} for {}", model, whom(answer))) + "\n");
    } else if (model.empty()) {
        print(printable_line(fmt::format("nothing was chosen for {}", whom(answer))) + "\n");
    } else {
        print(printable_line(fmt::format("\"default\" is no longer {} for {}", model, whom(answer))) + "\n");
    }
    if (const auto hint = get_string(answer, "hint")) {
        note("note: " + printable_line(*hint) + "\n");
    }
}

} // namespace

int run_use(const Arguments& arguments, Service& service) {
    if (arguments.use.model.empty() && !arguments.use.clear) {
        return list(arguments, service);
    }
    Json answer = change(arguments, service);
    if (arguments.json) {
        print_json(std::move(answer));
    } else if (!arguments.quiet) {
        tell(answer, arguments.use.clear);
    }
    return 0;
}

} // namespace hearth::cli
