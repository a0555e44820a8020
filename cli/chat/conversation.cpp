#include "cli/chat/conversation.hpp"

#include "base/error.hpp"
#include "cli/answer.hpp"
#include "cli/chat/completion.hpp"
#include "cli/chat/conversation_state.hpp"
#include "cli/chat/settings.hpp"
#include "cli/chat/slash_table.hpp"
#include "cli/chat_request.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/service.hpp"

#include <chrono>
#include <optional>

namespace hearth::cli {
namespace {

constexpr std::chrono::milliseconds tab_patience(1000); // a person waits
constexpr std::size_t longest_remembered = 4096;        // bytes
constexpr const char* how_to_get_room = "/clear forgets what was said; /set parameter num_ctx TOKENS makes "
                                        "room, up to the context length in /show";

} // namespace

Conversation::Conversation(Service& service, RunOptions options, std::vector<Attachment> files)
    : service_(service), options_(std::move(options)),
      state_(std::make_unique<State>(
          service.interrupt(),
          [this](std::string_view before) { return complete_line(before, [this] { return model_names(); }); },
          std::move(files))) {
    gather_parameters(options_);
    for (const std::string& prompt : state_->history.load()) {
        state_->editor.remember(prompt);
    }
}
Conversation::~Conversation() = default;

int Conversation::run() {
    State& state = *state_;
    note("/help for help\n");
    while (!state.left) {
        service_.interrupt().clear();
        if (service_.interrupt().terminated()) {
            throw Error(ErrorCode::cancelled, "terminated");
        }
        std::string line;
        switch (state.editor.read(state.collector.open() ? "... " : ">>> ", line)) {
        case LineResult::end:
            return 0;
        case LineResult::interrupted:
            state.collector.reset();
            break;
        case LineResult::line:
            if (const auto prompt = state.collector.take(line)) {
                take(*prompt);
            }
            break;
        }
    }
    return 0;
}

void Conversation::take(const Prompt& prompt) {
    if (prompt.text.find_first_not_of(" \t\n") == std::string::npos) {
        return;
    }
    const std::string text = state_->pastes.expand(prompt.text);
    remember(prompt, text);
    if (!prompt.typed.starts_with("/")) {
        ask(text);
        return;
    }
    try {
        act(text);
    } catch (const Error& error) {
        print_error(error, false);
    }
}

/// The marks of pastes mean something in this conversation alone: elsewhere their texts stand for them.
void Conversation::remember(const Prompt& prompt, const std::string& text) {
    State& state = *state_;
    std::optional<std::string> whole = state.pastes.expand(prompt.typed);
    if (!prompt.typed.starts_with("/")) {
        whole = as_typed_again(*whole, text);
    }
    const bool kept = whole && whole->size() <= longest_remembered;
    state.editor.remember(kept ? *whole : prompt.typed);
    if (kept && options_.keep_history) {
        state.history.add(*whole);
    }
}

void Conversation::act(const std::string& line) {
    const SlashCall call = parse_slash(line);
    switch (call.command) {
    case Slash::set:
        return set(call.argument);
    case Slash::show:
        return show(call.argument);
    case Slash::load:
        return load(call.argument);
    case Slash::save:
        return save(call.argument);
    case Slash::clear:
        return clear();
    case Slash::file:
        return attach(call.argument);
    case Slash::retry:
        return retry();
    case Slash::stats:
        return print_stats();
    case Slash::help:
        return note(slash_help());
    case Slash::bye:
        state_->left = true;
        return;
    }
}

void Conversation::ask(const std::string& text) {
    State& state = *state_;
    const std::vector<Attachment> files = std::exchange(state.attachments, {});
    Json question = message("user", with_texts(text, files));
    if (const auto images = images_of(files); !images.empty()) {
        question["images"] = images;
    }
    state.last_question = std::move(question);
    state.answered = false;
    answer_last();
}

/// A question that was not answered would stand before the next one: it is kept for /retry alone.
void Conversation::answer_last() {
    State& state = *state_;
    Json all = Json::array();
    if (!options_.system.empty()) {
        all.push_back(message("system", options_.system));
    }
    all.insert(all.end(), state.messages.begin(), state.messages.end());
    all.push_back(state.last_question);
    Answer answer(AnswerStyle::text);
    try {
        answer.stream(service_.started_client(), "/api/chat", chat_request(options_, all));
    } catch (Error& error) {
        answer.end_line();
        if (error.code() == ErrorCode::context_exceeded) {
            error.set_hint(how_to_get_room);
        }
        if (error.code() != ErrorCode::cancelled) {
            print_error(error, false);
        }
    }
    answer.end_line();
    if (answer.text().empty()) {
        return;
    }
    state.messages.push_back(state.last_question);
    state.messages.push_back(message("assistant", answer.text()));
    state.answered = true;
    state.last_timings = answer.timings();
    if (options_.verbose) {
        note(state.last_timings);
    }
}

std::vector<std::string> Conversation::model_names() const {
    protocol::ClientRequest request;
    request.target = "/api/tags";
    request.limit = tab_patience;
    std::vector<std::string> names;
    try {
        const Json answer = service_.client().ask(request);
        for (const Json& model : answer.value("models", Json::array())) {
            names.push_back(get_string(model, "name").value_or(""));
        }
    } catch (const Error&) { // nothing to offer
    }
    return names;
}

} // namespace hearth::cli
