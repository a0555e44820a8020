#include "cli/arguments.hpp"
#include "cli/commands/commands.hpp"
#include "cli/output.hpp"

#include <nlohmann/json.hpp>

namespace hearth::cli {

int run_help(const Arguments& arguments) {
    const std::string text = help_text(arguments.topic);
    if (!arguments.json) {
        print(text);
        return 0;
    }
    Json answer;
    answer["text"] = text;
    answer["commands"] = Json::array();
    for (const CommandSummary& row : command_summaries()) {
        answer["commands"].push_back(Json{{"name", row.name}, {"summary", row.summary}});
    }
    print_json(std::move(answer));
    return 0;
}

} // namespace hearth::cli
