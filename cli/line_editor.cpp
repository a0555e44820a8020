#include "cli/line_editor.hpp"

#include "base/error.hpp"

#include <histedit.h>

#include <cerrno>
#include <cstdio>

namespace hearth::cli {
namespace {

constexpr int history_size = 1000;

} // namespace

struct LineEditor::State {
    EditLine* editor = nullptr;
    History* history = nullptr;
    const char* prompt = "";

    State() {
        history = history_init();
        editor = el_init("hearth", stdin, stderr, stderr);
        if (history == nullptr || editor == nullptr) {
            release();
            throw Error(ErrorCode::internal, "cannot use this terminal");
        }
        HistEvent event{};
        ::history(history, &event, H_SETSIZE, history_size);
        ::history(history, &event, H_SETUNIQUE, 1);
        el_set(editor, EL_CLIENTDATA, this);
        el_set(editor, EL_PROMPT, &State::current_prompt);
        el_set(editor, EL_EDITOR, "emacs");
        el_set(editor, EL_SIGNAL, 0); // Interrupt has the handlers
        el_set(editor, EL_HIST, ::history, history);
        el_set(editor, EL_BIND, "^[[1;5C", "em-next-word", nullptr);
        el_set(editor, EL_BIND, "^[[1;5D", "ed-prev-word", nullptr);
        el_source(editor, nullptr); // ~/.editrc
    }
    ~State() { release(); }
    State(const State&) = delete;

    static char* current_prompt(EditLine* editor) {
        State* state = nullptr;
        el_get(editor, EL_CLIENTDATA, &state);
        return const_cast<char*>(state->prompt);
    }

  private:
    void release() {
        if (editor != nullptr) {
            el_end(editor);
        }
        if (history != nullptr) {
            history_end(history);
        }
    }
};

LineEditor::LineEditor() : state_(std::make_unique<State>()) {}
LineEditor::~LineEditor() = default;

LineResult LineEditor::read(const char* prompt, std::string& line) {
    state_->prompt = prompt;
    int count = 0;
    errno = 0;
    const char* text = el_gets(state_->editor, &count);
    if (text == nullptr || count <= 0) {
        const bool interrupted = errno == EINTR;
        el_reset(state_->editor);
        std::fputs("\n", stderr);
        return interrupted ? LineResult::interrupted : LineResult::end;
    }
    line.assign(text, static_cast<std::size_t>(count));
    while (line.ends_with('\n') || line.ends_with('\r')) {
        line.pop_back();
    }
    return LineResult::line;
}

void LineEditor::remember(const std::string& line) {
    HistEvent event{};
    ::history(state_->history, &event, H_ENTER, line.c_str());
}

} // namespace hearth::cli
