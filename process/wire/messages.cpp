#include "process/wire/messages.hpp"

#include "base/json.hpp"
#include "process/wire/frame.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace hearth::process::wire {

namespace {

constexpr std::size_t message_limit_bytes = 16u << 10;

} // namespace

std::string hello_head(std::string_view role, std::string_view extra) {
    Json hello = extra.empty() ? Json::object() : parse_json(extra, "hello");
    hello["protocol"] = protocol_version;
    hello["role"] = role;
    hello["version"] = HEARTH_VERSION;
    return to_text(hello);
}

void check_hello(std::string_view head, std::string_view peer) {
    std::int64_t version = -1;
    try {
        const Json hello = parse_json(head, "hello");
        version = get_integer(hello, "protocol").value_or(-1);
    } catch (const Error& error) {
        throw Error(ErrorCode::protocol, fmt::format("{}: unreadable hello: {}", peer, error.what()));
    }
    if (version != protocol_version) {
        throw Error(
            ErrorCode::protocol,
            fmt::format("{} speaks wire protocol {}, this program {}", peer, version, protocol_version),
            "the programs are of different releases: reinstall, then restart the service");
    }
}

std::string error_head(const Error& error) {
    Json head;
    head["code"] = code_name(error.code());
    head["message"] = std::string_view(error.what()).substr(0, message_limit_bytes);
    if (!error.hint().empty()) {
        head["hint"] = std::string_view(error.hint()).substr(0, message_limit_bytes);
    }
    return to_text(head);
}

Error error_from_head(std::string_view head) {
    try {
        const Json json = parse_json(head, "error frame");
        return {code_from_name(require_string(json, "code")), require_string(json, "message"),
                get_string(json, "hint").value_or("")};
    } catch (const Error& error) {
        return {ErrorCode::protocol, fmt::format("unreadable error frame: {}", error.what())};
    }
}

} // namespace hearth::process::wire
