#pragma once

#include "registry/model.hpp"

#include <string>
#include <string_view>

namespace hearth::registry {

/// What the index keeps about a manifest beside its bytes: everything in a Model that was read from its
/// blobs, as JSON, so that `list` and `show` open no file.
std::string facts_to_text(const Model& model);

/// The inverse: fills details, capabilities, files and texts. @throws Error store_failed when the text is not
/// what we wrote
void facts_from_text(std::string_view text, Model& model);

} // namespace hearth::registry
