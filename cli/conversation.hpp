#pragma once

#include "cli/arguments.hpp"

#include <memory>
#include <string>

namespace hearth::cli {

class Interrupt;
class Service;

/// A plain chat on the terminal. Ctrl-C stops the answer, Ctrl-D or /bye leaves. Messages are kept in memory
/// only.
class Conversation {
  public:
    Conversation(Service& service, RunOptions options);
    ~Conversation();
    Conversation(const Conversation&) = delete;

    /// Until the person leaves. @return exit code
    int run();

  private:
    struct State;
    enum class Next { go_on, leave };

    Next take(const std::string& line);
    Next take_command(const std::string& line);
    void set(const std::string& what);
    void ask(const std::string& question);

    Service& service_;
    RunOptions options_;
    std::unique_ptr<State> state_;
};

} // namespace hearth::cli
