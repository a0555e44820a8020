#include "daemon/handlers/messages.hpp"

#include "base/error.hpp"
#include "base/json_order.hpp"
#include "daemon/handlers/fields.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <string_view>

namespace hearth::daemon {
namespace {

[[noreturn]] void refuse(const std::string& why) {
    throw Error(ErrorCode::invalid_argument, why);
}

constexpr std::array<std::string_view, 4> ollama_roles{"system", "user", "assistant", "tool"};
constexpr std::array<std::string_view, 6> openai_roles{"system", "user",      "assistant",
                                                       "tool",   "developer", "function"};

std::string role_of(const Json& message, std::span<const std::string_view> roles) {
    if (!message.is_object()) {
        refuse("field \"messages\" must be a list of objects");
    }
    const auto role = string_field(message, "role");
    if (!role || std::ranges::find(roles, *role) == roles.end()) {
        refuse(fmt::format("invalid role: \"{}\"; a message needs a role of system, user, assistant or tool",
                           role.value_or("")));
    }
    return *role;
}

/// Media type from the first bytes, as base64 shows them.
std::string_view media_type(std::string_view base64) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 5> known{{{"/9j/", "image/jpeg"},
                                                                                  {"iVBOR", "image/png"},
                                                                                  {"R0lGOD", "image/gif"},
                                                                                  {"UklGR", "image/webp"},
                                                                                  {"Qk", "image/bmp"}}};
    for (const auto& [prefix, type] : known) {
        if (base64.starts_with(prefix)) {
            return type;
        }
    }
    return "image/png";
}

bool is_base64(std::string_view text) {
    auto allowed = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
               c == '/' || c == '=' || c == '\n' || c == '\r';
    };
    return !text.empty() && std::ranges::all_of(text, allowed);
}

std::string data_uri(const std::string& image) {
    if (image.starts_with("data:")) {
        return image;
    }
    if (image.starts_with("http:") || image.starts_with("https:") || image.starts_with("file:")) {
        refuse("images are taken as base64 only: nothing that sees a prompt opens a connection or a path");
    }
    if (!is_base64(image)) {
        refuse("field \"images\" must hold base64 text");
    }
    return fmt::format("data:{};base64,{}", media_type(image), image);
}

Json to_openai_tool_calls(const Json& calls) {
    Json result = Json::array();
    for (const Json& call : calls) {
        const Json function = call.is_object() ? object_field(call, "function") : Json();
        const auto name = function.is_object() ? string_field(function, "name") : std::nullopt;
        if (!name) {
            refuse("a tool call needs a function with a name");
        }
        const Json arguments = function.value("arguments", Json::object());
        const std::string id = string_field(call, "id").value_or(fmt::format("call_{}", result.size()));
        result.push_back(
            {{"id", id},
             {"type", "function"},
             {"function",
              {{"name", *name},
               {"arguments", arguments.is_string() ? arguments.get<std::string>() : to_text(arguments)}}}});
    }
    return result;
}

Json to_openai_message(const Json& message) {
    const std::string role = role_of(message, ollama_roles);
    const std::string content = string_field(message, "content").value_or("");
    const std::vector<std::string> images = strings_field(message, "images");
    Json result = images.empty() ? Json{{"content", content}} : openai_user_message(content, images);
    result["role"] = role;
    if (const auto thinking = string_field(message, "thinking"); thinking && !thinking->empty()) {
        result["reasoning_content"] = *thinking;
    }
    if (const Json calls = array_field(message, "tool_calls"); !calls.empty()) {
        result["tool_calls"] = to_openai_tool_calls(calls);
    }
    if (const auto id = string_field(message, "tool_call_id")) {
        result["tool_call_id"] = *id;
    }
    if (const auto name = string_field(message, "tool_name")) {
        result["name"] = *name;
    }
    return result;
}

void check_openai_part(const Json& part) {
    if (!part.is_object() || !part.contains("type") || !part["type"].is_string()) {
        refuse("a part of a message's content needs a \"type\"");
    }
    if (part["type"] == "text") {
        require_string(part, "text");
    }
    if (part["type"] == "image_url") {
        const Json image = object_field(part, "image_url");
        const auto url = image.is_object() ? string_field(image, "url") : std::nullopt;
        if (!url || !url->starts_with("data:")) {
            refuse("\"image_url\" must hold a data: URI: nothing that sees a prompt opens a connection");
        }
    }
}

} // namespace

Json openai_user_message(const std::string& text, const std::vector<std::string>& images) {
    if (images.empty()) {
        return {{"role", "user"}, {"content", text}};
    }
    Json parts = Json::array();
    for (const std::string& image : images) {
        parts.push_back({{"type", "image_url"}, {"image_url", {{"url", data_uri(image)}}}});
    }
    parts.push_back({{"type", "text"}, {"text", text}});
    return {{"role", "user"}, {"content", std::move(parts)}};
}

Json to_openai_messages(const Json& messages) {
    Json result = Json::array();
    for (const Json& message : messages) {
        result.push_back(to_openai_message(message));
    }
    return result;
}

void check_openai_messages(const Json& messages) {
    for (const Json& message : messages) {
        role_of(message, openai_roles);
        const Json content = message.value("content", Json());
        if (!content.is_null() && !content.is_string() && !content.is_array()) {
            refuse("field \"content\" must be a string or a list of parts");
        }
        for (const Json& part : content.is_array() ? content : Json::array()) {
            check_openai_part(part);
        }
    }
}

bool has_images(const Json& messages) {
    const auto is_image = [](const Json& part) {
        return part.is_object() && part.value("type", Json()) == "image_url";
    };
    return std::ranges::any_of(messages, [&](const Json& message) {
        const auto content = message.find("content");
        return content != message.end() && content->is_array() && std::ranges::any_of(*content, is_image);
    });
}

Json to_response_format(const Json& format) {
    if (format.is_null() || format == "") {
        return nullptr;
    }
    if (format == "json") {
        return {{"type", "json_object"}};
    }
    if (is_any_object(format)) {
        return {{"type", "json_schema"}, {"json_schema", {{"name", "answer"}, {"schema", format}}}};
    }
    refuse("field \"format\" must be \"json\" or a JSON Schema object");
}

Json to_ollama_tool_calls(const Json& calls) {
    Json result = Json::array();
    for (const Json& call : calls) {
        const Json function = call.value("function", Json::object());
        const std::string text = function.value("arguments", "");
        Json arguments = text.empty() ? Json::object() : Json::parse(text, nullptr, false);
        if (!arguments.is_object()) {
            arguments = Json{{"arguments", text}}; // the model's text is no JSON: shown, not lost
        } else if (!text.empty()) {
            arguments = ordered_object(text); // the client gives it back: the next prompt begins as this one
        }
        Json shown = {{"index", result.size()},
                      {"name", function.value("name", "")},
                      {"arguments", std::move(arguments)}};
        result.push_back({{"id", call.value("id", "")}, {"function", std::move(shown)}});
    }
    return result;
}

} // namespace hearth::daemon
