#include "daemon/handlers/selftest.hpp"
#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "daemon/handlers/answer.hpp"
#include "daemon/handlers/body.hpp"
#include "daemon/handlers/fields.hpp"
#include "daemon/handlers/inference.hpp"
#include "daemon/handlers/prompt.hpp"
#include "daemon/known_answer.hpp"
#include "registry/shipped_models.hpp"

#include <nlohmann/json.hpp>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

constexpr std::int64_t longest_answer_tokens = 200;
constexpr std::int64_t asked_alternatives = 20;
constexpr std::uint64_t file_limit_bytes = 1u << 20;

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

/// The likeliest tokens after a text.
asio::awaitable<KnownScores> score(runtime::RunnerLease& lease, std::string text) {
    Json body = complete_body(text, nullptr, exact_options(1));
    add_logprobs({true, asked_alternatives}, true, body);
    const Piece piece = co_await whole_answer(lease, "complete", to_text(body));
    KnownScores scores{std::move(text), {}};
    if (piece.logprobs.is_array() && !piece.logprobs.empty()) {
        for (const Json& token : piece.logprobs.front().value("top_logprobs", Json::array())) {
            scores.logprobs.emplace_back(token.value("token", ""), token.value("logprob", 0.0));
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

/// @throws Error  unsupported: this installation has none
KnownAnswers read_known() {
    const std::filesystem::path file = registry::shipped_models_dir() / "ember.known.json";
    std::error_code absent;
    if (!std::filesystem::exists(file, absent)) {
        throw Error(ErrorCode::unsupported, "this installation has no known answers to compare with",
                    file.string() + " is not there");
    }
    return KnownAnswers::parse(read_file(file, file_limit_bytes));
}

/// {"model"?, "backend"?, "record"?}: asks Ember what it is known to answer. A wrong answer is an answer (200,
/// `passed` false); what hinders the asking is an error.
asio::awaitable<void> selftest(Services& services, http::Request http_request, http::ResponseWriter& out) {
    const Json body = parse_object(http_request.body);
    const std::string name = string_field(body, "model").value_or(std::string(registry::ember_name));
    const std::string backend = string_field(body, "backend").value_or("");
    const bool record = flag_field(body, "record").value_or(false);
    auto read = [] { return read_known(); };
    const KnownAnswers known = co_await run_blocking(services.workers, std::move(read));
    Target target = co_await find_target(services, name, backend, std::move(http_request.app));
    runtime::LoadOptions load;
    load.backend = backend;
    const Lease lease = co_await acquire(services, std::move(target), std::move(load), std::nullopt);
    const KnownAnswers got = co_await answers(*lease, known);
    if (record) {
        Json answer = got.to_json();
        co_await out.send_json(200, std::move(answer));
        co_return;
    }
    const Verdict verdict = compare(known, got);
    Json answer = {{"passed", verdict.passed()},
                   {"model", name},
                   {"backend", lease->plugin().name},
                   {"backend_version", lease->plugin().version},
                   {"largest_difference", verdict.largest_difference},
                   {"tolerance", known.tolerance}};
    if (!verdict.passed()) {
        answer["fault"] = verdict.fault;
    }
    co_await out.send_json(200, std::move(answer));
}

} // namespace

void add_selftest_routes(http::Router& router, Services& services) {
    auto handler = [&services](http::Request request, http::ResponseWriter& out) {
        return selftest(services, std::move(request), out);
    };
    router.add({"POST", "/hearth/v1/selftest", http::Access::full, http::BodySize::json, handler});
}

} // namespace hearth::daemon
