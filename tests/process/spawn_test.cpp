#include "process/spawn.hpp"

#include "process/child_setup.hpp"
#include "process/sandbox.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/base/scoped_variable.hpp"
#include "tests/base/temporary_dir.hpp"
#include "tests/process/in_child.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <csignal>
#include <fstream>

namespace hearth::process {
namespace {

using hearth::testing::expect_error;
using hearth::testing::ScopedVariable;
using hearth::testing::TemporaryDir;

std::string read_all(int fd) {
    std::string text;
    char buffer[4096];
    for (ssize_t got = 0; (got = ::read(fd, buffer, sizeof buffer)) > 0;) {
        text.append(buffer, static_cast<std::size_t>(got));
    }
    return text;
}

/// Runs a shell script whose descriptor 3 comes back as text.
std::string output_of(const std::string& script, std::vector<std::string> environment = {}) {
    auto [ours, theirs] = socket_pair();
    SpawnRequest request;
    request.program = "/bin/sh";
    request.arguments = {"-c", script};
    request.inherited = {{theirs.get(), 3}};
    request.environment = std::move(environment);
    Child child = spawn(request);
    theirs.reset();
    std::string text = read_all(ours.get());
    child.terminate(5000);
    return text;
}

TEST(Spawn, GivesTheChildItsDescriptorsAndNothingElse) {
    const UniqueFd extra(
        ::open("/dev/null", O_RDONLY)); // without close-on-exec, as a careless library leaves it
    const std::string script =
        "i=0; while [ $i -lt 256 ]; do [ -e /proc/$$/fd/$i ] && echo $i >&3; i=$((i+1)); done";
    EXPECT_EQ(output_of(script), "0\n1\n2\n3\n");
}

TEST(Spawn, SwapsDescriptorsWithoutLosingOne) {
    auto [ours, theirs] = socket_pair();
    auto [ours_too, theirs_too] = socket_pair();
    SpawnRequest request;
    request.program = "/bin/sh";
    request.arguments = {"-c", "echo first >&4; echo second >&3"};
    // Each one's number in the child is, as likely as not, the other's number here.
    request.inherited = {{theirs.get(), 4}, {theirs_too.get(), 3}};
    Child child = spawn(request);
    theirs.reset();
    theirs_too.reset();
    EXPECT_EQ(read_all(ours.get()), "first\n");
    EXPECT_EQ(read_all(ours_too.get()), "second\n");
    child.terminate(5000);
}

TEST(Spawn, ReadsNothingFromStandardInput) {
    EXPECT_EQ(output_of("readlink /proc/$$/fd/0 >&3"), "/dev/null\n");
}

TEST(Spawn, CleansTheEnvironment) {
    const ScopedVariable secret("HF_TOKEN", "secret");
    const ScopedVariable proxy("https_proxy", "http://proxy");
    const ScopedVariable preload("LD_BIND_NOW", "1");
    const ScopedVariable ours("HEARTH_DATA", "/data");
    const std::string text = output_of("env >&3", {"EXTRA=1", "HEARTH_DATA=/other"});
    EXPECT_EQ(text.find("secret"), std::string::npos) << text;
    EXPECT_EQ(text.find("proxy"), std::string::npos) << text;
    EXPECT_EQ(text.find("LD_"), std::string::npos) << text;
    EXPECT_NE(text.find("EXTRA=1"), std::string::npos) << text;
    EXPECT_NE(text.find("HEARTH_DATA=/other"), std::string::npos) << text;
    EXPECT_EQ(text.find("HEARTH_DATA=/data"), std::string::npos) << text;
    expect_error(ErrorCode::invalid_argument, [] { output_of("true", {"LD_PRELOAD=/evil.so"}); });
}

TEST(Spawn, StartsWithDefaultSignals) {
    ::signal(SIGPIPE, SIG_IGN);
    const std::string text = output_of("exec grep -E '^Sig(Ign|Blk)' /proc/self/status >&3");
    ::signal(SIGPIPE, SIG_DFL);
    EXPECT_EQ(text, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST(Spawn, GivesTheChildASessionOfItsOwn) {
    EXPECT_EQ(output_of("test $(cut -d' ' -f6 /proc/$$/stat) = $$ && echo leader >&3"), "leader\n");
}

TEST(Spawn, SaysWhyAProgramCannotBeStarted) {
    SpawnRequest request;
    request.program = "/nowhere/program";
    const std::string text = expect_error(ErrorCode::backend_failed, [&] { spawn(request); });
    EXPECT_NE(text.find("/nowhere/program"), std::string::npos);
    EXPECT_NE(text.find("No such file"), std::string::npos);
}

Child start_sleeper() {
    SpawnRequest request;
    request.program = "/bin/sleep";
    request.arguments = {"1000"};
    return spawn(request);
}

TEST(Child, KillsAndReapsWhenItGoes) {
    pid_t pid = 0;
    {
        const Child child = start_sleeper();
        pid = child.pid();
        EXPECT_EQ(::kill(pid, 0), 0);
    }
    EXPECT_EQ(::kill(pid, 0), -1);
}

TEST(Child, NamesTheSignalThatEndedIt) {
    Child child = start_sleeper();
    EXPECT_FALSE(child.try_reap());
    child.terminate(1);
    EXPECT_EQ(child.status_text(), "signal 9 (Killed)");
}

TEST(Child, NamesTheExitCode) {
    SpawnRequest request;
    request.program = "/bin/sh";
    request.arguments = {"-c", "exit 3"};
    Child child = spawn(request);
    child.terminate(10000);
    EXPECT_EQ(child.status_text(), "exit code 3");
    EXPECT_TRUE(child.try_reap());
}

TEST(Child, HasADescriptorThatTellsItsEnd) {
    const Child child = start_sleeper();
    const UniqueFd handle = child.open_end_handle();
    pollfd entry{.fd = handle.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&entry, 1, 0), 0);
    child.signal(SIGKILL);
    EXPECT_EQ(::poll(&entry, 1, -1), 1);
}

TEST(Child, HasNoSuchDescriptorOnceItIsReaped) {
    Child child = start_sleeper();
    child.terminate(0);
    EXPECT_FALSE(child.open_end_handle());
}

TEST(Child, LivesOnWhenReleased) {
    Child child = start_sleeper();
    const pid_t pid = child.release();
    child.terminate(0);
    EXPECT_EQ(::kill(pid, 0), 0);
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
}

TEST(TieToParent, TheChildDiesWithItsParent) {
    auto [ours, theirs] = socket_pair();
    const int status = in_child([] {
        auto [tell, told] = socket_pair();
        const pid_t parent = ::getpid();
        if (::fork() == 0) { // it holds the other end of `ours` for as long as it lives
            die_with_parent(parent);
            require_done(::write(tell.get(), "x", 1), "write");
            ::pause();
        }
        char byte = 0;
        require_done(::read(told.get(), &byte, 1), "read");
    });
    EXPECT_EQ(status, 0);
    theirs.reset();
    EXPECT_EQ(read_all(ours.get()), "") << "and this returns at all";
}

TEST(TieToParent, EndsAtOnceWhenTheParentIsGoneAlready) {
    const int status = in_child([] {
        const ScopedVariable parent("HEARTH_PARENT_PID", "1999999999");
        tie_to_parent();
        require(false, "it went on");
    });
    EXPECT_EQ(status, 0);
}

TEST(TieToParent, ForbidsCoreFilesAndDumps) {
    EXPECT_EQ(in_child([] {
                  tie_to_parent();
                  require(::prctl(PR_GET_DUMPABLE) == 0, "dumpable");
                  rlimit limit{};
                  ::getrlimit(RLIMIT_CORE, &limit);
                  require(limit.rlim_max == 0, "core files");
              }),
              0);
}

void become_nobody() {
    if (::geteuid() == 0) {
        require_done(::syscall(SYS_setgroups, 0, nullptr), "setgroups");
        require_done(::syscall(SYS_setresgid, 65534, 65534, 65534), "setresgid");
        require_done(::syscall(SYS_setresuid, 65534, 65534, 65534), "setresuid");
    }
}

/// llama.cpp opens the model by this path, and a split one through symlinks to it.
TEST(TieToParent, AnUndumpableProcessWithoutRootOpensItsOwnDescriptors) {
    const TemporaryDir folder;
    ::chmod(folder.path().c_str(), 0777);
    const std::string file = folder.path() / "model";
    std::ofstream(file) << "GGUF";
    ::chmod(file.c_str(), 0444);
    EXPECT_EQ(in_child([&] {
                  become_nobody();
                  const UniqueFd model(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
                  require_done(model.get(), "open");
                  forbid_dumps();
                  enter_sandbox(SandboxProfile::runner);
                  const std::string path = "/proc/self/fd/" + std::to_string(model.get());
                  const std::string link = folder.path() / "m-00001-of-00002.gguf";
                  require_done(::symlink(path.c_str(), link.c_str()), "symlink");
                  for (const std::string& name : {path, link}) {
                      const UniqueFd again(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
                      require_done(again.get(), "opening " + name);
                      require(read_all(again.get()) == "GGUF", "content of " + name);
                  }
              }),
              0);
}

} // namespace
} // namespace hearth::process
