#include "runtime/runner/load_head.hpp"

#include "base/error.hpp"
#include "runtime/runner/request_stream.hpp"

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace hearth::runtime {

namespace {

template <class Value> void set_if(Json& options, const char* name, const std::optional<Value>& value) {
    if (value) {
        options[name] = *value;
    }
}

/// The plan's choices under the names that backends know them by, then the backend's own options.
Json options_of(const LoadSpec& spec) {
    Json options = Json::object();
    if (spec.kv_type) {
        options["cache_type_k"] = options["cache_type_v"] = memory::cache_type_name(*spec.kv_type);
    }
    if (spec.flash_attention) {
        options["flash_attention"] = *spec.flash_attention ? "on" : "off";
    }
    if (spec.load_mode) {
        options["load_mode"] = memory::load_mode_name(*spec.load_mode);
    }
    set_if(options, "ubatch", spec.ubatch);
    set_if(options, "gpu_layers", spec.gpu_layers);
    if (!spec.tensor_split.empty()) {
        options["tensor_split"] = spec.tensor_split;
    }
    if (spec.expert_layers_on_host > 0) {
        options["expert_layers_on_host"] = spec.expert_layers_on_host;
    }
    if (spec.devices) {
        options["device"] = spec.devices->empty() ? "none" : fmt::format("{}", fmt::join(*spec.devices, ","));
    }
    if (!spec.options_json.empty()) {
        const Json own = parse_json(spec.options_json, "backend options");
        if (!own.is_object()) {
            throw Error(ErrorCode::invalid_argument, "backend options are not a JSON object");
        }
        options.update(own);
    }
    return options;
}

Json spec_of(const LoadSpec& spec) {
    return {{"alias", spec.alias},        {"context", spec.context_tokens}, {"parallel", spec.parallel},
            {"unified", spec.unified},    {"threads", spec.threads},        {"embeddings", spec.embeddings},
            {"options", options_of(spec)}};
}

} // namespace

std::string load_head(const LoadSpec& spec, const std::vector<registry::OpenModelFile>& files) {
    return to_text(Json{{"op", "load"}, {"spec", spec_of(spec)}, {"files", describe_files(files)}});
}

std::string estimate_head(const LoadSpec& spec, const std::vector<registry::OpenModelFile>& files,
                          const std::vector<PretendedDevice>& pretend) {
    Json inner = spec_of(spec);
    for (const PretendedDevice& device : pretend) {
        inner["pretend"].push_back({{"id", device.id}, {"bytes", device.bytes}});
    }
    return to_text(Json{{"op", "estimate"}, {"spec", inner}, {"files", describe_files(files)}});
}

std::string plan_options(const memory::EstimateOptions& options, const memory::Placement& placement,
                         const std::vector<std::string>& accelerators) {
    LoadSpec spec;
    apply_plan(spec, options, placement, accelerators);
    Json text = options_of(spec);
    text["unified"] = spec.unified;
    return to_text(text);
}

std::string settings_text(const LoadSpec& spec) {
    Json settings = spec_of(spec);
    settings.erase("alias");
    return to_text(settings); // nlohmann::json keeps members sorted
}

void apply_plan(LoadSpec& spec, const memory::EstimateOptions& options, const memory::Placement& placement,
                const std::vector<std::string>& accelerators) {
    spec.context_tokens = static_cast<std::int64_t>(options.context);
    spec.parallel = options.parallel;
    spec.unified = options.unified;
    spec.embeddings = options.embeddings;
    spec.kv_type = options.kv_type;
    spec.flash_attention = options.flash_attention;
    spec.load_mode = options.load_mode;
    if (!options.embeddings) { // an embedding's batch is its text, the backend sizes it
        spec.ubatch = options.ubatch;
    }
    spec.devices = placement.gpu_layers > 0 ? accelerators : std::vector<std::string>();
    spec.gpu_layers = placement.gpu_layers;
    spec.tensor_split = accelerators.size() > 1 ? placement.split : std::vector<double>();
    spec.expert_layers_on_host = placement.expert_layers_on_host;
}

} // namespace hearth::runtime
