#include "daemon/handlers/requests.hpp"

#include "base/error.hpp"
#include "daemon/handlers/fields.hpp"
#include "daemon/handlers/messages.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace hearth::daemon {
namespace {

Think parse_think(const Json& body) {
    Think think;
    const Json value = body.value("think", Json());
    if (value.is_boolean()) {
        think.wanted = value.get<bool>();
    } else if (value.is_string() && !value.get<std::string>().empty()) {
        constexpr std::array<std::string_view, 4> levels{"low", "medium", "high", "max"};
        think.wanted = true;
        think.level = value.get<std::string>();
        if (std::ranges::find(levels, think.level) == levels.end()) {
            throw Error(ErrorCode::invalid_argument,
                        "invalid think value: must be true, false, \"low\", \"medium\", \"high\" or \"max\"");
        }
    } else if (!value.is_null() && !value.is_string()) {
        throw Error(ErrorCode::invalid_argument, "field \"think\" must be a boolean or a level");
    }
    return think;
}

Logprobs parse_logprobs(const Json& body) {
    Logprobs logprobs;
    logprobs.wanted = flag_field(body, "logprobs").value_or(false);
    logprobs.alternatives = integer_field(body, "top_logprobs", 0, 20).value_or(0);
    return logprobs;
}

Json parse_format(const Json& body) {
    return to_response_format(body.value("format", Json()));
}

std::vector<std::int64_t> parse_context(const Json& body) {
    std::vector<std::int64_t> tokens;
    for (const Json& token : array_field(body, "context")) {
        if (!token.is_number_integer() || token.get<std::int64_t>() < 0) {
            throw Error(ErrorCode::invalid_argument, "field \"context\" must be a list of tokens");
        }
        tokens.push_back(token.get<std::int64_t>());
    }
    return tokens;
}

} // namespace

Json parse_tools(const Json& body) {
    Json tools = array_field(body, "tools");
    for (const Json& tool : tools) {
        if (!tool.is_object() || !object_field(tool, "function").is_object()) {
            throw Error(ErrorCode::invalid_argument,
                        "field \"tools\" must be a list of objects with a function");
        }
    }
    return tools;
}

CommonFields parse_common(const Json& body) {
    CommonFields common;
    common.model = model_field(body);
    common.backend = string_field(body, "backend").value_or("");
    common.options = object_field(body, "options");
    common.keep_alive = keep_alive_field(body);
    common.stream = flag_field(body, "stream").value_or(true);
    common.progress = flag_field(body, "progress").value_or(false) && common.stream;
    return common;
}

GenerateRequest parse_generate(const Json& body) {
    GenerateRequest request;
    request.common = parse_common(body);
    request.prompt = string_field(body, "prompt").value_or("");
    request.suffix = string_field(body, "suffix").value_or("");
    request.system = string_field(body, "system");
    request.context = parse_context(body);
    request.images = strings_field(body, "images");
    request.format = parse_format(body);
    request.think = parse_think(body);
    request.logprobs = parse_logprobs(body);
    request.raw = flag_field(body, "raw").value_or(false);
    string_field(body, "template");
    flag_field(body, "truncate");
    return request;
}

ChatRequest parse_chat(const Json& body) {
    ChatRequest request;
    request.common = parse_common(body);
    request.messages = to_openai_messages(array_field(body, "messages"));
    request.tools = parse_tools(body);
    request.format = parse_format(body);
    request.think = parse_think(body);
    request.logprobs = parse_logprobs(body);
    flag_field(body, "truncate");
    return request;
}

EmbedRequest parse_embed(const Json& body) {
    EmbedRequest request;
    request.common = parse_common(body);
    request.truncate = flag_field(body, "truncate").value_or(true);
    request.dimensions = integer_field(body, "dimensions", 1, 1'000'000);
    const Json input = body.value("input", Json());
    if (input.is_string()) {
        if (input != "") {
            request.input.push_back(input.get<std::string>());
        }
    } else if (!input.is_null()) {
        if (!input.is_array() ||
            !std::ranges::all_of(input, [](const Json& text) { return text.is_string(); })) {
            throw Error(ErrorCode::invalid_argument,
                        "invalid input type: \"input\" must be a string or a list of strings");
        }
        request.input = strings_field(body, "input");
    }
    return request;
}

EmbedRequest parse_old_embed(const Json& body) {
    EmbedRequest request;
    request.common = parse_common(body);
    if (auto prompt = string_field(body, "prompt"); prompt && !prompt->empty()) {
        request.input.push_back(std::move(*prompt));
    }
    return request;
}

} // namespace hearth::daemon
