#include "tray/model/menu.hpp"

#include "base/config.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace hearth::tray {
namespace {

MenuItem line(std::string key, std::string label) {
    MenuItem item;
    item.key = std::move(key);
    item.label = std::move(label);
    item.enabled = false;
    return item;
}

MenuItem button(std::string key, std::string label, Action action) {
    MenuItem item;
    item.key = std::move(key);
    item.label = std::move(label);
    item.action = std::move(action);
    return item;
}

MenuItem submenu(std::string key, std::string label, std::vector<MenuItem> children) {
    MenuItem item;
    item.key = std::move(key);
    item.label = std::move(label);
    item.children = std::move(children);
    return item;
}

MenuItem separator(std::string key) {
    MenuItem item;
    item.key = std::move(key);
    return item;
}

/// Groups of items with a separator between two that are not empty.
class Groups {
  public:
    void add(const std::string& name, std::vector<MenuItem> items) {
        if (items.empty()) {
            return;
        }
        if (!menu_.empty()) {
            menu_.push_back(separator("before " + name));
        }
        std::ranges::move(items, std::back_inserter(menu_));
    }
    std::vector<MenuItem> take() { return std::move(menu_); }

  private:
    std::vector<MenuItem> menu_;
};

std::string loaded_label(const LoadedModel& model) {
    if (model.state == "waiting") {
        return model.name + " — waits for memory";
    }
    if (model.state == "loading") {
        return model.name + " — loading";
    }
    if (model.state == "stopping") {
        return model.name + " — unloading";
    }
    return fmt::format("{} — {}", model.name, format_bytes(model.size_bytes));
}

/// "llama: GPU0 4.1 GB, RAM 0.6 GB"
std::string placement(const LoadedModel& model) {
    std::string text;
    for (const auto& [device, bytes] : model.devices) {
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", device, format_bytes(bytes));
    }
    return text.empty() ? model.backend : fmt::format("{}: {}", model.backend, text);
}

MenuItem loaded_item(const State& state, const LoadedModel& model) {
    const std::string key = "loaded/" + model.name;
    std::vector<MenuItem> children;
    if (const std::string where = placement(model); !where.empty()) {
        children.push_back(line(key + "/where", where));
    }
    if (state.serves("POST /hearth/v1/unload")) {
        children.push_back(button(key + "/unload", "Unload", {Action::Verb::unload, model.name}));
    }
    return submenu(key, loaded_label(model), std::move(children));
}

bool is_loaded(const State& state, const std::string& name) {
    return std::ranges::find(state.loaded, name, &LoadedModel::name) != state.loaded.end();
}

std::vector<MenuItem> loaded_items(const State& state) {
    std::vector<MenuItem> items;
    items.reserve(state.loaded.size());
    for (const LoadedModel& model : state.loaded) {
        items.push_back(loaded_item(state, model));
    }
    return items;
}

std::vector<MenuItem> pull_items(const State& state) {
    std::vector<MenuItem> items;
    for (const auto& [name, pull] : state.pulls) {
        const auto percent = pull.percent();
        std::string label = "Downloading " + shown_name(name);
        if (percent) {
            label += fmt::format(": {} % of {}", *percent, format_bytes(pull.total_bytes()));
        }
        items.push_back(line("pull/" + name, std::move(label)));
    }
    return items;
}

std::vector<MenuItem> load_choices(const State& state) {
    std::vector<MenuItem> items;
    for (const StoredModel& model : state.stored) {
        if (!is_loaded(state, model.name)) {
            items.push_back(button("load/" + model.name,
                                   fmt::format("{} — {}", model.name, format_bytes(model.size_bytes)),
                                   {Action::Verb::load, model.name}));
        }
    }
    return items;
}

MenuItem radio(std::string key, std::string label, bool on, Action action) {
    MenuItem item = button(std::move(key), std::move(label), std::move(action));
    item.toggle = MenuItem::Toggle::radio;
    item.on = on;
    return item;
}

/// One radio item per model for one app, and the one that takes the choice back.
std::vector<MenuItem> default_choices(const State& state, const std::string& app,
                                      const std::string& nothing) {
    const std::string key = "default/" + app + "/";
    const auto chosen = state.defaults.find(app);
    const std::string current = chosen != state.defaults.end() ? chosen->second : "";
    std::vector<MenuItem> items;
    items.reserve(state.stored.size() + 1);
    for (const StoredModel& model : state.stored) {
        items.push_back(radio(key + "model/" + model.name, model.name, model.name == current,
                              {Action::Verb::choose_default, model.name, app}));
    }
    if (state.serves("DELETE /hearth/v1/default") && !items.empty()) {
        items.push_back(
            radio(key + "none", nothing, current.empty(), {Action::Verb::clear_default, "", app}));
    }
    return items;
}

/// A program is known by its path; people know it by its name.
std::string app_label(const std::string& app) {
    const auto slash = app.rfind('/');
    return slash == std::string::npos || slash + 1 == app.size() ? app : app.substr(slash + 1);
}

std::vector<MenuItem> default_menu(const State& state) {
    std::vector<MenuItem> items = default_choices(state, "", "None");
    if (items.empty()) {
        return items;
    }
    std::vector<MenuItem> apps;
    apps.reserve(state.apps.size());
    for (const std::string& app : state.apps) {
        apps.push_back(submenu("default-app/" + app, "For " + app_label(app),
                               default_choices(state, app, "As for all apps")));
    }
    if (!apps.empty()) {
        items.push_back(separator("default-apps"));
        std::ranges::move(apps, std::back_inserter(items));
    }
    return items;
}

/// A row: its items are there when the service serves the route.
struct ModelMenu {
    const char* route;
    const char* key;
    const char* label;
    std::vector<MenuItem> (*items)(const State& state);
};

std::vector<MenuItem> model_menus(const State& state) {
    static constexpr ModelMenu menus[] = {
        {"POST /hearth/v1/load", "load", "Load", load_choices},
        {"PUT /hearth/v1/default", "default", "Default model", default_menu},
    };
    std::vector<MenuItem> items;
    for (const ModelMenu& row : menus) {
        std::vector<MenuItem> children = state.serves(row.route) ? row.items(state) : std::vector<MenuItem>();
        if (!children.empty()) {
            items.push_back(submenu(row.key, row.label, std::move(children)));
        }
    }
    return items;
}

std::vector<MenuItem> service_lines(const State& state) {
    std::vector<MenuItem> items{line("headline", headline(state))};
    if (!state.low_memory.empty()) {
        items.push_back(line("memory", "Memory: " + state.low_memory));
    }
    if (state.phase != ServicePhase::connected && !state.note.empty()) {
        items.push_back(line("note", state.note));
    }
    if (state.phase == ServicePhase::not_running && state.local.service_can_be_started) {
        items.push_back(button("start", "Start the service", {Action::Verb::start_service}));
    }
    if (state.phase == ServicePhase::asleep) {
        items.push_back(button("start", "Start it now", {Action::Verb::wake_service}));
    }
    return items;
}

std::vector<MenuItem> desktop_items(const State& state) {
    std::vector<MenuItem> items;
    if (state.serves("POST /hearth/v1/open")) {
        items.push_back(button("page", "Open the chat page", {Action::Verb::open_page}));
    }
    if (state.local.log_exists) {
        items.push_back(button("log", "Open the log", {Action::Verb::open_log}));
    }
    return items;
}

std::vector<MenuItem> own_items(const State& state) {
    MenuItem login = button("autostart", "Start at login", {Action::Verb::toggle_autostart});
    login.toggle = MenuItem::Toggle::check;
    login.on = state.local.starts_at_login;
    return {std::move(login), button("quit", "Quit", {Action::Verb::quit})};
}

std::string loaded_headline(const State& state) {
    const std::size_t ready = state.ready_models();
    if (ready == 0) {
        return "Hearth: no model loaded";
    }
    return fmt::format("Hearth: {} model{} loaded, {}", ready, ready == 1 ? "" : "s",
                       format_bytes(state.loaded_bytes()));
}

} // namespace

std::string headline(const State& state) {
    switch (state.phase) {
    case ServicePhase::unknown:
        return "Hearth";
    case ServicePhase::not_running:
        return "Hearth: service not running";
    case ServicePhase::asleep:
        return "Hearth: asleep, starts on use";
    case ServicePhase::starting:
        return "Hearth: the service does not answer";
    case ServicePhase::connected:
        return loaded_headline(state);
    }
    return "Hearth";
}

std::vector<MenuItem> build_menu(const State& state) {
    Groups groups;
    groups.add("service", service_lines(state));
    groups.add("loaded", loaded_items(state));
    groups.add("pulls", pull_items(state));
    groups.add("models", model_menus(state));
    groups.add("desktop", desktop_items(state));
    groups.add("own", own_items(state));
    return groups.take();
}

} // namespace hearth::tray
