#include "registry/pull/pull_engine.hpp"

#include "base/async/event.hpp"
#include "base/async/task_group.hpp"
#include "base/error.hpp"
#include "registry/blobs/blob_store.hpp"
#include "registry/catalogue/known_models.hpp"
#include "registry/pull/pull_job.hpp"
#include "registry/shipped_models.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace asio = boost::asio;

namespace hearth::registry {

namespace {

/// Names compare without case, and so do pulls of them.
std::string job_key(const ModelRef& ref, const PullRequest& request) {
    std::string key = ref.full_name() + '\n' + request.as + (request.insecure ? "\ninsecure" : "");
    if (ref.kind == ModelRef::Kind::oci || ref.kind == ModelRef::Kind::hub) {
        std::ranges::transform(key, key.begin(), [](char letter) {
            return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
        });
    }
    return key;
}

/// A model that comes with the program is taken from its file.
void take_shipped(PullRequest& request) {
    if (const auto file = shipped_model(request.name)) {
        if (request.as.empty()) {
            request.as = request.name;
        }
        request.name = "file://" + file->string();
    }
}

/// A pull that runs, and how it ended. Shared by its coroutine and its listeners.
struct RunningPull {
    RunningPull(const asio::any_io_executor& executor, PullContext& context, ModelRef ref,
                PullRequest request)
        : job(context, std::move(ref), std::move(request)), ended(executor) {}

    PullJob job;
    asio::cancellation_signal cancel;
    AsyncEvent ended;
    bool abandoned = false;
    bool finished = false;
    std::optional<Model> model;
    std::exception_ptr failure;
};
using RunningPullPtr = std::shared_ptr<RunningPull>;

asio::awaitable<void> run_to_end(RunningPullPtr pull) {
    if (pull->abandoned) { // before its first step: nobody heard the signal
        throw Error(ErrorCode::cancelled, "the pull was cancelled");
    }
    pull->model = co_await pull->job.run();
}

} // namespace

struct PullEngine::Impl {
    Impl(const asio::any_io_executor& executor_in, Catalog& catalog, BlobStore& blobs, Fetcher& fetcher,
         BlockingPool& disk, std::string default_registry, PullOptions options)
        : executor(executor_in), transfers(executor_in),
          context{.catalog = catalog,
                  .blobs = blobs,
                  .fetcher = fetcher,
                  .disk = disk,
                  .transfers = transfers,
                  .sources = SourceIndex(blobs.data_dir()),
                  .default_registry = std::move(default_registry),
                  .options = std::move(options)},
          tasks(executor_in) {}

    RunningPullPtr find_or_start(ModelRef ref, PullRequest request);
    asio::awaitable<void> supervise(std::string key, RunningPullPtr pull);
    void abandon(const RunningPullPtr& pull);

    asio::any_io_executor executor;
    SharedTransfers transfers;
    PullContext context;
    std::map<std::string, RunningPullPtr> running; ///< those that can be joined
    TaskGroup tasks;
    bool stopping = false;
};

RunningPullPtr PullEngine::Impl::find_or_start(ModelRef ref, PullRequest request) {
    const std::string key = job_key(ref, request);
    if (const auto found = running.find(key); found != running.end()) {
        return found->second;
    }
    auto pull = std::make_shared<RunningPull>(executor, context, std::move(ref), std::move(request));
    running.emplace(key, pull);
    tasks.spawn("pull", supervise(key, pull));
    return pull;
}

/// Runs the job under its own cancellation signal, which its last listener or stop() emits.
asio::awaitable<void> PullEngine::Impl::supervise(std::string key, RunningPullPtr pull) {
    try {
        asio::awaitable<void> work = run_to_end(pull);
        co_await asio::co_spawn(executor, std::move(work),
                                asio::bind_cancellation_slot(pull->cancel.slot(), asio::use_awaitable));
    } catch (...) {
        pull->failure = std::current_exception();
    }
    if (const auto found = running.find(key); found != running.end() && found->second == pull) {
        running.erase(found);
    }
    pull->finished = true;
    pull->ended.notify_all();
}

/// Nobody listens any more: the job ends, its bytes stay, and the next request for it starts anew.
void PullEngine::Impl::abandon(const RunningPullPtr& pull) {
    std::erase_if(running, [&](const auto& entry) { return entry.second == pull; });
    pull->abandoned = true;
    pull->cancel.emit(asio::cancellation_type::terminal);
}

PullEngine::PullEngine(asio::any_io_executor executor, Catalog& catalog, BlobStore& blobs, Fetcher& fetcher,
                       BlockingPool& disk, std::string default_registry, PullOptions options)
    : impl_(std::make_unique<Impl>(executor, catalog, blobs, fetcher, disk, std::move(default_registry),
                                   std::move(options))) {}

PullEngine::~PullEngine() = default;

asio::awaitable<Model> PullEngine::pull(PullRequest request,
                                        std::function<void(const PullProgress&)> on_progress) {
    if (impl_->stopping) {
        throw Error(ErrorCode::cancelled, "the service is stopping");
    }
    take_shipped(request);
    ModelRef ref = resolve_name(request.name, impl_->context.default_registry);
    const RunningPullPtr pull = impl_->find_or_start(std::move(ref), std::move(request));
    struct Listening {
        Impl& impl;
        RunningPullPtr pull;
        ProgressBoard::ListenerId id;
        ~Listening() {
            pull->job.board().leave(id);
            if (!pull->finished && !pull->job.board().has_listeners()) {
                impl.abandon(pull);
            }
        }
    } const listening{*impl_, pull, pull->job.board().join(std::move(on_progress))};
    while (!pull->finished) {
        co_await pull->ended.wait();
    }
    if (pull->failure) {
        std::rethrow_exception(pull->failure);
    }
    co_return *pull->model;
}

asio::awaitable<void> PullEngine::stop() {
    impl_->stopping = true;
    const auto running = impl_->running; // abandoning changes the original
    for (const auto& [key, pull] : running) {
        impl_->abandon(pull);
    }
    co_await impl_->tasks.join();
}

} // namespace hearth::registry
