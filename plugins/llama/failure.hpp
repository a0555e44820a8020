#pragma once

#include "plugins/abi/hearth_backend.h"
#include "plugins/sdk/border.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace hearth::llama {

/// Keeps the order of members: a JSON schema's property order becomes the order in the answer.
using Json = nlohmann::ordered_json;

/// Never holds a descriptor path or prompt text.
using sdk::Failure;

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
