#include "registry/pull/published.hpp"

#include "base/config.hpp"
#include "base/error.hpp"
#include "registry/name_text.hpp"
#include "registry/pull/shard_name.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace hearth::registry {

namespace {

using name_text::equal_without_case;
using name_text::is_digit;

constexpr std::size_t most_named = 24;

std::string upper_case(std::string_view text) {
    std::string upper(text);
    std::ranges::transform(upper, upper.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return upper;
}

/// "Q4_K_M", "IQ2_XXS", "TQ1_0", "F16", "BF16", "MXFP4_MOE" of a word in any case; else empty.
std::string as_quant(std::string_view word) {
    std::string upper = upper_case(word);
    if (upper == "FP16" || upper == "FP32") {
        return "F" + upper.substr(2);
    }
    constexpr std::array plain = {"F16", "F32", "BF16", "MXFP4", "MXFP4_MOE", "NVFP4"};
    if (std::ranges::find(plain, upper) != plain.end()) {
        return upper;
    }
    std::string_view rest = upper;
    if (rest.starts_with('I') || rest.starts_with('T')) {
        rest.remove_prefix(1);
    }
    const auto allowed = [](char c) { return name_text::is_alphanumeric(c) || c == '_'; };
    const bool right = rest.size() >= 2 && rest.size() <= 16 && rest[0] == 'Q' && is_digit(rest[1]) &&
                       (rest.size() == 2 || rest[2] == '_') && std::ranges::all_of(rest, allowed);
    return right ? upper : std::string();
}

/// The quantization at the end of a word: "model_q4_0" too.
std::string quant_at_end(std::string_view word) {
    std::string quant = as_quant(word);
    for (std::size_t at = word.find('_'); quant.empty() && at != std::string_view::npos;
         at = word.find('_', at + 1)) {
        quant = as_quant(word.substr(at + 1));
    }
    return quant;
}

/// Words between `-` and `.`, from the back; a prefix of dynamic or imatrix quants stays with it.
std::string quant_of_part(std::string_view part) {
    while (!part.empty()) {
        const std::size_t at = part.find_last_of("-.");
        const std::string_view word = part.substr(at == std::string_view::npos ? 0 : at + 1);
        const std::string_view before =
            at == std::string_view::npos ? std::string_view() : part.substr(0, at);
        if (const std::string quant = quant_at_end(word); !quant.empty()) {
            const std::string_view previous = before.substr(before.find_last_of("-./") + 1);
            return equal_without_case(previous, "UD")   ? "UD-" + quant
                   : equal_without_case(previous, "i1") ? "i1-" + quant
                                                        : quant;
        }
        part = before;
    }
    return {};
}

std::string_view without_prefix(std::string_view quant) {
    return quant.starts_with("UD-") || quant.starts_with("i1-") ? quant.substr(3) : quant;
}

bool is_file_name(std::string_view wanted, const PublishedQuant& quant) {
    const std::string_view path = quant.files.empty() ? std::string_view() : quant.files.front().name;
    const std::string_view name = path.substr(path.rfind('/') + 1);
    return equal_without_case(wanted, name) || equal_without_case(wanted, parse_shard_name(name).stem);
}

} // namespace

std::string quant_of_name(std::string_view path) {
    std::string stem = parse_shard_name(path).stem;
    for (std::string_view rest = stem; !rest.empty();) { // the file, then the folders around it
        const std::size_t slash = rest.rfind('/');
        const std::string_view part = rest.substr(slash == std::string_view::npos ? 0 : slash + 1);
        if (std::string quant = quant_of_part(part); !quant.empty()) {
            return quant;
        }
        rest = slash == std::string_view::npos ? std::string_view() : rest.substr(0, slash);
    }
    return {};
}

std::uint64_t PublishedQuant::weight_bytes() const {
    std::uint64_t bytes = 0;
    for (const PublishedFile& file : files) {
        bytes += file.role == FileRole::model ? file.size_bytes : 0;
    }
    return bytes;
}

const PublishedQuant* PublishedModel::find(std::string_view tag) const {
    const std::string quant = quant_of_name(tag);
    const auto is_tag = [&](const PublishedQuant& one) { return equal_without_case(one.tag, tag); };
    const auto is_quant = [&](const PublishedQuant& one) {
        return !quant.empty() && equal_without_case(one.quant, quant);
    };
    const auto is_bare = [&](const PublishedQuant& one) {
        return !quant.empty() && equal_without_case(without_prefix(one.quant), tag);
    };
    const auto is_file = [&](const PublishedQuant& one) { return is_file_name(tag, one); };
    if (const auto found = std::ranges::find_if(quants, is_tag); found != quants.end()) {
        return &*found;
    }
    if (const auto found = std::ranges::find_if(quants, is_file); found != quants.end()) {
        return &*found;
    }
    if (equal_without_case(quant, tag) ||
        as_quant(tag) == quant) { // a quantization alone, not part of a name
        if (const auto found = std::ranges::find_if(quants, is_quant); found != quants.end()) {
            return &*found;
        }
        if (std::ranges::count_if(quants, is_bare) == 1) {
            return &*std::ranges::find_if(quants, is_bare);
        }
    }
    return nullptr;
}

const PublishedQuant& PublishedModel::get(std::string_view tag) const {
    if (const PublishedQuant* found = find(tag)) {
        return *found;
    }
    std::vector<std::string> there;
    there.reserve(quants.size());
    for (const PublishedQuant& quant : quants) {
        there.push_back(fmt::format("{} ({})", quant.tag, format_bytes(quant.size_bytes)));
    }
    const std::size_t more = there.size() - std::min(there.size(), most_named);
    there.resize(there.size() - more);
    std::string text = fmt::format("there are {}", fmt::join(there, ", "));
    text += more > 0 ? fmt::format(", and {} more", more) : "";
    text += incomplete.empty() ? "" : fmt::format("; incomplete: {}", fmt::join(incomplete, ", "));
    throw Error(ErrorCode::model_not_found,
                fmt::format("{} has no quantization '{}'",
                            ref.host.empty() ? ref.repository : ref.host + "/" + ref.repository, tag),
                text);
}

const PublishedQuant& default_quant(const PublishedModel& model) {
    for (const char* wanted : {"Q4_K_M", "Q8_0"}) {
        if (const PublishedQuant* found = model.find(wanted)) {
            return *found;
        }
    }
    const auto name = [](const PublishedQuant& quant) { return name_text::lower_case(quant.tag); };
    return *std::ranges::min_element(model.quants, {}, name);
}

} // namespace hearth::registry
