#include "tests/runtime/memory/mixture.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <stdexcept>

namespace hearth::tests {
namespace {

struct Block {
    std::uint64_t elements;
    std::uint64_t bytes;
};
const std::map<std::string_view, Block> blocks{
    {"F32", {1, 4}},        {"F16", {1, 2}},      {"Q4_0", {32, 18}},     {"Q4_1", {32, 20}},
    {"Q5_0", {32, 22}},     {"Q5_1", {32, 24}},   {"Q8_0", {32, 34}},     {"IQ4_NL", {32, 18}},
    {"MXFP4", {32, 17}},    {"Q2_K", {256, 84}},  {"Q3_K", {256, 110}},   {"Q4_K", {256, 144}},
    {"Q5_K", {256, 176}},   {"Q6_K", {256, 210}}, {"IQ4_XS", {256, 136}}, {"IQ3_S", {256, 110}},
    {"IQ3_XXS", {256, 98}}, {"IQ2_S", {256, 82}},
};

/// What most matrices get.
std::string base_type(std::string_view quant) {
    static const std::map<std::string_view, const char*> types{
        {"F16", "F16"},     {"Q8_0", "Q8_0"},   {"Q6_K", "Q6_K"},   {"Q5_K_M", "Q5_K"}, {"Q5_K_S", "Q5_K"},
        {"Q4_K_M", "Q4_K"}, {"Q4_K_S", "Q4_K"}, {"Q4_0", "Q4_0"},   {"Q4_1", "Q4_1"},   {"IQ4_XS", "IQ4_XS"},
        {"Q3_K_L", "Q3_K"}, {"Q3_K_M", "Q3_K"}, {"Q3_K_S", "Q3_K"}, {"IQ3_M", "IQ3_S"}, {"IQ3_S", "IQ3_S"},
        {"IQ2_M", "IQ2_S"}, {"Q2_K", "Q2_K"},   {"MXFP4", "MXFP4"},
    };
    return types.at(quant);
}

bool use_more_bits(int layer, int layers) {
    return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
}

std::string attention_v_type(std::string_view quant, std::string type, const Matrix& matrix,
                             const MixtureModel& model) {
    const bool grouped = model.query_groups >= 4;
    const bool more = use_more_bits(matrix.layer, model.layers);
    if (quant == "Q2_K") {
        type = grouped ? "Q4_K" : "Q3_K";
    } else if (quant == "IQ2_M") {
        return grouped ? "Q4_K" : "IQ3_S";
    } else if (quant == "IQ3_M" || (quant == "IQ3_S" && grouped)) {
        type = "Q4_K";
    } else if (quant == "Q3_K_M") {
        type = matrix.layer < 2 ? "Q5_K" : "Q4_K";
    } else if (quant == "Q3_K_L" || (quant == "IQ4_XS" && grouped)) {
        type = "Q5_K";
    } else if ((quant == "Q4_K_M" || quant == "Q5_K_M") && more) {
        type = "Q6_K";
    } else if (quant == "Q4_K_S" && matrix.layer < 4) {
        type = "Q5_K";
    }
    return model.is_70b && (type == "Q3_K" || type == "Q4_K") ? "Q5_K" : type;
}

std::string down_type(std::string_view quant, std::string type, const Matrix& matrix,
                      const MixtureModel& model) {
    const bool first = matrix.layer < model.layers / 8;
    const bool more = use_more_bits(matrix.layer, model.layers);
    if (quant == "Q2_K") {
        return "Q3_K";
    }
    if (quant == "IQ2_M") {
        return first ? "IQ3_S" : type;
    }
    if (quant == "Q3_K_M") {
        return matrix.layer < model.layers / 16 ? "Q5_K" : "Q4_K";
    }
    if (quant == "IQ3_M") {
        return first ? "Q4_K" : type;
    }
    if (quant == "Q3_K_L") {
        return "Q5_K";
    }
    if ((quant == "Q4_K_M" || quant == "Q5_K_M") && more) {
        return "Q6_K";
    }
    return quant == "Q4_K_S" && first ? "Q5_K" : type;
}

std::string attention_out_type(std::string_view quant, std::string type) {
    if (quant == "Q2_K") {
        return "Q3_K";
    }
    if (quant == "Q3_K_M" || quant == "IQ3_M") {
        return "Q4_K";
    }
    if (quant == "Q3_K_L") {
        return "Q5_K";
    }
    return quant == "IQ2_M" ? "IQ3_S" : type;
}

std::string wanted_type(std::string_view quant, const Matrix& matrix, const MixtureModel& model) {
    const std::string base = base_type(quant);
    if (quant == "MXFP4") {
        return matrix.expert ? "MXFP4" : "Q8_0";
    }
    switch (matrix.role) {
    case Role::output:
        if (base == "F16" || base == "Q8_0" || matrix.row % blocks.at(base).elements != 0) {
            return base == "F16" ? base : "Q8_0";
        }
        return quant == "IQ2_M" ? "Q5_K" : "Q6_K";
    case Role::input:
        return quant == "IQ2_M" ? "IQ3_S" : base;
    case Role::attention_v:
        return attention_v_type(quant, base, matrix, model);
    case Role::attention_out:
        return attention_out_type(quant, base);
    case Role::down:
        return down_type(quant, base, matrix, model);
    default:
        return base;
    }
}

/// For rows that the blocks of a type do not divide.
std::string fallback(const std::string& type) {
    static const std::map<std::string_view, const char*> types{
        {"IQ2_S", "IQ4_NL"}, {"IQ3_S", "IQ4_NL"}, {"IQ4_XS", "IQ4_NL"}, {"Q2_K", "Q4_0"},
        {"Q3_K", "Q4_0"},    {"Q4_K", "Q5_0"},    {"Q5_K", "Q5_1"},     {"Q6_K", "Q8_0"},
    };
    return types.at(type);
}

} // namespace

std::string mixture_type(std::string_view quant, const Matrix& matrix, const MixtureModel& model) {
    const std::string type = wanted_type(quant, matrix, model);
    return matrix.row % blocks.at(type).elements == 0 ? type : fallback(type);
}

std::uint64_t matrix_bytes(std::string_view type, const Matrix& matrix) {
    const Block& block = blocks.at(type);
    const std::uint64_t bytes = matrix.row / block.elements * block.bytes * matrix.rows;
    return (bytes + 31) / 32 * 32;
}

} // namespace hearth::tests
