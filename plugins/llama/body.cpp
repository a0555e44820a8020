#include "plugins/llama/body.hpp"

#include "plugins/llama/schema_guard.hpp"

#include <common.h>

#include <algorithm>
#include <string>

namespace hearth::llama {

namespace {

void check_media(const Json& part) {
    if (!part.is_object()) {
        return;
    }
    for (const auto& [name, value] : part.items()) {
        const Json* address = value.is_object() && value.contains("url") ? &value["url"] : nullptr;
        if (name == "url") {
            address = &value;
        }
        if (address &&
            (!address->is_string() || !address->get_ref<const std::string&>().starts_with("data:"))) {
            throw Failure(HEARTH_E_INVALID,
                          "media must come as data: URIs; nothing is fetched from \"" + name + "\"");
        }
    }
}

/// {"prompt_string": text, "multimodal_data": [base64]}: llama.cpp's form of a prompt with images or sound.
bool has_media(const Json& prompt) {
    if (!prompt.is_object() || !prompt.contains("prompt_string") || !prompt.contains("multimodal_data")) {
        return false;
    }
    const Json& data = prompt["multimodal_data"];
    return prompt["prompt_string"].is_string() && data.is_array() &&
           std::all_of(data.begin(), data.end(), [](const Json& item) { return item.is_string(); });
}

bool is_token_list(const Json& value) {
    return value.is_array() &&
           std::all_of(value.begin(), value.end(), [](const Json& item) { return item.is_number_integer(); });
}

/// A schema under that name, if any.
void check_member(Json& holder, const char* name) {
    const auto schema = holder.find(name);
    if (schema == holder.end() || schema->is_null()) {
        return;
    }
    if (!schema->is_object()) {
        throw Failure(HEARTH_E_INVALID, "a JSON Schema must be an object");
    }
    if (!schema->empty()) { // an empty one is any object to the engine
        check_schema(*schema);
    }
}

void check_response_format(Json& body) {
    const auto format = body.find("response_format");
    if (format == body.end() || !format->is_object()) {
        return;
    }
    check_member(*format, "schema");
    if (const auto holder = format->find("json_schema"); holder != format->end() && holder->is_object()) {
        check_member(*holder, "schema");
    }
    check_member(body, "json_schema");
}

/// The engine prints a grammar that it cannot read to stderr.
void refuse_grammar(const Json& body) {
    if (body.contains("grammar")) {
        throw Failure(HEARTH_E_UNSUPPORTED, "grammars are not taken; a JSON Schema is");
    }
}

void loosen_tools(Json& body) {
    const auto tools = body.find("tools");
    if (tools == body.end() || !tools->is_array()) {
        return;
    }
    for (Json& tool : *tools) {
        const Json::json_pointer parameters("/function/parameters");
        if (tool.is_object() && tool.contains(parameters)) {
            loosen_schema(tool[parameters]);
        }
    }
}

/// The engine says which stop text it met only among what it says for debugging; of that nothing else is wanted.
void ask_for_stop_word(Json& body) {
    const auto stop = body.find("stop");
    body.erase("verbose");
    body.erase("response_fields");
    if (stop != body.end() && !stop->empty()) {
        body["verbose"] = true;
        body["response_fields"] = Json::array({"stopping_word"});
    }
}

} // namespace

void prepare_chat(Json& body) {
    const auto messages = body.find("messages");
    if (messages == body.end() || !messages->is_array() || messages->empty()) {
        throw Failure(HEARTH_E_INVALID, "\"messages\" must be a list with at least one message");
    }
    for (const Json& message : *messages) {
        if (!message.is_object()) {
            throw Failure(HEARTH_E_INVALID, "a message is not an object");
        }
        const auto content = message.find("content");
        if (content != message.end() && content->is_array()) {
            for (const Json& part : *content) {
                check_media(part);
            }
        }
    }
    refuse_grammar(body);
    check_response_format(body);
    loosen_tools(body);
    ask_for_stop_word(body);
    const auto stream = body.find("stream");
    if (stream != body.end() && stream->is_boolean() && stream->get<bool>()) {
        body["stream_options"] = {{"include_usage", true}};
    }
}

void prepare_complete(Json& body) {
    const auto prompt = body.find("prompt");
    if (prompt == body.end() || !(prompt->is_string() || is_token_list(*prompt) || has_media(*prompt))) {
        throw Failure(HEARTH_E_INVALID, "\"prompt\" must be a text or a list of tokens");
    }
    refuse_grammar(body);
    check_member(body, "json_schema");
}

std::int64_t prepare_embed(Json& body, const llama_vocab* vocabulary, std::size_t limit) {
    Json texts = body.contains("input") ? body["input"] : Json();
    if (texts.is_string()) {
        texts = Json::array({texts});
    }
    if (!texts.is_array() || texts.empty()) {
        throw Failure(HEARTH_E_INVALID, "\"input\" must be a text or a list of texts");
    }
    const auto normalize = body.find("normalize");
    const bool raw = normalize != body.end() && normalize->is_boolean() && !normalize->get<bool>();
    std::int64_t total = 0;
    Json lists = Json::array();
    for (const Json& text : texts) {
        if (!text.is_string()) {
            throw Failure(HEARTH_E_INVALID, "\"input\" must be a text or a list of texts");
        }
        const std::vector<llama_token> tokens =
            common_tokenize(vocabulary, text.get_ref<const std::string&>(), true, true);
        if (tokens.empty()) {
            throw Failure(HEARTH_E_INVALID, "a text to embed is empty");
        }
        if (tokens.size() > limit) {
            throw Failure(HEARTH_E_CONTEXT, "text " + std::to_string(lists.size() + 1) + " has " +
                                                std::to_string(tokens.size()) + " tokens; at most " +
                                                std::to_string(limit) + " can be embedded");
        }
        total += static_cast<std::int64_t>(tokens.size());
        lists.push_back(tokens);
    }
    body = {{"input", std::move(lists)}, {"encoding_format", "float"}, {"embd_normalize", raw ? -1 : 2}};
    return total;
}

void prepare_tokenize(Json& body) {
    const auto content = body.find("content");
    if (content == body.end() || !content->is_string()) {
        throw Failure(HEARTH_E_INVALID, "\"content\" must be a text");
    }
    const auto add_special = body.find("add_special");
    const bool special = add_special != body.end() && add_special->is_boolean() && add_special->get<bool>();
    body = {{"content", *content}, {"add_special", special}};
}

} // namespace hearth::llama
