#include "runtime/runner/spare_runner.hpp"

#include "base/error.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>

#include <optional>
#include <utility>

namespace hearth::runtime {

namespace asio = boost::asio;

struct SpareRunner::Spare {
    PluginManifest plugin;
    bool starting = true;
    std::unique_ptr<Runner> runner; ///< absent while it starts, when it failed, and when it was taken
    std::optional<Error> failure;
};

SpareRunner::SpareRunner(asio::any_io_executor executor, Starter start, Patience patience)
    : start_(std::move(start)), patience_(std::move(patience)), changed_(executor), tasks_(executor) {}

SpareRunner::~SpareRunner() = default;

void SpareRunner::prepare(PluginManifest plugin) {
    if (!spare_) {
        spare_ = std::make_shared<Spare>();
        spare_->plugin = std::move(plugin);
        tasks_.spawn("spare runner", keep(spare_));
    }
}

asio::awaitable<void> SpareRunner::keep(std::shared_ptr<Spare> spare) {
    try {
        spare->runner = co_await start_(spare->plugin);
    } catch (...) {
        spare->failure = to_error(std::current_exception());
    }
    spare->starting = false;
    changed_.notify_all();
    try {
        co_await wait_until_taken(spare);
    } catch (...) { // the service stops
        spare->failure = to_error(std::current_exception());
    }
    // From here to the end nothing may be cut short: the process must be reaped.
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    if (spare_ == spare) {
        spare_.reset();
    }
    if (spare->runner) {
        co_await spare->runner->stop();
    }
}

asio::awaitable<void> SpareRunner::wait_until_taken(std::shared_ptr<Spare> spare) {
    using asio::experimental::awaitable_operators::operator||;
    bool expired = false;
    while (spare->runner && !expired) {
        const auto first = co_await (patience_() || changed_.wait());
        expired = first.index() == 0;
    }
}

namespace {

bool starts_alike(const PluginManifest& one, const PluginManifest& other) {
    return one.library == other.library && one.sha256 == other.sha256 && one.passed_over == other.passed_over;
}

} // namespace

asio::awaitable<std::unique_ptr<Runner>> SpareRunner::take(PluginManifest plugin) {
    const std::shared_ptr<Spare> spare = spare_;
    if (!spare || !starts_alike(spare->plugin, plugin)) {
        co_return co_await start_(std::move(plugin));
    }
    while (spare->starting) {
        co_await changed_.wait();
    }
    if (spare->failure) {
        throw Error(*spare->failure);
    }
    std::unique_ptr<Runner> runner = std::move(spare->runner);
    if (spare_ == spare) {
        spare_.reset();
    }
    changed_.notify_all();
    if (!runner) { // another load came first
        co_return co_await start_(std::move(plugin));
    }
    if (!runner->alive()) {
        co_await runner->stop();
        co_return co_await start_(std::move(plugin));
    }
    co_return runner;
}

asio::awaitable<void> SpareRunner::stop() {
    tasks_.cancel();
    co_await tasks_.join();
}

} // namespace hearth::runtime
