#include "process/sandbox.hpp"

#include "base/unique_fd.hpp"
#include "process/spawn.hpp"
#include "tests/process/in_child.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <csignal>
#include <latch>
#include <thread>

namespace hearth::process {
namespace {

/// Sockets made before the lock: what a locked process could still misuse.
struct Sockets {
    UniqueFd udp{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    UniqueFd tcp{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    UniqueFd listener{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    UniqueFd client{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    UniqueFd accepted;
    sockaddr_in address{};

    Sockets() {
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        require_done(::bind(listener.get(), generic(), sizeof address), "bind");
        require_done(::listen(listener.get(), 4), "listen");
        socklen_t size = sizeof address;
        require_done(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size),
                     "getsockname");
        connect_client();
        accepted = UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        require_done(accepted.get(), "accept");
        connect_client(); // one more waits to be accepted
    }
    void connect_client() {
        client = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        require_done(::connect(client.get(), generic(), sizeof address), "connect");
    }
    sockaddr* generic() { return reinterpret_cast<sockaddr*>(&address); }
};

const SandboxProfile offline_profiles[] = {SandboxProfile::core, SandboxProfile::runner};

/// Runs `body` after the lock, with sockets from before it, once per profile without network.
template <class Body> void expect_in_offline_child(Body body) {
    for (const SandboxProfile profile : offline_profiles) {
        const int status = in_child([&] {
            Sockets sockets;
            enter_sandbox(profile);
            body(sockets);
        });
        EXPECT_EQ(status, 0) << sandbox_description(profile);
    }
}

TEST(Sandbox, RefusesSocketsOfEveryFamily) {
    expect_in_offline_child([](Sockets&) {
        for (int family = 0; family < 46; ++family) {
            for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET}) {
                require_refused(::socket(family, type, 0), "socket of family " + std::to_string(family));
            }
        }
    });
}

TEST(Sandbox, RefusesToConnectBindAndListenOnSocketsThatExist) {
    expect_in_offline_child([](Sockets& sockets) {
        require_refused(::connect(sockets.tcp.get(), sockets.generic(), sizeof sockets.address), "connect");
        require_refused(::connect(sockets.udp.get(), sockets.generic(), sizeof sockets.address),
                        "connect of UDP");
        require_refused(::bind(sockets.tcp.get(), sockets.generic(), sizeof sockets.address), "bind");
        require_refused(::listen(sockets.tcp.get(), 1), "listen");
    });
}

TEST(Sandbox, RefusesToUnconnectAnAcceptedSocket) {
    expect_in_offline_child([](Sockets& sockets) {
        sockaddr none{};
        none.sa_family = AF_UNSPEC;
        require_refused(::connect(sockets.accepted.get(), &none, sizeof none), "connect(AF_UNSPEC)");
    });
}

TEST(Sandbox, RefusesToSendToAnAddress) {
    expect_in_offline_child([](Sockets& sockets) {
        require_refused(::sendto(sockets.udp.get(), "x", 1, 0, sockets.generic(), sizeof sockets.address),
                        "sendto");
    });
}

TEST(Sandbox, RefusesTcpFastOpenInEverySend) {
    expect_in_offline_child([](Sockets& sockets) {
        iovec part{const_cast<char*>("x"), 1};
        mmsghdr many{};
        many.msg_hdr.msg_name = sockets.generic();
        many.msg_hdr.msg_namelen = sizeof sockets.address;
        many.msg_hdr.msg_iov = &part;
        many.msg_hdr.msg_iovlen = 1;
        const int tcp = sockets.tcp.get();
        for (const int flags : {0 | MSG_FASTOPEN, MSG_FASTOPEN | MSG_NOSIGNAL | MSG_DONTWAIT}) {
            require_refused(::sendto(tcp, "x", 1, flags, sockets.generic(), sizeof sockets.address),
                            "sendto");
            require_refused(::sendto(tcp, "x", 1, flags, nullptr, 0), "sendto without address");
            require_refused(::sendmsg(tcp, &many.msg_hdr, flags), "sendmsg");
            require_refused(::sendmmsg(tcp, &many, 1, flags), "sendmmsg");
        }
    });
}

TEST(Sandbox, RefusesIoUring) {
    expect_in_offline_child([](Sockets&) {
        char parameters[256] = {};
        require_refused(::syscall(SYS_io_uring_setup, 4, parameters), "io_uring_setup");
    });
}

TEST(Sandbox, TheCallsThatItRefusesWorkWithoutIt) {
    EXPECT_EQ(
        in_child([] {
            Sockets sockets;
            require_done(::sendto(sockets.udp.get(), "x", 1, 0, sockets.generic(), sizeof sockets.address),
                         "sendto");
            require_done(::connect(sockets.tcp.get(), sockets.generic(), sizeof sockets.address), "connect");
        }),
        0);
}

TEST(Sandbox, KeepsEstablishedConnectionsAndSocketpairsWorking) {
    expect_in_offline_child([](Sockets&) {
        auto [one, other] = socket_pair();
        require_done(::send(one.get(), "x", 1, MSG_NOSIGNAL), "send");
        char byte = 0;
        require_done(::recv(other.get(), &byte, 1, 0), "recv");
        iovec part{&byte, 1};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        require_done(::sendmsg(one.get(), &message, MSG_NOSIGNAL), "sendmsg");
    });
}

TEST(Sandbox, TheCoreMayAcceptAndTheRunnerMayNot) {
    EXPECT_EQ(in_child([] {
                  const Sockets sockets;
                  enter_sandbox(SandboxProfile::core);
                  const UniqueFd accepted(::accept(sockets.listener.get(), nullptr, nullptr));
                  require_done(accepted.get(), "accept");
                  require_done(::send(accepted.get(), "x", 1, MSG_NOSIGNAL), "send");
              }),
              0);
    EXPECT_EQ(in_child([] {
                  const Sockets sockets;
                  enter_sandbox(SandboxProfile::runner);
                  require_refused(::accept(sockets.listener.get(), nullptr, nullptr), "accept");
                  require_refused(::accept4(sockets.listener.get(), nullptr, nullptr, 0), "accept4");
              }),
              0);
}

TEST(Sandbox, TheCoreMayStartProgramsWhichInheritItsLock) {
    EXPECT_EQ(in_child([] {
                  enter_sandbox(SandboxProfile::core);
                  auto [ours, theirs] = socket_pair();
                  SpawnRequest request;
                  request.program = "/bin/sh";
                  request.arguments = {"-c", "grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status >&3"};
                  request.inherited = {{theirs.get(), 3}};
                  Child child = spawn(request);
                  theirs.reset();
                  std::string text;
                  char buffer[256];
                  for (ssize_t got = 0; (got = ::read(ours.get(), buffer, sizeof buffer)) > 0;) {
                      text.append(buffer, static_cast<std::size_t>(got));
                  }
                  child.terminate(5000);
                  require(text == "NoNewPrivs:\t1\nSeccomp:\t2\n", text);
              }),
              0);
}

void require_no_processes() {
    char path[] = "/bin/true";
    char* arguments[] = {path, nullptr};
    char* environment[] = {nullptr};
    require_refused(::execve(path, arguments, environment), "execve");
    require_refused(::syscall(SYS_execveat, -1, path, arguments, environment, 0), "execveat");
    require_refused(::fork(), "fork");
    require_refused(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0), "clone");
    require_refused(::vfork(), "vfork");
    pid_t pid = 0;
    require(::posix_spawn(&pid, path, nullptr, nullptr, arguments, environment) == EPERM, "posix_spawn");
    clone_args arguments3{};
    arguments3.exit_signal = SIGCHLD;
    require(::syscall(SYS_clone3, &arguments3, sizeof arguments3) == -1 && errno == ENOSYS, "clone3");
    require_refused(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr), "ptrace");
    require_refused(::syscall(SYS_process_vm_readv, ::getppid(), nullptr, 0, nullptr, 0, 0),
                    "process_vm_readv");
    require_refused(::syscall(SYS_pidfd_open, ::getppid(), 0), "pidfd_open");
    require_refused(::syscall(SYS_unshare, CLONE_NEWUSER), "unshare");
    require_refused(::ioctl(0, TIOCSTI, "x"), "TIOCSTI");
}

TEST(Sandbox, RunnerAndFetchMayNotStartOrTouchProcesses) {
    for (const SandboxProfile profile : {SandboxProfile::runner, SandboxProfile::fetch}) {
        EXPECT_EQ(in_child([profile] {
                      enter_sandbox(profile);
                      require_no_processes();
                  }),
                  0)
            << sandbox_description(profile);
    }
}

TEST(Sandbox, FetchKeepsTheNetwork) {
    EXPECT_EQ(in_child([] {
                  const Sockets before;
                  enter_sandbox(SandboxProfile::fetch);
                  Sockets sockets; // makes, binds, listens, connects, accepts
                  require_done(
                      ::sendto(sockets.udp.get(), "x", 1, 0, sockets.generic(), sizeof sockets.address),
                      "sendto");
              }),
              0);
}

TEST(Sandbox, ThreadsStillWorkInEveryProfile) {
    for (const SandboxProfile profile :
         {SandboxProfile::core, SandboxProfile::runner, SandboxProfile::fetch}) {
        EXPECT_EQ(in_child([profile] {
                      enter_sandbox(profile);
                      int answer = 0;
                      std::thread([&answer] { answer = 42; }).join();
                      require(answer == 42, "the thread did not run");
                  }),
                  0);
    }
}

TEST(Sandbox, ConfinesThreadsThatExistedBefore) {
    EXPECT_EQ(in_child([] {
                  std::latch locked(1);
                  std::exception_ptr failure;
                  std::thread thread([&] {
                      locked.wait();
                      try {
                          require_refused(::socket(AF_INET, SOCK_STREAM, 0), "socket in an older thread");
                      } catch (...) {
                          failure = std::current_exception();
                      }
                  });
                  enter_sandbox(SandboxProfile::core);
                  locked.count_down();
                  thread.join();
                  if (failure) {
                      std::rethrow_exception(failure);
                  }
              }),
              0);
}

TEST(Sandbox, FiltersStackAsInARunnerOfALockedCore) {
    EXPECT_EQ(in_child([] {
                  enter_sandbox(SandboxProfile::core);
                  const int status = in_child([] {
                      enter_sandbox(SandboxProfile::runner);
                      require_refused(::socket(AF_INET, SOCK_STREAM, 0), "socket");
                      require_no_processes();
                      std::thread([] {}).join();
                  });
                  require(status == 0, "the inner process failed");
              }),
              0);
}

#ifdef __x86_64__
TEST(Sandbox, KillsX32CallsWhichWouldWalkRoundTheList) {
    const int status = in_child([] {
        enter_sandbox(SandboxProfile::core);
        constexpr long x32_bit = 0x40000000;
        ::syscall(x32_bit + SYS_socket, AF_INET, SOCK_STREAM, 0);
    });
    ASSERT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGSYS);
}
#endif

} // namespace
} // namespace hearth::process
