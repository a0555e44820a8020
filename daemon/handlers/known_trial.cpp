#include "daemon/handlers/known_trial.hpp"

#include "base/async/timeout.hpp"
#include "base/error.hpp"
#include "daemon/handlers/answer.hpp"
#include "daemon/handlers/inference.hpp"
#include "daemon/handlers/prompt.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <limits>
#include <utility>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

constexpr std::int64_t longest_answer_tokens = 200;
constexpr std::int64_t asked_alternatives = 20;
constexpr auto longest_trial = std::chrono::minutes(10); // a backend may hang

Options exact_options(std::int64_t tokens) {
    Options options = parse_options({{"temperature", 0}});
    options.num_predict = tokens;
    return options;
}

asio::awaitable<Piece> whole_answer(runtime::RunnerLease& lease, std::string operation, std::string body) {
    AnswerStream answer(co_await lease.request(std::move(operation), std::move(body)));
    Piece whole;
    while (auto piece = co_await answer.next()) {
        whole.add(std::move(*piece));
    }
    co_return whole;
}

asio::awaitable<std::string> ask(runtime::RunnerLease& lease, std::string question) {
    Json messages = Json::array({{{"role", "user"}, {"content", std::move(question)}}});
    std::string body = to_text(chat_body(std::move(messages), Json::array(), nullptr, Think{},
                                         exact_options(longest_answer_tokens)));
    co_return (co_await whole_answer(lease, "chat", std::move(body))).text;
}

/// Where no number was computed JSON has null: that is none, which `compare` refuses.
double logprob_of(const Json& token) {
    const auto found = token.find("logprob");
    return found != token.end() && found->is_number() ? found->get<double>()
                                                      : std::numeric_limits<double>::quiet_NaN();
}

/// The likeliest tokens after a text.
asio::awaitable<KnownScores> score(runtime::RunnerLease& lease, std::string text) {
    Json body = complete_body(text, nullptr, exact_options(1));
    add_logprobs({true, asked_alternatives}, true, body);
    const Piece piece = co_await whole_answer(lease, "complete", to_text(body));
    KnownScores scores{std::move(text), {}};
    if (piece.logprobs.is_array() && !piece.logprobs.empty()) {
        for (const Json& token : piece.logprobs.front().value("top_logprobs", Json::array())) {
            scores.logprobs.emplace_back(token.value("token", ""), logprob_of(token));
        }
    }
    co_return scores;
}

asio::awaitable<KnownAnswers> answers(runtime::RunnerLease& lease, KnownAnswers questions) {
    for (KnownChat& chat : questions.chats) {
        chat.answer = co_await ask(lease, chat.question);
    }
    for (KnownScores& scores : questions.texts) {
        scores = co_await score(lease, scores.text);
    }
    co_return questions;
}

asio::awaitable<void> answer_into(KnownAnswers& got, runtime::RunnerLease& lease, KnownAnswers questions) {
    got = co_await answers(lease, std::move(questions));
}

asio::awaitable<void> ask_into(Trial& trial, Services& services, TrialRequest request, KnownAnswers known) {
    Target target = co_await find_target(services, request.model, request.backend, std::move(request.app));
    runtime::LoadOptions load;
    load.backend = std::move(request.backend);
    load.gpu_layers = request.gpu_layers;
    const Lease lease = co_await acquire(services, std::move(target), std::move(load), std::nullopt);
    trial.backend = lease->plugin().name;
    trial.version = lease->plugin().version;
    co_await with_timeout(longest_trial, "answering", answer_into(trial.got, *lease, known));
    trial.verdict = compare(known, trial.got);
}

} // namespace

asio::awaitable<Trial> ask_known(Services& services, TrialRequest request, KnownAnswers known) {
    Trial trial;
    try {
        co_await ask_into(trial, services, std::move(request), std::move(known));
    } catch (const Error& error) {
        if (error.code() != ErrorCode::runner_lost && error.code() != ErrorCode::backend_failed &&
            error.code() != ErrorCode::timeout) {
            throw;
        }
        trial.verdict.fault = error.what();
    }
    co_return trial;
}

} // namespace hearth::daemon
