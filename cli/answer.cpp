#include "cli/answer.hpp"

#include "base/error.hpp"
#include "cli/output.hpp"
#include "cli/terminal.hpp"
#include "protocol/client.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <unistd.h>
#include <utility>

namespace hearth::cli {
namespace {

double seconds_of(const Json& event, const char* key) {
    return get_number(event, key).value_or(0) / 1e9;
}

/// "prompt      12 tokens, 0.123 s, 97.6 tokens/s"
std::string rate_line(const Json& event, const char* name, const char* count_key, const char* duration_key) {
    const double count = get_number(event, count_key).value_or(0);
    const double seconds = seconds_of(event, duration_key);
    return fmt::format("{:<10}{:.0f} tokens, {:.3f} s, {:.1f} tokens/s\n", name, count, seconds,
                       seconds > 0 ? count / seconds : 0.0);
}

} // namespace

Answer::Answer(AnswerStyle style)
    : style_(style), wait_(is_terminal(STDERR_FILENO)), safe_(is_terminal(STDOUT_FILENO)) {}

void Answer::stream(const protocol::Client& client, std::string path, const Json& body) {
    protocol::ClientRequest request;
    request.method = "POST";
    request.target = std::move(path);
    request.body = to_text(body);
    bool done = false;
    client.stream_lines(request, [&](const Json& event) {
        if (style_ == AnswerStyle::text && wait_.show(event)) {
            return;
        }
        wait_.wipe();
        take(event);
        done = get_bool(event, "done").value_or(false);
    });
    if (!done) {
        throw Error(ErrorCode::protocol, "the service ended the answer before it was complete");
    }
}

void Answer::take(const Json& event) {
    if (get_bool(event, "done").value_or(false)) {
        last_ = to_text(event);
    }
    const auto message = event.find("message");
    const std::string piece = message != event.end() && message->is_object()
                                  ? get_string(*message, "content").value_or("")
                                  : get_string(event, "response").value_or("");
    text_ += piece;
    const Json& holder = message != event.end() && message->is_object() ? *message : event;
    const std::string thought = get_string(holder, "thinking").value_or("");
    if (style_ == AnswerStyle::events) {
        print_json(event);
        return;
    }
    if (!thought.empty() && safe_) {
        print_thinking(thought);
    }
    if (!piece.empty()) {
        print_text(piece);
    }
}

void Answer::print_thinking(const std::string& piece) {
    print((!thinking_ && has_color() ? "\x1b[2m" : "") + printable(piece));
    thinking_ = true;
}

void Answer::close_thinking() {
    if (thinking_) {
        print(has_color() ? "\x1b[0m\n\n" : "\n\n");
        thinking_ = false;
    }
}

void Answer::print_text(const std::string& piece) {
    close_thinking();
    line_open_ = !piece.ends_with('\n');
    print(safe_ ? printable(piece) : piece);
}

void Answer::end_line() {
    wait_.wipe();
    close_thinking();
    if (std::exchange(line_open_, false)) {
        print("\n");
    }
}

std::string Answer::timings() const {
    if (last_.empty()) {
        return {};
    }
    const Json event = parse_json(last_, "the last event");
    std::string text = fmt::format("total     {:.3f} s\nload      {:.3f} s\n",
                                   seconds_of(event, "total_duration"), seconds_of(event, "load_duration"));
    text += rate_line(event, "prompt", "prompt_eval_count", "prompt_eval_duration");
    text += rate_line(event, "answer", "eval_count", "eval_duration");
    return text;
}

} // namespace hearth::cli
