#include "base/error.hpp"
#include "cli/answer.hpp"
#include "cli/arguments.hpp"
#include "cli/attachment.hpp"
#include "cli/chat/conversation.hpp"
#include "cli/chat_request.hpp"
#include "cli/commands/commands.hpp"
#include "cli/interrupt.hpp"
#include "cli/open_model.hpp"
#include "cli/output.hpp"
#include "cli/service.hpp"
#include "cli/terminal.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <cerrno>
#include <unistd.h>

namespace hearth::cli {
namespace {

constexpr std::size_t max_prompt_bytes = 64u << 20;

bool is_blank(std::string_view text) {
    return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

/// All of stdin. A Ctrl-C meanwhile is Error(cancelled).
std::string read_stdin(const Interrupt& interrupt) {
    std::string text;
    std::array<char, 64u << 10> buffer;
    while (true) {
        const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
        interrupt.check();
        if (got < 0 && errno != EINTR) {
            throw system_error(errno, "reading stdin", ErrorCode::invalid_argument);
        }
        if (got == 0) {
            return text;
        }
        text.append(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        if (text.size() > max_prompt_bytes) {
            throw Error(ErrorCode::too_large, "the prompt on stdin is larger than 64 MiB");
        }
    }
}

/// The words of the command line, then the texts of its files, then what is piped in.
std::string gather_prompt(const RunOptions& options, const std::vector<Attachment>& files,
                          const Interrupt& interrupt) {
    std::string prompt;
    for (const std::string& word : options.prompt) {
        prompt.append(prompt.empty() ? "" : " ").append(word);
    }
    const bool asked = !is_blank(prompt);
    if (is_terminal(STDIN_FILENO)) {
        return asked ? with_texts(std::move(prompt), files) : prompt;
    }
    prompt = with_texts(std::move(prompt), files);
    const std::string piped = read_stdin(interrupt);
    if (piped.find('\0') != std::string::npos) {
        throw Error(ErrorCode::usage, "what is piped in is not text", "a picture goes with -f FILE");
    }
    prompt.append(prompt.empty() || piped.empty() ? "" : "\n\n").append(piped);
    return prompt;
}

int answer_once(const Arguments& arguments, Service& service, RunOptions options, const Json& question) {
    const protocol::Client& client = service.started_client();
    Answer answer(arguments.json ? AnswerStyle::events : AnswerStyle::text);
    const PullReport report = arguments.json || arguments.quiet ? PullReport::nothing : PullReport::progress;
    try {
        with_model(service, options, report, [&] {
            Json body = question;
            body["model"] = options.model; // a pull may have named it
            answer.stream(client, "/api/generate", body);
        });
    } catch (Error& error) {
        answer.end_line();
        if (error.code() == ErrorCode::context_exceeded && error.hint().empty()) {
            error.set_hint("--ctx TOKENS makes room, up to the context length in hearth show");
        }
        throw;
    }
    answer.end_line();
    if (options.verbose) {
        note(answer.timings());
    }
    return 0;
}

} // namespace

int run_run(const Arguments& arguments, Service& service) {
    RunOptions options = arguments.run;
    options.model = model_address(options.model);
    options.format_json = format_json(options.format);
    options.tell_waiting = !arguments.json && !arguments.quiet;
    std::vector<Attachment> files = read_attachments(options.files);
    const std::string prompt = gather_prompt(options, files, service.interrupt());
    if (!is_blank(prompt)) {
        const Json question = generate_request(options, prompt, images_of(files));
        return answer_once(arguments, service, std::move(options), question);
    }
    if (!is_terminal(STDIN_FILENO) || arguments.json) {
        throw Error(ErrorCode::usage, "there is no prompt",
                    "hearth run " + arguments.run.model + " \"your question\"");
    }
    open_model(service, options, arguments.quiet ? PullReport::nothing : PullReport::progress);
    return Conversation(service, std::move(options), std::move(files)).run();
}

} // namespace hearth::cli
