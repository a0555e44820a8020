#include "cli/chat/line_editor.hpp"

#include "base/error.hpp"
#include "cli/chat/external_editor.hpp"
#include "cli/chat/key_reader.hpp"
#include "cli/chat/pastes.hpp"
#include "cli/chat/window_changes.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/terminal.hpp"

#include <histedit.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <unistd.h>
#include <utility>

namespace hearth::cli {
namespace {

constexpr int history_size = 1000;
constexpr std::string_view paste_end = "\x1b[201~";
constexpr std::string_view paste_on = "\x1b[?2004h";
constexpr std::string_view paste_off = "\x1b[?2004l";
constexpr std::string_view clear_below = "\r\x1b[J";
constexpr std::size_t most_choices = 200;

bool is_dumb_terminal() {
    const char* term = std::getenv("TERM"); // NOLINT(concurrency-mt-unsafe): one thread
    return term == nullptr || std::string_view(term) == "dumb";
}

} // namespace

/// libedit's callbacks are static members: they reach the state through libedit's client data.
struct LineEditor::State {
    EditLine* editor = nullptr;
    History* history = nullptr;
    const char* prompt = "";
    Interrupt& interrupt;
    Pastes& pastes;
    Completer complete;
    KeyReader keys;
    bool interrupted = false; ///< the line that is read was ended by a signal
    bool marks_pastes = true; ///< the terminal is asked to

    State(Interrupt& own_interrupt, Pastes& own_pastes, Completer completer);
    ~State() { release(); }
    State(const State&) = delete;

    /// @param retake  somebody else had the terminal, and left it in another mode
    void draw_anew(bool retake);

  private:
    static State& of(EditLine* editor);
    static char* current_prompt(EditLine* editor);
    static int read_key(EditLine* editor, wchar_t* character);
    static unsigned char on_paste(EditLine* editor, int);
    static unsigned char on_newline(EditLine* editor, int);
    static unsigned char on_tab(EditLine* editor, int);
    static unsigned char on_editor(EditLine* editor, int);

    void bind_keys();
    std::string whole_line() const;
    void replace_line(const std::string& text);
    void show_choices(const std::vector<std::string>& choices);
    void release();
};

LineEditor::State::State(Interrupt& own_interrupt, Pastes& own_pastes, Completer completer)
    : interrupt(own_interrupt), pastes(own_pastes), complete(std::move(completer)),
      keys(STDIN_FILENO, interrupt, [this](bool was_stopped) { draw_anew(was_stopped); }) {
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
    el_set(editor, EL_SIGNAL, 0); // Interrupt and WindowChanges have the handlers
    el_set(editor, EL_HIST, ::history, history);
    el_set(editor, EL_GETCFN, &State::read_key);
    el_source(editor, nullptr); // ~/.editrc; choosing the keys of vi there forgets what was bound before
    bind_keys();
}

void LineEditor::State::bind_keys() {
    const char* name = nullptr;
    el_get(editor, EL_EDITOR, &name);
    const bool emacs = name == nullptr || std::string_view(name) == "emacs";
    marks_pastes = emacs && !is_dumb_terminal();
    // Wide: el_set makes copies that it never frees.
    el_wset(editor, EL_ADDFN, L"hearth-complete", L"Complete", &State::on_tab);
    el_wset(editor, EL_ADDFN, L"hearth-edit", L"Open an editor", &State::on_editor);
    el_wset(editor, EL_ADDFN, L"hearth-newline", L"Insert a line end", &State::on_newline);
    el_wset(editor, EL_ADDFN, L"hearth-paste", L"Take a paste", &State::on_paste);
    el_set(editor, EL_BIND, "^I", "hearth-complete", nullptr);
    el_set(editor, EL_BIND, "^G", "hearth-edit", nullptr);
    if (!emacs) { // the keys of vi leave no room for a sequence that begins with Escape
        return;
    }
    el_set(editor, EL_BIND, "^R", "em-inc-search-prev", nullptr);
    el_set(editor, EL_BIND, "^[^M", "hearth-newline", nullptr);
    el_set(editor, EL_BIND, "^[^J", "hearth-newline", nullptr);
    el_set(editor, EL_BIND, "^[[200~", "hearth-paste", nullptr);
    el_set(editor, EL_BIND, "^[[1;5C", "em-next-word", nullptr);
    el_set(editor, EL_BIND, "^[[1;5D", "ed-prev-word", nullptr);
}

void LineEditor::State::release() {
    if (editor != nullptr) {
        el_end(editor);
    }
    if (history != nullptr) {
        history_end(history);
    }
}

LineEditor::State& LineEditor::State::of(EditLine* editor) {
    State* state = nullptr;
    el_get(editor, EL_CLIENTDATA, &state);
    return *state;
}

char* LineEditor::State::current_prompt(EditLine* editor) {
    return const_cast<char*>(of(editor).prompt);
}

int LineEditor::State::read_key(EditLine* editor, wchar_t* character) {
    State& state = of(editor);
    switch (state.keys.next_character(*character)) {
    case Key::character:
        return 1;
    case Key::interrupted:
        state.interrupted = true;
        errno = EINTR;
        return -1;
    case Key::end:
        break;
    }
    return 0;
}

void LineEditor::State::draw_anew(bool retake) {
    if (retake) {
        el_set(editor, EL_PREP_TERM, 0);
        el_set(editor, EL_PREP_TERM, 1);
        note(marks_pastes ? paste_on : "");
    }
    note(clear_below);
    el_resize(editor);
    el_set(editor, EL_REFRESH);
}

unsigned char LineEditor::State::on_paste(EditLine* editor, int) {
    State& state = of(editor);
    std::string bytes;
    while (!bytes.ends_with(paste_end)) {
        char byte = 0;
        const Key key = state.keys.next_byte(byte);
        if (key != Key::character) {
            state.interrupted = key == Key::interrupted;
            return CC_EOF;
        }
        bytes += byte;
    }
    bytes.resize(bytes.size() - paste_end.size());
    el_insertstr(editor, state.pastes.shown(pasted_text(bytes)).c_str());
    return CC_REFRESH;
}

unsigned char LineEditor::State::on_newline(EditLine* editor, int) {
    el_insertstr(editor, "\n");
    return CC_REFRESH;
}

unsigned char LineEditor::State::on_tab(EditLine* editor, int) {
    State& state = of(editor);
    const LineInfo* line = el_line(editor);
    const Completion found = state.complete(std::string_view(line->buffer, line->cursor));
    if (!found.insert.empty()) {
        el_insertstr(editor, found.insert.c_str());
        return CC_REFRESH;
    }
    if (found.choices.size() < 2) {
        return CC_REFRESH_BEEP;
    }
    state.show_choices(found.choices);
    return CC_NORM;
}

void LineEditor::State::show_choices(const std::vector<std::string>& choices) {
    std::size_t widest = 0;
    for (const std::string& choice : choices) {
        widest = std::max(widest, display_width(choice));
    }
    const std::size_t columns = std::max<std::size_t>(1, terminal_width(STDERR_FILENO) / (widest + 2));
    std::string text = "\r\n\x1b[J";
    for (std::size_t i = 0; i < choices.size() && i < most_choices; ++i) {
        text += printable_line(choices[i]);
        const bool last = (i + 1) % columns == 0 || i + 1 == choices.size();
        text += last ? "\r\n" : std::string(widest + 2 - display_width(choices[i]), ' ');
    }
    note(choices.size() > most_choices ? text + "…\r\n" : text);
    el_set(editor, EL_REFRESH);
}

std::string LineEditor::State::whole_line() const {
    const LineInfo* line = el_line(editor);
    return {line->buffer, line->lastchar};
}

void LineEditor::State::replace_line(const std::string& text) {
    const LineInfoW* line = el_wline(editor);
    el_cursor(editor, static_cast<int>(line->lastchar - line->cursor));
    el_deletestr(editor, static_cast<int>(line->lastchar - line->buffer));
    el_insertstr(editor, text.c_str());
}

unsigned char LineEditor::State::on_editor(EditLine* editor, int) {
    State& state = of(editor);
    const std::string text = state.pastes.expand(state.whole_line());
    std::string complaint;
    el_set(editor, EL_PREP_TERM, 0);
    note(state.marks_pastes ? paste_off : ""); // the editor's own marks are its business
    try {
        state.replace_line(state.pastes.shown(edit_text(text)));
    } catch (const Error& error) {
        complaint = std::string("\r\nerror: ") + error.what() + "\r\nhint: " + error.hint() + "\r\n";
    }
    if (state.interrupt.terminated()) {
        state.interrupted = true;
        return CC_EOF;
    }
    state.interrupt.clear(); // a Ctrl-C that the editor got, we got too
    note(complaint);
    state.draw_anew(true);
    return CC_NORM;
}

LineEditor::LineEditor(Interrupt& interrupt, Pastes& pastes, Completer complete)
    : state_(std::make_unique<State>(interrupt, pastes, std::move(complete))) {}
LineEditor::~LineEditor() = default;

LineResult LineEditor::read(const char* prompt, std::string& line) {
    State& state = *state_;
    WindowChanges changes;
    state.keys.watch(&changes);
    state.prompt = prompt;
    state.interrupted = false;
    note(state.marks_pastes ? paste_on : "");
    int count = 0;
    const char* text = el_gets(state.editor, &count);
    note(state.marks_pastes ? paste_off : "");
    state.keys.watch(nullptr);
    if (text == nullptr || count <= 0 || state.interrupted) {
        el_reset(state.editor);
        note("\n");
        return state.interrupted ? LineResult::interrupted : LineResult::end;
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
