#include "cli/arguments.hpp"
#include "cli/commands/commands.hpp"
#include "cli/model_row.hpp"
#include "cli/output.hpp"
#include "cli/service.hpp"
#include "cli/table.hpp"

#include <nlohmann/json.hpp>

namespace hearth::cli {
namespace {

/// Percent-encoded, but for letters, digits and a few marks.
std::string encoded(const std::string& text) {
    constexpr char digits[] = "0123456789ABCDEF";
    std::string result;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = std::isalnum(byte) != 0 || c == '-' || c == '.' || c == '_';
        result += plain ? std::string(1, c) : std::string{'%', digits[byte >> 4], digits[byte & 15]};
    }
    return result;
}

std::string target(const Arguments& arguments) {
    std::string words;
    for (const std::string& word : arguments.models) {
        words += (words.empty() ? "" : " ") + word;
    }
    return "/hearth/v1/search" + (words.empty() ? "" : "?q=" + encoded(words));
}

std::string text_of(const Json& model, const char* key) {
    return get_string(model, key).value_or("");
}

} // namespace

int run_search(const Arguments& arguments, Service& service) {
    const Json models = models_of(service.started_client().get(target(arguments)));
    if (print_for_scripts(arguments, models)) {
        return 0;
    }
    std::vector<TableRow> rows;
    for (const Json& model : models) {
        const bool is_here = model.value("installed", Json()) == true;
        rows.push_back({name_of(model), text_of(model, "title"), text_of(model, "parameters"),
                        text_of(model, "license"), is_here ? "yes" : "", text_of(model, "full_name")});
    }
    print(format_table({"NAME", "MODEL", "PARAMETERS", "LICENSE", "HERE", "FULL NAME"}, rows, table_width()));
    return 0;
}

} // namespace hearth::cli
