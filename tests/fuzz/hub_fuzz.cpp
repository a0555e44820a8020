#include "base/error.hpp"
#include "registry/pull/hub_groups.hpp"
#include "registry/pull/hub_refusal.hpp"
#include "registry/pull/hub_tree.hpp"
#include "registry/pull/published.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace hearth::registry;

/// Whatever the Hub's answer: a list that keeps its promises, or the Error that is promised.
template <class Action> void attempt(Action action) {
    try {
        action();
    } catch (const hearth::Error& error) {
        if (error.code() != hearth::ErrorCode::bad_manifest)
            std::abort();
    }
}

void group(std::string_view text) {
    PublishedModel model;
    model.quants = group_files(parse_hub_page(text).files).quants;
    for (const PublishedQuant& quant : model.quants) {
        const bool is_reference = ModelRef::parse("hf.co/org/repo:" + quant.tag).tag == quant.tag;
        if (!is_reference || model.find(quant.tag) != &quant || quant.files.front().of < 1)
            std::abort();
    }
    if (!model.quants.empty())
        default_quant(model);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    attempt([&] { group(text); });
    attempt([&] { parse_hub_info(text); });
    attempt([&] { next_page_query(text); });
    quant_of_name(text);
    parse_rate_limit(std::string(text));
    return 0;
}
