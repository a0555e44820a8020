#include "daemon/handlers/anthropic_request.hpp"

#include "base/error.hpp"
#include "base/json_order.hpp"
#include "daemon/handlers/fields.hpp"
#include "daemon/handlers/messages.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <string_view>

namespace hearth::daemon {
namespace {

[[noreturn]] void refuse(const std::string& why) {
    throw Error(ErrorCode::invalid_argument, why);
}

constexpr std::array<std::string_view, 19> known_fields{
    "model",          "messages",   "system", "max_tokens",  "temperature", "top_p",         "top_k",
    "stop_sequences", "stream",     "tools",  "tool_choice", "thinking",    "output_config", "output_format",
    "backend",        "keep_alive", "name",   "mcp_servers", "container"};

/// Of another server's world: an answer without them is another answer.
void refuse_servers(const Json& body) {
    for (const char* key : {"mcp_servers", "container"}) {
        const auto member = body.find(key);
        if (member != body.end() && !member->is_null() && !member->empty()) {
            throw Error(ErrorCode::unsupported, std::string("\"") + key + "\" is not served",
                        "Hearth runs no tools: the app that asks does");
        }
    }
}

/// What is not known: kept for a backend that is named and whose own field it is, else noted.
void sort_others(const Json& body, const std::string& backend, Json& chat, IgnoredFields& ignored) {
    for (const auto& [name, value] : body.items()) {
        if (value.is_null() ||
            std::ranges::find(known_fields, std::string_view(name)) != known_fields.end()) {
            continue;
        }
        if (!backend.empty() && name.starts_with(backend + "_")) {
            chat[name] = value;
        } else {
            ignored.insert(name);
        }
    }
}

void apply_sampling(const Json& body, Json& chat) {
    const std::pair<const char*, double> numbers[] = {{"temperature", 100}, {"top_p", 1}};
    for (const auto& [key, most] : numbers) {
        if (const auto number = number_field(body, key, 0, most)) {
            chat[key] = *number;
        }
    }
    if (const auto top = integer_field(body, "top_k", -1, 10'000'000)) {
        chat["top_k"] = *top;
    }
}

/// {"type": "json_schema", "schema": {…}}, in `output_config` or, as older clients have it, beside it.
void apply_format(const Json& body, const Json& config, Json& chat) {
    Json format = config.is_object() ? object_field(config, "format") : Json();
    if (format.is_null()) {
        format = object_field(body, "output_format");
    }
    if (format.is_null()) {
        return;
    }
    const Json schema = object_field(format, "schema");
    if (string_field(format, "type") != "json_schema" || !is_any_object(schema)) {
        refuse("an output format must be {\"type\": \"json_schema\", \"schema\": {…}}");
    }
    chat["response_format"] = to_response_format(schema);
}

void parse_output(const Json& body, AnthropicRequest& request) {
    const Json config = object_field(body, "output_config");
    apply_format(body, config, request.chat.body);
    if (!config.is_object()) {
        return;
    }
    for (const auto& [name, value] : config.items()) {
        if (name != "format" && name != "effort" && !value.is_null()) {
            request.ignored.insert("output_config." + name);
        }
    }
    if (const auto effort = string_field(config, "effort")) {
        request.chat.body["chat_template_kwargs"]["reasoning_effort"] = *effort;
    }
}

void parse_thinking(const Json& body, AnthropicRequest& request) {
    const Json thinking = object_field(body, "thinking");
    if (thinking.is_null()) {
        return;
    }
    const std::string type = string_field(thinking, "type").value_or("");
    if (type == "disabled" || type == "between_tools") { // the second is off, too, as Anthropic's client says
        return;
    }
    if (type != "enabled" && type != "adaptive") {
        refuse("\"thinking\" must have a type of enabled, adaptive, between_tools or disabled");
    }
    request.think = true;
    if (const auto budget = integer_field(thinking, "budget_tokens", 1, 10'000'000)) {
        request.chat.body["thinking_budget_tokens"] = *budget;
    }
    if (const auto display = string_field(thinking, "display"); display && *display != "full") {
        request.ignored.insert("thinking.display");
    }
    for (const auto& [name, value] : thinking.items()) {
        if (name != "type" && name != "budget_tokens" && name != "display" && !value.is_null()) {
            request.ignored.insert("thinking." + name);
        }
    }
}

/// A last turn of the assistant is gone on with, and not said again.
void apply_begun_answer(Json& chat) {
    if (chat["messages"].back()["role"] == "assistant") {
        chat["continue_final_message"] = true;
        chat["add_generation_prompt"] = false;
    }
}

/// What only a request for an answer has.
void parse_answer(const Json& body, AnthropicRequest& request) {
    const auto most = integer_field(body, "max_tokens", 1, 10'000'000);
    if (!most) {
        refuse("\"max_tokens\" is required");
    }
    request.max_tokens = *most;
    request.chat.stream = flag_field(body, "stream").value_or(false);
    request.stops = strings_field(body, "stop_sequences");
    if (std::ranges::find(request.stops, "") != request.stops.end()) {
        refuse("\"stop_sequences\" must hold texts that are not empty");
    }
    Json& chat = request.chat.body;
    chat["max_tokens"] = *most;
    if (!request.stops.empty()) {
        chat["stop"] = request.stops;
    }
    chat["stream"] = true;
    chat["stream_options"] = {{"include_usage", true}};
    chat["return_progress"] = true; // says how long the prompt is before the first token
}

} // namespace

AnthropicRequest parse_anthropic(const Json& body, AnthropicCall call) {
    AnthropicRequest request;
    OpenAiChat& chat = request.chat;
    chat.model = model_field(body);
    chat.backend = string_field(body, "backend").value_or("");
    chat.keep_alive = keep_alive_field(body);
    chat.body = Json::object();
    refuse_servers(body);
    apply_sampling(body, chat.body);
    chat.body["messages"] = anthropic_conversation(body, request.ignored);
    if (chat.body["messages"].empty()) {
        refuse("\"messages\" must hold something");
    }
    apply_begun_answer(chat.body);
    apply_anthropic_tools(body, chat.body, request.ignored);
    chat.has_tools = chat.body.contains("tools");
    parse_output(body, request);
    parse_thinking(body, request);
    if (call == AnthropicCall::message) {
        parse_answer(body, request);
    }
    sort_others(body, chat.backend, chat.body, request.ignored);
    return request;
}

void apply_thinking(AnthropicRequest& request, std::optional<bool> has_thoughts) {
    Json& body = request.chat.body;
    if (has_thoughts.value_or(true)) {
        body["chat_template_kwargs"]["enable_thinking"] = request.think;
        return;
    }
    body.erase("thinking_budget_tokens");
    if (request.think) {
        request.ignored.insert("thinking");
    }
    const auto settings = body.find("chat_template_kwargs");
    if (settings != body.end() && settings->contains("reasoning_effort")) {
        body.erase("chat_template_kwargs");
        request.ignored.insert("output_config.effort");
    }
}

std::string ignored_line(const IgnoredFields& ignored) {
    constexpr std::size_t longest = 512;
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               c == '.';
    };
    std::string line;
    for (const std::string& name : ignored) {
        const std::string shown = std::ranges::all_of(name, plain) ? name : "(another field)";
        if (line.size() + shown.size() > longest) {
            return line + ", ...";
        }
        line += (line.empty() ? "" : ", ") + shown;
    }
    return line;
}

} // namespace hearth::daemon
