#pragma once

#include "runtime/runner/runner.hpp"

#include <string>
#include <vector>

namespace hearth::runtime {

/// Head of the `load` call: the spec and what the descriptors that travel with it are, in order.
/// @throws Error  invalid_argument: options_json is no JSON object
std::string load_head(const LoadSpec& spec, const std::vector<registry::OpenModelFile>& files);

/// Head of the `estimate` call: the same spec.
std::string estimate_head(const LoadSpec& spec, const std::vector<registry::OpenModelFile>& files,
                          const std::vector<PretendedDevice>& pretend);

} // namespace hearth::runtime
