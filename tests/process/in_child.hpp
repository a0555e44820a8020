#pragma once

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>

namespace hearth::process {

/// Fails the child of `in_child`.
inline void require(bool holds, const std::string& what) {
    if (!holds) {
        throw std::runtime_error(what);
    }
}

/// A system call that the sandbox must have refused.
inline void require_refused(long result, const std::string& what) {
    const int error = errno;
    require(result == -1, what + " succeeded");
    require(error == EPERM, what + " failed with " + std::strerror(error) + " instead of EPERM");
}

inline void require_done(long result, const std::string& what) {
    require(result >= 0, what + ": " + std::strerror(errno));
}

/// Runs `body` in a forked process, which a sandbox may lock for good. @return its wait status; 0 when
/// nothing failed
template <class Body> int in_child(Body body) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        int status = 0;
        try {
            body();
        } catch (const std::exception& error) {
            std::fprintf(stderr, "%s\n", error.what());
            status = 1;
        }
        ::_exit(status);
    }
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

} // namespace hearth::process
