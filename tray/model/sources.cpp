#include "tray/model/sources.hpp"

#include <array>
#include <utility>

namespace hearth::tray {

std::span<const Source> all_sources() noexcept {
    static constexpr std::array sources{Source::capabilities, Source::models, Source::loaded,
                                        Source::defaults, Source::tokens};
    return sources;
}

std::string_view target_of(Source source) noexcept {
    switch (source) {
    case Source::capabilities:
        return "/hearth/v1/capabilities";
    case Source::models:
        return "/api/tags";
    case Source::loaded:
        return "/api/ps";
    case Source::defaults:
        return "/hearth/v1/default";
    case Source::tokens:
        return "/hearth/v1/tokens";
    }
    return "";
}

std::vector<Source> sources_after(std::string_view event_type) {
    static const std::vector<std::pair<std::string_view, std::vector<Source>>> rules = {
        {"model.loading", {Source::loaded}},     {"model.loaded", {Source::loaded}},
        {"model.unloaded", {Source::loaded}},    {"model.waiting", {Source::loaded}},
        {"runner.lost", {Source::loaded}},       {"pull.done", {Source::models}},
        {"quantize.done", {Source::models}},     {"models.changed", {Source::models}},
        {"default.changed", {Source::defaults}},
    };
    for (const auto& [type, sources] : rules) {
        if (type == event_type) {
            return sources;
        }
    }
    return {};
}

} // namespace hearth::tray
