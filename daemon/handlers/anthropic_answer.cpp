#include "daemon/handlers/anthropic_answer.hpp"

#include "base/error.hpp"
#include "base/json_order.hpp"
#include "base/time.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace hearth::daemon {
namespace {

const Json& member(const Json& object, const char* key) {
    static const Json none;
    const auto found = object.is_object() ? object.find(key) : object.end();
    return object.is_object() && found != object.end() ? *found : none;
}

std::string text_member(const Json& object, const char* key) {
    const Json& value = member(object, key);
    return value.is_string() ? value.get<std::string>() : std::string();
}

std::int64_t count_member(const Json& object, const char* key) {
    const Json& value = member(object, key);
    return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}

const Json& first_choice(const Json& chunk) {
    static const Json none;
    const Json& choices = member(chunk, "choices");
    return choices.is_array() && !choices.empty() ? choices.front() : none;
}

/// Clients take a long silence for a lost connection.
Json ping() {
    Json event = Json::object();
    event["type"] = "ping";
    return event;
}

std::string new_message_id() {
    return fmt::format("msg_{:x}", system_clock().now().time_since_epoch().count());
}

} // namespace

AnthropicEvents::AnthropicEvents(std::string model, std::vector<std::string> stops, std::int64_t max_tokens,
                                 Thoughts thoughts)
    : model_(std::move(model)), stops_(std::move(stops)), max_tokens_(max_tokens), thoughts_(thoughts) {}

std::vector<Json> AnthropicEvents::feed(const Json& chunk) {
    if (!chunk.is_object()) {
        throw Error(ErrorCode::backend_failed, "the backend sent an event that is no object");
    }
    if (const Json& error = member(chunk, "error"); !error.is_null()) {
        const std::string text = error.is_string() ? error.get<std::string>() : text_member(error, "message");
        throw Error(ErrorCode::backend_failed, text.empty() ? "the backend failed" : text);
    }
    read_counts(chunk);
    start();
    const Json& choice = first_choice(chunk);
    const Json& change = member(choice, "delta");
    add_thought(text_member(change, "reasoning_content"));
    add_text(Block::text, text_member(change, "content"));
    if (const Json& calls = member(change, "tool_calls"); calls.is_array()) {
        for (const Json& call : calls) {
            add_call(call);
        }
    }
    if (const std::string reason = text_member(choice, "finish_reason"); !reason.empty()) {
        finish_reason_ = reason;
        stop_ = text_member(choice, "stop_reason");
    }
    if (out_.empty() && !member(chunk, "prompt_progress").is_null()) {
        out_.push_back(ping());
    }
    return std::exchange(out_, {});
}

std::vector<Json> AnthropicEvents::finish() {
    start();
    close();
    const std::string reason = stop_reason();
    const Json end = {{"stop_reason", reason},
                      {"stop_sequence", reason == "stop_sequence" ? Json(stop_) : Json()}};
    out_.push_back({{"type", "message_delta"}, {"delta", end}, {"usage", usage()}});
    Json stop = Json::object();
    stop["type"] = "message_stop";
    out_.push_back(std::move(stop));
    return std::exchange(out_, {});
}

void AnthropicEvents::read_counts(const Json& chunk) {
    const Json& counted = member(chunk, "usage");
    input_tokens_ = std::max({input_tokens_, count_member(member(chunk, "prompt_progress"), "total"),
                              count_member(counted, "prompt_tokens")});
    output_tokens_ = std::max(output_tokens_, count_member(counted, "completion_tokens"));
}

void AnthropicEvents::start() {
    if (std::exchange(started_, true)) {
        return;
    }
    const Json message = {{"id", new_message_id()},   {"type", "message"},        {"role", "assistant"},
                          {"model", model_},          {"content", Json::array()}, {"stop_reason", nullptr},
                          {"stop_sequence", nullptr}, {"usage", usage()}};
    out_.push_back({{"type", "message_start"}, {"message", message}});
}

void AnthropicEvents::add_thought(const std::string& text) {
    if (thoughts_ == Thoughts::shown) {
        add_text(Block::thinking, text);
        return;
    }
    constexpr std::int64_t pieces_between_pings = 32;
    if (!text.empty() && ++pieces_ % pieces_between_pings == 0) {
        out_.push_back(ping());
    }
}

void AnthropicEvents::add_text(Block block, const std::string& text) {
    if (text.empty()) {
        return;
    }
    ++pieces_;
    const bool thinking = block == Block::thinking;
    if (block_ != block) {
        Json thoughts = {{"type", "thinking"}, {"thinking", ""}, {"signature", ""}};
        Json words = {{"type", "text"}, {"text", ""}};
        open(block, thinking ? std::move(thoughts) : std::move(words));
    }
    const char* type = thinking ? "thinking_delta" : "text_delta";
    delta({{"type", type}, {thinking ? "thinking" : "text", text}});
}

void AnthropicEvents::add_call(const Json& call) {
    constexpr std::int64_t most_calls = 1 << 20;
    ++pieces_;
    const Json& function = member(call, "function");
    const std::string name = text_member(function, "name");
    const std::int64_t next = call_ + (name.empty() ? 0 : 1); // where calls have no number a name begins one
    const std::int64_t number =
        member(call, "index").is_number_integer() ? count_member(call, "index") : next;
    if (block_ != Block::tool || number != call_) {
        if (name.empty() || number <= call_ || number > most_calls) {
            throw Error(ErrorCode::backend_failed, "the backend mixed up the parts of its tool calls");
        }
        call_ = number;
        const std::string id = text_member(call, "id");
        open(Block::tool, {{"type", "tool_use"},
                           {"id", id.empty() ? fmt::format("toolu_{}", index_ + 1) : id},
                           {"name", name},
                           {"input", Json::object()}});
    }
    if (const std::string arguments = text_member(function, "arguments"); !arguments.empty()) {
        delta({{"type", "input_json_delta"}, {"partial_json", arguments}});
    }
}

void AnthropicEvents::open(Block block, Json content) {
    close();
    block_ = block;
    ++index_;
    out_.push_back(
        {{"type", "content_block_start"}, {"index", index_}, {"content_block", std::move(content)}});
}

void AnthropicEvents::close() {
    if (block_ == Block::none) {
        return;
    }
    if (block_ == Block::thinking) { // clients give thoughts back only when they were signed
        delta({{"type", "signature_delta"}, {"signature", ""}});
    }
    out_.push_back({{"type", "content_block_stop"}, {"index", index_}});
    block_ = Block::none;
}

void AnthropicEvents::delta(Json change) {
    out_.push_back({{"type", "content_block_delta"}, {"index", index_}, {"delta", std::move(change)}});
}

std::string AnthropicEvents::stop_reason() const {
    if (finish_reason_ == "length") {
        const bool full = output_tokens_ > 0 && output_tokens_ < max_tokens_;
        return full ? "model_context_window_exceeded" : "max_tokens";
    }
    if (call_ >= 0) {
        return "tool_use";
    }
    return std::ranges::find(stops_, stop_) != stops_.end() ? "stop_sequence" : "end_turn";
}

Json AnthropicEvents::usage() const {
    return {{"input_tokens", input_tokens_},
            {"output_tokens", output_tokens_ > 0 ? output_tokens_ : pieces_},
            {"cache_creation_input_tokens", 0},
            {"cache_read_input_tokens", 0}};
}

void AnthropicMessage::add(const Json& event) {
    const std::string type = text_member(event, "type");
    if (type == "message_start") {
        message_ = event["message"];
    } else if (type == "content_block_start") {
        message_["content"].push_back(event["content_block"]);
        input_.clear();
    } else if (type == "content_block_delta") {
        const Json& change = event["delta"];
        input_ += text_member(change, "partial_json");
        for (const char* key : {"text", "thinking"}) {
            if (change.contains(key)) {
                auto& whole = message_["content"].back()[key].get_ref<std::string&>();
                whole += text_member(change, key);
            }
        }
    } else if (type == "content_block_stop" && !input_.empty()) {
        const bool whole = Json::parse(input_, nullptr, false).is_object(); // what is none is shown, not lost
        message_["content"].back()["input"] = whole ? ordered_object(input_) : Json{{"arguments", input_}};
    } else if (type == "message_delta") {
        message_.update(event["delta"]);
        message_["usage"] = event["usage"];
    }
}

Json AnthropicMessage::take() {
    return std::move(message_);
}

} // namespace hearth::daemon
