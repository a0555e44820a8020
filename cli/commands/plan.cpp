#include "cli/arguments.hpp"
#include "cli/chat_request.hpp"
#include "cli/commands/commands.hpp"
#include "cli/output.hpp"
#include "cli/plan_text.hpp"
#include "cli/service.hpp"
#include "cli/table.hpp"

#include <nlohmann/json.hpp>

namespace hearth::cli {
namespace {

constexpr int exit_does_not_fit = 4;

Json plan_request(const Arguments& arguments) {
    const PlanOptions& options = arguments.plan;
    Json body{{"model", model_address(options.model)}};
    add_memory_wishes(arguments.memory, body);
    const auto add_text = [&](const char* key, const std::string& text) {
        if (!text.empty()) {
            body[key] = text;
        }
    };
    add_text("quant", options.quant);
    add_text("device", options.device);
    add_text("ram", options.ram);
    if (!options.gpus.empty()) {
        body["gpus"] = options.gpus;
    }
    if (options.unified || options.not_unified) {
        body["unified"] = options.unified;
    }
    for (const auto& [key, flag] : {std::pair{"embeddings", options.embeddings},
                                    {"quick", options.quick},
                                    {"insecure", options.insecure}}) {
        if (flag) {
            body[key] = true;
        }
    }
    return body;
}

bool has_fitting_pick(const Json& plan) {
    const auto pick = plan.find("pick");
    return pick != plan.end() && pick->is_object() && pick->value("fits", false);
}

} // namespace

/// Nothing that fits is an answer, and exit code 4.
int run_plan(const Arguments& arguments, Service& service) {
    Json plan = service.started_client().post("/hearth/v1/plan", plan_request(arguments));
    const int code = has_fitting_pick(plan) ? 0 : exit_does_not_fit;
    if (arguments.json) {
        print_json(std::move(plan));
    } else if (arguments.quiet) {
        print(code == 0 ? plan["pick"].value("quant", "") + "\n" : "");
    } else {
        print(plan_text(plan, table_width()));
    }
    return code;
}

} // namespace hearth::cli
