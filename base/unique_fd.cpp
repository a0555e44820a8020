#include "base/unique_fd.hpp"

#include "base/error.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace hearth {

void UniqueFd::reset(int fd) noexcept {
    const int old = std::exchange(fd_, fd);
    if (old >= 0 && old != fd) {
        const int saved = errno; // a destructor between a failed call and its errno must not change it
        ::close(old);
        errno = saved;
    }
}

UniqueFd UniqueFd::duplicate() const {
    const int copy = ::fcntl(fd_, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) {
        throw system_error(errno, "duplicating a descriptor");
    }
    return UniqueFd(copy);
}

} // namespace hearth
