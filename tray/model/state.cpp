#include "tray/model/state.hpp"

#include <algorithm>
#include <numeric>

namespace hearth::tray {

std::string_view phase_name(ServicePhase phase) noexcept {
    switch (phase) {
    case ServicePhase::unknown:
        return "unknown";
    case ServicePhase::not_running:
        return "not running";
    case ServicePhase::asleep:
        return "asleep";
    case ServicePhase::starting:
        return "starting";
    case ServicePhase::connected:
        return "connected";
    }
    return "unknown";
}

std::uint64_t Pull::completed_bytes() const noexcept {
    return std::accumulate(
        parts.begin(), parts.end(), std::uint64_t{0},
        [](std::uint64_t sum, const auto& part) { return sum + part.second.completed_bytes; });
}

std::uint64_t Pull::total_bytes() const noexcept {
    return std::accumulate(parts.begin(), parts.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const auto& part) { return sum + part.second.total_bytes; });
}

std::optional<int> Pull::percent() const noexcept {
    const std::uint64_t total = total_bytes();
    if (total == 0) {
        return std::nullopt;
    }
    const double share = static_cast<double>(completed_bytes()) / static_cast<double>(total);
    return std::clamp(static_cast<int>(share * 100), 0, 100);
}

std::uint64_t State::loaded_bytes() const noexcept {
    return std::accumulate(
        loaded.begin(), loaded.end(), std::uint64_t{0},
        [](std::uint64_t sum, const LoadedModel& model) { return sum + model.size_bytes; });
}

std::string shown_name(const std::string& asked) {
    const auto slash = asked.rfind('/');
    const bool is_address = asked.find("://") != std::string::npos && slash + 1 < asked.size();
    return is_address ? asked.substr(slash + 1) : asked;
}

std::size_t State::ready_models() const noexcept {
    return static_cast<std::size_t>(std::ranges::count(loaded, "ready", &LoadedModel::state));
}

} // namespace hearth::tray
