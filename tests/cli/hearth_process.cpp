#include "tests/cli/hearth_process.hpp"

#include "base/pipe.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

namespace hearth::testing {
namespace {

/// stdin as a file: no thread is needed to feed it.
UniqueFd file_with(const std::string& content) {
    UniqueFd fd(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (::write(fd.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size())) {
        std::abort();
    }
    ::lseek(fd.get(), 0, SEEK_SET);
    return fd;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (std::string& text : texts) {
        result.push_back(text.data());
    }
    result.push_back(nullptr);
    return result;
}

/// @return false at the end of the stream
bool read_some(const UniqueFd& fd, std::string& into) {
    std::array<char, 4096> buffer{};
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    into.append(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return got > 0;
}

} // namespace

HearthProcess::HearthProcess(const std::string& program, const std::vector<std::string>& arguments,
                             const Environment& environment, const std::string& input) {
    std::vector<std::string> words{program};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<std::string> variables;
    for (const auto& [name, value] : environment) {
        variables.push_back(name + "=" + value);
    }
    const UniqueFd in = file_with(input);
    Pipe out = make_pipe();
    Pipe err = make_pipe();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in.get(), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out.write_end.get(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err.write_end.get(), STDERR_FILENO);
    const int failure = ::posix_spawn(&pid_, program.c_str(), &actions, nullptr, pointers(words).data(),
                                      pointers(variables).data());
    posix_spawn_file_actions_destroy(&actions);
    EXPECT_EQ(failure, 0) << program;
    out_ = std::move(out.read_end);
    err_ = std::move(err.read_end);
}

HearthProcess::~HearthProcess() {
    if (pid_ > 0) {
        signal(SIGKILL);
        finish();
    }
}

void HearthProcess::signal(int number) const {
    ::kill(pid_, number);
}

void HearthProcess::wait_for_out(const std::string& text) {
    while (result_.out.find(text) == std::string::npos) {
        if (!read_some(out_, result_.out)) {
            ADD_FAILURE() << "stdout ended before \"" << text << "\": " << result_.out;
            return;
        }
    }
}

ProgramResult HearthProcess::finish() {
    std::array<pollfd, 2> watched{{{out_.get(), POLLIN, 0}, {err_.get(), POLLIN, 0}}};
    while (watched[0].fd >= 0 || watched[1].fd >= 0) {
        ::poll(watched.data(), watched.size(), -1);
        if (watched[0].revents != 0 && !read_some(out_, result_.out)) {
            watched[0].fd = -1;
        }
        if (watched[1].revents != 0 && !read_some(err_, result_.err)) {
            watched[1].fd = -1;
        }
        watched[0].revents = watched[1].revents = 0;
    }
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    result_.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return result_;
}

HearthProgramTest::HearthProgramTest() {
    environment_["HOME"] = dir_.path().string();
    environment_["HEARTH_RUNTIME"] = dir_.path().string();
    environment_["LC_ALL"] = "C.UTF-8";
    service_.emplace(dir_.path() / "api.sock");
}

ProgramResult HearthProgramTest::hearth(const std::vector<std::string>& arguments, const std::string& input) {
    return HearthProcess(program_, arguments, environment_, input).finish();
}

std::vector<Json> HearthProgramTest::hearth_json(std::vector<std::string> arguments) {
    arguments.push_back("--json");
    const ProgramResult result = hearth(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    std::vector<Json> values;
    std::istringstream lines(result.out);
    for (std::string line; std::getline(lines, line);) {
        values.push_back(parse_json(line, "stdout"));
        EXPECT_EQ(values.back()["version"], 1) << line;
    }
    return values;
}

} // namespace hearth::testing
