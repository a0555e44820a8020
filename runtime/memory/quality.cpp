#include "runtime/memory/fit.hpp"
#include "runtime/memory/quality_data.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>

// quality_of: what a quantization is known to lose.
namespace hearth::runtime::memory {
namespace {

std::string upper(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
    return text;
}

bool contains(const std::vector<std::string>& list, const std::string& text) {
    return std::ranges::find(list, text) != list.end();
}

bool is_native(const QualityData& data, const std::string& architecture, const std::string& quant) {
    return std::ranges::any_of(data.native, [&](const QualityData::Native& native) {
        return native.architecture == architecture && contains(native.quants, quant);
    });
}

std::string grade_of(const QualityData& data, double kld) {
    const auto found =
        std::ranges::find_if(data.grades, [&](const QualityData::Grade& grade) { return kld <= grade.kld; });
    return found == data.grades.end() ? data.grades.back().name : found->name;
}

/// KLD falls about exponentially with bits, so its logarithm is drawn straight between published points,
/// and beyond the last ones by the slope at that end.
double interpolate(const std::vector<const PublishedQuality*>& points, double bits) {
    std::size_t upper_end = 1;
    while (upper_end + 1 < points.size() && points[upper_end]->bits_per_weight < bits) {
        ++upper_end;
    }
    const PublishedQuality& low = *points[upper_end - 1];
    const PublishedQuality& high = *points[upper_end];
    const double share = (bits - low.bits_per_weight) / (high.bits_per_weight - low.bits_per_weight);
    return std::exp(std::lerp(std::log(low.kld), std::log(high.kld), share));
}

/// The published points of one family without the dominated, and the others' beyond its ends; fewest bits first: bits
/// and quality both rise.
std::vector<const PublishedQuality*> family_points(const QualityData& data, const std::string& family) {
    double fewest = 100;
    double most = 0;
    for (const PublishedQuality& point : data.quants) {
        if (point.family == family && !point.dominated) {
            fewest = std::min(fewest, point.bits_per_weight);
            most = std::max(most, point.bits_per_weight);
        }
    }
    std::vector<const PublishedQuality*> points;
    for (const PublishedQuality& point : data.quants) {
        const bool beyond = point.bits_per_weight < fewest || point.bits_per_weight > most;
        if (!point.dominated && (point.family == family || beyond)) {
            points.push_back(&point);
        }
    }
    std::ranges::sort(points, {}, &PublishedQuality::bits_per_weight);
    return points;
}

/// Of mixes that nobody measured (UD-…, _XL, …) and of formats without figures.
double interpolated_kld(const QualityData& data, const registry::ModelShape& shape,
                        const std::string& quant) {
    const double bits = shape.parameters == 0 ? 0
                                              : static_cast<double>(shape.weight_bytes()) * 8 /
                                                    static_cast<double>(shape.parameters);
    constexpr double bits_of_half_floats = 15.5;
    if (bits >= bits_of_half_floats) {
        return 0;
    }
    const bool is_iq = quant.find("IQ") != std::string::npos;
    constexpr double fewest_bits = 1; // below it, and without a size, nothing is known but that it is poor
    return interpolate(family_points(data, is_iq ? "IQ" : "K"), std::max(bits, fewest_bits));
}

} // namespace

Quality quality_of(const registry::ModelShape& shape, const std::string& quant) {
    const QualityData& data = quality_data();
    const std::string name = upper(quant);
    Quality quality;
    if (contains(data.lossless, name) || is_native(data, shape.architecture, name)) {
        quality.perplexity_increase = 0;
    } else if (const PublishedQuality* published = data.find(name)) {
        quality.kld = published->kld;
        quality.perplexity_increase = published->perplexity_increase;
        quality.imatrix = published->imatrix;
        quality.dominated = published->dominated;
    } else {
        quality.kld = interpolated_kld(data, shape, name);
        quality.interpolated = true;
    }
    quality.grade = grade_of(data, quality.kld);
    return quality;
}

} // namespace hearth::runtime::memory
