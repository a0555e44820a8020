#include "plugins/sdk/shapes.hpp"

#include "plugins/sdk/report.hpp"

#include <cmath>

namespace hearth::sdk {

namespace {

const Json& member(const Json& object, const char* key, const char* where) {
    require(object.is_object() && object.contains(key), std::string(where) + " has no \"" + key + "\"");
    return object[key];
}

const Json& list(const Json& object, const char* key, const char* where) {
    const Json& value = member(object, key, where);
    require(value.is_array(), std::string(where) + ": \"" + key + "\" must be a list");
    return value;
}

std::string text(const Json& object, const char* key, const char* where) {
    const Json& value = member(object, key, where);
    require(value.is_string(), std::string(where) + ": \"" + key + "\" must be a text");
    return value.get<std::string>();
}

void count(const Json& object, const char* key, const char* where) {
    const Json& value = member(object, key, where);
    require(value.is_number_integer() && value >= 0,
            std::string(where) + ": \"" + key + "\" must be an integer, 0 or more");
}

void number(const Json& object, const char* key, const char* where) {
    const Json& value = member(object, key, where);
    require(value.is_number() && value >= 0,
            std::string(where) + ": \"" + key + "\" must be a number, 0 or more");
}

void check_timings(const Json& event) {
    if (event.contains("timings")) {
        for (const char* key : {"prompt_n", "prompt_ms", "predicted_n", "predicted_ms"}) {
            number(event["timings"], key, "timings");
        }
    }
}

void require_list_of_words(const Json& object, const char* key, const char* where) {
    for (const Json& word : list(object, key, where)) {
        require(word.is_string(), std::string(where) + ": \"" + key + "\" must hold texts");
    }
}

/// A text that may be absent or null.
std::string content_of(const Json& message) {
    const Json content = message.value("content", Json());
    require(content.is_null() || content.is_string(), "\"content\" must be a text or null");
    return content.is_string() ? content.get<std::string>() : std::string();
}

void check_chat_end(const Json& last) {
    const Json& usage = member(last, "usage", "the last event");
    count(usage, "prompt_tokens", "usage");
    count(usage, "completion_tokens", "usage");
    const Json& choices = list(last, "choices", "the last event");
    require(!choices.empty(), "the last event has no choice");
    text(choices[0], "finish_reason", "the last choice");
    check_timings(last);
}

} // namespace

void check_description(const Json& event) {
    require_list_of_words(event, "operations", "describe");
    require_list_of_words(event, "formats", "describe");
    const Json& engine = member(event, "engine", "describe");
    text(engine, "name", "engine");
    text(engine, "version", "engine");
    require(member(event, "options", "describe").is_object(), "\"options\" must be a JSON Schema object");
}

void check_devices(const Json& event) {
    const Json& devices = list(event, "devices", "devices");
    require(!devices.empty(), "there must be at least one device");
    for (const Json& device : devices) {
        require(!text(device, "id", "a device").empty(), "a device's id is empty");
        const std::string kind = text(device, "kind", "a device");
        require(kind == "cpu" || kind == "gpu" || kind == "npu",
                "a device's kind is \"" + kind + "\", not cpu, gpu or npu");
        text(device, "description", "a device");
        count(device, "total_bytes", "a device");
        count(device, "free_bytes", "a device");
    }
}

void check_estimate(const Json& event) {
    count(event, "total_bytes", "estimate");
    for (const Json& device : member(event, "devices", "estimate")) {
        for (const char* key : {"weights", "kv", "state", "compute", "output"}) {
            count(device, key, "a device of estimate");
        }
    }
}

void check_info(const Json& event) {
    count(event, "context", "info");
    count(event, "parallel", "info");
    require_list_of_words(event, "operations", "info");
    require(member(event, "chat_template", "info").is_boolean(), "\"chat_template\" must be true or false");
    const Json& memory = member(event, "memory", "info");
    count(memory, "total_bytes", "memory");
    for (const Json& device : member(memory, "devices", "memory")) {
        text(device, "kind", "a device of memory");
        for (const char* key : {"weights", "kv", "compute"}) {
            count(device, key, "a device of memory");
        }
    }
}

std::string check_chat(const std::vector<Json>& events, bool stream) {
    require(!events.empty(), "no event came");
    require(stream || events.size() == 1, "without stream there must be one event");
    const char* kind = stream ? "chat.completion.chunk" : "chat.completion";
    std::string answer;
    for (const Json& event : events) {
        require(text(event, "object", "an event") == kind, std::string("\"object\" must be ") + kind);
        for (const Json& choice : list(event, "choices", "an event")) {
            answer += content_of(member(choice, stream ? "delta" : "message", "a choice"));
        }
    }
    check_chat_end(events.back());
    return answer;
}

std::string check_complete(const std::vector<Json>& events, bool stream) {
    require(!events.empty(), "no event came");
    require(stream || events.size() == 1, "without stream there must be one event");
    std::string answer;
    for (const Json& event : events) {
        answer += text(event, "content", "an event");
        const Json& stop = member(event, "stop", "an event");
        require(stop.is_boolean() && stop == (&event == &events.back()),
                "\"stop\" must be true in the last event alone");
        for (const Json& token : event.contains("tokens") ? event["tokens"] : Json::array()) {
            require(token.is_number_integer(), "\"tokens\" must hold integers");
        }
    }
    const Json& last = events.back();
    const std::string why = text(last, "stop_type", "the last event");
    require(why == "eos" || why == "limit" || why == "word",
            "stop_type is \"" + why + "\", not eos, limit or word");
    count(last, "tokens_evaluated", "the last event");
    count(last, "tokens_predicted", "the last event");
    member(last, "timings", "the last event");
    check_timings(last);
    return answer;
}

void check_embeddings(const std::vector<Json>& events, std::size_t inputs) {
    require(events.size() == 1, "there must be one event");
    const Json& vectors = list(events[0], "embeddings", "the event");
    require(vectors.size() == inputs, "there must be one vector for each input");
    count(events[0], "tokens", "the event");
    for (const Json& vector : vectors) {
        require(vector.is_array() && !vector.empty() && vector.size() == vectors[0].size(),
                "vectors must have one length");
        double squares = 0;
        for (const Json& value : vector) {
            require(value.is_number(), "a vector must hold numbers");
            squares += value.get<double>() * value.get<double>();
        }
        require(std::abs(std::sqrt(squares) - 1.0) < 1e-3,
                "a vector's length is " + std::to_string(std::sqrt(squares)) + ", not 1");
    }
}

void check_tokens(const std::vector<Json>& events) {
    require(events.size() == 1, "there must be one event");
    const Json& tokens = list(events[0], "tokens", "the event");
    require(!tokens.empty(), "a text has no tokens");
    for (const Json& token : tokens) {
        require(token.is_number_integer(), "\"tokens\" must hold integers");
    }
}

void check_template(const std::vector<Json>& events) {
    require(events.size() == 1, "there must be one event");
    require(text(events[0], "prompt", "the event").find("river") != std::string::npos,
            "the prompt lacks the message");
}

void check_count(const std::vector<Json>& events) {
    require(events.size() == 1, "there must be one event");
    count(events[0], "tokens", "the event");
    require(events[0]["tokens"] > 0, "a prompt has no tokens");
}

Json body_for(const std::string& operation, bool stream, int tokens) {
    const std::string words = "the river runs past the old mill and down to the quiet sea where the boats "
                              "wait for the morning wind";
    if (operation == "complete") {
        return {{"prompt", words},
                {"stream", stream},
                {"n_predict", tokens},
                {"temperature", 0},
                {"ignore_eos", true}};
    }
    if (operation == "embed") {
        return {{"input", {words, "a second text"}}, {"stream", stream}};
    }
    if (operation == "tokenize") {
        return {{"content", words}, {"add_special", true}, {"stream", stream}};
    }
    const Json message = {{"role", "user"}, {"content", words}};
    return {{"messages", Json::array({message})},
            {"stream", stream},
            {"max_tokens", tokens},
            {"temperature", 0},
            {"ignore_eos", true}};
}

void check_events(const std::string& operation, const std::vector<Json>& events, bool stream) {
    if (operation == "chat") {
        check_chat(events, stream);
    } else if (operation == "complete") {
        check_complete(events, stream);
    } else if (operation == "embed") {
        check_embeddings(events, 2);
    } else if (operation == "tokenize") {
        check_tokens(events);
    } else if (operation == "template") {
        check_template(events);
    } else if (operation == "count") {
        check_count(events);
    }
}

} // namespace hearth::sdk
