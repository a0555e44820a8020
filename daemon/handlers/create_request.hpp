#pragma once

#include "base/json.hpp"
#include "registry/create/model_builder.hpp"

#include <string>

namespace hearth::daemon {

/// Body of /api/create.
struct CreateRequest {
    std::string from; ///< name of the model to build on, may be empty
    registry::BuildRequest build;
    bool stream = true;
};

/// @throws Error  invalid_argument, naming the field; unsupported for what create does not do here. Pure.
CreateRequest parse_create(const Json& body);

} // namespace hearth::daemon
