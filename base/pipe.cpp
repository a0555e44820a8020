#include "base/pipe.hpp"

#include "base/error.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace hearth {

Pipe make_pipe(int flags) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC | flags) != 0) {
        throw system_error(errno, "making a pipe", ErrorCode::internal);
    }
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

} // namespace hearth
