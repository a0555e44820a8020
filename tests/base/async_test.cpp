#include "base/async/blocking.hpp"
#include "base/async/event.hpp"
#include "base/async/task_group.hpp"
#include "base/async/timeout.hpp"
#include "base/error.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>

namespace hearth {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using namespace std::chrono_literals;

class Async : public ::testing::Test {
  protected:
    /// Runs a coroutine to its end on the loop; an exception of it comes out here.
    void run(awaitable<void> main) {
        std::exception_ptr failure;
        bool done = false;
        asio::co_spawn(io_, std::move(main), [&](std::exception_ptr e) {
            failure = e;
            done = true;
        });
        io_.restart();
        io_.run();
        ASSERT_TRUE(done);
        if (failure) {
            std::rethrow_exception(failure);
        }
    }

    awaitable<void> wait_for_ever() {
        asio::steady_timer timer(io_, asio::steady_timer::time_point::max());
        co_await timer.async_wait(asio::use_awaitable);
    }
    awaitable<void> count_cancelled(int* cancelled) {
        try {
            co_await wait_for_ever();
        } catch (const boost::system::system_error&) {
            ++*cancelled;
            throw;
        }
    }
    awaitable<void> fail(std::string text) {
        co_await asio::post(io_, asio::use_awaitable);
        throw std::runtime_error(text);
    }

    asio::io_context io_{1};
};

using TaskGroupTest = Async;

TEST_F(TaskGroupTest, CancelsEveryTaskAndJoinsThem) {
    TaskGroup group(io_.get_executor());
    int cancelled = 0;
    group.spawn("first", count_cancelled(&cancelled));
    group.spawn("second", [this, &cancelled] { return count_cancelled(&cancelled); });
    auto body = [&]() -> awaitable<void> {
        co_await asio::post(io_, asio::use_awaitable);
        EXPECT_EQ(group.running(), 2u);
        group.cancel();
        co_await group.join();
        EXPECT_EQ(cancelled, 2);
        EXPECT_EQ(group.running(), 0u);
    };
    run(body());
}

TEST_F(TaskGroupTest, JoinsAtOnceWhenItIsEmpty) {
    TaskGroup group(io_.get_executor());
    run(group.join());
}

TEST_F(TaskGroupTest, CancelsWhatIsSpawnedAfterCancel) {
    TaskGroup group(io_.get_executor());
    group.cancel();
    bool went_on = false;
    auto late = [&]() -> awaitable<void> {
        co_await wait_for_ever();
        went_on = true;
    };
    group.spawn("late", late);
    run(group.join());
    EXPECT_FALSE(went_on);
}

TEST_F(TaskGroupTest, LogsAFailureUnderItsNameAndGoesOn) {
    TaskGroup group(io_.get_executor());
    bool other_ran = false;
    auto other = [&]() -> awaitable<void> {
        co_await asio::post(io_, asio::use_awaitable);
        other_ran = true;
    };
    group.spawn("idle-unload", fail("the disk is gone"));
    group.spawn("other", other);
    ::testing::internal::CaptureStderr();
    run(group.join());
    const std::string log = ::testing::internal::GetCapturedStderr();
    EXPECT_NE(log.find("idle-unload: the disk is gone"), std::string::npos) << log;
    EXPECT_TRUE(other_ran);
}

TEST_F(TaskGroupTest, DoesNotLogACancellation) {
    TaskGroup group(io_.get_executor());
    group.spawn("quiet", wait_for_ever());
    group.cancel();
    ::testing::internal::CaptureStderr();
    run(group.join());
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST_F(TaskGroupTest, KeepsTheCallableAliveWithItsCoroutine) {
    TaskGroup group(io_.get_executor());
    std::string seen;
    {
        auto text = std::make_unique<std::string>("captured text that is too long for the small buffer");
        auto task = [this, &seen, text = std::shared_ptr<std::string>(std::move(text))]() -> awaitable<void> {
            co_await asio::post(io_, asio::use_awaitable);
            seen = *text;
        };
        group.spawn("capture", std::move(task));
    }
    run(group.join());
    EXPECT_EQ(seen, "captured text that is too long for the small buffer");
}

TEST_F(TaskGroupTest, LetsATaskSpawnAnotherAndJoinsBoth) {
    TaskGroup group(io_.get_executor());
    bool inner_ran = false;
    auto inner = [&]() -> awaitable<void> {
        co_await asio::post(io_, asio::use_awaitable);
        inner_ran = true;
    };
    auto outer = [&]() -> awaitable<void> {
        co_await asio::post(io_, asio::use_awaitable);
        group.spawn("inner", inner);
    };
    group.spawn("outer", outer);
    run(group.join());
    EXPECT_TRUE(inner_ran);
}

class Blocking : public Async {
  protected:
    ~Blocking() override { pool_.join(); }
    BlockingPool pool_{2};
};

TEST_F(Blocking, RunsElsewhereAndResumesOnTheCallersExecutor) {
    auto body = [&]() -> awaitable<void> {
        const auto here = std::this_thread::get_id();
        auto work = [] { return std::this_thread::get_id(); };
        const auto there = co_await run_blocking(pool_, std::move(work));
        EXPECT_NE(there, here);
        EXPECT_EQ(std::this_thread::get_id(), here);
    };
    run(body());
}

TEST_F(Blocking, CarriesMoveOnlyResultsAndVoid) {
    auto body = [&]() -> awaitable<void> {
        auto make = [seed = std::make_unique<int>(7)]() mutable { return std::move(seed); };
        const std::unique_ptr<int> value = co_await run_blocking(pool_, std::move(make));
        EXPECT_EQ(*value, 7);
        std::atomic<bool> ran = false;
        auto nothing = [&ran] { ran = true; };
        co_await run_blocking(pool_, nothing);
        EXPECT_TRUE(ran);
    };
    run(body());
}

TEST_F(Blocking, CarriesExceptions) {
    auto body = [&]() -> awaitable<void> {
        auto work = []() -> int { throw Error(ErrorCode::disk_full, "no space"); };
        co_await run_blocking(pool_, work);
    };
    try {
        run(body());
        ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::disk_full);
    }
}

TEST_F(Blocking, MakesACancelledCallerWaitForTheWork) {
    TaskGroup group(io_.get_executor());
    std::latch started(1);
    std::latch may_finish(1);
    bool got_result = false;
    bool went_on = false;
    auto work = [&] {
        started.count_down();
        may_finish.wait();
        return 5;
    };
    auto caller = [&]() -> awaitable<void> {
        got_result = co_await run_blocking(pool_, work) == 5;
        co_await wait_for_ever();
        went_on = true;
    };
    group.spawn("caller", caller);
    auto body = [&]() -> awaitable<void> {
        co_await asio::post(io_, asio::use_awaitable);
        started.wait();
        group.cancel();
        co_await asio::post(io_, asio::use_awaitable);
        EXPECT_EQ(group.running(), 1u);
        may_finish.count_down();
        co_await group.join();
    };
    run(body());
    EXPECT_TRUE(got_result);
    EXPECT_FALSE(went_on);
}

using Timeout = Async;

TEST_F(Timeout, LetsWorkFinishInTime) {
    bool ran = false;
    auto work = [&]() -> awaitable<void> {
        co_await asio::post(io_, asio::use_awaitable);
        ran = true;
    };
    run(with_timeout(1h, "it", work()));
    EXPECT_TRUE(ran);
}

TEST_F(Timeout, CancelsWorkThatIsLateAndWaitsForIt) {
    int cancelled = 0;
    try {
        run(with_timeout(1ms, "loading", count_cancelled(&cancelled)));
        ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::timeout);
        EXPECT_STREQ(error.what(), "loading took longer than 0.001 s");
    }
    EXPECT_EQ(cancelled, 1);
}

TEST_F(Timeout, CarriesAFailureAtOnce) {
    EXPECT_THROW(run(with_timeout(1h, "it", fail("broken"))), std::runtime_error);
}

TEST_F(Timeout, IsCancelledTogetherWithItsCaller) {
    TaskGroup group(io_.get_executor());
    int cancelled = 0;
    group.spawn("guarded", with_timeout(1h, "it", count_cancelled(&cancelled)));
    auto body = [&]() -> awaitable<void> {
        co_await asio::post(io_, asio::use_awaitable);
        group.cancel();
        co_await group.join();
    };
    run(body());
    EXPECT_EQ(cancelled, 1);
}

TEST_F(Timeout, SleepingIsCancellable) {
    EXPECT_THROW(run(with_timeout(1ms, "sleep", sleep_for(1h))), Error);
    run(sleep_for(1us));
}

using AsyncEventTest = Async;

TEST_F(AsyncEventTest, WakesEveryCurrentWaiterOnce) {
    AsyncEvent event(io_.get_executor());
    TaskGroup group(io_.get_executor());
    int woken = 0;
    auto waiter = [&]() -> awaitable<void> {
        co_await event.wait();
        ++woken;
        co_await event.wait();
        ++woken;
    };
    group.spawn("one", waiter);
    group.spawn("two", waiter);
    auto body = [&]() -> awaitable<void> {
        co_await asio::post(io_, asio::use_awaitable);
        event.notify_all();
        co_await asio::post(io_, asio::use_awaitable);
        co_await asio::post(io_, asio::use_awaitable);
        EXPECT_EQ(woken, 2);
        event.notify_all();
        co_await group.join();
        EXPECT_EQ(woken, 4);
    };
    run(body());
}

TEST_F(AsyncEventTest, ThrowsForACancelledWaiterAloneAndKeepsTheOthers) {
    AsyncEvent event(io_.get_executor());
    TaskGroup doomed(io_.get_executor());
    TaskGroup kept(io_.get_executor());
    int woken = 0;
    auto waiter = [&]() -> awaitable<void> {
        co_await event.wait();
        ++woken;
    };
    doomed.spawn("doomed", waiter);
    kept.spawn("kept", waiter);
    auto body = [&]() -> awaitable<void> {
        co_await asio::post(io_, asio::use_awaitable);
        doomed.cancel();
        co_await doomed.join();
        EXPECT_EQ(kept.running(), 1u);
        event.notify_all();
        co_await kept.join();
        EXPECT_EQ(woken, 1);
    };
    run(body());
}

TEST_F(AsyncEventTest, LetsItsWaitersGoWhenItDies) {
    auto event = std::make_unique<AsyncEvent>(io_.get_executor());
    TaskGroup group(io_.get_executor());
    bool woken = false;
    auto waiter = [&]() -> awaitable<void> {
        co_await event->wait();
        woken = true;
    };
    group.spawn("waiter", waiter);
    auto body = [&]() -> awaitable<void> {
        co_await asio::post(io_, asio::use_awaitable);
        event.reset();
        co_await group.join();
    };
    run(body());
    EXPECT_TRUE(woken);
}

} // namespace
} // namespace hearth
