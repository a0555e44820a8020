#include "daemon/handlers/openai_request.hpp"

#include "base/error.hpp"
#include "base/json_order.hpp"
#include "daemon/handlers/fields.hpp"
#include "daemon/handlers/messages.hpp"
#include "daemon/handlers/prompt.hpp"
#include "daemon/handlers/requests.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace hearth::daemon {
namespace {

void check_sampling(const Json& body) {
    integer_field(body, "max_tokens", -1, 10'000'000);
    integer_field(body, "max_completion_tokens", -1, 10'000'000);
    number_field(body, "temperature", 0, 100);
    number_field(body, "top_p", 0, 1);
    number_field(body, "min_p", 0, 1);
    integer_field(body, "top_k", -1, 10'000'000);
    number_field(body, "frequency_penalty", -100, 100);
    number_field(body, "presence_penalty", -100, 100);
    number_field(body, "repeat_penalty", 0, 100);
    integer_field(body, "seed", INT64_MIN, INT64_MAX);
    integer_field(body, "n", 1, 128);
    integer_field(body, "top_logprobs", 0, 20);
    flag_field(body, "logprobs");
    object_field(body, "chat_template_kwargs");
    const Json stop = body.value("stop", Json());
    if (!stop.is_null() && !stop.is_string()) {
        strings_field(body, "stop");
    }
}

/// Members of a body that steer one engine past OpenAI's API: grammars are for `response_format`, the rest is ours
/// to decide.
constexpr std::array engine_fields{
    "grammar", "grammar_lazy", "grammar_type", "grammar_triggers",  "preserved_tokens", "json_schema",
    "id_slot", "lora",         "chat_format",  "generation_prompt", "backend_sampling"};

void refuse_engine_fields(const Json& body) {
    for (const char* key : engine_fields) {
        if (body.contains(key)) {
            throw Error(ErrorCode::unsupported, fmt::format("field \"{}\" is not served", key),
                        "\"response_format\" takes a JSON Schema");
        }
    }
}

/// {"type": "text" | "json_object" | "json_schema"}; a schema is always kept to, whatever `strict` says.
void check_response_format(const Json& body) {
    const Json format = object_field(body, "response_format");
    if (format.is_null()) {
        return;
    }
    const std::string type = string_field(format, "type").value_or("");
    if (type == "json_schema") {
        const Json holder = object_field(format, "json_schema");
        if (!holder.is_object() || !is_any_object(object_field(holder, "schema"))) {
            throw Error(ErrorCode::invalid_argument,
                        "\"response_format\" of type json_schema needs \"json_schema\": {\"schema\": {…}}");
        }
        flag_field(holder, "strict");
    } else if (type != "text" && type != "json_object") {
        throw Error(ErrorCode::invalid_argument,
                    "\"response_format\" must have a type of text, json_object or json_schema");
    }
}

/// "auto", "none", "required", or one function by its name: then only that one is offered.
void apply_tool_choice(Json& body) {
    const Json choice = body.value("tool_choice", Json());
    if (choice.is_null() || choice == "auto" || choice == "none" || choice == "required") {
        return;
    }
    const Json function = choice.is_object() ? object_field(choice, "function") : Json();
    const auto name = function.is_object() ? string_field(function, "name") : std::nullopt;
    if (!name) {
        throw Error(ErrorCode::invalid_argument,
                    "\"tool_choice\" must be auto, none, required, or a function with a name");
    }
    Json chosen = Json::array();
    for (const Json& tool : body.value("tools", Json::array())) {
        if (tool.value("function", Json::object()).value("name", "") == *name) {
            chosen.push_back(tool);
        }
    }
    if (chosen.empty()) {
        throw Error(ErrorCode::invalid_argument,
                    "\"tool_choice\" names \"" + *name + "\", which no tool has");
    }
    body["tools"] = std::move(chosen);
    body["tool_choice"] = "required";
}

/// `reasoning_effort`, or `reasoning: {effort}`; "none" and "minimal" switch thinking off.
void apply_reasoning(Json& body) {
    const Json reasoning = object_field(body, "reasoning");
    auto effort = reasoning.is_object() ? string_field(reasoning, "effort") : std::nullopt;
    effort = effort ? effort : string_field(body, "reasoning_effort");
    body.erase("reasoning");
    body.erase("reasoning_effort");
    if (!effort) {
        return;
    }
    const bool off = *effort == "none" || *effort == "minimal";
    body["chat_template_kwargs"]["enable_thinking"] = !off;
    if (!off) {
        body["chat_template_kwargs"]["reasoning_effort"] = *effort;
    }
}

/// The engine's name for thoughts, and the one that Ollama's clients read.
void add_reasoning(Json& event) {
    for (Json& choice : event["choices"]) {
        for (const char* key : {"delta", "message"}) {
            const auto part = choice.find(key);
            if (part != choice.end() && part->is_object() && part->contains("reasoning_content")) {
                (*part)["reasoning"] = (*part)["reasoning_content"];
            }
        }
    }
}

} // namespace

OpenAiChat parse_openai_chat(Json body) {
    OpenAiChat request;
    request.model = model_field(body);
    request.backend = string_field(body, "backend").value_or("");
    request.keep_alive = keep_alive_field(body);
    request.stream = flag_field(body, "stream").value_or(false);
    const Json stream_options = object_field(body, "stream_options");
    request.include_usage =
        stream_options.is_object() && flag_field(stream_options, "include_usage").value_or(false);
    refuse_engine_fields(body);
    check_sampling(body);
    check_response_format(body);
    request.has_tools = !parse_tools(body).empty();
    const Json messages = array_field(body, "messages");
    if (messages.empty()) {
        throw Error(ErrorCode::invalid_argument, "field \"messages\" must be a list that is not empty");
    }
    check_openai_messages(messages);
    for (const char* ours : {"backend", "keep_alive", "model"}) {
        body.erase(ours);
    }
    body["stream"] = request.stream;
    if (request.stream) {
        body["stream_options"] = {{"include_usage", true}};
    }
    apply_tool_choice(body);
    apply_reasoning(body);
    request.body = std::move(body);
    return request;
}

namespace {

/// @param stops  of the request: a text, a list or null
void add_stops(Json& stops, const Json& more) {
    if (stops.is_string()) {
        stops = Json::array({stops});
    }
    if (stops.is_array() && more.is_array()) {
        stops.insert(stops.end(), more.begin(), more.end());
    }
}

} // namespace

std::string openai_chat_body(OpenAiChat request, const Target& target) {
    Json& body = request.body;
    const Options defaults = parse_options(layer_options(target.parameters(), Json()));
    for (const auto& [name, value] : defaults.sampling.items()) {
        if (!body.contains(name)) {
            body[name] = value;
        } else if (name == "stop") { // the model's own ends stay ends
            add_stops(body[name], value);
        }
    }
    if (defaults.num_predict && !body.contains("max_tokens") && !body.contains("max_completion_tokens")) {
        body["max_tokens"] = *defaults.num_predict;
    }
    Json messages = std::move(body["messages"]);
    body["messages"] = with_model_messages(target, std::move(messages), std::nullopt);
    return to_text(body);
}

std::vector<Json> openai_events(Json event, const OpenAiChat& request) {
    event["model"] = request.model;
    if (event.contains("choices") && event["choices"].is_array()) {
        add_reasoning(event);
    }
    std::vector<Json> events;
    if (!request.stream) {
        events.push_back(std::move(event));
        return events;
    }
    Json usage = event.value("usage", Json());
    event.erase("usage");
    const bool has_choices =
        event.contains("choices") && event["choices"].is_array() && !event["choices"].empty();
    if (has_choices) {
        events.push_back(event);
    }
    if (request.include_usage && !usage.is_null()) {
        event["choices"] = Json::array();
        event["usage"] = std::move(usage);
        events.push_back(std::move(event));
    }
    return events;
}

OpenAiEmbedding parse_openai_embedding(const Json& body) {
    OpenAiEmbedding request;
    request.model = model_field(body);
    request.backend = string_field(body, "backend").value_or("");
    request.keep_alive = keep_alive_field(body);
    request.dimensions = integer_field(body, "dimensions", 1, 1'000'000);
    const std::string format = string_field(body, "encoding_format").value_or("float");
    if (format != "float" && format != "base64") {
        throw Error(ErrorCode::invalid_argument, "field \"encoding_format\" must be \"float\" or \"base64\"");
    }
    request.base64 = format == "base64";
    const Json input = body.value("input", Json());
    if (input.is_string()) {
        request.input.push_back(input.get<std::string>());
    } else if (input.is_array() && !input.empty()) {
        request.input = strings_field(body, "input");
    } else {
        throw Error(ErrorCode::invalid_argument, "field \"input\" must be a string or a list of strings");
    }
    return request;
}

std::string floats_to_base64(const std::vector<float>& values) {
    static_assert(std::endian::native == std::endian::little);
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const auto* bytes = reinterpret_cast<const unsigned char*>(values.data());
    const std::size_t size = values.size() * sizeof(float);
    std::string text;
    for (std::size_t i = 0; i < size; i += 3) {
        const std::size_t left = std::min<std::size_t>(3, size - i);
        std::uint32_t group = static_cast<std::uint32_t>(bytes[i]) << 16;
        group |= left > 1 ? static_cast<std::uint32_t>(bytes[i + 1]) << 8 : 0;
        group |= left > 2 ? bytes[i + 2] : 0;
        for (std::size_t digit = 0; digit < 4; ++digit) {
            text += digit <= left ? alphabet[(group >> (18 - 6 * digit)) & 63] : '=';
        }
    }
    return text;
}

} // namespace hearth::daemon
