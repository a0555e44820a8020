#include "cli/conversation.hpp"

#include "base/error.hpp"
#include "cli/answer.hpp"
#include "cli/chat_request.hpp"
#include "cli/interrupt.hpp"
#include "cli/line_editor.hpp"
#include "cli/output.hpp"
#include "cli/service.hpp"

#include <nlohmann/json.hpp>

namespace hearth::cli {
namespace {

constexpr std::string_view help = "  /bye            leave (or Ctrl-D)\n"
                                  "  /clear          forget the conversation\n"
                                  "  /set system …   instructions for the model\n"
                                  "  /?              this help\n"
                                  "  \"\"\"             begins and ends a text of several lines\n"
                                  "  Ctrl-C          stops the answer\n";
constexpr std::string_view fence = "\"\"\"";

} // namespace

struct Conversation::State {
    LineEditor editor;
    Json messages = Json::array(); ///< without the system text
    std::string open_text;         ///< lines since a fence
    bool fenced = false;
};

Conversation::Conversation(Service& service, RunOptions options)
    : service_(service), options_(std::move(options)), state_(std::make_unique<State>()) {}
Conversation::~Conversation() = default;

int Conversation::run() {
    note("/? for help\n");
    while (true) {
        std::string line;
        service_.interrupt().clear();
        switch (state_->editor.read(state_->fenced ? "... " : ">>> ", line)) {
        case LineResult::end:
            return 0;
        case LineResult::interrupted:
            state_->fenced = false;
            state_->open_text.clear();
            break;
        case LineResult::line:
            if (take(line) == Next::leave) {
                return 0;
            }
            break;
        }
    }
}

Conversation::Next Conversation::take(const std::string& line) {
    State& state = *state_;
    if (!line.empty()) {
        state.editor.remember(line);
    }
    std::string text = line;
    if (!state.fenced && text.starts_with(fence)) {
        state.fenced = true;
        text.erase(0, fence.size());
    } else if (!state.fenced) {
        if (text.starts_with("/")) {
            return take_command(text);
        }
        if (text.find_first_not_of(" \t") != std::string::npos) {
            ask(text);
        }
        return Next::go_on;
    }
    if (!text.ends_with(fence)) {
        state.open_text += text + "\n";
        return Next::go_on;
    }
    text.erase(text.size() - fence.size());
    const std::string question = std::exchange(state.open_text, {}) + text;
    state.fenced = false;
    ask(question);
    return Next::go_on;
}

Conversation::Next Conversation::take_command(const std::string& line) {
    const std::string set_command = "/set ";
    if (line == "/bye" || line == "/exit") {
        return Next::leave;
    }
    if (line == "/clear") {
        state_->messages = Json::array();
        note("the conversation is forgotten\n");
    } else if (line == "/?" || line == "/help") {
        note(help);
    } else if (line.starts_with(set_command)) {
        set(line.substr(set_command.size()));
    } else {
        note("error: " + line + " is not a command\nhint: /? lists them\n");
    }
    return Next::go_on;
}

void Conversation::set(const std::string& what) {
    const std::string system = "system";
    if (what != system && !what.starts_with(system + " ")) {
        note("error: only /set system … is known\n");
        return;
    }
    options_.system = what == system ? "" : what.substr(system.size() + 1);
    note(options_.system.empty() ? "no instructions\n" : "instructions are set\n");
}

void Conversation::ask(const std::string& question) {
    Json& messages = state_->messages;
    messages.push_back(message("user", question));
    Json all = Json::array();
    if (!options_.system.empty()) {
        all.push_back(message("system", options_.system));
    }
    all.insert(all.end(), messages.begin(), messages.end());
    Answer answer(AnswerStyle::text);
    try {
        answer.stream(service_.started_client(), "/api/chat", chat_request(options_, all));
    } catch (const Error& error) {
        answer.end_line();
        if (error.code() != ErrorCode::cancelled) {
            print_error(error, false);
        }
    }
    answer.end_line();
    if (answer.text().empty()) {
        messages.erase(messages.size() - 1); // an unanswered question would stand before the next one
        return;
    }
    messages.push_back(message("assistant", answer.text()));
    if (options_.verbose) {
        note(answer.timings());
    }
}

} // namespace hearth::cli
