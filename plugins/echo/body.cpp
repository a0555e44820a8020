#include "plugins/echo/body.hpp"

#include "plugins/echo/text.hpp"

namespace hearth::echo {

namespace {

/// The text of a message: a string, or OpenAI's list of parts.
std::string text_of(const Json& message) {
    if (!message.is_object() || !message.contains("role") || !message["role"].is_string()) {
        throw Failure(HEARTH_E_INVALID, "a message needs a \"role\"");
    }
    const Json content = message.value("content", Json());
    if (content.is_null()) {
        return {};
    }
    if (content.is_string()) {
        return content.get<std::string>();
    }
    if (!content.is_array()) {
        throw Failure(HEARTH_E_INVALID, "\"content\" must be a text or a list of parts");
    }
    std::string text;
    for (const Json& part : content) {
        if (part.is_object() && part.value("type", "") == "text" && part.contains("text") &&
            part["text"].is_string()) {
            text += part["text"].get<std::string>();
        }
    }
    return text;
}

std::string require_text(const Json& body, const char* key) {
    if (!body.contains(key) || !body[key].is_string()) {
        throw Failure(HEARTH_E_INVALID, std::string("\"") + key + "\" must be a text");
    }
    return body[key].get<std::string>();
}

} // namespace

const Json& messages_of(const Json& body) {
    if (!body.contains("messages") || !body["messages"].is_array() || body["messages"].empty()) {
        throw Failure(HEARTH_E_INVALID, "\"messages\" must be a list that is not empty");
    }
    return body["messages"];
}

std::string render(const Json& messages) {
    std::string prompt;
    for (const Json& message : messages) {
        std::string text = text_of(message);
        prompt += "<|" + message["role"].get<std::string>() + "|> " + text + "\n";
    }
    return prompt + "<|assistant|>";
}

std::string last_user_text(const Json& messages) {
    for (auto message = messages.rbegin(); message != messages.rend(); ++message) {
        if ((*message)["role"] == "user") {
            return text_of(*message);
        }
    }
    return {};
}

std::vector<std::string> stops_of(const Json& body) {
    const Json stop = body.value("stop", Json());
    if (stop.is_string()) {
        return {stop.get<std::string>()};
    }
    std::vector<std::string> stops;
    for (const Json& text : stop.is_array() ? stop : Json::array()) {
        if (!text.is_string()) {
            throw Failure(HEARTH_E_INVALID, "\"stop\" must hold texts");
        }
        stops.push_back(text.get<std::string>());
    }
    return stops;
}

std::int64_t limit_of(const Json& body) {
    for (const char* key : {"max_completion_tokens", "max_tokens", "n_predict"}) {
        if (!body.contains(key) || body[key].is_null()) {
            continue;
        }
        if (!body[key].is_number_integer()) {
            throw Failure(HEARTH_E_INVALID, std::string("\"") + key + "\" must be an integer");
        }
        return body[key].get<std::int64_t>();
    }
    return -1;
}

std::vector<std::int64_t> tokens_of(std::string_view text) {
    std::vector<std::int64_t> tokens;
    for (const std::string& word : split_words(text)) {
        tokens.push_back(token_of(word));
    }
    return tokens;
}

Json embed_event(const Json& body) {
    if (!body.contains("input") || !body["input"].is_array()) {
        throw Failure(HEARTH_E_INVALID, "\"input\" must be a list of texts");
    }
    Json vectors = Json::array();
    std::size_t tokens = 0;
    for (const Json& text : body["input"]) {
        if (!text.is_string()) {
            throw Failure(HEARTH_E_INVALID, "\"input\" must be a list of texts");
        }
        vectors.push_back(embed(text.get_ref<const std::string&>()));
        tokens += split_words(text.get_ref<const std::string&>()).size();
    }
    return {{"embeddings", vectors}, {"tokens", tokens}};
}

Json tokenize_event(const Json& body) {
    std::vector<std::int64_t> tokens = tokens_of(require_text(body, "content"));
    if (body.value("add_special", Json(false)) == true) {
        tokens.insert(tokens.begin(), begin_of_text);
    }
    return {{"tokens", tokens}};
}

} // namespace hearth::echo
