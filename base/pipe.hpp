#pragma once

#include "base/unique_fd.hpp"

namespace hearth {

struct Pipe {
    UniqueFd read_end;
    UniqueFd write_end;
};

/// @param flags  of pipe2, beside O_CLOEXEC
/// @throws Error  internal
Pipe make_pipe(int flags = 0);

} // namespace hearth
