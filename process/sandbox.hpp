#pragma once

#include <string>

namespace hearth::process {

/// Who is being confined.
enum class SandboxProfile {
    core,   ///< no new sockets but socketpair; accept on listening sockets that exist; may start runners
    runner, ///< as core, and no accept, no exec, no fork, no ptrace family
    fetch,  ///< network yes; no exec, no fork, no ptrace family
};

/// Confines this process and all its threads for good; children inherit it. Deny-list by seccomp, answered
/// EPERM, never kill (security reference 3.2): socket, connect, bind, listen, sendto with an address,
/// MSG_FASTOPEN, io_uring; Landlock joins here later. Only calls of another architecture (32-bit, x32) kill:
/// they would walk round the list. A filter cannot see the address inside a sendmsg: hold no unconnected
/// datagram socket when you call this. Ends with a live probe: calls that the profile denies must be refused.
/// @throws Error  internal when the kernel refuses the filter or a probe succeeds: the caller must not go on
void enter_sandbox(SandboxProfile profile);

/// One line for logs and `status`: what is enforced.
std::string sandbox_description(SandboxProfile profile);

} // namespace hearth::process
