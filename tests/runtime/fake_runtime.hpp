#pragma once

#include "base/async/event.hpp"
#include "base/error.hpp"
#include "base/sha256.hpp"
#include "runtime/scheduler/scheduler.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hearth::runtime {

/// A clock that stands still until a test moves it.
class FakeTime final : public Clock {
  public:
    using Steady = std::chrono::steady_clock::time_point;
    explicit FakeTime(boost::asio::any_io_executor executor) : moved_(executor) {}
    WallTime now() const override {
        return WallTime(std::chrono::hours(1000)) +
               std::chrono::duration_cast<WallTime::duration>(now_ - Steady());
    }
    Steady steady_now() const override { return now_; }
    void advance(std::chrono::nanoseconds by) {
        now_ += by;
        moved_.notify_all();
    }
    boost::asio::awaitable<void> wait_until(Steady time) {
        while (now_ < time) {
            co_await moved_.wait();
        }
    }

  private:
    Steady now_{std::chrono::hours(1)};
    AsyncEvent moved_;
};

/// What fake runners do, by the alias they are told to load.
struct FakeBehaviour {
    std::optional<Error> load_error;
    bool hold_load = false; ///< the load ends when the test calls `finish_load`
    bool hold_stop = false; ///< the process ends when the test calls `finish_stop`
    std::uint64_t reported_bytes = 0;
};

/// A runner without a process.
class FakeRunner final : public Runner {
  public:
    FakeRunner(boost::asio::any_io_executor executor, std::map<std::string, FakeBehaviour>& behaviours,
               int number)
        : behaviours_(behaviours), number_(number), changed_(executor) {}

    boost::asio::awaitable<void> load(LoadSpec spec, std::vector<registry::OpenModelFile>,
                                      std::function<void(std::string, double)> progress) override {
        loaded = spec;
        const FakeBehaviour& behaviour = behaviours_[spec.alias];
        progress("weights", 0.5);
        while (behaviour.hold_load && !load_may_end_ && !exit) {
            co_await changed_.wait();
        }
        if (exit) {
            throw Error(stop_requested ? ErrorCode::cancelled : ErrorCode::runner_lost,
                        "ended while loading");
        }
        if (behaviour.load_error) {
            throw Error(*behaviour.load_error);
        }
        info_ = {{"context", spec.context_tokens},
                 {"memory",
                  {{"total_bytes", behaviour.reported_bytes},
                   {"devices", {{"cpu", {{"weights", behaviour.reported_bytes}}}}}}}};
    }
    boost::asio::awaitable<Json> estimate(LoadSpec spec, std::vector<registry::OpenModelFile>,
                                          std::vector<PretendedDevice>) override {
        const FakeBehaviour& behaviour = behaviours_[spec.alias];
        if (behaviour.load_error) {
            throw Error(*behaviour.load_error);
        }
        co_return Json{{"total_bytes", behaviour.reported_bytes},
                       {"devices", {{"cpu", {{"weights", behaviour.reported_bytes}}}}}};
    }
    boost::asio::awaitable<std::unique_ptr<RequestStream>> request(std::string operation,
                                                                   std::string body) override;
    boost::asio::awaitable<Json> ask(std::string, std::vector<UniqueFd>) override {
        throw Error(ErrorCode::unsupported, "a fake runner answers nothing");
    }
    const Json& info() const override { return info_; }
    pid_t pid() const override { return 1000 + number_; }
    bool alive() const override { return !exit && !stop_requested; }
    boost::asio::awaitable<std::string> wait_exit() override {
        while (!exit) {
            co_await changed_.wait();
        }
        co_return *exit;
    }
    boost::asio::awaitable<void> stop() override {
        stop_requested = stop_requested || !exit;
        changed_.notify_all();
        while (behaviours_[loaded.alias].hold_stop && !stop_may_end_ && !exit) {
            co_await changed_.wait();
        }
        exit = exit.value_or("exit code 0");
        changed_.notify_all();
    }

    void die(std::string how) {
        exit = std::move(how);
        changed_.notify_all();
    }
    void finish_load() {
        load_may_end_ = true;
        changed_.notify_all();
    }
    void finish_stop() {
        stop_may_end_ = true;
        changed_.notify_all();
    }
    AsyncEvent& changed() { return changed_; }

    LoadSpec loaded;
    std::optional<std::string> exit;
    bool stop_requested = false;

  private:
    std::map<std::string, FakeBehaviour>& behaviours_;
    int number_;
    Json info_ = Json::object();
    bool load_may_end_ = false;
    bool stop_may_end_ = false;
    AsyncEvent changed_;
};

/// Waits for ever: a request that runs until its runner ends.
class FakeStream final : public RequestStream {
  public:
    explicit FakeStream(FakeRunner& runner) : runner_(runner) {}
    boost::asio::awaitable<std::optional<std::string>> next() override {
        while (!runner_.exit && !runner_.stop_requested) {
            co_await runner_.changed().wait();
        }
        throw Error(runner_.stop_requested ? ErrorCode::cancelled : ErrorCode::runner_lost, "ended");
    }

  private:
    FakeRunner& runner_;
};

inline boost::asio::awaitable<std::unique_ptr<RequestStream>> FakeRunner::request(std::string, std::string) {
    co_return std::make_unique<FakeStream>(*this);
}

inline constexpr std::uint64_t mebibyte = 1u << 20;

inline registry::Model make_model(const std::string& name, std::uint64_t bytes = mebibyte,
                                  const std::string& content = {}) {
    registry::Model model{.digest = sha256_of("manifest of " + name)};
    model.ref = registry::ModelRef::parse(name);
    registry::ModelFile file{.digest = sha256_of(content.empty() ? name : content), .size_bytes = bytes};
    model.files.push_back(file);
    return model;
}

inline PluginManifest make_manifest(const std::string& name, std::vector<std::string> formats) {
    PluginManifest manifest;
    manifest.name = name;
    manifest.abi = 1;
    manifest.operations = {"chat"};
    manifest.formats = std::move(formats);
    return manifest;
}

/// A scheduler over fake runners, on a loop that a test turns by hand: nothing ever waits for real time.
class SchedulerFixture : public ::testing::Test {
  protected:
    SchedulerFixture() : time_(io_.get_executor()) {}
    void SetUp() override { make_scheduler(); }
    void TearDown() override {
        if (scheduler_) {
            run(scheduler_->stop());
        }
    }

    void make_scheduler() {
        SchedulerSeams seams;
        seams.start_runner = [this](PluginManifest) { return start_runner(); };
        seams.available_memory_bytes = [this] { return available_bytes_; };
        seams.clock = &time_;
        seams.wait_until = [this](FakeTime::Steady when) { return time_.wait_until(when); };
        seams.plan_load = [this](registry::Model model, PluginManifest, LoadOptions options,
                                 MemoryRoom room) {
            return plan_load(std::move(model), std::move(options), room);
        };
        seams.on_loaded = [this](const LoadRecord& record) { records_.push_back(record); };
        auto events = [this](RuntimeEvent event) { events_.push_back(event.type + " " + event.model); };
        std::vector<PluginManifest> plugins = {make_manifest("llama", {"gguf"}), make_manifest("echo", {})};
        auto opener = [this](registry::Model model) { return open_files(std::move(model)); };
        scheduler_ = std::make_unique<Scheduler>(io_.get_executor(), config_, std::move(plugins), opener,
                                                 events, std::move(seams));
    }
    boost::asio::awaitable<std::unique_ptr<Runner>> start_runner() {
        auto runner =
            std::make_unique<FakeRunner>(io_.get_executor(), behaviours_, static_cast<int>(runners_.size()));
        runners_.push_back(runner.get());
        co_return runner;
    }
    boost::asio::awaitable<std::optional<LoadPlan>> plan_load(registry::Model model, LoadOptions options,
                                                              MemoryRoom room) {
        const bool planned = static_cast<bool>(planner_);
        co_return planned ? std::optional(planner_(model, options, room)) : std::nullopt;
    }
    boost::asio::awaitable<std::vector<registry::OpenModelFile>> open_files(registry::Model) {
        co_return std::vector<registry::OpenModelFile>();
    }

    /// Turns the loop until nothing is left to do at this time.
    void settle() {
        io_.restart();
        io_.poll();
    }
    /// Runs a coroutine to its end; an exception of it comes out here. Fails the test when it waits for
    /// something that never comes.
    template <class Result> Result run(boost::asio::awaitable<Result> main) {
        std::optional<std::pair<std::exception_ptr, std::optional<Result>>> done;
        boost::asio::co_spawn(io_, std::move(main), [&](std::exception_ptr failure, Result result) {
            done.emplace(failure, std::move(result));
        });
        settle();
        if (!done) {
            throw std::logic_error("the coroutine waits for ever");
        }
        if (done->first) {
            std::rethrow_exception(done->first);
        }
        return std::move(*done->second);
    }
    void run(boost::asio::awaitable<void> main) { run(and_true(std::move(main))); }
    static boost::asio::awaitable<bool> and_true(boost::asio::awaitable<void> main) {
        co_await std::move(main);
        co_return true;
    }

    AcquireRequest request_for(const registry::Model& model) {
        AcquireRequest request;
        request.model = model;
        request.name = model.ref.short_name();
        return request;
    }
    std::unique_ptr<RunnerLease> acquire(AcquireRequest request) {
        return run(scheduler_->acquire(std::move(request)));
    }
    std::unique_ptr<RunnerLease> acquire(const registry::Model& model) { return acquire(request_for(model)); }

    /// An acquire that goes on in the background.
    struct Pending {
        std::unique_ptr<RunnerLease> lease;
        std::exception_ptr failure;
        bool done = false;
        boost::asio::cancellation_signal cancel;
        ErrorCode code() const { // of what it failed with
            return to_error(failure).code();
        }
    };
    std::shared_ptr<Pending>
    start(AcquireRequest request) { // shared: a test may end before the coroutine does
        auto pending = std::make_shared<Pending>();
        boost::asio::co_spawn(io_, scheduler_->acquire(std::move(request)),
                              boost::asio::bind_cancellation_slot(
                                  pending->cancel.slot(),
                                  [pending](std::exception_ptr failure, std::unique_ptr<RunnerLease> lease) {
                                      pending->failure = failure;
                                      pending->lease = std::move(lease);
                                      pending->done = true;
                                  }));
        settle();
        return pending;
    }

    std::vector<std::string> loaded_names() const {
        std::vector<std::string> names;
        for (const LoadedModel& row : scheduler_->loaded()) {
            names.push_back(row.name);
        }
        return names;
    }

    boost::asio::io_context io_{1};
    FakeTime time_;
    Config config_;
    std::uint64_t available_bytes_ = 64ull << 30;
    std::map<std::string, FakeBehaviour> behaviours_;
    std::function<LoadPlan(registry::Model, LoadOptions, MemoryRoom)> planner_; ///< empty: nobody plans
    std::vector<LoadRecord> records_;
    std::vector<FakeRunner*> runners_; ///< in order of start; dangling once a scheduler forgot them
    std::vector<std::string> events_;
    std::unique_ptr<Scheduler> scheduler_;
};

} // namespace hearth::runtime
