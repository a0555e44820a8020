#include "base/error.hpp"
#include "cli/answer.hpp"
#include "cli/arguments.hpp"
#include "cli/chat_request.hpp"
#include "cli/commands/commands.hpp"
#include "cli/conversation.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/pull_model.hpp"
#include "cli/service.hpp"
#include "cli/terminal.hpp"
#include "cli/wait_line.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <cerrno>
#include <unistd.h>

namespace hearth::cli {
namespace {

constexpr std::size_t max_prompt_bytes = 64u << 20;

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

/// The words of the command line, then what is piped in.
std::string gather_prompt(const RunOptions& options, const Interrupt& interrupt) {
    std::string prompt;
    for (const std::string& word : options.prompt) {
        prompt.append(prompt.empty() ? "" : " ").append(word);
    }
    if (!is_terminal(STDIN_FILENO)) {
        const std::string piped = read_stdin(interrupt);
        prompt.append(prompt.empty() || piped.empty() ? "" : "\n\n").append(piped);
    }
    return prompt;
}

/// Runs `ask`; when the model is absent, pulls it and runs `ask` again.
template <class Ask> void with_model(Service& service, RunOptions& options, PullReport report, Ask ask) {
    try {
        ask();
        return;
    } catch (const Error& error) {
        if (error.code() != ErrorCode::model_not_found) {
            throw;
        }
    }
    PullOptions pull;
    pull.model = options.model;
    options.model = pull_model(service.client(), pull, report);
    ask();
}

int answer_once(const Arguments& arguments, Service& service, RunOptions options, const std::string& prompt) {
    const protocol::Client& client = service.started_client();
    Answer answer(arguments.json ? AnswerStyle::events : AnswerStyle::text);
    const PullReport report = arguments.json || arguments.quiet ? PullReport::nothing : PullReport::progress;
    try {
        with_model(service, options, report,
                   [&] { answer.stream(client, "/api/generate", generate_request(options, prompt)); });
    } catch (const Error&) {
        answer.end_line();
        throw;
    }
    answer.end_line();
    if (options.verbose) {
        note(answer.timings());
    }
    return 0;
}

void load(const protocol::Client& client, const RunOptions& options) {
    WaitLine line(is_terminal(STDERR_FILENO));
    protocol::ClientRequest request;
    request.method = "POST";
    request.target = "/api/chat";
    request.body = to_text(chat_request(options, Json::array()));
    client.stream_lines(request, [&line](const Json& event) { line.show(event); });
}

/// Loads before the first question, so that a missing or broken model is told at once.
int converse(Service& service, RunOptions options, PullReport report) {
    const protocol::Client& client = service.started_client();
    with_model(service, options, report, [&] { load(client, options); });
    return Conversation(service, options).run();
}

} // namespace

int run_run(const Arguments& arguments, Service& service) {
    RunOptions options = arguments.run;
    options.model = model_address(options.model);
    options.tell_waiting = !arguments.json && !arguments.quiet;
    const std::string prompt = gather_prompt(options, service.interrupt());
    if (prompt.find_first_not_of(" \t\r\n") != std::string::npos) {
        return answer_once(arguments, service, std::move(options), prompt);
    }
    if (!is_terminal(STDIN_FILENO) || arguments.json) {
        throw Error(ErrorCode::usage, "there is no prompt",
                    "hearth run " + arguments.run.model + " \"your question\"");
    }
    return converse(service, std::move(options),
                    arguments.quiet ? PullReport::nothing : PullReport::progress);
}

} // namespace hearth::cli
