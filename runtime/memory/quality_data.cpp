#include "runtime/memory/quality_data.hpp"

#include "base/json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace hearth::runtime::memory {
namespace {

PublishedQuality published(const Json& row) {
    return {.quant = row.at("quant"),
            .family = row.at("family"),
            .bits_per_weight = row.at("bits_per_weight"),
            .kld = row.at("kld"),
            .perplexity_increase = row.at("perplexity_increase"),
            .imatrix = row.at("imatrix"),
            .dominated = row.value("dominated", false)};
}

QualityData parse() {
    const Json json = parse_json(quality_json(), "quality.json");
    QualityData data;
    data.source = json.at("source");
    data.sweet_quant = json.at("sweet_spot").at("quant");
    data.sweet_kld = json.at("sweet_spot").at("kld");
    data.floor_kld = json.at("floor").at("kld");
    data.large_parameters = json.at("floor").at("large_model_parameters");
    data.large_floor_kld = json.at("floor").at("large_model_kld");
    data.lossless = json.at("lossless");
    for (const Json& row : json.at("grades")) {
        data.grades.push_back({.name = row.at("grade"), .kld = row.at("kld")});
    }
    for (const Json& row : json.at("native")) {
        data.native.push_back({.architecture = row.at("architecture"), .quants = row.at("quants")});
    }
    for (const Json& row : json.at("quants")) {
        data.quants.push_back(published(row));
    }
    std::ranges::sort(data.quants, {}, &PublishedQuality::kld);
    return data;
}

} // namespace

double QualityData::floor(std::uint64_t parameters) const noexcept {
    return parameters >= large_parameters ? large_floor_kld : floor_kld;
}

const PublishedQuality* QualityData::find(std::string_view quant) const noexcept {
    const auto found = std::ranges::find(quants, quant, &PublishedQuality::quant);
    return found == quants.end() ? nullptr : &*found;
}

const QualityData& quality_data() {
    static const QualityData data = parse();
    return data;
}

} // namespace hearth::runtime::memory
