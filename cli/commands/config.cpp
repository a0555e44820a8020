#include "base/error.hpp"
#include "base/nearest.hpp"
#include "cli/arguments.hpp"
#include "cli/commands/commands.hpp"
#include "cli/output.hpp"
#include "cli/service.hpp"
#include "cli/table.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace hearth::cli {
namespace {

std::string text_of(const Json& object, const char* key) {
    return get_string(object, key).value_or("");
}

/// The rows that were asked for: one, or all. @throws Error usage, with the nearest name
Json chosen_rows(const Json& settings, const std::string& key) {
    if (key.empty()) {
        return settings;
    }
    std::vector<std::string> names;
    for (const Json& row : settings) {
        if (text_of(row, "name") == key) {
            return Json::array({row});
        }
        names.push_back(text_of(row, "name"));
    }
    const std::vector<std::string_view> views(names.begin(), names.end());
    const auto nearest = nearest_name(key, views);
    throw Error(ErrorCode::usage, key + " is not a setting",
                nearest ? "did you mean " + std::string(*nearest) + "?"
                        : "hearth config get lists the settings");
}

/// A text without its quotes, for scripts.
std::string bare(const std::string& toml) {
    const Json text = Json::parse(toml, nullptr, false); // the texts that we print are JSON as well
    return text.is_string() ? text.get<std::string>() : toml;
}

void print_values(const Json& rows, bool one) {
    std::vector<TableRow> table;
    for (const Json& row : rows) {
        table.push_back({text_of(row, "name"), text_of(row, "value"), text_of(row, "layer")});
    }
    if (one) {
        print(printable_line(bare(text_of(rows.at(0), "value"))) + "\n");
    } else {
        print(format_table({"SETTING", "VALUE", "SET BY"}, table, table_width()));
    }
}

std::string explained(const Json& row) {
    const std::string value = text_of(row, "value");
    std::string text = fmt::format("{} = {}\n", text_of(row, "name"), value.empty() ? "(not set)" : value);
    bool counts = true;
    for (const Json& word : row.value("set_by", Json::array())) {
        const std::string said = text_of(word, "value");
        text += fmt::format("  {} {:<12}{}{}\n", counts ? "*" : " ", text_of(word, "layer"),
                            said.empty() ? "(not set)" : said,
                            word.contains("place") ? "   " + text_of(word, "place") : "");
        counts = false;
    }
    if (get_bool(row, "waits_for_restart").value_or(false)) {
        text += "    counts after: hearth service restart\n";
    }
    return printable(text);
}

void print_problem(const Json& answer) {
    if (const std::string problem = text_of(answer, "problem"); !problem.empty()) {
        note("warning: " + printable_line(problem) + "; the settings from before stay in force\n");
    }
}

int show(const ConfigOptions& options, const Arguments& arguments, const protocol::Client& client) {
    Json answer = client.get("/hearth/v1/config");
    const Json rows = chosen_rows(answer.value("settings", Json::array()), options.key);
    print_problem(answer);
    if (arguments.json) {
        answer["settings"] = rows;
        print_json(std::move(answer));
        return 0;
    }
    if (options.action == "explain") {
        for (const Json& row : rows) {
            print(explained(row));
        }
    } else if (arguments.quiet && options.key.empty()) {
        for (const Json& row : rows) {
            print(printable_line(text_of(row, "name")) + "\n");
        }
    } else {
        print_values(rows, !options.key.empty());
    }
    return 0;
}

int change(const ConfigOptions& options, const Arguments& arguments, const protocol::Client& client) {
    Json body = {{"key", options.key}};
    protocol::ClientRequest request;
    request.method = options.action == "set" ? "PUT" : "DELETE";
    request.target = "/hearth/v1/config";
    if (options.action == "set") {
        body["value"] = options.value;
    }
    request.body = to_text(body);
    Json row = client.ask(request);
    if (arguments.json) {
        print_json(std::move(row));
        return 0;
    }
    if (!arguments.quiet) {
        print(row.contains("set_by") ? explained(row) : printable(options.key + " is not set\n"));
    }
    if (options.action == "set" && text_of(row, "layer") != "user") {
        note("warning: it is written, and " + printable_line(text_of(row, "layer")) + " goes before it\n");
    }
    return 0;
}

} // namespace

int run_config(const Arguments& arguments, Service& service) {
    const ConfigOptions& options = arguments.config;
    const bool shows = options.action == "get" || options.action == "explain";
    const protocol::Client& client = service.started_client();
    return shows ? show(options, arguments, client) : change(options, arguments, client);
}

} // namespace hearth::cli
