#pragma once

#include "plugins/abi/hearth_backend.h"

#include <nlohmann/json.hpp>

#include <stdexcept>
#include <string>
#include <string_view>

namespace hearth::llama {

/// Keeps the order of members: a JSON schema's property order becomes the order in the answer.
using Json = nlohmann::ordered_json;

/// Ends a call of the ABI with this status and this message for people. Never holds a descriptor path or
/// prompt text.
class Failure : public std::runtime_error {
  public:
    Failure(hearth_status status, const std::string& message)
        : std::runtime_error(message), status_(status) {}
    hearth_status status() const noexcept { return status_; }

  private:
    hearth_status status_;
};

/// The engine's own error object, {"code", "type", "message"}, as a failure.
Failure failure_from(const Json& engine_error);

/// What the handler threw before the engine saw the request: the request's fault, unless the text says that
/// the model cannot do it.
Failure failure_from_handler(const std::string& text);

/// @param what  "the load spec", for the message
/// @throws Failure  HEARTH_E_INVALID: not JSON, not an object, or nested deeper than 128
Json parse_object(hearth_str text, std::string_view what);

/// Throws HEARTH_E_CANCELLED when the sink wants no more.
void emit(const hearth_sink& sink, std::string_view event);

} // namespace hearth::llama
