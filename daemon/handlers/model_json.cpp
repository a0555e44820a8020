#include "daemon/handlers/model_json.hpp"

#include "base/time.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <functional>

namespace hearth::daemon {
namespace {

/// Every parameter with its value as a Modelfile writes it; a list gives several.
void each_parameter(const registry::Model& model,
                    const std::function<void(const std::string&, const std::string&)>& use) {
    const Json parameters =
        model.parameters_json.empty() ? Json() : Json::parse(model.parameters_json, nullptr, false);
    if (!parameters.is_object()) {
        return;
    }
    for (const auto& [name, value] : parameters.items()) {
        for (const Json& one : value.is_array() ? value : Json::array({value})) {
            use(name, to_text(one));
        }
    }
}

/// Bytes on each device.
Json device_rows(const runtime::LoadedModel& loaded) {
    Json rows = Json::array();
    for (const auto& [device, bytes] : loaded.bytes) {
        rows.push_back({{"id", device}, {"bytes", bytes}});
    }
    return rows;
}

/// Who uses it now.
Json user_rows(const runtime::LoadedModel& loaded) {
    Json rows = Json::array();
    for (const auto& [app, requests] : loaded.users) {
        rows.push_back({{"app", app}, {"requests", requests}});
    }
    return rows;
}

std::string modelfile(const registry::Model& model) {
    std::string text = "# Modelfile written by hearth show\nFROM " + model.ref.full_name() + "\n";
    if (!model.template_text.empty()) {
        text += "TEMPLATE \"\"\"" + model.template_text + "\"\"\"\n";
    }
    if (!model.system.empty()) {
        text += "SYSTEM \"\"\"" + model.system + "\"\"\"\n";
    }
    each_parameter(model, [&text](const std::string& name, const std::string& value) {
        text += "PARAMETER " + name + " " + value + "\n";
    });
    for (const std::string& license : model.licenses) {
        text += "LICENSE \"\"\"" + license + "\"\"\"\n";
    }
    return text;
}

} // namespace

Json details_json(const registry::ModelDetails& details) {
    Json result = {{"parent_model", details.parent_model},
                   {"format", details.format},
                   {"family", details.family},
                   {"families", details.families},
                   {"parameter_size", details.parameter_size},
                   {"quantization_level", details.quantization_level}};
    if (details.context_length > 0) {
        result["context_length"] = details.context_length;
    }
    if (details.embedding_length > 0) {
        result["embedding_length"] = details.embedding_length;
    }
    return result;
}

Json tags_row(const registry::Model& model) {
    const std::string name = model.ref.short_name();
    return {{"name", name},
            {"model", name},
            {"modified_at", to_rfc3339(model.modified_at)},
            {"size", model.size_bytes},
            {"digest", model.digest.hex()},
            {"details", details_json(model.details)},
            {"capabilities", model.capabilities}};
}

Json ps_row(const runtime::LoadedModel& loaded) {
    const registry::ModelDetails none;
    return {{"name", loaded.name},
            {"model", loaded.name},
            {"size", loaded.size_bytes},
            {"digest", loaded.model ? loaded.model->digest.hex() : ""},
            {"details", details_json(loaded.model ? loaded.model->details : none)},
            {"expires_at", to_rfc3339(loaded.expires_at.value_or(WallTime::max()))},
            {"size_vram", loaded.size_vram_bytes},
            {"context_length", loaded.context_tokens},
            {"backend", loaded.backend},
            {"state", loaded.state},
            {"active_requests", loaded.active_requests},
            {"waiting_requests", loaded.waiting_requests},
            {"devices", device_rows(loaded)},
            {"users", user_rows(loaded)},
            {"reason", loaded.reason},
            {"plan", loaded.plan},
            {"pid", loaded.pid}};
}

std::string parameter_lines(const registry::Model& model) {
    std::string text;
    each_parameter(model, [&text](const std::string& name, const std::string& value) {
        text += fmt::format("{}{:<30} {}", text.empty() ? "" : "\n", name, value);
    });
    return text;
}

Json show_json(const registry::Model& model) {
    std::string license;
    for (const std::string& one : model.licenses) {
        license += license.empty() ? one : "\n\n" + one;
    }
    Json messages =
        model.messages_json.empty() ? Json::array() : Json::parse(model.messages_json, nullptr, false);
    Json result = {{"license", license},
                   {"modelfile", modelfile(model)},
                   {"parameters", parameter_lines(model)},
                   {"template", model.template_text.empty() ? model.chat_template : model.template_text},
                   {"details", details_json(model.details)},
                   {"capabilities", model.capabilities},
                   {"modified_at", to_rfc3339(model.modified_at)},
                   {"name", model.ref.full_name()},
                   {"digest", model.digest.hex()},
                   {"size", model.size_bytes}};
    if (!model.system.empty()) {
        result["system"] = model.system;
    }
    if (messages.is_array() && !messages.empty()) {
        result["messages"] = std::move(messages);
    }
    return result;
}

} // namespace hearth::daemon
