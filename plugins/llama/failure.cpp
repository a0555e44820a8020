#include "plugins/llama/failure.hpp"

#include <algorithm>

namespace hearth::llama {

namespace {

/// Deepest nesting of brackets outside strings; the text need not be valid JSON.
int nesting_of(std::string_view text) {
    int depth = 0;
    int deepest = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\') {
                ++i;
            } else if (c == '"') {
                in_string = false;
            }
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            deepest = std::max(deepest, ++depth);
        } else if (c == '}' || c == ']') {
            --depth;
        }
    }
    return deepest;
}

} // namespace

Failure failure_from(const Json& engine_error) {
    const auto text = [&](const char* key) {
        const auto found = engine_error.find(key);
        return found != engine_error.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    const std::string type = text("type");
    std::string message = text("message");
    if (message.empty()) {
        message = "the engine failed without a message";
    }
    if (type == "exceed_context_size_error" || message.find("too large to process") != std::string::npos) {
        return Failure(HEARTH_E_CONTEXT, message);
    }
    if (type == "not_supported_error") {
        return Failure(HEARTH_E_UNSUPPORTED, message);
    }
    if (type == "invalid_request_error") {
        return Failure(HEARTH_E_INVALID, message);
    }
    if (type == "unavailable_error") {
        return Failure(HEARTH_E_BUSY, message);
    }
    return Failure(HEARTH_E_INTERNAL, message);
}

Failure failure_from_handler(const std::string& text) {
    if (text.find("does not match the expected") != std::string::npos) { // the model's text, not the request
        return Failure(HEARTH_E_INTERNAL, text);
    }
    const bool unsupported = text.find("not support") != std::string::npos;
    return Failure(unsupported ? HEARTH_E_UNSUPPORTED : HEARTH_E_INVALID, text);
}

Json parse_object(hearth_str text, std::string_view what) {
    constexpr int deepest = 128; // llama.cpp walks JSON recursively
    const std::string_view view(text.len ? text.ptr : "{}", text.len ? text.len : 2);
    if (nesting_of(view) > deepest) {
        throw Failure(HEARTH_E_INVALID, std::string(what) + " is nested too deeply");
    }
    Json parsed = Json::parse(view.begin(), view.end(), nullptr, false);
    if (parsed.is_discarded() || !parsed.is_object()) {
        throw Failure(HEARTH_E_INVALID, std::string(what) + " is not a JSON object");
    }
    return parsed;
}

void emit(const hearth_sink& sink, std::string_view event) {
    if (sink.write(sink.context, hearth_str{event.data(), event.size()}) != 0) {
        throw Failure(HEARTH_E_CANCELLED, "the listener has left");
    }
}

} // namespace hearth::llama
