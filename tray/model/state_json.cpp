#include "tray/model/state_json.hpp"

#include "tray/model/appearance.hpp"
#include "tray/model/menu.hpp"

#include <nlohmann/json.hpp>

namespace hearth::tray {
namespace {

std::string_view toggle_name(MenuItem::Toggle toggle) {
    switch (toggle) {
    case MenuItem::Toggle::check:
        return "check";
    case MenuItem::Toggle::radio:
        return "radio";
    case MenuItem::Toggle::none:
        break;
    }
    return "";
}

Json item_json(const MenuItem& item) {
    Json row = {{"key", item.key}};
    if (item.is_separator()) {
        row["separator"] = true;
        return row;
    }
    row["label"] = item.label;
    row["enabled"] = item.enabled;
    if (item.toggle != MenuItem::Toggle::none) {
        row["toggle"] = toggle_name(item.toggle);
        row["on"] = item.on;
    }
    if (!item.children.empty()) {
        row["items"] = Json::array();
        for (const MenuItem& child : item.children) {
            row["items"].push_back(item_json(child));
        }
    }
    return row;
}

Json service_json(const State& state) {
    Json service = {{"phase", phase_name(state.phase)}};
    if (!state.note.empty()) {
        service["note"] = state.note;
    }
    if (!state.service_version.empty()) {
        service["version"] = state.service_version;
    }
    return service;
}

Json pulls_json(const State& state) {
    Json rows = Json::array();
    for (const auto& [name, pull] : state.pulls) {
        const auto percent = pull.percent();
        rows.push_back({{"model", name},
                        {"completed", pull.completed_bytes()},
                        {"total", pull.total_bytes()},
                        {"percent", percent ? Json(*percent) : Json()}});
    }
    return rows;
}

Json loaded_json(const State& state) {
    Json rows = Json::array();
    for (const LoadedModel& model : state.loaded) {
        rows.push_back({{"name", model.name}, {"state", model.state}, {"size", model.size_bytes}});
    }
    return rows;
}

void add_lines(std::string& text, const std::vector<MenuItem>& items, std::size_t depth) {
    for (const MenuItem& item : items) {
        const std::string mark = item.toggle == MenuItem::Toggle::none ? "" : item.on ? "[x] " : "[ ] ";
        text += std::string(depth * 2, ' ') + (item.is_separator() ? "---" : mark + item.label) + "\n";
        add_lines(text, item.children, depth + 1);
    }
}

} // namespace

Json shown_json(const State& state) {
    const Appearance appearance = appearance_of(state);
    Json menu = Json::array();
    for (const MenuItem& item : build_menu(state)) {
        menu.push_back(item_json(item));
    }
    return {{"version", 1},
            {"service", service_json(state)},
            {"icon", icon_name(appearance.icon)},
            {"title", appearance.title},
            {"details", appearance.details},
            {"loaded", loaded_json(state)},
            {"pulls", pulls_json(state)},
            {"low_memory", state.low_memory},
            {"menu", std::move(menu)}};
}

std::string shown_text(const State& state) {
    std::string text;
    add_lines(text, build_menu(state), 0);
    return text;
}

} // namespace hearth::tray
