#include "daemon/handlers/context.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "daemon/handlers/prompt.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

/// The text that the model sees for the new part of the request.
asio::awaitable<std::string> render(runtime::RunnerLease& lease, GenerateRequest request, Target target) {
    if (auto plain = plain_prompt(request, target)) {
        co_return std::move(*plain);
    }
    const Json body = {{"messages", generate_messages(request, target)}};
    const Json event = co_await run_single(lease, "template", to_text(body));
    co_return event.value("prompt", "");
}

asio::awaitable<Json> tokenize(runtime::RunnerLease& lease, std::string text, bool begin_of_text) {
    const Json body = {{"content", std::move(text)}, {"add_special", begin_of_text}};
    const Json event = co_await run_single(lease, "tokenize", to_text(body));
    co_return event.value("tokens", Json::array());
}

} // namespace

asio::awaitable<Json> continue_context(runtime::RunnerLease& lease, GenerateRequest request, Target target) {
    Json tokens = request.context;
    std::string text = co_await render(lease, std::move(request), std::move(target));
    const Json more = co_await tokenize(lease, std::move(text), false);
    tokens.insert(tokens.end(), more.begin(), more.end());
    co_return tokens;
}

asio::awaitable<Json> context_of(runtime::RunnerLease& lease, GenerateRequest request, Target target,
                                 std::string answer) {
    const auto& plugin = lease.plugin();
    if (!request.images.empty() || !plugin.has_operation("template") || !plugin.has_operation("tokenize")) {
        co_return Json::array();
    }
    try {
        std::string text = co_await render(lease, request, std::move(target)) + answer;
        const bool first = request.context.empty();
        const Json more = co_await tokenize(lease, std::move(text), first);
        Json tokens = request.context;
        tokens.insert(tokens.end(), more.begin(), more.end());
        co_return tokens;
    } catch (const Error& error) {
        log::debug("daemon", std::string("no context for this answer: ") + error.what());
    }
    co_return Json::array();
}

} // namespace hearth::daemon
