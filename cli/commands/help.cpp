#include "cli/arguments.hpp"
#include "cli/commands/commands.hpp"
#include "cli/output.hpp"

#include <nlohmann/json.hpp>

namespace hearth::cli {
namespace {

Json option_json(const OptionSummary& option) {
    Json row{{"text", option.text}, {"required", option.required}, {"repeated", option.repeated}};
    if (!option.positional.empty()) {
        row["positional"] = option.positional;
    }
    if (!option.names.empty()) {
        row["names"] = option.names;
    }
    if (!option.value.empty()) {
        row["value"] = option.value;
    }
    return row;
}

Json command_json(const CommandSummary& command) {
    Json options = Json::array();
    for (const OptionSummary& option : command.options) {
        options.push_back(option_json(option));
    }
    return {{"name", command.name},
            {"summary", command.summary},
            {"options", std::move(options)},
            {"json_fields", command.json_fields},
            {"exit_codes", command.exit_codes}};
}

} // namespace

int run_help(const Arguments& arguments) {
    if (arguments.quiet && arguments.topic.empty() && !arguments.json) {
        for (const CommandSummary& row : command_summaries()) {
            print(row.name + "\n");
        }
        return 0;
    }
    const std::string text = help_text(arguments.topic);
    if (!arguments.json) {
        print(text);
        return 0;
    }
    Json answer;
    answer["text"] = text;
    answer["commands"] = Json::array();
    for (const CommandSummary& row : command_summaries()) {
        answer["commands"].push_back(command_json(row));
    }
    print_json(std::move(answer));
    return 0;
}

} // namespace hearth::cli
