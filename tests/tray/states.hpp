#pragma once

#include "tray/model/menu.hpp"
#include "tray/model/reduce.hpp"

#include <algorithm>
#include <string>
#include <vector>

/// States and menus that tests of the tray start from.
namespace hearth::tray::testing {

/// A service that serves these routes, with one model in the store and one that is loaded.
inline State connected(std::vector<std::string> routes) {
    State state;
    state.phase = ServicePhase::connected;
    state.routes = {routes.begin(), routes.end()};
    state.stored = {{"small:latest", 500'000'000}, {"big_model:q4_K_M", 4'700'000'000}};
    state.loaded = {{"big_model:q4_K_M", "ready", "llama", 4'900'000'000, {{"ram", 4'900'000'000}}}};
    return state;
}

inline const MenuItem* find_item(const std::vector<MenuItem>& menu, const std::string& key) {
    for (const MenuItem& item : menu) {
        if (item.key == key) {
            return &item;
        }
        if (const MenuItem* below = find_item(item.children, key)) {
            return below;
        }
    }
    return nullptr;
}

inline ServiceEvent event(const std::string& type, Json body) {
    return {type, std::move(body)};
}

} // namespace hearth::tray::testing
