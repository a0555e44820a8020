#include "tray/model/reduce.hpp"

#include <fmt/format.h>

namespace hearth::tray {
namespace {

/// Members of objects that a service of another version may lack.
std::string text_of(const Json& object, const char* key) {
    const auto found = object.is_object() ? object.find(key) : object.end();
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::uint64_t bytes_of(const Json& object, const char* key) {
    const auto found = object.is_object() ? object.find(key) : object.end();
    return found != object.end() && found->is_number() && *found >= 0 ? found->get<std::uint64_t>() : 0;
}

const Json& rows_of(const Json& object, const char* key) {
    static const Json none = Json::array();
    const auto found = object.is_object() ? object.find(key) : object.end();
    return found != object.end() && found->is_array() ? *found : none;
}

void take_capabilities(State& state, const Json& body) {
    state.service_version = text_of(body, "version");
    state.routes.clear();
    for (const Json& row : rows_of(body, "routes")) {
        state.routes.insert(text_of(row, "method") + " " + text_of(row, "path"));
    }
}

void take_models(State& state, const Json& body) {
    state.stored.clear();
    for (const Json& row : rows_of(body, "models")) {
        state.stored.push_back({text_of(row, "name"), bytes_of(row, "size")});
    }
}

LoadedModel loaded_model(const Json& row) {
    LoadedModel model;
    model.name = text_of(row, "name");
    model.state = text_of(row, "state");
    model.backend = text_of(row, "backend");
    model.size_bytes = bytes_of(row, "size");
    for (const Json& device : rows_of(row, "devices")) {
        model.devices.emplace_back(text_of(device, "id"), bytes_of(device, "bytes"));
    }
    return model;
}

void take_loaded(State& state, const Json& body) {
    state.loaded.clear();
    for (const Json& row : rows_of(body, "models")) {
        state.loaded.push_back(loaded_model(row));
        for (const Json& user :
             rows_of(row, "users")) { // apps that were seen stay known: their menus do not jump
            if (std::string app = text_of(user, "app"); !app.empty()) {
                state.apps.insert(std::move(app));
            }
        }
    }
}

void take_defaults(State& state, const Json& body) {
    state.defaults.clear();
    for (const Json& row : rows_of(body, "defaults")) {
        std::string app = text_of(row, "app");
        if (!app.empty()) {
            state.apps.insert(app);
        }
        state.defaults[std::move(app)] = text_of(row, "model");
    }
}

void take_tokens(State& state, const Json& body) {
    for (const Json& row : rows_of(body, "tokens")) {
        state.apps.insert(text_of(row, "name"));
    }
}

void take(State& state, const Snapshot& snapshot) {
    switch (snapshot.source) {
    case Source::capabilities:
        return take_capabilities(state, snapshot.body);
    case Source::models:
        return take_models(state, snapshot.body);
    case Source::loaded:
        return take_loaded(state, snapshot.body);
    case Source::defaults:
        return take_defaults(state, snapshot.body);
    case Source::tokens:
        return take_tokens(state, snapshot.body);
    }
}

/// A service that is gone holds nothing: what it served, held and pulled is forgotten.
void forget_service(State& state) {
    const LocalFacts local = state.local;
    state = State();
    state.local = local;
}

/// The name under which a pull was asked for; the model may be kept under another.
std::string pull_name(const Json& event) {
    const std::string asked = text_of(event, "pull");
    return asked.empty() ? text_of(event, "model") : asked;
}

void note_progress(State& state, const Json& event) {
    const std::string name = pull_name(event);
    Pull& pull = state.pulls[name];
    pull.model = name;
    const std::string digest = text_of(event, "digest");
    const std::uint64_t total = bytes_of(event, "total");
    if (total > 0) {
        pull.parts[digest.empty() ? text_of(event, "status") : digest] = {bytes_of(event, "completed"),
                                                                          total};
    }
}

std::vector<Notice> pull_done(State& state, const Json& event) {
    state.pulls.erase(pull_name(event));
    const std::string model = text_of(event, "model");
    return {
        {"pull " + pull_name(event), "Downloaded " + model, "It is ready to use.", Notice::Urgency::normal}};
}

std::vector<Notice> pull_failed(State& state, const Json& event) {
    const std::string name = pull_name(event);
    state.pulls.erase(name);
    if (text_of(event, "code") == "cancelled") { // by the user: no news
        return {};
    }
    return {{"pull " + name, "Downloading " + shown_name(name) + " failed", text_of(event, "error"),
             Notice::Urgency::normal}};
}

/// A load that was refused names its model; pressure on the whole machine names none.
std::vector<Notice> memory_low(State& state, const Json& event) {
    const std::string model = text_of(event, "model");
    const std::string summary = model.empty() ? "Memory is low" : "Not enough memory for " + model;
    state.low_memory = text_of(event, "reason");
    std::string body = state.low_memory;
    if (const std::string hint = text_of(event, "hint"); !hint.empty()) {
        body += "\n" + hint;
    }
    return {{"memory", summary, std::move(body), Notice::Urgency::critical}};
}

std::vector<Notice> apply(State& state, const ServiceEvent& event) {
    if (event.type == "pull.progress") {
        note_progress(state, event.body);
    } else if (event.type == "pull.done") {
        return pull_done(state, event.body);
    } else if (event.type == "pull.failed") {
        return pull_failed(state, event.body);
    } else if (event.type == "memory.low") {
        return memory_low(state, event.body);
    } else if (event.type == "model.unloaded" || event.type == "model.loaded") {
        state.low_memory.clear(); // what was said of memory is of another moment
    }
    return {};
}

struct Reducer {
    State& state;

    std::vector<Notice> operator()(const PhaseChanged& change) const {
        if (change.phase != ServicePhase::connected) {
            forget_service(state);
        }
        state.phase = change.phase;
        state.note = change.note;
        return {};
    }
    std::vector<Notice> operator()(const Snapshot& snapshot) const {
        take(state, snapshot);
        return {};
    }
    std::vector<Notice> operator()(const ServiceEvent& event) const { return apply(state, event); }
    std::vector<Notice> operator()(const ActionFailed& failed) const {
        std::string body = failed.error;
        if (!failed.hint.empty()) {
            body += "\n" + failed.hint;
        }
        return {{"action", failed.what + " failed", std::move(body), Notice::Urgency::normal}};
    }
};

} // namespace

std::vector<Notice> reduce(State& state, const Message& message) {
    return std::visit(Reducer{state}, message);
}

} // namespace hearth::tray
