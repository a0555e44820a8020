#pragma once

#include "cli/arguments.hpp"
#include "cli/attachment.hpp"

#include <memory>
#include <string>
#include <vector>

namespace hearth::cli {

class Service;
struct Prompt;

/// A chat on the terminal. Ctrl-C stops the answer, Ctrl-D or /bye leaves. Messages are kept in memory only, unless /save makes
/// a model of them; what was typed is in paths::history_file().
class Conversation {
  public:
    /// @param options  its model is loaded
    /// @param files    go with the first question
    Conversation(Service& service, RunOptions options, std::vector<Attachment> files);
    ~Conversation();
    Conversation(const Conversation&) = delete;

    /// Until the person leaves. @return exit code
    /// @throws Error  cancelled on SIGTERM
    int run();

  private:
    struct State;

    void take(const Prompt& prompt);
    void remember(const Prompt& prompt, const std::string& text);
    void ask(const std::string& text);
    void answer_last();
    std::vector<std::string> model_names() const;
    /// Does what a line that begins with a slash says. @throws Error
    void act(const std::string& line);

    // The slash commands: conversation_commands.cpp.
    void set(const std::string& argument);
    void show(const std::string& topic);
    void load(const std::string& model);
    void save(const std::string& name);
    void clear();
    void attach(const std::string& path);
    void retry();
    void print_stats();

    Service& service_;
    RunOptions options_;
    std::unique_ptr<State> state_;
};

} // namespace hearth::cli
