#include "runtime/runner/runner_process.hpp"

#include "base/async/timeout.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "base/paths.hpp"
#include "process/wire/frame.hpp"
#include "runtime/runner/load_head.hpp"
#include "runtime/runner/request_stream.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <system_error>

namespace hearth::runtime {

namespace asio = boost::asio;
using Steady = std::chrono::steady_clock;

namespace {

// After the connection closed; a plugin may need a moment to free a model.
constexpr auto terminate_after = std::chrono::seconds(5);
constexpr auto kill_after = std::chrono::seconds(10);

} // namespace

asio::awaitable<std::string> wait_for(std::shared_ptr<RunnerExit> exit) {
    while (!exit->text) {
        co_await exit->ended.wait();
    }
    co_return *exit->text;
}

asio::awaitable<Error> explain_loss(std::shared_ptr<RunnerExit> exit) {
    if (exit->requested) {
        co_return Error(ErrorCode::cancelled, "the model was unloaded");
    }
    const std::string how = co_await wait_for(exit);
    std::string hint = "the next request starts it again; its last lines are in the service's log";
    if (how.find("signal 9") != std::string::npos) {
        hint = "something killed it, often the kernel when memory runs out; the next request starts it again";
    } else if (how.find(fmt::format("signal {} ", SIGILL)) != std::string::npos) {
        hint =
            "this processor lacks an instruction that it used: hearth doctor looks for a variant that works";
    }
    co_return Error(ErrorCode::runner_lost, fmt::format("the backend ended unexpectedly ({})", how), hint);
}

ScratchFolder::ScratchFolder() {
    const std::filesystem::path parent = paths::runtime_dir() / "scratch";
    paths::ensure_private_dir(parent);
    std::string name = (parent / "runner-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
        throw system_error(errno, "creating " + name);
    }
    path_ = name;
}

ScratchFolder::~ScratchFolder() {
    std::error_code ignored; // an empty folder left behind harms nobody
    std::filesystem::remove_all(path_, ignored);
}

RunnerProcess::RunnerProcess(asio::any_io_executor executor, const PluginManifest& plugin)
    : executor_(executor), exit_(std::make_shared<RunnerExit>(executor)), tasks_(executor),
      stop_done_(executor) {
    auto [ours, theirs] = process::socket_pair();
    process::SpawnRequest request;
    request.program = paths::sibling_program("hearth-runner");
    request.arguments = {"--plugin", plugin.library.string(), "--sha256", plugin.sha256};
    if (plugin.passed_over > 0) {
        const Json config = {{"pass_over", plugin.passed_over}};
        request.arguments.insert(request.arguments.end(), {"--config", to_text(config)});
    }
    request.inherited = {{theirs.get(), 3}};
    request.environment = {"HEARTH_SCRATCH=" + scratch_.path().string()};
    child_ = process::spawn(request);
    pid_ = child_.pid();
    connection_ = std::make_unique<process::wire::Connection>(executor_, std::move(ours), "runner");
    tasks_.spawn("watch runner", watch());
}

asio::awaitable<void> RunnerProcess::start() {
    co_await connection_->handshake();
}

asio::awaitable<void> RunnerProcess::watch() {
    co_await connection_->wait_closed();
    co_await reap();
    exit_->text = child_.status_text();
    exit_->ended.notify_all();
}

/// The connection is closed: the child has died, or will see EOF and leave. The kernel frees its memory before it can
/// be reaped, and somebody may be waiting for that memory.
asio::awaitable<void> RunnerProcess::reap() {
    using asio::experimental::awaitable_operators::operator||;
    const auto closed = Steady::now();
    asio::posix::stream_descriptor ended(executor_);
    if (UniqueFd handle = child_.open_end_handle()) {
        ended.assign(handle.release());
    }
    const Steady::duration pause = std::chrono::milliseconds(ended.is_open() ? 1000 : 10);
    int sent = 0;
    while (!child_.try_reap()) {
        const auto waited = Steady::now() - closed;
        const int due = waited > kill_after ? SIGKILL : waited > terminate_after ? SIGTERM : 0;
        if (due != sent) {
            log::warning("runtime", fmt::format("runner {} does not end: sending signal {}", pid_, due));
            child_.signal(due);
            sent = due;
        }
        if (ended.is_open()) {
            co_await (ended.async_wait(asio::posix::stream_descriptor::wait_read, asio::use_awaitable) ||
                      sleep_for(pause));
        } else {
            co_await sleep_for(pause);
        }
    }
}

asio::awaitable<void> RunnerProcess::load(LoadSpec spec, std::vector<registry::OpenModelFile> files,
                                          std::function<void(std::string, double)> progress) {
    std::string head = load_head(spec, files);
    std::vector<UniqueFd> descriptors = take_descriptors(std::move(files));
    std::optional<Error> failed;
    try {
        info_ = co_await call(std::move(head), std::move(descriptors), std::move(progress));
    } catch (const Error& error) {
        failed = error;
    }
    if (failed) {
        failed->add_context("loading " + spec.alias);
        throw Error(*failed);
    }
}

asio::awaitable<Json> RunnerProcess::call(std::string head, std::vector<UniqueFd> descriptors,
                                          std::function<void(std::string, double)> progress) {
    if (descriptors.size() > process::wire::max_fds) {
        throw Error(ErrorCode::unsupported,
                    fmt::format("the model has {} files, at most {} can be handed to a backend",
                                descriptors.size(), process::wire::max_fds));
    }
    std::optional<Error> failed;
    try {
        process::wire::Stream stream =
            co_await connection_->open(std::move(head), std::string(), std::move(descriptors));
        co_return co_await receive_answer(std::move(stream), std::move(progress));
    } catch (const Error& error) {
        failed = error;
    }
    if (failed->code() == ErrorCode::runner_lost) {
        failed = co_await explain_loss(exit_);
    }
    throw Error(*failed);
}

asio::awaitable<Json> RunnerProcess::receive_answer(process::wire::Stream stream,
                                                    std::function<void(std::string, double)> progress) {
    while (true) {
        process::wire::Event event = co_await stream.receive();
        if (event.kind == process::wire::Event::Kind::end) {
            co_return parse_json(event.head, "the backend's answer");
        }
        const Json tick = parse_json(event.head, "the backend's progress");
        if (progress) {
            progress(get_string(tick, "stage").value_or(""), get_number(tick, "fraction").value_or(0));
        }
    }
}

asio::awaitable<Json> RunnerProcess::estimate(LoadSpec spec, std::vector<registry::OpenModelFile> files,
                                              std::vector<PretendedDevice> pretend) {
    std::string head = estimate_head(spec, files, pretend);
    std::vector<UniqueFd> descriptors = take_descriptors(std::move(files));
    co_return co_await call(std::move(head), std::move(descriptors), {});
}

asio::awaitable<std::unique_ptr<RequestStream>> RunnerProcess::request(std::string operation,
                                                                       std::string body) {
    const Json head = {{"op", "request"}, {"operation", operation}};
    std::string head_text = to_text(head);
    std::optional<Error> failed;
    std::unique_ptr<RequestStream> result;
    try {
        process::wire::Stream stream =
            co_await connection_->open(std::move(head_text), std::move(body), std::vector<UniqueFd>());
        result = std::make_unique<WireRequestStream>(std::move(stream), exit_);
    } catch (const Error& error) {
        failed = error;
    }
    if (failed && failed->code() == ErrorCode::runner_lost) {
        failed = co_await explain_loss(exit_);
    }
    if (failed) {
        throw Error(*failed);
    }
    co_return result;
}

asio::awaitable<Json> RunnerProcess::ask(std::string head, std::vector<UniqueFd> files) {
    return call(std::move(head), std::move(files), {});
}

asio::awaitable<void> RunnerProcess::stop() {
    exit_->requested = exit_->requested || !exit_->text;
    while (stopping_ && !stopped_) { // somebody else is at it
        co_await stop_done_.wait();
    }
    if (stopped_) {
        co_return;
    }
    stopping_ = true;
    connection_->close();
    // From here to the end nothing may be cut short: the process must be reaped.
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await wait_for(exit_);
    co_await tasks_.join();
    co_await connection_->stop();
    stopped_ = true;
    stop_done_.notify_all();
}

asio::awaitable<std::unique_ptr<Runner>> start_runner(asio::any_io_executor executor, PluginManifest plugin) {
    std::unique_ptr<Runner> runner = co_await start_runner_process(executor, std::move(plugin));
    co_return runner;
}

asio::awaitable<std::unique_ptr<RunnerProcess>> start_runner_process(asio::any_io_executor executor,
                                                                     PluginManifest plugin) {
    auto runner = std::make_unique<RunnerProcess>(executor, plugin);
    std::optional<Error> failed;
    try {
        co_await runner->start();
        co_return runner;
    } catch (...) {
        failed = to_error(std::current_exception());
    }
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await runner->stop();
    if (failed->code() == ErrorCode::cancelled) {
        throw Error(*failed);
    }
    const std::string how = co_await runner->wait_exit();
    throw Error(ErrorCode::backend_failed,
                fmt::format("backend {} did not start: {} ({})", plugin.name, failed->what(), how),
                fmt::format("hearth-plugin-check {} says what is wrong with it", plugin.library.string()));
}

} // namespace hearth::runtime
