#include "daemon/handlers/completion_request.hpp"

#include "base/error.hpp"
#include "base/time.hpp"
#include "daemon/handlers/fields.hpp"
#include "daemon/handlers/options.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace hearth::daemon {
namespace {

/// One text or the tokens of one; a list of one text is one text.
Json parse_prompt(const Json& body) {
    Json prompt = body.value("prompt", Json());
    const bool tokens =
        prompt.is_array() && !prompt.empty() &&
        std::ranges::all_of(prompt, [](const Json& item) { return item.is_number_integer(); });
    if (prompt.is_string() || tokens) {
        return prompt;
    }
    if (prompt.is_array() && prompt.size() == 1 && prompt[0].is_string()) {
        return prompt[0];
    }
    throw Error(ErrorCode::invalid_argument, "field \"prompt\" must be one text, or a list of tokens");
}

void refuse_several_answers(const Json& body) {
    for (const char* key : {"n", "best_of"}) {
        if (integer_field(body, key, 1, 128).value_or(1) > 1) {
            throw Error(ErrorCode::unsupported, fmt::format("\"{}\" above 1 is not served", key),
                        "ask several times, with different seeds");
        }
    }
    if (const auto suffix = string_field(body, "suffix"); suffix && !suffix->empty()) {
        throw Error(ErrorCode::unsupported, "\"suffix\" is not served yet",
                    "the prompt may hold the model's own fill-in-the-middle marks");
    }
}

void take_numbers(const Json& body, Json& sampling) {
    const std::tuple<const char*, double, double> ranges[] = {{"temperature", 0, 100},
                                                              {"top_p", 0, 1},
                                                              {"min_p", 0, 1},
                                                              {"typical_p", 0, 1},
                                                              {"repeat_penalty", 0, 100},
                                                              {"frequency_penalty", -100, 100},
                                                              {"presence_penalty", -100, 100}};
    for (const auto& [key, least, most] : ranges) {
        if (const auto number = number_field(body, key, least, most)) {
            sampling[key] = *number;
        }
    }
    if (const auto top = integer_field(body, "top_k", -1, 10'000'000)) {
        sampling["top_k"] = *top;
    }
    if (const auto seed = integer_field(body, "seed", INT64_MIN, INT64_MAX)) {
        sampling["seed"] = *seed;
    }
    if (const auto most = integer_field(body, "max_tokens", -1, 10'000'000)) {
        sampling["n_predict"] = *most;
    }
}

} // namespace

CompletionRequest parse_completion(const Json& body) {
    CompletionRequest request;
    request.model = model_field(body);
    request.backend = string_field(body, "backend").value_or("");
    request.keep_alive = keep_alive_field(body);
    request.prompt = parse_prompt(body);
    refuse_several_answers(body);
    request.stream = flag_field(body, "stream").value_or(false);
    const Json stream_options = object_field(body, "stream_options");
    request.include_usage =
        stream_options.is_object() && flag_field(stream_options, "include_usage").value_or(false);
    request.logprobs = integer_field(body, "logprobs", 0, 20);
    request.echo = flag_field(body, "echo").value_or(false);
    if (request.echo && (request.logprobs || !request.prompt.is_string())) {
        throw Error(ErrorCode::unsupported, "\"echo\" is served for a text without \"logprobs\"");
    }
    take_numbers(body, request.sampling);
    const Json stop = body.value("stop", Json());
    if (stop.is_string()) {
        request.sampling["stop"] = Json::array({stop});
    } else if (const auto words = strings_field(body, "stop"); !words.empty()) {
        request.sampling["stop"] = words;
    }
    if (const Json bias = object_field(body, "logit_bias"); !bias.is_null()) {
        request.sampling["logit_bias"] = bias;
    }
    return request;
}

Json completion_body(const CompletionRequest& request, const Target& target) {
    const Options defaults = parse_options(layer_options(target.parameters(), Json()));
    Json body = defaults.sampling;
    if (defaults.num_predict) {
        body["n_predict"] = *defaults.num_predict;
    }
    body.update(request.sampling);
    body["prompt"] = request.prompt;
    body["stream"] = true;
    if (request.logprobs) {
        body["n_probs"] = std::max<std::int64_t>(1, *request.logprobs);
    }
    return body;
}

CompletionShape::CompletionShape(const CompletionRequest& request)
    : model_(request.model), id_(fmt::format("cmpl-{:x}", system_clock().now().time_since_epoch().count())),
      created_(std::chrono::floor<std::chrono::seconds>(system_clock().now()).time_since_epoch().count()),
      logprobs_(request.logprobs.has_value()), alternatives_(request.logprobs.value_or(0) > 0) {}

Json CompletionShape::frame() const {
    return {{"id", id_},
            {"object", "text_completion"},
            {"created", created_},
            {"model", model_},
            {"choices", Json::array()}};
}

Json CompletionShape::object(const Piece& piece, Json finish_reason) {
    Json result = frame();
    Json choice = {{"index", 0}, {"text", piece.text}, {"finish_reason", std::move(finish_reason)}};
    choice["logprobs"] = logprobs_ ? legacy_logprobs(piece.logprobs) : Json();
    result["choices"].push_back(std::move(choice));
    return result;
}

Json CompletionShape::usage(const AnswerMetrics& metrics) {
    return {{"prompt_tokens", metrics.prompt_tokens},
            {"completion_tokens", metrics.answer_tokens},
            {"total_tokens", metrics.prompt_tokens + metrics.answer_tokens}};
}

Json CompletionShape::usage_object(const AnswerMetrics& metrics) const {
    Json result = frame();
    result["usage"] = usage(metrics);
    return result;
}

/// OpenAI's older form: four lists of one length.
Json CompletionShape::legacy_logprobs(const Json& tokens) {
    Json lists = {{"tokens", Json::array()},
                  {"token_logprobs", Json::array()},
                  {"top_logprobs", alternatives_ ? Json::array() : Json()},
                  {"text_offset", Json::array()}};
    for (const Json& token : tokens.is_array() ? tokens : Json::array()) {
        const std::string text = token.value("token", "");
        lists["tokens"].push_back(text);
        lists["token_logprobs"].push_back(token.value("logprob", Json()));
        lists["text_offset"].push_back(offset_);
        offset_ += text.size();
        if (alternatives_) {
            Json row = Json::object();
            for (const Json& other : token.value("top_logprobs", Json::array())) {
                row[other.value("token", "")] = other.value("logprob", Json());
            }
            lists["top_logprobs"].push_back(std::move(row));
        }
    }
    return lists;
}

} // namespace hearth::daemon
