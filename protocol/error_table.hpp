#pragma once

#include "base/error.hpp"
#include "base/json.hpp"

#include <string>

/// ErrorCode ↔ HTTP status ↔ CLI exit code: the one table.
namespace hearth::protocol {

struct ErrorRow {
    ErrorCode code;
    int http_status;
    int exit_code; ///< 1 failed, 2 usage, 3 not found, 4 does not fit, 5 daemon unreachable, 6 not allowed,
                   ///< 130 interrupted
};

/// The row of a code; every code has one.
const ErrorRow& error_row(ErrorCode code) noexcept;

/// {"error": text, "code": "memory.insufficient", "hint": "…"}; hint absent when empty.
Json error_json(const Error& error);
/// {"error":{"message","type","param":null,"code"}} as OpenAI's clients expect, plus "hint".
Json openai_error_json(const Error& error);
/// {"type":"error","error":{"type","message"}} as Anthropic's clients expect, plus "code", "hint" and, where those
/// clients show it, "details": {"error_code"}.
Json anthropic_error_json(const Error& error);
/// The Error in a body of any of these shapes; `fallback_status` gives the code when the body has none (a peer's
/// answer).
Error error_from_json(const std::string& body, int http_status);

} // namespace hearth::protocol
