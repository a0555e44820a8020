#include "cli/plan_text.hpp"

#include "base/config.hpp"
#include "cli/show_text.hpp"
#include "cli/table.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace hearth::cli {
namespace {

constexpr std::size_t narrow_gap = 2; // eight columns and more

const Json& member(const Json& object, const char* key) {
    static const Json none;
    const auto found = object.is_object() ? object.find(key) : object.end();
    return found == object.end() ? none : *found;
}

std::string bytes_text(const Json& value) {
    const bool right = value.is_number_integer() && value.get<std::int64_t>() >= 0;
    return right ? format_bytes(value.get<std::uint64_t>()) : "";
}

std::int64_t integer(const Json& choice, const char* key) {
    const Json& value = member(choice, key);
    return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}

bool flag(const Json& object, const char* key) {
    const Json& value = member(object, key);
    return value.is_boolean() && value.get<bool>();
}

/// Devices that any choice uses, in the order in which they are first named.
std::vector<std::string> devices_of(const Json& choices) {
    std::vector<std::string> ids;
    for (const Json& choice : choices) {
        for (const Json& device : member(member(choice, "memory"), "devices")) {
            const std::string id = member_text(device, "id");
            if (!id.empty() && std::ranges::find(ids, id) == ids.end()) {
                ids.push_back(id);
            }
        }
    }
    return ids;
}

std::string device_bytes(const Json& choice, const std::string& id) {
    for (const Json& device : member(member(choice, "memory"), "devices")) {
        if (member_text(device, "id") == id) {
            return bytes_text(member(device, "total"));
        }
    }
    return "-";
}

std::string context_text(const Json& choice) {
    std::string text = member_text(choice, "context");
    if (integer(choice, "parallel") > 1) {
        text = fmt::format("{}x{}", integer(choice, "parallel"), text);
    }
    const std::string type = member_text(choice, "kv_type");
    return type.empty() || type == "f16" ? text : text + " " + type;
}

std::string speed_text(const Json& choice) {
    const Json& speed = member(choice, "tokens_per_second");
    if (!speed.is_number()) {
        return "?";
    }
    const auto value = speed.get<double>();
    return value < 10 ? fmt::format("{:.1f}", value) : fmt::format("{:.0f}", value);
}

std::string quality_text(const Json& choice) {
    const Json& quality = member(choice, "quality");
    return (flag(quality, "interpolated") ? "~" : "") + member_text(quality, "grade");
}

TableRow row_of(const Json& choice, const std::vector<std::string>& devices, const std::string& picked) {
    const std::string quant = member_text(choice, "quant");
    TableRow row{(quant == picked ? "* " : "  ") + quant, bytes_text(member(choice, "size_bytes"))};
    for (const std::string& id : devices) {
        row.push_back(device_bytes(choice, id));
    }
    for (std::string cell : {context_text(choice), std::string(flag(choice, "fits") ? "yes" : "no"),
                             speed_text(choice), quality_text(choice)}) {
        row.push_back(std::move(cell));
    }
    return row;
}

std::string table_of(const Json& choices, const std::string& picked, std::optional<std::size_t> width) {
    const std::vector<std::string> devices = devices_of(choices);
    TableRow header{"  QUANT", "SIZE"};
    for (std::string id : devices) {
        std::ranges::transform(id, id.begin(), [](unsigned char c) { return std::toupper(c); });
        header.push_back(std::move(id));
    }
    for (const char* name : {"CONTEXT", "FITS", "TOK/S", "QUALITY"}) {
        header.emplace_back(name);
    }
    std::vector<TableRow> rows;
    for (const Json& choice : choices) {
        rows.push_back(row_of(choice, devices, picked));
    }
    return format_table(header, rows, width, narrow_gap);
}

/// "whole on the GPU", "34 layers on the GPU", "experts of 40 layers in RAM", "on the CPU"
std::string placement_text(const Json& choice) {
    const std::string placement = member_text(choice, "placement");
    if (placement == "gpu") {
        return "whole on the GPU";
    }
    if (placement == "gpus") {
        return "whole on several GPUs";
    }
    if (placement == "partial") {
        return fmt::format("{} layers on the GPU", integer(choice, "gpu_layers"));
    }
    if (placement == "experts on host") {
        return fmt::format("experts of {} layers in RAM", integer(choice, "expert_layers_on_host"));
    }
    return "on the CPU";
}

std::string line(const std::string& name, const std::string& text) {
    return fmt::format("{:<8}{}\n", name, printable_line(text));
}

std::string choice_line(const std::string& name, const Json& choice) {
    if (!choice.is_object()) {
        return {};
    }
    const std::string where = flag(choice, "fits") ? ", " + placement_text(choice) : "";
    return line(name,
                fmt::format("{}{}: {}", member_text(choice, "quant"), where, member_text(choice, "reason")));
}

std::string outcome(const Json& plan) {
    std::string text =
        choice_line("pick", member(plan, "pick")) + choice_line("better", member(plan, "better")) +
        choice_line("worse", member(plan, "worse")) + choice_line("faster", member(plan, "faster"));
    if (const std::string advice = member_text(plan, "advice"); !advice.empty()) {
        text += line("advice", advice);
    }
    for (const Json& choice : member(plan, "nearest")) {
        text += choice_line("nearest", choice);
    }
    return text;
}

} // namespace

std::string plan_text(const Json& plan, std::optional<std::size_t> width) {
    const Json& choices = member(plan, "choices");
    const std::string picked = member_text(member(plan, "pick"), "quant");
    return printable_line(member_text(plan, "model")) + "\n\n" + table_of(choices, picked, width) + "\n" +
           outcome(plan);
}

} // namespace hearth::cli
