#include "daemon/planning/quantize_offer.hpp"

#include "base/config.hpp"
#include "base/error.hpp"
#include "registry/gguf/shape.hpp"
#include "runtime/memory/quality_data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace hearth::daemon {

namespace memory = runtime::memory;

namespace {

constexpr std::array offered = {"Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M"};

/// The smallest of those that can be made smaller; nullptr when one is quantized already.
const memory::Candidate* source_of(const Candidates& candidates) {
    const std::vector<std::string>& lossless = memory::quality_data().lossless;
    const auto is_whole = [&](const memory::Candidate& candidate) {
        return std::ranges::find(lossless, candidate.quant) != lossless.end();
    };
    const auto bytes = [](const memory::Candidate& candidate) { return candidate.shape.file_bytes; };
    const bool all = !candidates.list.empty() && std::ranges::all_of(candidates.list, is_whole);
    return all ? &*std::ranges::min_element(candidates.list, {}, bytes) : nullptr;
}

std::vector<memory::Candidate> smaller_ones(const memory::Candidate& source) {
    std::vector<memory::Candidate> list;
    for (const char* quant : offered) {
        const memory::PublishedQuality* published = memory::quality_data().find(quant);
        const double bits = published == nullptr ? 0 : published->bits_per_weight;
        const auto bytes =
            static_cast<std::uint64_t>(bits / 8 * static_cast<double>(source.shape.parameters));
        if (bytes > 0 && bytes < source.shape.file_bytes) {
            memory::Candidate made = source;
            made.quant = quant;
            made.shape = registry::gguf::scale_shape(source.shape, quant, bytes);
            list.push_back(std::move(made));
        }
    }
    return list;
}

} // namespace

std::string offer_quantize(const std::string& model, const Candidates& candidates,
                           const memory::Wishes& wishes, const memory::Machine& machine) {
    const memory::Candidate* source = source_of(candidates);
    const std::vector<memory::Candidate> list =
        source == nullptr ? std::vector<memory::Candidate>() : smaller_ones(*source);
    if (list.empty()) {
        return {};
    }
    memory::Wishes any = wishes;
    any.quant.clear();
    any.force = false;
    try {
        const memory::Plan plan = memory::fit(list, any, machine);
        if (!plan.pick) {
            return {};
        }
        const memory::Choice& pick = plan.choices[*plan.pick];
        const auto made = std::ranges::find(list, pick.quant, &memory::Candidate::quant);
        const std::string how = model.empty() ? "pull it, and `hearth quantize`"
                                              : fmt::format("`hearth quantize {} {}`", model, pick.quant);
        return fmt::format("{} makes a {} of about {} that fits", how, pick.quant,
                           format_bytes(made->shape.file_bytes));
    } catch (const Error&) { // the engine would have to be asked
        return {};
    }
}

} // namespace hearth::daemon
