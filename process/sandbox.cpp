#include "process/sandbox.hpp"

#include "base/error.hpp"
#include "process/sandbox_probe.hpp"

#include <linux/sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include <cerrno>
#include <initializer_list>
#include <memory>

namespace hearth::process {

namespace {

struct FilterRelease {
    void operator()(void* filter) const noexcept { seccomp_release(filter); }
};

/// A deny-list under construction. Everything it does not name stays allowed: GPU drivers and libc versions
/// differ too much for an allow-list (security reference 0.10).
class DenyList {
  public:
    DenyList() : filter_(seccomp_init(SCMP_ACT_ALLOW)) {
        check(filter_ ? 0 : -ENOMEM, "seccomp_init");
        check(seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_TSYNC, 1), "thread synchronisation");
        // Another architecture's numbers (32-bit calls, x32) would walk round the list.
        check(seccomp_attr_set(filter_.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS),
              "architecture");
    }

    void deny(std::initializer_list<const char*> names) {
        for (const char* name : names) {
            add(SCMP_ACT_ERRNO(EPERM), name, {});
        }
    }
    void deny_when(const char* name, scmp_arg_cmp condition) {
        add(SCMP_ACT_ERRNO(EPERM), name, {condition});
    }
    void answer(int error, const char* name) { add(SCMP_ACT_ERRNO(static_cast<unsigned>(error)), name, {}); }
    void load() { check(seccomp_load(filter_.get()), "loading the filter"); }

  private:
    void add(std::uint32_t action, const char* name, std::initializer_list<scmp_arg_cmp> conditions) {
        const int number = seccomp_syscall_resolve_name(name);
        if (number == __NR_SCMP_ERROR || number < 0) {
            return; // not a call of this architecture (fork on arm64), so there is nothing to deny
        }
        check(seccomp_rule_add_array(filter_.get(), action, number, static_cast<unsigned>(conditions.size()),
                                     conditions.begin()),
              name);
    }

    static void check(int result, const char* what) {
        if (result != 0) {
            throw system_error(-result, fmt::format("entering the sandbox ({})", what), ErrorCode::internal);
        }
    }

    std::unique_ptr<void, FilterRelease> filter_;
};

scmp_arg_cmp has_bit(unsigned argument, std::uint64_t bit) {
    return {argument, SCMP_CMP_MASKED_EQ, bit, bit};
}

scmp_arg_cmp lacks_bit(unsigned argument, std::uint64_t bit) {
    return {argument, SCMP_CMP_MASKED_EQ, bit, 0};
}

/// No new way out. Established descriptors keep working: send and sendmsg without an address, accept,
/// socketpair.
void deny_network(DenyList& list) {
    list.deny({"socket", "connect", "bind", "listen", "socketcall", "io_uring_setup", "io_uring_enter",
               "io_uring_register"});
    list.deny_when("sendto", {4, SCMP_CMP_NE, 0, 0}); // an address
    // TCP Fast Open connects without connect().
    list.deny_when("sendto", has_bit(3, MSG_FASTOPEN));
    list.deny_when("sendmsg", has_bit(2, MSG_FASTOPEN));
    list.deny_when("sendmmsg", has_bit(3, MSG_FASTOPEN));
}

/// What none of our processes does, and what reaches other processes, the kernel or a terminal.
void deny_dangerous(DenyList& list) {
    list.deny({"ptrace",
               "process_vm_readv",
               "process_vm_writev",
               "pidfd_getfd",
               "bpf",
               "perf_event_open",
               "userfaultfd",
               "add_key",
               "request_key",
               "keyctl",
               "open_by_handle_at",
               "unshare",
               "setns",
               "mount",
               "umount2",
               "pivot_root",
               "chroot",
               "fsopen",
               "fsconfig",
               "fsmount",
               "fspick",
               "move_mount",
               "open_tree",
               "mount_setattr",
               "swapon",
               "swapoff",
               "reboot",
               "kexec_load",
               "kexec_file_load",
               "init_module",
               "finit_module",
               "delete_module",
               "acct",
               "quotactl",
               "settimeofday",
               "clock_settime",
               "adjtimex",
               "clock_adjtime"});
    for (const std::uint64_t request : {std::uint64_t{TIOCSTI}, std::uint64_t{TIOCLINUX}}) {
        list.deny_when("ioctl", {1, SCMP_CMP_MASKED_EQ, 0xffffffffu, request});
    }
}

/// Threads stay, processes go. clone3 hides its flags behind a pointer, so it is answered ENOSYS: glibc then
/// calls clone.
void deny_processes(DenyList& list) {
    list.deny({"execve", "execveat", "fork", "vfork", "pidfd_open", "personality"});
    list.deny_when("clone", lacks_bit(0, CLONE_THREAD));
    list.answer(ENOSYS, "clone3");
}

} // namespace

void enter_sandbox(SandboxProfile profile) {
    DenyList list;
    deny_dangerous(list);
    if (profile != SandboxProfile::fetch) {
        deny_network(list);
    }
    if (profile != SandboxProfile::core) {
        deny_processes(list);
    }
    if (profile == SandboxProfile::runner) {
        list.deny({"accept", "accept4"});
    }
    list.load();
    probe_sandbox(profile);
}

std::string sandbox_description(SandboxProfile profile) {
    switch (profile) {
    case SandboxProfile::core:
        return "network: accept only, no new socket, connect, bind or listen (seccomp); files: not confined";
    case SandboxProfile::runner:
        return "network: none (seccomp); no exec, no fork; files: not confined";
    case SandboxProfile::fetch:
        return "network: open; no exec, no fork (seccomp); files: not confined";
    }
    return "none";
}

} // namespace hearth::process
