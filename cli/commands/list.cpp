#include "base/config.hpp"
#include "base/error.hpp"
#include "base/time.hpp"
#include "cli/arguments.hpp"
#include "cli/commands/commands.hpp"
#include "cli/complete.hpp"
#include "cli/human_time.hpp"
#include "cli/model_row.hpp"
#include "cli/output.hpp"
#include "cli/service.hpp"
#include "cli/table.hpp"

#include <nlohmann/json.hpp>

namespace hearth::cli {
namespace {

std::string modified(const Json& model, bool for_people) {
    const std::string text = get_string(model, "modified_at").value_or("");
    const auto time = parse_rfc3339(text);
    return for_people && time ? relative_time(*time, seconds_now()) : text;
}

} // namespace

int run_list(const Arguments& arguments, Service& service) {
    const Json answer = service.started_client().get("/api/tags");
    const Json models = models_of(answer);
    remember_names(models);
    if (print_for_scripts(arguments, models)) {
        return 0;
    }
    const auto width = table_width();
    std::vector<TableRow> rows;
    for (const Json& model : models) {
        rows.push_back({name_of(model), short_id(model), size_of(model, width.has_value()),
                        modified(model, width.has_value())});
    }
    print(format_table({"NAME", "ID", "SIZE", "MODIFIED"}, rows, width));
    return 0;
}

} // namespace hearth::cli
