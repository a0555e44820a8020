#include "daemon/handlers/translate.hpp"

#include "base/error.hpp"
#include "daemon/handlers/messages.hpp"

#include <algorithm>

namespace hearth::daemon {
namespace {

std::string text_member(const Json& object, const char* key) {
    const auto member = object.find(key);
    return member != object.end() && member->is_string() ? member->get<std::string>() : std::string();
}

std::int64_t count_member(const Json& object, const char* key) {
    const auto member = object.find(key);
    return member != object.end() && member->is_number() ? member->get<std::int64_t>() : 0;
}

std::int64_t nanoseconds_member(const Json& object, const char* key) {
    const auto member = object.find(key);
    return member != object.end() && member->is_number()
               ? static_cast<std::int64_t>(member->get<double>() * 1e6)
               : 0;
}

const Json& object_member(const Json& object, const char* key) {
    static const Json none = Json::object();
    const auto member = object.find(key);
    return member != object.end() && member->is_object() ? *member : none;
}

const Json& first_choice(const Json& event) {
    static const Json none = Json::object();
    const auto choices = event.find("choices");
    const bool there =
        choices != event.end() && choices->is_array() && !choices->empty() && choices->front().is_object();
    return there ? choices->front() : none;
}

/// A list with something in it, else null.
Json list_member(const Json& object, const char* key) {
    const auto member = object.find(key);
    return member != object.end() && member->is_array() && !member->empty() ? *member : Json();
}

} // namespace

void Piece::add(Piece next) {
    text += next.text;
    thinking += next.thinking;
    for (Json Piece::* list : {&Piece::tool_calls, &Piece::logprobs}) {
        if ((this->*list).is_null()) {
            this->*list = std::move(next.*list);
        } else if (!(next.*list).is_null()) {
            (this->*list).insert((this->*list).end(), (next.*list).begin(), (next.*list).end());
        }
    }
}

Piece AnswerTranslator::feed(const Json& event) {
    if (!event.is_object()) {
        throw Error(ErrorCode::backend_failed, "the backend sent an event that is no object");
    }
    if (const auto error = event.find("error"); error != event.end()) {
        const std::string text = error->is_object()   ? text_member(*error, "message")
                                 : error->is_string() ? error->get<std::string>()
                                                      : "";
        throw Error(ErrorCode::backend_failed, text.empty() ? "the backend failed" : text);
    }
    read_timings(event);
    if (event.contains("stop")) {
        return feed_completion(event);
    }
    Piece piece;
    const Json& choice = first_choice(event);
    feed_delta(object_member(choice, "delta"), piece);
    feed_delta(object_member(choice, "message"), piece); // a whole chat.completion
    piece.logprobs = list_member(object_member(choice, "logprobs"), "content");
    if (const std::string reason = text_member(choice, "finish_reason"); !reason.empty()) {
        metrics_.done_reason = reason == "length" ? "length" : "stop";
    }
    return piece;
}

void AnswerTranslator::feed_delta(const Json& delta, Piece& piece) {
    piece.text += text_member(delta, "content");
    piece.thinking += text_member(delta, "reasoning_content");
    if (const auto calls = delta.find("tool_calls"); calls != delta.end() && calls->is_array()) {
        collect_tool_calls(*calls);
    }
}

void AnswerTranslator::collect_tool_calls(const Json& deltas) {
    constexpr std::size_t most = 1024; // a backend's index is not trusted with our memory
    for (const Json& delta : deltas) {
        const auto index = static_cast<std::size_t>(std::max<std::int64_t>(0, count_member(delta, "index")));
        const std::size_t place = delta.contains("index") ? index : tool_calls_.size();
        if (place >= most) {
            throw Error(ErrorCode::backend_failed, "the backend numbered a tool call beyond all measure");
        }
        while (tool_calls_.size() <= place) {
            tool_calls_.push_back({{"id", ""}, {"function", {{"name", ""}, {"arguments", ""}}}});
        }
        Json& call = tool_calls_[place];
        if (const std::string id = text_member(delta, "id"); !id.empty()) {
            call["id"] = id;
        }
        const Json& function = object_member(delta, "function");
        for (const char* key : {"name", "arguments"}) {
            call["function"][key] = call["function"][key].get<std::string>() + text_member(function, key);
        }
    }
}

void AnswerTranslator::read_timings(const Json& event) {
    const Json& usage = object_member(event, "usage");
    metrics_.prompt_tokens = std::max(metrics_.prompt_tokens, count_member(usage, "prompt_tokens"));
    metrics_.answer_tokens = std::max(metrics_.answer_tokens, count_member(usage, "completion_tokens"));
    const Json& timings = object_member(event, "timings");
    metrics_.prompt_nanoseconds =
        std::max(metrics_.prompt_nanoseconds, nanoseconds_member(timings, "prompt_ms"));
    metrics_.answer_nanoseconds =
        std::max(metrics_.answer_nanoseconds, nanoseconds_member(timings, "predicted_ms"));
}

Piece AnswerTranslator::feed_completion(const Json& event) {
    Piece piece;
    piece.text = text_member(event, "content");
    piece.logprobs = list_member(event, "completion_probabilities");
    if (const auto tokens = event.find("tokens"); tokens != event.end() && tokens->is_array()) {
        for (const Json& token : *tokens) {
            if (token.is_number_integer()) {
                tokens_.push_back(token.get<std::int64_t>());
            }
        }
    }
    metrics_.prompt_tokens = std::max(metrics_.prompt_tokens, count_member(event, "tokens_evaluated"));
    metrics_.answer_tokens = std::max(metrics_.answer_tokens, count_member(event, "tokens_predicted"));
    if (text_member(event, "stop_type") == "limit") {
        metrics_.done_reason = "length";
    }
    return piece;
}

Piece AnswerTranslator::finish() {
    Piece piece;
    if (!tool_calls_.empty()) {
        piece.tool_calls = to_ollama_tool_calls(tool_calls_);
        tool_calls_ = Json::array();
    }
    return piece;
}

Json metrics_json(const AnswerMetrics& metrics, std::int64_t total, std::int64_t load) {
    Json result = {{"done_reason", metrics.done_reason}};
    const std::pair<const char*, std::int64_t> values[] = {
        {"total_duration", total},
        {"load_duration", load},
        {"prompt_eval_count", metrics.prompt_tokens},
        {"prompt_eval_duration", metrics.prompt_nanoseconds},
        {"eval_count", metrics.answer_tokens},
        {"eval_duration", metrics.answer_nanoseconds}};
    for (const auto& [name, value] : values) {
        if (value > 0) {
            result[name] = value;
        }
    }
    return result;
}

} // namespace hearth::daemon
