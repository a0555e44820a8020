#include "tests/runtime/fake_runtime.hpp"

#include <gmock/gmock.h>

namespace hearth::runtime {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using SchedulerTest = SchedulerFixture;

TEST_F(SchedulerTest, LoadsAModelOnceForAllWhoAskAtTheSameTime) {
    const registry::Model model = make_model("a");
    behaviours_["a:latest"].hold_load = true;
    const auto first = start(request_for(model));
    const auto second = start(request_for(model));
    ASSERT_EQ(runners_.size(), 1u);
    EXPECT_FALSE(first->done || second->done);
    runners_[0]->finish_load();
    settle();
    EXPECT_TRUE(first->lease && second->lease);
    EXPECT_EQ(runners_.size(), 1u);
    EXPECT_EQ(scheduler_->loaded().at(0).active_requests, 2);
}

TEST_F(SchedulerTest, LoadsDifferentModelsAtTheSameTime) {
    behaviours_["a:latest"].hold_load = true;
    const auto slow = start(request_for(make_model("a")));
    const auto quick = start(request_for(make_model("b")));
    EXPECT_TRUE(quick->lease);
    EXPECT_FALSE(slow->done);
}

TEST_F(SchedulerTest, TellsHowLongAnAcquireWaitedForTheLoad) {
    const registry::Model model = make_model("a");
    behaviours_["a:latest"].hold_load = true;
    const auto pending = start(request_for(model));
    time_.advance(3s);
    runners_[0]->finish_load();
    settle();
    EXPECT_EQ(pending->lease->load_duration(), 3s);
    EXPECT_EQ(acquire(model)->load_duration(), 0s);
}

TEST_F(SchedulerTest, TellsEveryoneWhoWaitsHowFarTheLoadIs) {
    behaviours_["a:latest"].hold_load = true;
    std::vector<double> heard;
    AcquireRequest request = request_for(make_model("a"));
    request.on_progress = [&](const std::string&, double fraction) { heard.push_back(fraction); };
    const auto pending = start(std::move(request));
    EXPECT_THAT(heard, ElementsAre(0.5));
}

TEST_F(SchedulerTest, StartsKeepAliveWhenTheLastLeaseEnds) {
    config_.keep_alive = 5min;
    make_scheduler();
    const registry::Model model = make_model("a");
    auto first = acquire(model);
    auto second = acquire(model);
    time_.advance(10min);
    settle();
    first.reset();
    time_.advance(10min);
    settle();
    EXPECT_THAT(loaded_names(), ElementsAre("a:latest")) << "it is in use";
    EXPECT_EQ(scheduler_->loaded()[0].expires_at, std::nullopt);
    second.reset();
    EXPECT_EQ(scheduler_->loaded()[0].expires_at, time_.now() + 5min);
    time_.advance(5min - 1ns);
    settle();
    EXPECT_THAT(loaded_names(), ElementsAre("a:latest"));
    time_.advance(1ns);
    settle();
    EXPECT_THAT(loaded_names(), IsEmpty());
    EXPECT_THAT(events_,
                ElementsAre("model.loading a:latest", "model.loaded a:latest", "model.unloaded a:latest"));
}

TEST_F(SchedulerTest, UnloadsAtOnceWhenKeepAliveIsZero) {
    AcquireRequest request = request_for(make_model("a"));
    request.keep_alive = 0s;
    auto lease = acquire(std::move(request));
    ASSERT_TRUE(lease);
    lease.reset();
    settle();
    EXPECT_THAT(loaded_names(), IsEmpty());
}

TEST_F(SchedulerTest, KeepsAModelForEverWhenKeepAliveIsNegative) {
    AcquireRequest request = request_for(make_model("a"));
    request.keep_alive = -1s;
    acquire(std::move(request)).reset();
    time_.advance(24h * 365);
    settle();
    EXPECT_THAT(loaded_names(), ElementsAre("a:latest"));
    EXPECT_EQ(scheduler_->loaded()[0].expires_at, std::nullopt);
}

TEST_F(SchedulerTest, KeepsTheKeepAliveThatWasAskedForLast) {
    const registry::Model model = make_model("a");
    AcquireRequest request = request_for(model);
    request.keep_alive = 1h;
    acquire(std::move(request)).reset();
    acquire(model).reset(); // names none
    EXPECT_EQ(scheduler_->loaded()[0].expires_at, time_.now() + 1h);
}

TEST_F(SchedulerTest, SetsKeepAliveWithoutARequest) {
    acquire(make_model("a")).reset();
    EXPECT_TRUE(scheduler_->set_keep_alive("a:latest", 7s));
    EXPECT_FALSE(scheduler_->set_keep_alive("b:latest", 7s));
    time_.advance(7s);
    settle();
    EXPECT_THAT(loaded_names(), IsEmpty());
}

TEST_F(SchedulerTest, NeverReloadsForASmallerOrEqualContext) {
    AcquireRequest request = request_for(make_model("a"));
    request.options.context_tokens = 8192;
    acquire(request).reset();
    request.options.context_tokens = 8192;
    acquire(request).reset();
    request.options.context_tokens = 512;
    EXPECT_EQ(acquire(request)->context_tokens(), 8192);
    request.options.context_tokens.reset();
    acquire(request).reset();
    EXPECT_EQ(runners_.size(), 1u);
}

TEST_F(SchedulerTest, ReloadsForALargerContextWhenTheModelIsIdle) {
    const registry::Model model = make_model("a");
    auto busy = acquire(model);
    AcquireRequest larger = request_for(model);
    larger.options.context_tokens = 9000;
    const auto waiting = start(std::move(larger));
    const auto behind = start(request_for(model));
    EXPECT_FALSE(waiting->done) << "somebody uses the old one";
    EXPECT_FALSE(behind->done) << "or the larger one would wait for ever";
    busy.reset();
    settle();
    ASSERT_TRUE(waiting->lease && behind->lease);
    EXPECT_EQ(waiting->lease->context_tokens(), 9000);
    EXPECT_EQ(runners_.size(), 2u);
}

TEST_F(SchedulerTest, AsksForNoMoreContextThanTheModelHas) {
    registry::Model model = make_model("a");
    model.details.context_length = 2048;
    AcquireRequest request = request_for(model);
    request.options.context_tokens = 100000;
    acquire(request).reset();
    EXPECT_EQ(runners_[0]->loaded.context_tokens, 2048);
    acquire(request).reset();
    EXPECT_EQ(runners_.size(), 1u) << "the wish is met as far as it can be";
}

TEST_F(SchedulerTest, SharesARunnerBetweenTwoNamesOfTheSameFiles) {
    acquire(make_model("a", mebibyte, "same bytes")).reset();
    acquire(make_model("b", mebibyte, "same bytes")).reset();
    EXPECT_EQ(runners_.size(), 1u);
    EXPECT_THAT(loaded_names(), ElementsAre("b:latest"));
    EXPECT_TRUE(run(scheduler_->unload("a:latest")));
    EXPECT_THAT(loaded_names(), IsEmpty());
}

TEST_F(SchedulerTest, TellsEveryJoinerWhyALoadFailed) {
    const registry::Model model = make_model("a");
    behaviours_["a:latest"] = {.load_error = Error(ErrorCode::model_invalid, "broken"), .hold_load = true};
    const auto first = start(request_for(model));
    const auto second = start(request_for(model));
    runners_[0]->finish_load();
    settle();
    EXPECT_EQ(first->code(), ErrorCode::model_invalid);
    EXPECT_EQ(second->code(), ErrorCode::model_invalid);
    EXPECT_THAT(loaded_names(), IsEmpty());
}

TEST_F(SchedulerTest, TriesAgainAfterAFailedLoad) {
    const registry::Model model = make_model("a");
    behaviours_["a:latest"].load_error = Error(ErrorCode::load_failed, "no");
    EXPECT_THROW(acquire(model), Error);
    behaviours_["a:latest"].load_error.reset();
    EXPECT_TRUE(acquire(model));
}

TEST_F(SchedulerTest, ReplacesARunnerThatDied) {
    const registry::Model model = make_model("a");
    const auto lease = acquire(model);
    runners_[0]->die("signal 9 (Killed)");
    EXPECT_TRUE(acquire(model));
    EXPECT_EQ(runners_.size(), 2u);
    EXPECT_THAT(events_, ::testing::Contains("runner.lost a:latest"));
    EXPECT_EQ(scheduler_->loaded().size(), 1u);
}

TEST_F(SchedulerTest, PutsAModelAsideThatKillsItsBackendThreeTimesInAMinute) {
    const registry::Model model = make_model("a");
    for (int death = 0; death < 3; ++death) {
        acquire(model).reset();
        runners_.back()->die("signal 11 (Segmentation fault)");
        settle();
        time_.advance(10s);
    }
    const auto refused = start(request_for(model));
    EXPECT_EQ(refused->code(), ErrorCode::backend_failed);
    EXPECT_EQ(runners_.size(), 3u);
    EXPECT_TRUE(acquire(make_model("b"))) << "others are not concerned";
    time_.advance(5min);
    EXPECT_TRUE(acquire(model));
}

TEST_F(SchedulerTest, LetsAModelPutAsideTryAgainWhenAPersonUnloadsIt) {
    const registry::Model model = make_model("a");
    for (int death = 0; death < 3; ++death) {
        acquire(model).reset();
        runners_.back()->die("signal 11 (Segmentation fault)");
        settle();
    }
    EXPECT_FALSE(run(scheduler_->unload("a:latest")));
    EXPECT_TRUE(acquire(model));
}

TEST_F(SchedulerTest, CountsDeathsWhileLoading) {
    const registry::Model model = make_model("a");
    behaviours_["a:latest"].load_error = Error(ErrorCode::runner_lost, "signal 6 (Aborted)");
    for (int death = 0; death < 3; ++death) {
        EXPECT_EQ(start(request_for(model))->code(), ErrorCode::runner_lost);
    }
    EXPECT_EQ(start(request_for(model))->code(), ErrorCode::backend_failed);
}

TEST_F(SchedulerTest, UnloadEndsRunningRequestsAndWaitsForTheExit) {
    behaviours_["a:latest"].hold_stop = true;
    const auto lease = acquire(make_model("a"));
    const auto stream = run(lease->request("chat", "{}"));
    bool unloaded = false;
    boost::asio::co_spawn(io_, scheduler_->unload("a:latest"),
                          [&](std::exception_ptr, bool) { unloaded = true; });
    settle();
    EXPECT_FALSE(unloaded) << "the process has not ended yet";
    EXPECT_EQ(scheduler_->loaded().at(0).state, "stopping");
    try {
        run(stream->next());
        FAIL() << "the request goes on";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::cancelled);
    }
    runners_[0]->finish_stop();
    settle();
    EXPECT_TRUE(unloaded);
    EXPECT_THAT(loaded_names(), IsEmpty());
}

TEST_F(SchedulerTest, UnloadStopsALoad) {
    behaviours_["a:latest"].hold_load = true;
    const auto pending = start(request_for(make_model("a")));
    EXPECT_TRUE(run(scheduler_->unload("a:latest")));
    EXPECT_EQ(pending->code(), ErrorCode::cancelled);
    EXPECT_THAT(loaded_names(), IsEmpty());
}

TEST_F(SchedulerTest, LoadsAgainForWhoAsksWhileTheModelIsUnloaded) {
    const registry::Model model = make_model("a");
    behaviours_["a:latest"].hold_stop = true;
    acquire(model).reset();
    scheduler_->set_keep_alive("a:latest", 0s);
    settle();
    const auto pending = start(request_for(model));
    EXPECT_FALSE(pending->done);
    runners_[0]->finish_stop();
    settle();
    EXPECT_TRUE(pending->lease);
    EXPECT_EQ(runners_.size(), 2u);
    runners_[1]->finish_stop();
}

TEST_F(SchedulerTest, AWaiterThatGivesUpLeavesAnIdleModel) {
    config_.keep_alive = 1min;
    make_scheduler();
    behaviours_["a:latest"].hold_load = true;
    const auto pending = start(request_for(make_model("a")));
    pending->cancel.emit(boost::asio::cancellation_type::terminal);
    settle();
    EXPECT_TRUE(pending->done && pending->failure);
    runners_[0]->finish_load();
    settle();
    EXPECT_THAT(loaded_names(), ElementsAre("a:latest"));
    time_.advance(1min);
    settle();
    EXPECT_THAT(loaded_names(), IsEmpty());
}

TEST_F(SchedulerTest, NamesTheBackendsThereAreWhenOneIsUnknown) {
    AcquireRequest request = request_for(make_model("a"));
    request.options.backend = "nonsense";
    try {
        acquire(std::move(request));
        FAIL() << "it was found";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::backend_not_found);
        EXPECT_THAT(error.hint(), HasSubstr("llama, echo"));
    }
}

TEST_F(SchedulerTest, RunsABackendWithoutAModel) {
    AcquireRequest request;
    request.name = "anything";
    request.options.backend = "echo";
    EXPECT_EQ(acquire(request)->plugin().name, "echo");
    request.options.backend = "llama";
    EXPECT_EQ(start(request)->code(), ErrorCode::invalid_argument);
}

TEST_F(SchedulerTest, RefusesAnOperationThatTheBackendDoesNotHave) {
    const auto lease = acquire(make_model("a"));
    try {
        run(lease->request("paint", "{}"));
        FAIL() << "it was taken";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::unsupported);
    }
}

TEST_F(SchedulerTest, StopEndsEverythingAndRefusesWhatComesAfter) {
    behaviours_["b:latest"].hold_load = true;
    auto lease = acquire(make_model("a"));
    const auto loading = start(request_for(make_model("b")));
    run(scheduler_->stop());
    EXPECT_EQ(loading->code(), ErrorCode::cancelled);
    EXPECT_EQ(start(request_for(make_model("c")))->code(), ErrorCode::cancelled);
    EXPECT_THAT(loaded_names(), IsEmpty());
    scheduler_.reset();
    lease.reset(); // a lease may be the last to go
}

} // namespace
} // namespace hearth::runtime
