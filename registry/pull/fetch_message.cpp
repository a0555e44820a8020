#include "registry/pull/fetch_message.hpp"

#include "base/error.hpp"
#include "base/json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace hearth::registry {

namespace {

std::uint64_t get_size(const Json& object, const char* key) {
    const std::int64_t value = get_integer(object, key).value_or(0);
    if (value < 0) {
        throw Error(ErrorCode::invalid_argument, std::string("fetch request: \"") + key + "\" is negative");
    }
    return static_cast<std::uint64_t>(value);
}

} // namespace

std::string to_message(const FetchRequest& request) {
    const Json object = {{"op", "get"},
                         {"url", request.url},
                         {"accept", request.accept},
                         {"authorization", request.authorization},
                         {"range_from", request.range_from},
                         {"range_bytes", request.range_bytes},
                         {"if_range", request.if_range},
                         {"max_bytes", request.max_bytes},
                         {"head_only", request.head_only},
                         {"public_only", request.reach == Reach::public_only},
                         {"insecure", request.insecure},
                         {"stall_timeout_ms", request.stall_timeout.count()}};
    return to_text(object);
}

FetchRequest parse_fetch_request(std::string_view text) {
    const Json object = parse_json(text, "fetch request", 4);
    if (require_string(object, "op") != "get") {
        throw Error(ErrorCode::invalid_argument, "fetch request: unknown operation");
    }
    FetchRequest request;
    request.url = require_string(object, "url");
    request.accept = get_string(object, "accept").value_or("");
    request.authorization = get_string(object, "authorization").value_or("");
    request.range_from = get_size(object, "range_from");
    request.range_bytes = get_size(object, "range_bytes");
    request.if_range = get_string(object, "if_range").value_or("");
    request.max_bytes = get_size(object, "max_bytes");
    request.head_only = get_bool(object, "head_only").value_or(false);
    request.reach = get_bool(object, "public_only").value_or(true) ? Reach::public_only : Reach::named_host;
    request.insecure = get_bool(object, "insecure").value_or(false);
    const std::int64_t stall = get_integer(object, "stall_timeout_ms").value_or(30'000);
    request.stall_timeout = std::chrono::milliseconds(std::clamp<std::int64_t>(stall, 100, 600'000));
    return request;
}

std::string to_message(const FetchHead& head) {
    const Json object = {{"status", head.status}, {"final_url", head.final_url}, {"headers", head.headers}};
    return to_text(object);
}

FetchHead parse_fetch_head(std::string_view text) {
    const Json object = parse_json(text, "fetch answer", 4);
    FetchHead head;
    head.status = static_cast<int>(get_integer(object, "status").value_or(0));
    head.final_url = get_string(object, "final_url").value_or("");
    const auto headers = object.find("headers");
    if (head.status < 100 || head.status > 999 || headers == object.end() || !headers->is_object()) {
        throw Error(ErrorCode::invalid_argument, "fetch answer: status or headers are missing");
    }
    for (const auto& [name, value] : headers->items()) {
        if (value.is_string()) {
            head.headers.emplace(name, value.get<std::string>());
        }
    }
    return head;
}

} // namespace hearth::registry
