#include "runtime/memory/dry_run.hpp"

#include "base/async/timeout.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "runtime/memory/backend_report.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <exception>
#include <optional>
#include <utility>

namespace hearth::runtime::memory {

namespace asio = boost::asio;

namespace {

LoadSpec spec_of(const DryRunQuestion& question) {
    LoadSpec spec;
    spec.alias = "plan";
    spec.options_json = question.options_json;
    apply_plan(spec, question.options, question.placement, question.accelerators);
    return spec;
}

std::vector<PretendedDevice> pretended_of(const DryRunQuestion& question) {
    std::vector<PretendedDevice> devices;
    const bool used = question.placement.gpu_layers > 0; // else the CPU alone is asked about
    for (std::size_t i = 0; used && i < question.pretended_bytes.size(); ++i) {
        devices.push_back({question.accelerators.at(i), question.pretended_bytes[i]});
    }
    return devices;
}

/// Whether the runner can be asked again: it answered, though with an error.
bool survived(const Error& failure) {
    return failure.code() != ErrorCode::runner_lost && failure.code() != ErrorCode::timeout &&
           failure.code() != ErrorCode::cancelled && failure.code() != ErrorCode::protocol;
}

} // namespace

DryRun::DryRun(asio::any_io_executor executor, Start start, std::chrono::steady_clock::duration time_limit)
    : start_(std::move(start)), time_limit_(time_limit), free_(executor) {}

DryRun::~DryRun() = default;

asio::awaitable<DryRunAnswer> DryRun::estimate(DryRunQuestion question) {
    while (busy_) {
        co_await free_.wait();
    }
    busy_ = true;
    std::optional<Estimate> answer;
    std::optional<Error> failure;
    try {
        co_await with_timeout(time_limit_, "the dry run", ask(std::move(question), &answer));
    } catch (...) {
        failure = to_error(std::current_exception());
    }
    // From here to the end nothing may be cut short: a runner that failed must be reaped.
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    if (failure && !survived(*failure)) {
        co_await kill();
    }
    busy_ = false;
    free_.notify_all();
    if (failure && failure->code() == ErrorCode::cancelled) {
        throw Error(*failure);
    }
    if (failure) {
        log::warning("runtime", fmt::format("the engine's dry run failed: {}", failure->what()));
        co_return DryRunFailed{fmt::format("the engine's dry run failed: {}", failure->what())};
    }
    co_return std::move(*answer);
}

asio::awaitable<void> DryRun::ask(DryRunQuestion question, std::optional<Estimate>* answer) {
    if (runner_ && !runner_->alive()) {
        co_await runner_->stop();
        runner_.reset();
    }
    if (!runner_) {
        runner_ = co_await start_();
    }
    const Json report =
        co_await runner_->estimate(spec_of(question), std::move(question.files), pretended_of(question));
    *answer = read_backend_report(report, question.accelerators);
}

/// At once: an engine that hangs in a computation does not see that its connection has closed.
asio::awaitable<void> DryRun::kill() {
    if (!runner_) {
        co_return;
    }
    if (runner_->alive()) {
        ::kill(runner_->pid(), SIGKILL);
    }
    co_await runner_->stop();
    runner_.reset();
}

asio::awaitable<void> DryRun::stop() {
    while (busy_) {
        co_await free_.wait();
    }
    if (runner_) {
        busy_ = true;
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        co_await runner_->stop();
        runner_.reset();
        busy_ = false;
        free_.notify_all();
    }
}

} // namespace hearth::runtime::memory
