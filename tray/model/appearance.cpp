#include "tray/model/appearance.hpp"

#include "base/config.hpp"
#include "tray/model/menu.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace hearth::tray {
namespace {

bool is_busy(const State& state) {
    const bool loading = std::ranges::any_of(state.loaded, [](const LoadedModel& model) {
        return model.state == "loading" || model.state == "waiting";
    });
    return loading || !state.pulls.empty();
}

IconKind icon_of(const State& state) {
    switch (state.phase) {
    case ServicePhase::asleep:
        return IconKind::asleep;
    case ServicePhase::connected:
        break;
    default:
        return IconKind::stopped;
    }
    if (!state.low_memory.empty()) {
        return IconKind::attention;
    }
    if (is_busy(state)) {
        return IconKind::busy;
    }
    return state.ready_models() > 0 ? IconKind::active : IconKind::idle;
}

std::optional<int> progress_of(const State& state) {
    Pull all;
    for (const auto& [name, pull] : state.pulls) {
        all.parts[name] = {pull.completed_bytes(), pull.total_bytes()};
    }
    const auto percent = all.percent();
    return percent ? std::optional(*percent / 5) : std::nullopt;
}

std::string details_of(const State& state) {
    std::string text;
    auto add = [&text](const std::string& line) { text += (text.empty() ? "" : "\n") + line; };
    if (!state.low_memory.empty()) {
        add("Memory: " + state.low_memory);
    }
    for (const LoadedModel& model : state.loaded) {
        add(fmt::format("{}: {}", model.name,
                        model.state == "ready" ? format_bytes(model.size_bytes) : model.state));
    }
    for (const auto& [name, pull] : state.pulls) { // without figures that would change all the time
        add("downloading " + shown_name(name));
    }
    return text;
}

} // namespace

std::string_view icon_name(IconKind kind) noexcept {
    switch (kind) {
    case IconKind::idle:
        return "hearth-tray-idle";
    case IconKind::active:
        return "hearth-tray-active";
    case IconKind::busy:
        return "hearth-tray-busy";
    case IconKind::stopped:
        return "hearth-tray-stopped";
    case IconKind::asleep:
        return "hearth-tray-asleep";
    case IconKind::attention:
        return "hearth-tray-attention";
    }
    return "hearth-tray-stopped";
}

Appearance appearance_of(const State& state) {
    return {icon_of(state), progress_of(state), headline(state), details_of(state)};
}

} // namespace hearth::tray
