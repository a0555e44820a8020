#pragma once

#include "base/json.hpp"
#include "base/unique_fd.hpp"
#include "plugins/abi/hearth_backend.h"

#include <string>
#include <vector>

namespace hearth::runtime {

/// The spec of a load, an estimate or a quantization, and what it borrows: the head of the call and its
/// descriptors.
struct SpecArguments {
    /// @throws Error  invalid_argument: files and descriptors do not match, or a role that is none
    SpecArguments(const Json& head, std::vector<UniqueFd> descriptors);

    std::string spec;
    std::vector<UniqueFd> fds;
    std::vector<hearth_file> files;

    hearth_load_spec table() const;
};

} // namespace hearth::runtime
