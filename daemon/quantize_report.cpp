#include "daemon/quantize_report.hpp"

#include "base/error.hpp"
#include "base/nearest.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::daemon {

namespace {

std::string upper(std::string text) {
    std::ranges::transform(text, text.begin(), [](char c) { return c >= 'a' && c <= 'z' ? c - 32 : c; });
    return text;
}

double positive(const Json& object, const char* key) {
    const double number = get_number(object, key).value_or(0);
    if (!(number > 0)) {
        throw Error(ErrorCode::backend_failed, fmt::format("the backend's plan has no \"{}\"", key));
    }
    return number;
}

/// "87.5 % less than F32 would be 4 bits for every weight; here 61.2 % of the weights are Q4_K (4.50 bits, scales
/// included), 38.7 % Q6_K (6.56)".
std::string note_of(const std::vector<Json>& tensors) {
    constexpr double least_share = 0.0005; // norms and biases
    std::string note = "87.5 % less than F32 would be 4 bits for every weight; here";
    std::string_view between = "of the weights are ";
    std::string_view separator = " ";
    for (const Json& group : tensors) {
        const auto share = group.at("share").get<double>();
        const auto bits = group.at("bits").get<double>();
        if (share >= least_share) {
            note += fmt::format("{}{:.1f} % {}{} ({:.2f}{}{})", separator, 100 * share, between,
                                group.at("type").get<std::string>(), bits, between.empty() ? "" : " bits",
                                bits > 4 && bits < 5 ? ", scales included" : "");
            separator = ", ";
            between = "";
        }
    }
    return note;
}

} // namespace

Json quantize_report(const Json& plan) {
    const double elements = positive(plan, "elements");
    const auto listed = plan.find("tensors");
    if (listed == plan.end() || !listed->is_array()) {
        throw Error(ErrorCode::backend_failed, "the backend's plan has no \"tensors\"");
    }
    double bytes = 0;
    std::vector<Json> tensors(listed->begin(), listed->end());
    for (Json& group : tensors) {
        const double group_bytes = positive(group, "bytes");
        const double group_elements = positive(group, "elements");
        require_string(group, "type");
        bytes += group_bytes;
        group["bits"] = 8 * group_bytes / group_elements;
        group["share"] = group_elements / elements;
    }
    std::ranges::sort(tensors, std::greater(),
                      [](const Json& group) { return group.at("share").get<double>(); });
    const double bits = 8 * bytes / elements;
    const std::string type = require_string(plan, "type");
    Json report = {{"type", type},
                   {"size", plan.at("output_bytes")},
                   {"elements", plan.at("elements")},
                   {"bits_per_weight", bits},
                   {"saving", {{"f32", 1 - bits / 32}, {"f16", 1 - bits / 16}}}};
    if (type.starts_with("Q4") || type.starts_with("IQ4")) {
        report["note"] = note_of(tensors);
    }
    report["tensors"] = std::move(tensors);
    return report;
}

std::string quantize_type(const Json& types, const std::string& wanted) {
    const std::string name = upper(wanted);
    std::vector<std::string> known;
    for (const Json& type : types.value("types", Json::array())) {
        known.push_back(require_string(type, "name"));
        const Json aliases = type.value("aliases", Json::array());
        if (known.back() == name || std::ranges::find(aliases, Json(name)) != aliases.end()) {
            return known.back();
        }
    }
    for (const Json& type : types.value("refused", Json::array())) {
        if (require_string(type, "name") == name) {
            throw Error(ErrorCode::unsupported,
                        fmt::format("{} is not offered: {}", name, get_string(type, "reason").value_or("")));
        }
    }
    const std::vector<std::string_view> views(known.begin(), known.end());
    const auto nearest = nearest_name(name, views);
    throw Error(ErrorCode::invalid_argument,
                fmt::format("there is no type '{}'; there are {}", wanted, fmt::join(known, ", ")),
                nearest ? fmt::format("did you mean {}?", *nearest) : "");
}

} // namespace hearth::daemon
