#include "cli/arguments.hpp"
#include "cli/commands/commands.hpp"
#include "cli/human_time.hpp"
#include "cli/model_row.hpp"
#include "cli/output.hpp"
#include "cli/service.hpp"
#include "cli/table.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace hearth::cli {
namespace {

/// "100% CPU", "100% GPU" or "48%/52% CPU/GPU", from the share of the bytes.
std::string processor(const Json& model) {
    const double size = get_number(model, "size").value_or(0);
    const double vram = get_number(model, "size_vram").value_or(0);
    if (vram <= 0 || size <= 0) {
        return "100% CPU";
    }
    const int gpu = static_cast<int>(std::min(1.0, vram / size) * 100 + 0.5);
    return gpu == 100 ? "100% GPU" : fmt::format("{}%/{}% CPU/GPU", 100 - gpu, gpu);
}

std::string until(const Json& model, bool for_people) {
    const std::string text = get_string(model, "expires_at").value_or("");
    const auto time = parse_rfc3339(text);
    if (!for_people || !time) {
        return text;
    }
    return *time <= seconds_now() ? "Stopping..." : relative_time(*time, seconds_now());
}

} // namespace

int run_ps(const Arguments& arguments, Service& service) {
    const Json models = models_of(service.client().get("/api/ps"));
    if (arguments.json) {
        print_json(Json{{"models", models}});
        return 0;
    }
    if (arguments.quiet) {
        print(names_of(models));
        return 0;
    }
    const auto width = table_width();
    std::vector<TableRow> rows;
    for (const Json& model : models) {
        rows.push_back({name_of(model), short_id(model), size_of(model, width.has_value()), processor(model),
                        std::to_string(get_integer(model, "context_length").value_or(0)),
                        until(model, width.has_value())});
    }
    print(format_table({"NAME", "ID", "SIZE", "PROCESSOR", "CONTEXT", "UNTIL"}, rows, width));
    return 0;
}

} // namespace hearth::cli
