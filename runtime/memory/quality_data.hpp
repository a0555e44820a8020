#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The published figures of quality.json, embedded at build.
namespace hearth::runtime::memory {

/// The text of quality.json.
std::string_view quality_json() noexcept;

struct PublishedQuality {
    std::string quant;
    std::string family; ///< "K", "IQ", or "0" for the old formats
    double bits_per_weight = 0;
    double kld = 0;
    double perplexity_increase = 0;
    bool imatrix = false;
    bool dominated = false;
};

struct QualityData {
    struct Grade {
        std::string name;
        double kld = 0; ///< up to here
    };
    struct Native {
        std::string architecture;
        std::vector<std::string> quants;
    };
    std::string source;
    std::string sweet_quant; ///< where the search begins
    double sweet_kld = 0;    ///< its like, where it is not published, loses at most this
    double floor_kld = 0;    ///< worse is never picked unasked
    std::uint64_t large_parameters = 0;
    double large_floor_kld = 0; ///< the floor from `large_parameters` on
    std::vector<Grade> grades;
    std::vector<std::string> lossless;
    std::vector<Native> native;
    std::vector<PublishedQuality> quants; ///< best first

    /// The floor for a model of that many parameters.
    double floor(std::uint64_t parameters) const noexcept;
    /// nullptr: not published.
    const PublishedQuality* find(std::string_view quant) const noexcept;
};

/// Parsed once, at the first use. The file is part of the program: tests read it whole.
const QualityData& quality_data();

} // namespace hearth::runtime::memory
