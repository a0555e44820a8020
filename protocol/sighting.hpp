#pragma once

#include <filesystem>
#include <string_view>

#include <sys/types.h>

namespace hearth::protocol {

/// What is at the socket of the service.
enum class Listener {
    none,    ///< nobody listens
    asleep,  ///< somebody listens, and the service does not run: a connection would start it
    service, ///< the service runs
};

/// What was seen at the socket, and which process is the service.
struct Sighting {
    Listener listener = Listener::none;
    pid_t pid = 0; ///< of a service, where it can be told

    friend bool operator==(const Sighting&, const Sighting&) = default;
};

/// Looks without connecting, because a connection wakes a service that the system starts on use. The kernel
/// lists who listens; a service that runs holds the lock beside its socket.
Sighting look_at_service(const std::filesystem::path& socket);

/// As above, on the kernel's lists as text. @param lock_inode  of hearth.lock beside the socket; 0: there is
/// none
Sighting judge_listener(std::string_view unix_sockets, std::string_view locks, std::string_view socket,
                        unsigned long lock_inode);

} // namespace hearth::protocol
