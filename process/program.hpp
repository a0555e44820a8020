#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

/// Programs of the system that are asked something and end: `systemctl`, `loginctl`, `busctl`. Blocking; for
/// programs without threads of their own.
namespace hearth::process {

struct ProgramAnswer {
    /// 128 + signal when a signal ended it, 124 when it ran past its time and was killed, 130 when we were told to stop
    int exit_code = 0;
    std::string out; ///< at most 1 MiB
    std::string err;
};

/// Runs a program, found along PATH, with our environment, stdin from /dev/null, and reads all it says.
/// @param words  the program and its arguments
/// @param stop   a descriptor: once it is readable the program is killed; -1: never
/// @return       nothing when there is no such program
std::optional<ProgramAnswer> ask_program(const std::vector<std::string>& words,
                                         std::chrono::milliseconds limit = std::chrono::seconds(10),
                                         int stop = -1);

/// Runs a program that talks with the person on our terminal, such as an editor, and waits until it ends. stdin and stderr
/// are ours; stdout is stderr too, as ours may go elsewhere. @return its exit code, 128 + signal when a signal ended it
/// @throws Error  unsupported when there is no such program
int run_on_terminal(const std::vector<std::string>& words);

/// Becomes that program, with our streams: for commands that show what another program prints until Ctrl-C.
/// @throws Error  unsupported when there is no such program
[[noreturn]] void become_program(const std::vector<std::string>& words);

} // namespace hearth::process
