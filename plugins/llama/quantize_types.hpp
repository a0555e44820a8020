#pragma once

#include "plugins/llama/failure.hpp"

#include <llama.h>

#include <string>

namespace hearth::llama {

/// A type that a model can be made into.
struct TargetType {
    const char* name;
    const char* alias; ///< may be null
    llama_ftype file_type;
};

/// By name or alias, without case.
/// @throws Failure  HEARTH_E_INVALID: unknown, with the list; HEARTH_E_UNSUPPORTED: refused, with the reason
const TargetType& find_target(const std::string& name);

/// {"types": […], "refused": […]}: what the extension's `types` answers.
Json list_targets();

} // namespace hearth::llama
