#include "protocol/error_table.hpp"

#include <nlohmann/json.hpp>

#include <array>

namespace hearth::protocol {
namespace {

constexpr std::array<ErrorRow, 36> error_rows{{
    {ErrorCode::internal, 500, 1},
    {ErrorCode::invalid_argument, 400, 2},
    {ErrorCode::usage, 400, 2},
    {ErrorCode::unsupported, 400, 1},
    {ErrorCode::too_large, 413, 1},
    {ErrorCode::route_not_found, 404, 1},
    {ErrorCode::method_not_allowed, 405, 1},
    {ErrorCode::media_type, 415, 1},
    {ErrorCode::token_required, 401, 6},
    {ErrorCode::token_not_found, 404, 3},
    {ErrorCode::forbidden, 403, 6},
    {ErrorCode::model_not_found, 404, 3},
    {ErrorCode::default_unset, 404, 3},
    {ErrorCode::model_invalid, 422, 1},
    {ErrorCode::bad_reference, 400, 2},
    {ErrorCode::bad_manifest, 502, 1},
    {ErrorCode::registry_unreachable, 502, 1},
    {ErrorCode::registry_denied, 502, 6},
    {ErrorCode::registry_failed, 502, 1},
    {ErrorCode::network_forbidden, 403, 6},
    {ErrorCode::corrupt_blob, 502, 1},
    {ErrorCode::disk_full, 507, 4},
    {ErrorCode::store_failed, 500, 1},
    {ErrorCode::store_locked, 500, 1},
    {ErrorCode::address_taken, 500, 1},
    {ErrorCode::memory_insufficient, 507, 4},
    {ErrorCode::backend_not_found, 400, 3},
    {ErrorCode::backend_failed, 500, 1},
    {ErrorCode::runner_lost, 500, 1},
    {ErrorCode::load_failed, 500, 1},
    {ErrorCode::context_exceeded, 400, 1},
    {ErrorCode::busy, 503, 1},
    {ErrorCode::cancelled, 499, 130},
    {ErrorCode::timeout, 504, 1},
    {ErrorCode::daemon_unreachable, 502, 5},
    {ErrorCode::protocol, 500, 1},
}};

/// Best guess at the code of an answer that names none: another server on our socket path, or a proxy.
ErrorCode code_of_status(int http_status) noexcept {
    switch (http_status) {
    case 401:
        return ErrorCode::token_required;
    case 403:
        return ErrorCode::forbidden;
    case 404:
        return ErrorCode::model_not_found;
    case 405:
        return ErrorCode::method_not_allowed;
    case 413:
        return ErrorCode::too_large;
    case 499:
        return ErrorCode::cancelled;
    case 503:
        return ErrorCode::busy;
    case 504:
        return ErrorCode::timeout;
    case 507:
        return ErrorCode::memory_insufficient;
    default:
        return http_status >= 400 && http_status < 500 ? ErrorCode::invalid_argument : ErrorCode::internal;
    }
}

std::string openai_type(int http_status) {
    switch (http_status) {
    case 401:
        return "authentication_error";
    case 403:
        return "permission_error";
    case 404:
        return "not_found_error";
    default:
        return http_status < 500 ? "invalid_request_error" : "api_error";
    }
}

std::string anthropic_type(const Error& error) {
    const int http_status = error_row(error.code()).http_status;
    switch (http_status) {
    case 413:
        return "request_too_large";
    case 503:
        return "overloaded_error";
    case 504:
        return "timeout_error";
    default:
        return openai_type(http_status); // the names are the same
    }
}

/// A string member, or empty: a peer's error text is worth reading even when its shape is wrong.
std::string text_member(const Json& object, const char* key) {
    const auto member = object.find(key);
    return member != object.end() && member->is_string() ? member->get<std::string>() : std::string();
}

} // namespace

const ErrorRow& error_row(ErrorCode code) noexcept {
    for (const ErrorRow& row : error_rows) {
        if (row.code == code) {
            return row;
        }
    }
    return error_rows.front();
}

Json error_json(const Error& error) {
    Json body{{"error", error.what()}, {"code", code_name(error.code())}};
    if (!error.hint().empty()) {
        body["hint"] = error.hint();
    }
    return body;
}

Json openai_error_json(const Error& error) {
    Json inner{{"message", error.what()},
               {"type", openai_type(error_row(error.code()).http_status)},
               {"param", nullptr},
               {"code", code_name(error.code())}};
    if (!error.hint().empty()) {
        inner["hint"] = error.hint();
    }
    Json body;
    body["error"] = std::move(inner);
    return body;
}

Json anthropic_error_json(const Error& error) {
    Json details{{"error_code", code_name(error.code())}}; // where Anthropic's clients look for a code
    Json inner{{"type", anthropic_type(error)}, {"message", error.what()}, {"code", code_name(error.code())}};
    if (!error.hint().empty()) {
        inner["hint"] = error.hint();
    }
    inner["details"] = std::move(details);
    return {{"type", "error"}, {"error", std::move(inner)}};
}

Error error_from_json(const std::string& body, int http_status) {
    const Json parsed = Json::parse(body, nullptr, false);
    std::string message;
    std::string code;
    std::string hint;
    if (parsed.is_object()) {
        const auto inner = parsed.find("error");
        const bool openai = inner != parsed.end() && inner->is_object();
        const Json& holder = openai ? *inner : parsed;
        message = text_member(holder, openai ? "message" : "error");
        code = text_member(holder, "code");
        hint = text_member(holder, "hint");
    }
    if (message.empty()) {
        message = "the service answered with HTTP status " + std::to_string(http_status);
    }
    const ErrorCode named = code_from_name(code);
    const bool known = named != ErrorCode::internal || code == code_name(ErrorCode::internal);
    return Error(known ? named : code_of_status(http_status), message, hint);
}

} // namespace hearth::protocol
