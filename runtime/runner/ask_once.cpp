#include "runtime/runner/ask_once.hpp"

#include "base/async/timeout.hpp"
#include "base/error.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <nlohmann/json.hpp>

#include <exception>
#include <optional>
#include <utility>

namespace hearth::runtime {

namespace asio = boost::asio;

namespace {

asio::awaitable<void> ask(RunnerStarter start, PluginManifest plugin, std::string head, Json& answer) {
    const std::unique_ptr<Runner> runner = co_await start(std::move(plugin));
    std::exception_ptr failure;
    try {
        answer = co_await runner->ask(std::move(head), std::vector<UniqueFd>());
    } catch (...) {
        failure = std::current_exception();
    }
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await runner->stop();
    if (failure) {
        std::rethrow_exception(failure);
    }
}

} // namespace

asio::awaitable<Json> ask_once(RunnerStarter start, PluginManifest plugin, std::string head,
                               std::chrono::steady_clock::duration limit) {
    Json answer;
    const std::string context = "asking backend " + plugin.name;
    std::optional<Error> failed;
    try {
        co_await with_timeout(limit, "the answer",
                              ask(std::move(start), std::move(plugin), std::move(head), answer));
    } catch (...) {
        failed = to_error(std::current_exception());
    }
    if (failed) {
        failed->add_context(context);
        throw Error(*failed);
    }
    co_return answer;
}

} // namespace hearth::runtime
