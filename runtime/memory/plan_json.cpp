#include "runtime/memory/plan_json.hpp"

#include "runtime/memory/budget.hpp"

#include <nlohmann/json.hpp>

#include <cmath>

namespace hearth::runtime::memory {
namespace {

/// Three significant digits after the point at most: more would be noise that changes with the compiler.
Json rounded(double value, double step = 1000) {
    return std::round(value * step) / step;
}

Json known_or_null(double value) {
    return value > 0 ? rounded(value, 100) : Json();
}

Json device_json(const DeviceBytes& bytes, const Machine& machine) {
    const Device* device = find_device(machine, bytes.id);
    return {{"id", bytes.id},
            {"weights", bytes.weights},
            {"mapped", bytes.mapped},
            {"repacked", bytes.repacked},
            {"kv", bytes.kv},
            {"state", bytes.state},
            {"compute", bytes.compute},
            {"output", bytes.output},
            {"projector", bytes.projector},
            {"draft", bytes.draft},
            {"total", bytes.total()},
            {"fixed", device == nullptr ? 0 : device->fixed_bytes},
            {"margin", device == nullptr ? 0 : device->margin_bytes},
            {"budget", device == nullptr ? 0 : device->budget_bytes()}};
}

Json memory_json(const Estimate& memory, const Machine& machine) {
    Json devices = Json::array();
    std::uint64_t output = 0;
    std::uint64_t fixed = 0;
    std::uint64_t mapped = 0;
    std::uint64_t repacked = 0;
    for (const DeviceBytes& bytes : memory.devices) {
        Json device = device_json(bytes, machine);
        fixed += device["fixed"].get<std::uint64_t>();
        output += bytes.output;
        mapped += bytes.mapped;
        repacked += bytes.repacked;
        devices.push_back(std::move(device));
    }
    return {{"total_bytes", memory.total_bytes()},
            {"output_bytes", output},
            {"fixed_bytes", fixed},
            {"mapped_bytes", mapped},
            {"repacked_bytes", repacked},
            {"devices", std::move(devices)}};
}

Json quality_json_of(const Choice& choice) {
    const Quality& quality = choice.quality;
    Json json = {{"grade", quality.grade},         {"kld", rounded(quality.kld, 10000)},
                 {"perplexity_increase", nullptr}, {"interpolated", quality.interpolated},
                 {"imatrix", quality.imatrix},     {"below_floor", choice.below_floor},
                 {"dominated_by", nullptr}};
    if (quality.perplexity_increase) {
        json["perplexity_increase"] = *quality.perplexity_increase;
    }
    if (!choice.dominated_by.empty()) {
        json["dominated_by"] = choice.dominated_by;
    }
    return json;
}

Json choice_or_null(const Plan& plan, std::optional<std::size_t> index, const Machine& machine) {
    return index ? choice_json(plan.choices[*index], machine) : Json();
}

Json choices_json(const std::vector<Choice>& choices, const Machine& machine) {
    Json list = Json::array();
    for (const Choice& choice : choices) {
        list.push_back(choice_json(choice, machine));
    }
    return list;
}

} // namespace

Json choice_json(const Choice& choice, const Machine& machine) {
    return {{"quant", choice.quant},
            {"fits", choice.fits},
            {"placement", choice.placement},
            {"context", choice.options.context},
            {"parallel", choice.options.parallel},
            {"unified", choice.options.unified},
            {"kv_type", std::string(cache_type_name(choice.options.kv_type))},
            {"flash_attention", choice.options.flash_attention},
            {"load_mode", std::string(load_mode_name(choice.options.load_mode))},
            {"gpu_layers", choice.layers.gpu_layers},
            {"split", choice.layers.split},
            {"expert_layers_on_host", choice.layers.expert_layers_on_host},
            {"threads", choice.threads},
            {"memory", memory_json(choice.memory, machine)},
            {"tokens_per_second", known_or_null(choice.tokens_per_second)},
            {"load_seconds", rounded(choice.load_seconds, 100)},
            {"size_bytes", choice.file_bytes},
            {"download_bytes", choice.download_bytes},
            {"short_bytes", choice.short_bytes},
            {"quality", quality_json_of(choice)},
            {"source", choice.source},
            {"reason", choice.reason}};
}

Json plan_json(const Plan& plan, const std::string& model, const Machine& machine) {
    return {{"version", 1},
            {"model", model},
            {"choices", choices_json(plan.choices, machine)},
            {"pick", choice_or_null(plan, plan.pick, machine)},
            {"better", choice_or_null(plan, plan.better, machine)},
            {"worse", choice_or_null(plan, plan.worse, machine)},
            {"faster", choice_or_null(plan, plan.faster, machine)},
            {"nearest", choices_json(plan.nearest, machine)},
            {"advice", plan.advice.empty() ? Json() : Json(plan.advice)}};
}

} // namespace hearth::runtime::memory
