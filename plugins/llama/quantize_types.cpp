#include "plugins/llama/quantize_types.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace hearth::llama {

namespace {

/// From most to fewest bits.
constexpr std::array<TargetType, 20> targets = {{
    {"F16", nullptr, LLAMA_FTYPE_MOSTLY_F16},       {"BF16", nullptr, LLAMA_FTYPE_MOSTLY_BF16},
    {"Q8_0", nullptr, LLAMA_FTYPE_MOSTLY_Q8_0},     {"Q6_K", nullptr, LLAMA_FTYPE_MOSTLY_Q6_K},
    {"Q5_1", nullptr, LLAMA_FTYPE_MOSTLY_Q5_1},     {"Q5_K_M", "Q5_K", LLAMA_FTYPE_MOSTLY_Q5_K_M},
    {"Q5_K_S", nullptr, LLAMA_FTYPE_MOSTLY_Q5_K_S}, {"Q5_0", nullptr, LLAMA_FTYPE_MOSTLY_Q5_0},
    {"Q4_1", nullptr, LLAMA_FTYPE_MOSTLY_Q4_1},     {"Q4_K_M", "Q4_K", LLAMA_FTYPE_MOSTLY_Q4_K_M},
    {"Q4_K_S", nullptr, LLAMA_FTYPE_MOSTLY_Q4_K_S}, {"Q4_0", nullptr, LLAMA_FTYPE_MOSTLY_Q4_0},
    {"IQ4_NL", nullptr, LLAMA_FTYPE_MOSTLY_IQ4_NL}, {"IQ4_XS", nullptr, LLAMA_FTYPE_MOSTLY_IQ4_XS},
    {"Q3_K_L", nullptr, LLAMA_FTYPE_MOSTLY_Q3_K_L}, {"Q3_K_M", "Q3_K", LLAMA_FTYPE_MOSTLY_Q3_K_M},
    {"IQ3_M", nullptr, LLAMA_FTYPE_MOSTLY_IQ3_M},   {"IQ3_S", nullptr, LLAMA_FTYPE_MOSTLY_IQ3_S},
    {"Q3_K_S", nullptr, LLAMA_FTYPE_MOSTLY_Q3_K_S}, {"Q2_K", nullptr, LLAMA_FTYPE_MOSTLY_Q2_K},
}};

struct RefusedType {
    const char* name;
    const char* reason;
};
constexpr const char* wants_matrix =
    "so few bits need an importance matrix, which only the model's training "
    "texts can give; a file that was published with one is the better choice";
constexpr const char* wants_training = "only models that were trained for it keep their sense in it";
constexpr const char* wants_larger = "a model cannot be made larger: nothing would be gained";
constexpr std::array<RefusedType, 17> refused = {{
    {"F32", wants_larger},
    {"Q2_K_S", wants_matrix},
    {"IQ3_XS", wants_matrix},
    {"IQ3_XXS", wants_matrix},
    {"IQ2_M", wants_matrix},
    {"IQ2_S", wants_matrix},
    {"IQ2_XS", wants_matrix},
    {"IQ2_XXS", wants_matrix},
    {"IQ1_M", wants_matrix},
    {"IQ1_S", wants_matrix},
    {"TQ2_0", wants_training},
    {"TQ1_0", wants_training},
    {"Q2_0", wants_training},
    {"Q1_0", wants_training},
    {"NVFP4", wants_training},
    {"MXFP4", wants_training},
    {"MXFP4_MOE", wants_training},
}};

bool same_word(std::string_view left, const char* right) {
    const auto equal = [](char a, char b) {
        return std::toupper(static_cast<unsigned char>(a)) == static_cast<unsigned char>(b);
    };
    return right != nullptr && std::ranges::equal(left, std::string_view(right), equal);
}

std::string names_of_targets() {
    std::string names;
    for (const TargetType& target : targets) {
        names += (names.empty() ? "" : ", ") + std::string(target.name);
    }
    return names;
}

} // namespace

const TargetType& find_target(const std::string& name) {
    for (const TargetType& target : targets) {
        if (same_word(name, target.name) || same_word(name, target.alias)) {
            return target;
        }
    }
    for (const RefusedType& row : refused) {
        if (same_word(name, row.name)) {
            throw Failure(HEARTH_E_UNSUPPORTED, std::string(row.name) + " is not offered: " + row.reason);
        }
    }
    throw Failure(HEARTH_E_INVALID, "there is no such type; there are " + names_of_targets());
}

Json list_targets() {
    Json types = Json::array();
    for (const TargetType& target : targets) {
        Json aliases = Json::array();
        if (target.alias) {
            aliases.push_back(target.alias);
        }
        types.push_back({{"name", target.name}, {"aliases", aliases}});
    }
    Json no = Json::array();
    for (const RefusedType& row : refused) {
        no.push_back({{"name", row.name}, {"reason", row.reason}});
    }
    return {{"types", types}, {"refused", no}};
}

} // namespace hearth::llama
