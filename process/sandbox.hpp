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
/// MSG_FASTOPEN, io_uring; Landlock joins here later. Ends with a live probe: one socket() must be refused
/// where the profile denies it.
/// @throws Error  internal when the kernel refuses the filter or the probe succeeds: the caller must not go
/// on
void enter_sandbox(SandboxProfile profile);

/// One line for logs and `status`: what is enforced.
std::string sandbox_description(SandboxProfile profile);

} // namespace hearth::process
