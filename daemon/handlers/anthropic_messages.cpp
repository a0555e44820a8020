#include "daemon/handlers/anthropic_messages.hpp"

#include "base/error.hpp"
#include "base/json_order.hpp"
#include "daemon/handlers/fields.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string_view>

namespace hearth::daemon {
namespace {

[[noreturn]] void refuse(const std::string& why) {
    throw Error(ErrorCode::invalid_argument, why);
}

/// The member that a block must have.
std::string text_of(const Json& block, const char* key, std::string_view what) {
    const auto text = string_field(block, key);
    if (!text) {
        refuse(fmt::format("{} needs a \"{}\"", what, key));
    }
    return *text;
}

std::string type_of(const Json& block) {
    if (!block.is_object()) {
        refuse("a content block must be an object");
    }
    return text_of(block, "type", "a content block");
}

/// Notes the members that are not `known`. Null asks for nothing.
void note_others(const Json& object, std::initializer_list<std::string_view> known, const std::string& prefix,
                 IgnoredFields& ignored) {
    for (const auto& [name, value] : object.items()) {
        if (!value.is_null() && std::ranges::find(known, std::string_view(name)) == known.end()) {
            ignored.insert(name == "cache_control" ? name : prefix + name);
        }
    }
}

[[noreturn]] void refuse_block(const std::string& type) {
    throw Error(ErrorCode::unsupported, fmt::format("content blocks of type \"{}\" are not served", type),
                type == "document" ? "send its text in a block of type text" : "");
}

Json text_part(const Json& block, IgnoredFields& ignored) {
    note_others(block, {"type", "text"}, "text.", ignored);
    return {{"type", "text"}, {"text", text_of(block, "text", "a text block")}};
}

bool is_base64(std::string_view text) {
    const auto allowed = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
               c == '/' || c == '=';
    };
    return !text.empty() && std::ranges::all_of(text, allowed);
}

Json image_part(const Json& block, IgnoredFields& ignored) {
    note_others(block, {"type", "source"}, "image.", ignored);
    const Json source = object_field(block, "source");
    const std::string type = source.is_object() ? text_of(source, "type", "an image's source") : "";
    if (type == "url") {
        refuse("images are taken as base64 only: nothing that sees a prompt opens a connection");
    }
    if (type != "base64") {
        refuse("an image needs a \"source\" of type base64");
    }
    note_others(source, {"type", "media_type", "data"}, "image.source.", ignored);
    const std::string media = text_of(source, "media_type", "an image's source");
    constexpr std::array<std::string_view, 4> known{"image/jpeg", "image/png", "image/gif", "image/webp"};
    if (std::ranges::find(known, media) == known.end()) {
        refuse("an image's \"media_type\" must be image/jpeg, image/png, image/gif or image/webp");
    }
    const std::string data = text_of(source, "data", "an image's source");
    if (!is_base64(data)) {
        refuse("an image's \"data\" must be base64");
    }
    return {{"type", "image_url"}, {"image_url", {{"url", fmt::format("data:{};base64,{}", media, data)}}}};
}

/// One text, or the parts. Engines join texts as the model's template wants them.
Json content_of(Json parts) {
    if (parts.empty()) {
        return "";
    }
    if (parts.size() == 1 && parts[0]["type"] == "text") {
        return std::move(parts[0]["text"]);
    }
    return parts;
}

/// The parts of a text, or of a list of text and image blocks.
Json simple_parts(const Json& content, std::string_view what, IgnoredFields& ignored) {
    Json parts = Json::array();
    if (content.is_null()) {
        return parts;
    }
    if (content.is_string()) {
        parts.push_back({{"type", "text"}, {"text", content}});
        return parts;
    }
    if (!content.is_array()) {
        refuse(fmt::format("{} must be a string or a list of blocks", what));
    }
    for (const Json& block : content) {
        const std::string type = type_of(block);
        if (type == "text") {
            parts.push_back(text_part(block, ignored));
        } else if (type == "image") {
            parts.push_back(image_part(block, ignored));
        } else {
            refuse_block(type);
        }
    }
    return parts;
}

/// Templates know no failed call: the text says it.
void mark_failed(Json& parts) {
    if (parts.empty() || parts[0]["type"] != "text") {
        parts.insert(parts.begin(), Json{{"type", "text"}, {"text", ""}});
    }
    parts[0]["text"] = "Error: " + parts[0]["text"].get<std::string>();
}

/// Claude Code begins its system prompt with a line for Anthropic's accounts, in which `cch=` and five characters are
/// another check sum at every request. With zeros there the engine finds the beginning that it has read before.
std::string without_check_sum(std::string text) {
    constexpr std::size_t length = 5;
    if (!text.starts_with("x-anthropic-billing-header:")) {
        return text;
    }
    const std::size_t at = text.find("cch=");
    const std::size_t begin = at + std::string_view("cch=").size();
    if (at != std::string::npos && begin + length < text.size() && text[begin + length] == ';') {
        text.replace(begin, length, length, '0');
    }
    return text;
}

/// Grows a list of messages block by block.
class Conversation {
  public:
    explicit Conversation(IgnoredFields& ignored) : ignored_(ignored) {}

    void add_system(const Json& content) {
        Json parts = simple_parts(content, "\"system\"", ignored_);
        const auto is_text = [](const Json& part) { return part["type"] == "text"; };
        if (!std::ranges::all_of(parts, is_text)) {
            refuse("\"system\" holds text only");
        }
        std::string text;
        for (const Json& part : parts) {
            text += (text.empty() ? "" : "\n") + without_check_sum(part["text"].get<std::string>());
        }
        if (!text.empty()) {
            messages_.push_back({{"role", "system"}, {"content", text}});
        }
    }

    void add(const Json& message) {
        const auto role = message.is_object() ? string_field(message, "role") : std::nullopt;
        const Json content = message.is_object() ? message.value("content", Json()) : Json();
        if (message.is_object()) {
            note_others(message, {"role", "content"}, "messages.", ignored_);
        }
        if (role == "system") {
            add_system(content);
        } else if (role != "user" && role != "assistant") {
            refuse(fmt::format("invalid role: \"{}\"; a message needs a role of user or assistant",
                               role.value_or("")));
        } else if (content.is_string()) {
            turn(*role)["content"].push_back({{"type", "text"}, {"text", content}});
        } else if (!content.is_array()) {
            refuse("field \"content\" must be a string or a list of blocks");
        } else {
            for (const Json& block : content) {
                add_block(*role, block);
            }
        }
    }

    Json finish() {
        for (Json& message : messages_) {
            if (message["content"].is_array()) {
                message["content"] = content_of(std::move(message["content"]));
            }
        }
        return std::move(messages_);
    }

  private:
    /// The last message when it is of this role, else a new one.
    Json& turn(const std::string& role) {
        if (messages_.empty() || messages_.back()["role"] != role) {
            messages_.push_back({{"role", role}, {"content", Json::array()}});
        }
        return messages_.back();
    }

    void add_block(const std::string& role, const Json& block) {
        const std::string type = type_of(block);
        if (type == "text") {
            turn(role)["content"].push_back(text_part(block, ignored_));
        } else if (role == "user" && type == "image") {
            turn(role)["content"].push_back(image_part(block, ignored_));
        } else if (role == "user" && type == "tool_result") {
            add_result(block);
        } else if (role == "assistant" && type == "tool_use") {
            add_call(block);
        } else if (role == "assistant" && type == "thinking") {
            add_thoughts(block);
        } else if (role == "assistant" && type == "redacted_thinking") {
            ignored_.insert("redacted_thinking"); // only who made it can read it
        } else {
            refuse_block(type);
        }
    }

    void add_thoughts(const Json& block) {
        const std::string text = text_of(block, "thinking", "a thinking block");
        Json& message = turn("assistant");
        message["reasoning_content"] = message.value("reasoning_content", "") + text;
    }

    void add_call(const Json& block) {
        note_others(block, {"type", "id", "name", "input"}, "tool_use.", ignored_);
        const Json input = block.value("input", Json());
        if (!is_any_object(input)) {
            refuse("a tool_use block needs an \"input\" object");
        }
        const Json function = {{"name", text_of(block, "name", "a tool_use block")},
                               {"arguments", to_text(input)}};
        turn("assistant")["tool_calls"].push_back(
            {{"id", text_of(block, "id", "a tool_use block")}, {"type", "function"}, {"function", function}});
    }

    void add_result(const Json& block) {
        note_others(block, {"type", "tool_use_id", "content", "is_error"}, "tool_result.", ignored_);
        Json parts = simple_parts(block.value("content", Json()), "a tool_result's \"content\"", ignored_);
        if (flag_field(block, "is_error").value_or(false)) {
            mark_failed(parts);
        }
        messages_.push_back({{"role", "tool"},
                             {"tool_call_id", text_of(block, "tool_use_id", "a tool_result block")},
                             {"content", content_of(std::move(parts))}});
    }

    IgnoredFields& ignored_;
    Json messages_ = Json::array();
};

Json anthropic_tool(const Json& tool, IgnoredFields& ignored) {
    if (!tool.is_object()) {
        refuse("field \"tools\" must be a list of objects");
    }
    const std::string type = string_field(tool, "type").value_or("custom");
    if (type != "custom") {
        throw Error(ErrorCode::unsupported, fmt::format("tools of type \"{}\" are not served", type),
                    "a tool with a name, a description and an input_schema is");
    }
    note_others(tool, {"type", "name", "description", "input_schema"}, "tools.", ignored);
    const Json schema = object_field(tool, "input_schema");
    if (!is_any_object(schema)) {
        refuse("a tool needs an \"input_schema\"");
    }
    const std::string name = text_of(tool, "name", "a tool");
    const std::string description = string_field(tool, "description").value_or("");
    return {{"type", "function"},
            {"function", {{"name", name}, {"description", description}, {"parameters", schema}}}};
}

Json named(const Json& tools, const std::string& name) {
    Json chosen = Json::array();
    for (const Json& tool : tools) {
        if (tool["function"]["name"] == name) {
            chosen.push_back(tool);
        }
    }
    if (chosen.empty()) {
        refuse("\"tool_choice\" names \"" + name + "\", which no tool has");
    }
    return chosen;
}

} // namespace

Json anthropic_conversation(const Json& body, IgnoredFields& ignored) {
    Conversation conversation(ignored);
    conversation.add_system(body.value("system", Json()));
    const Json messages = array_field(body, "messages");
    if (messages.empty()) {
        refuse("field \"messages\" must be a list that is not empty");
    }
    for (const Json& message : messages) {
        conversation.add(message);
    }
    return conversation.finish();
}

void apply_anthropic_tools(const Json& body, Json& chat, IgnoredFields& ignored) {
    Json tools = Json::array();
    for (const Json& tool : array_field(body, "tools")) {
        tools.push_back(anthropic_tool(tool, ignored));
    }
    const Json choice = object_field(body, "tool_choice");
    if (choice.is_object()) {
        note_others(choice, {"type", "name", "disable_parallel_tool_use"}, "tool_choice.", ignored);
    }
    const std::string type = choice.is_object() ? text_of(choice, "type", "\"tool_choice\"") : "auto";
    if (type == "tool") {
        tools = named(tools, text_of(choice, "name", "\"tool_choice\""));
    }
    constexpr std::array<std::pair<std::string_view, const char*>, 4> ours{
        {{"auto", "auto"}, {"any", "required"}, {"tool", "required"}, {"none", "none"}}};
    const auto* const found = std::ranges::find(ours, type, [](const auto& row) { return row.first; });
    if (found == ours.end()) {
        refuse("\"tool_choice\" must have a type of auto, any, tool or none");
    }
    if (tools.empty() && type == "any") {
        refuse("\"tool_choice\" asks for a call, and there are no tools");
    }
    if (tools.empty()) {
        return;
    }
    chat["tools"] = std::move(tools);
    chat["tool_choice"] = found->second;
    if (choice.is_object() && flag_field(choice, "disable_parallel_tool_use").value_or(false)) {
        chat["parallel_tool_calls"] = false;
    }
}

} // namespace hearth::daemon
