#include "runtime/memory/reasons.hpp"

#include "base/config.hpp"

#include <fmt/format.h>

namespace hearth::runtime::memory {

std::string lacks_text(const std::vector<Shortage>& lacks) {
    std::string text;
    for (const Shortage& lack : lacks) {
        text += fmt::format("{}{} more on {}", text.empty() ? "needs " : " and ", format_bytes(lack.bytes),
                            lack.id);
    }
    return text;
}

std::string context_text(const EstimateOptions& options) {
    std::string text = fmt::format("{} tokens", options.context);
    if (options.parallel > 1) {
        text += fmt::format(" for each of {} sequences", options.parallel);
    }
    if (options.kv_type != CacheType::f16) {
        text += fmt::format(" in a {} cache", cache_type_name(options.kv_type));
    }
    return text;
}

} // namespace hearth::runtime::memory
