#include "plugins/llama/request.hpp"

#include "plugins/llama/body.hpp"
#include "plugins/llama/log.hpp"
#include "plugins/llama/model.hpp"

#include <server-context.h>

#include <algorithm>
#include <utility>

namespace hearth::llama {

namespace {

const Json* error_in(const Json& event) {
    const auto found = event.is_object() ? event.find("error") : event.end();
    return event.is_object() && found != event.end() && found->is_object() ? &*found : nullptr;
}

/// The engine's answer to an embed request in the shape of the ABI.
Json embed_event(const Json& answer, std::int64_t tokens) {
    const Json& rows = answer.at("data");
    Json embeddings = Json::array();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        embeddings.push_back(nullptr);
    }
    for (const Json& row : rows) {
        embeddings.at(row.at("index").get<std::size_t>()) = row.at("embedding");
    }
    return {{"embeddings", std::move(embeddings)}, {"tokens", tokens}};
}

/// The last event of a completion repeats the prompt and all settings; the ABI does not ask for them.
void trim_completion(Json& event) {
    for (const char* name : {"prompt", "generation_settings", "id_slot", "index"}) {
        event.erase(name);
    }
}

} // namespace

Request::Request(const Model& model, std::string_view operation, hearth_str body) : model_(model) {
    if (operation == "chat") {
        operation_ = Operation::chat;
    } else if (operation == "complete") {
        operation_ = Operation::complete;
    } else if (operation == "embed") {
        operation_ = Operation::embed;
    } else if (operation == "tokenize") {
        operation_ = Operation::tokenize;
    } else if (operation == "template") {
        operation_ = Operation::render_template;
    } else if (operation == "count") {
        operation_ = Operation::count;
    } else {
        throw Failure(HEARTH_E_UNSUPPORTED, "the operation '" + std::string(operation) + "' is not offered");
    }
    prepare(parse_object(body, "the request body"));
}

void Request::prepare(Json body) {
    if (operation_ == Operation::embed) {
        if (!model_.can_embed()) {
            throw Failure(HEARTH_E_UNSUPPORTED, "the model was not loaded for embeddings");
        }
        tokens_ = prepare_embed(body, model_.vocabulary(), model_.embed_limit());
    } else if (operation_ == Operation::tokenize) {
        prepare_tokenize(body);
    } else if (!model_.can_chat()) {
        throw Failure(HEARTH_E_UNSUPPORTED, "this is an embedding model: it cannot generate text");
    } else if (operation_ == Operation::complete) {
        prepare_complete(body);
    } else {
        prepare_chat(body);
    }
    body_ = body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void Request::run(const hearth_sink& sink) {
    if (cancelled_) {
        throw_cancelled();
    }
    const server_http_req request{.params = {},
                                  .headers = {},
                                  .path = {},
                                  .query_string = {},
                                  .body = body_,
                                  .files = {},
                                  .should_stop = should_stop_};
    const server_routes& routes = model_.routes();
    std::unique_ptr<server_http_res> response; // must go before the request
    try {
        switch (operation_) {
        case Operation::chat:
            response = routes.post_chat_completions(request);
            break;
        case Operation::complete:
            response = routes.post_completions(request);
            break;
        case Operation::embed:
            response = routes.post_embeddings_oai(request);
            break;
        case Operation::tokenize:
            response = routes.post_tokenize(request);
            break;
        case Operation::render_template:
            response = routes.post_apply_template(request);
            break;
        case Operation::count:
            response = routes.post_chat_completions_tok(request);
            break;
        }
    } catch (const std::bad_alloc&) {
        throw;
    } catch (const std::exception& exception) {
        throw failure_from_handler(without_paths(exception.what()));
    }
    if (cancelled_) {
        throw_cancelled();
    }
    if (response->is_stream()) {
        stream(*response, sink);
    } else {
        take_answer(response->data, sink);
    }
}

void Request::stream(server_http_res& response, const hearth_sink& sink) {
    constexpr std::string_view mark = "data: ";
    for (bool more = true; more;) {
        std::string chunk;
        more = response.next(chunk); // a chunk that comes with false is valid too
        std::string_view rest = chunk;
        while (!rest.empty()) {
            const std::size_t end = std::min(rest.find("\n\n"), rest.size());
            const std::string_view event = rest.substr(0, end);
            rest.remove_prefix(std::min(end + 2, rest.size()));
            if (event.starts_with(mark) && event != "data: [DONE]") {
                take_event(event.substr(mark.size()), sink);
            }
        }
        if (cancelled_) {
            throw_cancelled();
        }
    }
    response.on_complete();
    if (held_) {
        give(held_->dump(), sink);
    }
}

void Request::take_event(std::string_view event, const hearth_sink& sink) {
    // Text inside strings has its quotes escaped, so these can only be members.
    if (event.starts_with("{\"error\":")) {
        const Json parsed = Json::parse(event);
        if (const Json* error = error_in(parsed)) {
            throw failure_from(*error);
        }
    }
    if (operation_ == Operation::chat) {
        take_chat_event(event, sink);
        return;
    }
    if (event.find("\"stop\":true") == std::string_view::npos) {
        give(event, sink);
        return;
    }
    Json last = Json::parse(event);
    trim_completion(last);
    give(last.dump(), sink);
}

/// The engine sends the finish reason, then usage in a chunk without choices; the ABI wants both in the last
/// event.
void Request::take_chat_event(std::string_view event, const hearth_sink& sink) {
    if (event.find("\"__verbose\":") != std::string_view::npos) {
        Json parsed = Json::parse(event);
        take_stop_word(parsed);
        take_chat_event(parsed.dump(), sink);
        return;
    }
    if (event.find("\"finish_reason\":null") != std::string_view::npos) {
        give(event, sink);
        return;
    }
    Json chunk = Json::parse(event);
    if (held_ && chunk.contains("choices") && chunk["choices"].empty()) {
        for (const char* name : {"usage", "timings"}) {
            if (chunk.contains(name)) {
                (*held_)[name] = chunk[name];
            }
        }
        return;
    }
    if (held_) { // several choices, each with an end
        give(held_->dump(), sink);
    }
    held_ = std::move(chunk);
    show_stop_word(*held_);
}

void Request::take_stop_word(Json& event) {
    const auto found = event.find("__verbose");
    if (found == event.end()) {
        return;
    }
    stop_word_ = found->is_object() ? found->value("stopping_word", "") : "";
    event.erase(found);
}

void Request::show_stop_word(Json& event) {
    if (!stop_word_.empty() && event.contains("choices") && !event["choices"].empty()) {
        event["choices"][0]["stop_reason"] = std::exchange(stop_word_, {});
    }
}

void Request::take_answer(const std::string& answer, const hearth_sink& sink) {
    Json parsed = Json::parse(answer, nullptr, false);
    if (parsed.is_discarded()) {
        throw Failure(HEARTH_E_INTERNAL, "the engine gave no answer");
    }
    if (const Json* error = error_in(parsed)) {
        throw failure_from(*error);
    }
    if (operation_ == Operation::embed) {
        parsed = embed_event(parsed, tokens_);
    } else if (operation_ == Operation::complete) {
        trim_completion(parsed);
    } else if (operation_ == Operation::chat) {
        take_stop_word(parsed);
        show_stop_word(parsed);
    } else if (operation_ == Operation::count) {
        parsed = Json{{"tokens", parsed.at("input_tokens")}};
    }
    give(parsed.dump(), sink);
}

void Request::give(std::string_view event, const hearth_sink& sink) {
    try {
        emit(sink, event);
    } catch (const Failure&) {
        cancelled_ = true; // the engine asserts that "stop" stays said
        throw;
    }
}

void Request::throw_cancelled() const {
    throw Failure(HEARTH_E_CANCELLED, "the request was cancelled");
}

} // namespace hearth::llama
