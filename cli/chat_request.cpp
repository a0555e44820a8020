#include "cli/chat_request.hpp"

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/json_order.hpp"
#include "cli/arguments.hpp"

#include <nlohmann/json.hpp>

#include <charconv>
#include <filesystem>

namespace hearth::cli {
namespace {

constexpr std::uint64_t max_schema_bytes = 1u << 20;

} // namespace

void add_memory_wishes(const MemoryOptions& options, Json& body) {
    if (options.context_tokens) {
        body["context"] = *options.context_tokens;
    }
    if (options.parallel) {
        body["parallel"] = *options.parallel;
    }
    if (options.gpu_layers) {
        body["gpu_layers"] = *options.gpu_layers;
    }
    if (!options.kv_type.empty()) {
        body["kv_type"] = options.kv_type;
    }
    if (!options.load_mode.empty()) {
        body["load_mode"] = options.load_mode;
    }
    if (options.force) {
        body["force"] = true;
    }
}

Json message(const std::string& role, const std::string& content) {
    return Json{{"role", role}, {"content", content}};
}

Json keep_alive_value(const std::string& text) {
    double seconds = 0;
    const char* end = text.data() + text.size();
    const auto [rest, failure] = std::from_chars(text.data(), end, seconds);
    return failure == std::errc() && rest == end ? Json(seconds) : Json(text);
}

namespace {

/// The same wishes in the names of Ollama's options.
void add_load_settings(const MemoryOptions& memory, Json& settings) {
    if (memory.context_tokens) {
        settings["num_ctx"] = *memory.context_tokens;
    }
    if (memory.parallel) {
        settings["num_parallel"] = *memory.parallel;
    }
    if (memory.gpu_layers) {
        settings["num_gpu"] = *memory.gpu_layers;
    }
    if (!memory.kv_type.empty()) {
        settings["kv_type"] = memory.kv_type;
    }
    if (!memory.load_mode.empty()) {
        settings["load_mode"] = memory.load_mode;
    }
    if (memory.force) {
        settings["force"] = true;
    }
}

/// What both kinds of request say alike.
Json common_request(const RunOptions& options) {
    Json body{{"model", options.model}, {"stream", true}};
    if (options.tell_waiting) {
        body["progress"] = true;
    }
    if (!options.backend.empty()) {
        body["backend"] = options.backend;
    }
    if (!options.keep_alive.empty()) {
        body["keep_alive"] = keep_alive_value(options.keep_alive);
    }
    if (!options.think.empty()) {
        const bool is_switch = options.think == "on" || options.think == "off";
        body["think"] = is_switch ? Json(options.think == "on") : Json(options.think);
    }
    Json settings = Json::object();
    add_load_settings(options.memory, settings);
    if (options.temperature) {
        settings["temperature"] = *options.temperature;
    }
    if (options.seed) {
        settings["seed"] = *options.seed;
    }
    if (options.max_tokens) {
        settings["num_predict"] = *options.max_tokens;
    }
    for (const auto& [name, value] : options.parameters) {
        settings[name] = Json::parse(value);
    }
    if (!settings.empty()) {
        body["options"] = std::move(settings);
    }
    if (!options.format_json.empty()) {
        const bool schema = options.format_json.starts_with('{');
        body["format"] = schema ? ordered_object(options.format_json) : Json::parse(options.format_json);
    }
    return body;
}

} // namespace

Json chat_request(const RunOptions& options, const Json& messages) {
    Json body = common_request(options);
    body["messages"] = messages;
    return body;
}

Json generate_request(const RunOptions& options, const std::string& prompt,
                      const std::vector<std::string>& images) {
    Json body = common_request(options);
    body["prompt"] = prompt;
    if (!images.empty()) {
        body["images"] = images;
    }
    if (!options.system.empty()) {
        body["system"] = options.system;
    }
    return body;
}

std::string format_json(const std::string& format) {
    if (format.empty()) {
        return {};
    }
    if (format == "json") {
        return to_text(Json(format));
    }
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(format, ignored)) {
        throw Error(ErrorCode::usage, "there is no file " + format,
                    "json, or a file that holds a JSON Schema");
    }
    const std::string text = read_file(format, max_schema_bytes);
    if (!parse_json(text, format).is_object()) {
        throw Error(ErrorCode::usage, format + " holds no JSON Schema: it is no object",
                    "such as {\"type\": \"object\", \"properties\": {\"name\": {\"type\": \"string\"}}}");
    }
    return to_text(ordered_object(text)); // members come in the schema's order
}

std::string model_address(const std::string& text) {
    const bool looks_like_path = text.starts_with("/") || text.starts_with("./") || text.starts_with("../");
    std::error_code ignored;
    if (!looks_like_path && !(text.ends_with(".gguf") && std::filesystem::is_regular_file(text, ignored))) {
        return text;
    }
    return "file://" + std::filesystem::absolute(text).lexically_normal().string();
}

} // namespace hearth::cli
