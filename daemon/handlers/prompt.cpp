#include "daemon/handlers/prompt.hpp"

#include "base/error.hpp"
#include "daemon/handlers/messages.hpp"

#include <algorithm>

namespace hearth::daemon {
namespace {

bool has_system(const Json& messages) {
    return std::ranges::any_of(messages, [](const Json& message) {
        return message.value("role", "") == "system" || message.value("role", "") == "developer";
    });
}

/// The model's `messages` layer; a broken one is nothing.
Json model_messages(const Target& target) {
    const std::string text = target.model ? target.model->messages_json : "";
    const Json parsed = text.empty() ? Json::array() : Json::parse(text, nullptr, false);
    try {
        return parsed.is_array() ? to_openai_messages(parsed) : Json::array();
    } catch (const Error&) {
        return Json::array();
    }
}

} // namespace

Json with_model_messages(const Target& target, Json messages, const std::optional<std::string>& system) {
    Json result = model_messages(target);
    for (Json& message : messages) {
        result.push_back(std::move(message));
    }
    const std::string text = system.value_or(target.model ? target.model->system : "");
    if (!text.empty() && !has_system(result)) {
        result.insert(result.begin(), Json{{"role", "system"}, {"content", text}});
    }
    return result;
}

Json chat_body(Json messages, const Json& tools, const Json& format, const Think& think,
               const Options& options) {
    Json body = options.sampling;
    body["messages"] = std::move(messages);
    body["stream"] = true;
    body["stream_options"] = {{"include_usage", true}};
    if (options.num_predict) {
        body["max_tokens"] = *options.num_predict;
    }
    if (!tools.empty()) {
        body["tools"] = tools;
    }
    if (!format.is_null()) {
        body["response_format"] = format;
    }
    if (think.wanted) {
        body["chat_template_kwargs"]["enable_thinking"] = *think.wanted;
    }
    if (!think.level.empty()) {
        body["chat_template_kwargs"]["reasoning_effort"] = think.level;
    }
    return body;
}

void add_logprobs(const Logprobs& logprobs, bool complete, Json& body) {
    if (!logprobs.wanted) {
        return;
    }
    if (complete) {
        body["n_probs"] = std::max<std::int64_t>(1, logprobs.alternatives);
    } else {
        body["logprobs"] = true;
        body["top_logprobs"] = logprobs.alternatives;
    }
}

Json generate_messages(const GenerateRequest& request, const Target& target) {
    Json messages = Json::array({openai_user_message(request.prompt, request.images)});
    return with_model_messages(target, std::move(messages), request.system);
}

std::optional<std::string> plain_prompt(const GenerateRequest& request, const Target& target) {
    if (!target.model || !target.model->chat_template.empty() || !request.images.empty()) {
        return std::nullopt;
    }
    const std::string system = request.system.value_or(target.model->system);
    return system.empty() ? request.prompt : system + "\n\n" + request.prompt;
}

Json complete_body(Json prompt, const Json& format, const Options& options) {
    Json body = options.sampling;
    body["prompt"] = std::move(prompt);
    body["stream"] = true;
    body["return_tokens"] = true;
    if (options.num_predict) {
        body["n_predict"] = *options.num_predict;
    }
    if (!format.is_null()) {
        const bool any_json = format.value("type", "") == "json_object";
        body["json_schema"] = any_json ? Json{{"type", "object"}} : format["json_schema"]["schema"];
    }
    return body;
}

} // namespace hearth::daemon
