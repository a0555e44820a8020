#pragma once

#include "base/unique_fd.hpp"
#include "tests/cli/hearth_process.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <pty.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace hearth::testing {

/// A `hearth` whose three streams are a terminal of 80 columns.
class TerminalSession {
  public:
    TerminalSession(const std::string& program, std::vector<std::string> arguments,
                    const HearthProcess::Environment& environment) {
        std::vector<std::string> variables;
        for (const auto& [name, value] : environment) {
            variables.push_back(name + "=" + value);
        }
        variables.emplace_back("TERM=xterm");
        arguments.insert(arguments.begin(), program);
        const auto pointers = [](std::vector<std::string>& texts) {
            std::vector<char*> result;
            for (std::string& text : texts) {
                result.push_back(text.data());
            }
            result.push_back(nullptr);
            return result;
        };
        const std::vector<char*> words = pointers(arguments);
        const std::vector<char*> settings = pointers(variables);
        winsize size{};
        size.ws_col = 80;
        size.ws_row = 24;
        int master = -1;
        pid_ = ::forkpty(&master, nullptr, nullptr, &size);
        if (pid_ == 0) {
            ::execve(program.c_str(), words.data(), settings.data());
            ::_exit(127);
        }
        master_.reset(master);
    }
    ~TerminalSession() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
    }
    TerminalSession(const TerminalSession&) = delete;

    /// At a prompt: a prompt that is shown is not yet one that listens, and until then a control key is the terminal's.
    void type(const std::string& text) const {
        for (int tries = 0; tries < 500 && !editor_listens(); ++tries) {
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        press(text);
    }
    /// At any time.
    void press(const std::string& text) const {
        EXPECT_EQ(::write(master_.get(), text.data(), text.size()), ssize_t(text.size()));
    }
    bool editor_listens() const {
        termios settings{};
        return ::tcgetattr(master_.get(), &settings) == 0 && (settings.c_lflag & ICANON) == 0;
    }
    /// As a shell does while the program is stopped.
    void take_the_terminal() const {
        termios settings{};
        ::tcgetattr(master_.get(), &settings);
        settings.c_lflag |= ICANON | ECHO;
        EXPECT_EQ(::tcsetattr(master_.get(), TCSANOW, &settings), 0);
    }
    void signal(int number) const { ::kill(pid_, number); }
    /// As expect. @return what came before
    std::string read_until(const std::string& text) {
        std::string all;
        while (seen_.find(text) == std::string::npos && read_some()) {
        }
        all = seen_.substr(0, seen_.find(text));
        expect(text);
        return all;
    }
    /// Reads until the screen got `text` since the last call.
    void expect(const std::string& text) {
        while (seen_.find(text) == std::string::npos) {
            if (!read_some()) {
                ADD_FAILURE() << "the terminal closed before \"" << text << "\": " << seen_;
                return;
            }
        }
        seen_.erase(0, seen_.find(text) + text.size());
    }
    /// All that is still to come.
    std::string read_to_end() {
        while (read_some()) {
        }
        return std::exchange(seen_, {});
    }
    int exit_code() {
        while (read_some()) {
        }
        int status = 0;
        ::waitpid(std::exchange(pid_, -1), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    const std::string& rest() const { return seen_; }
    void resize(unsigned short columns) const {
        winsize size{};
        size.ws_col = columns;
        size.ws_row = 24;
        EXPECT_EQ(::ioctl(master_.get(), TIOCSWINSZ, &size), 0);
    }

  private:
    bool read_some() {
        std::array<char, 4096> buffer{};
        const ssize_t got = ::read(master_.get(), buffer.data(), buffer.size());
        seen_.append(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        return got > 0;
    }

    pid_t pid_ = -1;
    UniqueFd master_;
    std::string seen_;
};

} // namespace hearth::testing
