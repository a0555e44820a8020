#include "base/error.hpp"
#include "base/json_order.hpp"
#include "daemon/handlers/anthropic_answer.hpp"
#include "daemon/handlers/anthropic_request.hpp"
#include "daemon/handlers/body.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

namespace {

using namespace hearth::daemon;
using hearth::Json;

void require(bool so) {
    if (!so)
        std::abort();
}

/// Whatever a client sends: messages that every backend can read, or the Error that is promised.
void check_request(const Json& body, AnthropicCall call) {
    AnthropicRequest request;
    try {
        request = parse_anthropic(body, call);
    } catch (const hearth::Error& error) {
        require(error.code() == hearth::ErrorCode::invalid_argument ||
                error.code() == hearth::ErrorCode::unsupported);
        return;
    }
    const std::set<std::string> roles{"system", "user", "assistant", "tool"};
    for (const Json& message : request.chat.body.at("messages")) {
        require(roles.contains(message.at("role").get<std::string>()));
        const Json& content = message.at("content");
        require(content.is_string() || content.is_array());
        for (const Json& part : content.is_array() ? content : Json::array()) {
            require(part.at("type") == "text" ||
                    part.at("image_url").at("url").get<std::string>().starts_with("data:image/"));
        }
    }
    for (const char c : ignored_line(request.ignored))
        require(static_cast<unsigned char>(c) >= 0x20);
}

/// Whatever a backend sends: events in their order, or the Error that is promised.
void check_answer(const Json& chunks) {
    AnthropicEvents events("m", {"END"}, 10);
    AnthropicMessage whole;
    std::int64_t blocks = 0;
    bool open = false;
    const auto take = [&](const std::vector<Json>& next) {
        for (const Json& event : next) {
            const std::string type = event.at("type").get<std::string>();
            if (type.starts_with("content_block_")) {
                const bool begins = type == "content_block_start";
                require(open != begins);
                blocks += begins ? 1 : 0;
                require(event.at("index") == blocks - 1);
                open = type != "content_block_stop";
            }
            whole.add(event);
        }
    };
    try {
        for (const Json& chunk : chunks)
            take(events.feed(chunk));
        take(events.finish());
    } catch (const hearth::Error& error) {
        require(error.code() == hearth::ErrorCode::backend_failed);
        return;
    }
    require(!open);
    require(static_cast<std::int64_t>(whole.take().at("content").size()) == blocks);
}

/// An ordered object is the same object, and so is all that holds one. @return the body as a request's handler has it
Json check_order(const Json& body, std::string_view text) {
    require(Json::parse(hearth::to_text(hearth::ordered_object(text))) == body);
    Json ordered = parse_ordered_object(std::string(text));
    require(Json::parse(hearth::to_text(ordered)) == body);
    return ordered;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    Json parsed;
    try {
        parsed = hearth::parse_json(text, "request body");
    } catch (const hearth::Error&) {
        return 0;
    }
    if (parsed.is_object()) {
        const Json body = check_order(parsed, text);
        check_request(body, AnthropicCall::message);
        check_request(body, AnthropicCall::count_tokens);
    } else if (parsed.is_array()) {
        check_answer(parsed);
    }
    return 0;
}
