#include "daemon/handlers/body.hpp"

#include "base/error.hpp"

#include <nlohmann/json.hpp>

namespace hearth::daemon {

Json parse_object(const std::string& body) {
    if (body.empty()) {
        throw Error(ErrorCode::invalid_argument, "missing request body");
    }
    Json value = parse_json(body, "request body");
    if (!value.is_object()) {
        throw Error(ErrorCode::invalid_argument, "request body must be a JSON object");
    }
    return value;
}

} // namespace hearth::daemon
