#include "cli/chat_request.hpp"

#include "cli/arguments.hpp"

#include <nlohmann/json.hpp>

#include <charconv>
#include <filesystem>

namespace hearth::cli {

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

/// What both kinds of request say alike.
Json common_request(const RunOptions& options) {
    Json body{{"model", options.model}, {"stream", true}};
    if (!options.backend.empty()) {
        body["backend"] = options.backend;
    }
    if (!options.keep_alive.empty()) {
        body["keep_alive"] = keep_alive_value(options.keep_alive);
    }
    Json settings = Json::object();
    if (options.context_tokens) {
        settings["num_ctx"] = *options.context_tokens;
    }
    if (options.temperature) {
        settings["temperature"] = *options.temperature;
    }
    if (options.seed) {
        settings["seed"] = *options.seed;
    }
    if (options.max_tokens) {
        settings["num_predict"] = *options.max_tokens;
    }
    if (!settings.empty()) {
        body["options"] = std::move(settings);
    }
    return body;
}

} // namespace

Json chat_request(const RunOptions& options, const Json& messages) {
    Json body = common_request(options);
    body["messages"] = messages;
    return body;
}

Json generate_request(const RunOptions& options, const std::string& prompt) {
    Json body = common_request(options);
    body["prompt"] = prompt;
    if (!options.system.empty()) {
        body["system"] = options.system;
    }
    return body;
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
