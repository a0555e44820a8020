#include "plugins/echo/request.hpp"

#include "plugins/echo/body.hpp"
#include "plugins/echo/text.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>

namespace hearth::echo {

namespace {

using Milliseconds = std::chrono::duration<double, std::milli>;

std::uint64_t next_number() {
    static std::atomic<std::uint64_t> last = 0; // ids are unique within the process
    return ++last;
}

} // namespace

Request::Request(Model& model, std::string operation, const Json& body)
    : model_(model), operation_(std::move(operation)), wishes_(model.options()), number_(next_number()) {
    wishes_.update(body);
    const Json stream = body.value("stream", Json(false));
    if (!stream.is_boolean() && !stream.is_null()) {
        throw Failure(HEARTH_E_INVALID, "\"stream\" must be true or false");
    }
    stream_ = stream == true;
    if (operation_ == "chat") {
        prepare_chat(body);
    } else if (operation_ == "complete") {
        prepare_complete(body);
    } else {
        prepare_single(body);
    }
    model_.add(*this); // last: a throw above leaves nothing behind
}

Request::~Request() {
    model_.remove(*this);
}

void Request::prepare_text(const Json& body, std::string text, std::int64_t prompt_tokens) {
    prompt_tokens_ = prompt_tokens;
    if (prompt_tokens_ > model_.context_tokens()) {
        throw Failure(HEARTH_E_CONTEXT, "the prompt has " + std::to_string(prompt_tokens_) +
                                            " tokens, the context " +
                                            std::to_string(model_.context_tokens()));
    }
    std::string said = text;
    for (std::int64_t again = std::min<std::int64_t>(option("echo_repeat", 1), 1'000'000); again > 1;
         --again) {
        said += " " + text;
    }
    words_ = split_words(cut_at_stop(std::move(said), stops_of(body), stop_word_));
    finish_ = stop_word_.empty() ? "eos" : "word";
    std::int64_t limit = limit_of(body);
    if (limit >= 0 && static_cast<std::size_t>(limit) < words_.size()) {
        words_.resize(static_cast<std::size_t>(limit));
        finish_ = "limit";
        stop_word_.clear();
    }
}

void Request::prepare_chat(const Json& body) {
    const Json& messages = messages_of(body);
    std::int64_t prompt_tokens = static_cast<std::int64_t>(split_words(render(messages)).size());
    const std::string question = last_user_text(messages);
    prepare_text(body, question, prompt_tokens);
    prepare_call(body, question);
}

void Request::prepare_call(const Json& body, const std::string& question) {
    const Json tools = body.value("tools", Json());
    const bool wanted =
        body.value("tool_choice", Json()) == "required" || wishes_.value("echo_call", Json()) == true;
    const Json::json_pointer name("/0/function/name");
    if (wanted && tools.is_array() && tools.contains(name)) {
        call_ = {{"name", tools[name]}, {"arguments", Json{{"text", question}}.dump()}};
        words_.clear();
    }
}

void Request::prepare_complete(const Json& body) {
    const Json prompt = body.value("prompt", Json());
    std::string text;
    if (prompt.is_string()) {
        text = prompt.get<std::string>();
    } else if (prompt.is_array()) {
        for (const Json& token : prompt) {
            if (!token.is_number_integer()) {
                throw Failure(HEARTH_E_INVALID, "\"prompt\" must be a text or a list of tokens");
            }
            text += (text.empty() ? "" : " ") + token.dump();
        }
    } else {
        throw Failure(HEARTH_E_INVALID, "\"prompt\" must be a text or a list of tokens");
    }
    std::int64_t prompt_tokens = static_cast<std::int64_t>(split_words(text).size());
    prepare_text(body, std::move(text), prompt_tokens);
}

void Request::prepare_single(const Json& body) {
    if (operation_ == "embed") {
        single_ = embed_event(body);
    } else if (operation_ == "tokenize") {
        single_ = tokenize_event(body);
    } else if (operation_ == "template") {
        single_ = {{"prompt", render(messages_of(body))}};
    } else if (operation_ == "count") {
        single_ = Json::object();
        single_["tokens"] = split_words(render(messages_of(body))).size();
    } else {
        throw Failure(HEARTH_E_UNSUPPORTED, "echo has no operation \"" + operation_ + "\"");
    }
}

std::int64_t Request::option(const char* key, std::int64_t fallback) const {
    const Json value = wishes_.value(key, Json());
    if (value.is_null()) {
        return fallback;
    }
    if (!value.is_number_integer()) {
        throw Failure(HEARTH_E_INVALID, std::string("\"") + key + "\" must be an integer");
    }
    return value.get<std::int64_t>();
}

void Request::cancel() {
    set_cancelled();
    model_.wake();
}

void Request::set_cancelled() noexcept {
    std::lock_guard lock(mutex_);
    cancelled_ = true;
    wake_.notify_all();
}

void Request::run(const hearth_sink& sink) {
    if (!model_.enter(*this)) {
        throw Failure(HEARTH_E_CANCELLED, "the request was cancelled while it waited for a slot");
    }
    struct Slot {
        Model& model;
        ~Slot() { model.leave(); }
    } slot{model_};
    if (!single_.is_null()) {
        pause(option("echo_delay_ms", 0));
        write(sink, single_);
    } else {
        say(sink);
    }
}

void Request::say(const hearth_sink& sink) {
    const auto started = std::chrono::steady_clock::now();
    const std::int64_t delay_ms = option("echo_delay_ms", 0);
    const bool chat = operation_ == "chat";
    if (stream_ && chat) { // llama.cpp opens with the role and no text, too
        Json opening = chunk({{"role", "assistant"}, {"content", nullptr}}, nullptr);
        if (wishes_.value("return_progress", Json()) == true) {
            opening["prompt_progress"] = {{"total", prompt_tokens_}, {"processed", prompt_tokens_}};
        }
        write(sink, opening);
    }
    for (std::size_t said = 0; said < words_.size(); ++said) {
        misbehave(said);
        pause(delay_ms);
        if (stream_) {
            write(sink, word_event(words_[said]));
        }
    }
    misbehave(words_.size());
    if (stream_ && !call_.is_null()) {
        say_call(sink);
    }
    write(sink, last_event(Milliseconds(std::chrono::steady_clock::now() - started).count()));
}

void Request::misbehave(std::size_t words_said) {
    const auto now = static_cast<std::int64_t>(words_said);
    if (option("echo_fail_after", -1) == now) {
        throw Failure(HEARTH_E_INTERNAL, "echo was asked to fail after " + std::to_string(now) + " words");
    }
    if (option("echo_crash_after", -1) == now) {
        std::abort();
    }
    if (option("echo_hang_after", -1) == now) {
        const bool deaf = wishes_.value("echo_deaf", Json(false)) == true;
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return cancelled() && !deaf; });
    }
}

void Request::pause(std::int64_t milliseconds) {
    if (milliseconds > 0) {
        std::unique_lock lock(mutex_);
        wake_.wait_for(lock, std::chrono::milliseconds(milliseconds), [&] { return cancelled(); });
    }
    if (cancelled()) {
        throw Failure(HEARTH_E_CANCELLED, "the request was cancelled");
    }
}

void Request::write(const hearth_sink& sink, const Json& event) const {
    if (cancelled()) {
        throw Failure(HEARTH_E_CANCELLED, "the request was cancelled");
    }
    const std::string text = event.dump(-1, ' ', false, Json::error_handler_t::replace);
    const hearth_str data = {text.data(), text.size()};
    if (sink.write(sink.context, data) != 0) {
        throw Failure(HEARTH_E_CANCELLED, "nobody listens any more");
    }
}

Json Request::chunk(const Json& delta, const Json& finish_reason) const {
    Json choice = {{"index", 0}, {"delta", delta}, {"finish_reason", finish_reason}};
    return {{"id", "chatcmpl-echo-" + std::to_string(number_)},
            {"object", "chat.completion.chunk"},
            {"created", std::time(nullptr)},
            {"model", model_.alias()},
            {"choices", Json::array({choice})}};
}

Json Request::word_event(std::string_view word) const {
    if (operation_ == "chat") {
        return chunk({{"content", word}}, nullptr);
    }
    return {{"content", word}, {"tokens", {token_of(word)}}, {"stop", false}};
}

/// In pieces, as models make them: the name, then the arguments in two parts.
void Request::say_call(const hearth_sink& sink) const {
    const auto piece = [&](Json call) {
        call["index"] = 0;
        write(sink, chunk({{"tool_calls", Json::array({std::move(call)})}}, nullptr));
    };
    const std::string arguments = call_["arguments"].get<std::string>();
    piece({{"id", "call_echo_" + std::to_string(number_)},
           {"type", "function"},
           {"function", {{"name", call_["name"]}, {"arguments", ""}}}});
    for (const std::string& part :
         {arguments.substr(0, arguments.size() / 2), arguments.substr(arguments.size() / 2)}) {
        piece({{"function", {{"arguments", part}}}});
    }
}

std::string Request::whole_text() const {
    std::string text;
    for (const std::string& word : words_) {
        text += word;
    }
    return text;
}

Json Request::last_event(double elapsed_ms) const {
    const auto predicted = static_cast<std::int64_t>(words_.size());
    const Json timings = {{"prompt_n", prompt_tokens_},
                          {"prompt_ms", 0.001 * static_cast<double>(prompt_tokens_)},
                          {"predicted_n", predicted},
                          {"predicted_ms", elapsed_ms}};
    if (operation_ == "complete") {
        return {{"content", stream_ ? "" : whole_text()},
                {"tokens", stream_ ? std::vector<std::int64_t>() : tokens_of(whole_text())},
                {"stop", true},
                {"stop_type", finish_},
                {"tokens_evaluated", prompt_tokens_},
                {"tokens_predicted", predicted},
                {"timings", timings}};
    }
    const char* reason = !call_.is_null() ? "tool_calls" : finish_ == "limit" ? "length" : "stop";
    Json event = chunk(Json::object(), reason);
    if (!stream_) {
        event["object"] = "chat.completion";
        event["choices"][0].erase("delta");
        Json& message = event["choices"][0]["message"];
        message = {{"role", "assistant"}, {"content", whole_text()}};
        if (!call_.is_null()) {
            const std::string id = "call_echo_" + std::to_string(number_);
            message["tool_calls"] = Json::array({{{"id", id}, {"type", "function"}, {"function", call_}}});
        }
    }
    if (!stop_word_.empty()) {
        event["choices"][0]["stop_reason"] = stop_word_;
    }
    event["usage"] = {{"prompt_tokens", prompt_tokens_},
                      {"completion_tokens", predicted},
                      {"total_tokens", prompt_tokens_ + predicted}};
    event["timings"] = timings;
    return event;
}

} // namespace hearth::echo
