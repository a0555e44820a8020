/// The runner that starts before it is needed, on fake ones.
#include "runtime/runner/spare_runner.hpp"

#include "base/error.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/runtime/fake_runtime.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>

#include <set>

namespace hearth::runtime {
namespace {

namespace asio = boost::asio;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// What is left of a fake process after its object has gone.
struct World {
    std::set<pid_t> alive;
    int started = 0;
};

/// Only starts and ends.
class IdleRunner final : public Runner {
  public:
    explicit IdleRunner(World& world) : world_(world), pid_(++world.started) { world_.alive.insert(pid_); }
    asio::awaitable<void> load(LoadSpec, std::vector<registry::OpenModelFile>,
                               std::function<void(std::string, double)>) override {
        throw no_model();
    }
    asio::awaitable<Json> estimate(LoadSpec, std::vector<registry::OpenModelFile>,
                                   std::vector<PretendedDevice>) override {
        throw no_model();
    }
    asio::awaitable<std::unique_ptr<RequestStream>> request(std::string, std::string) override {
        throw no_model();
    }
    asio::awaitable<Json> ask(std::string, std::vector<UniqueFd>) override { throw no_model(); }
    const Json& info() const override { throw no_model(); }
    pid_t pid() const override { return pid_; }
    bool alive() const override { return world_.alive.contains(pid_); }
    asio::awaitable<std::string> wait_exit() override { throw no_model(); }
    asio::awaitable<void> stop() override {
        world_.alive.erase(pid_);
        co_return;
    }

  private:
    static Error no_model() { return {ErrorCode::unsupported, "an idle runner answers nothing"}; }

    World& world_;
    pid_t pid_;
};

class SpareRunnerTest : public ::testing::Test {
  protected:
    SpareRunnerTest()
        : time_(io_.get_executor()), gate_(io_.get_executor()),
          spare_(
              io_.get_executor(), [this](PluginManifest) { return start(); },
              [this] { return time_.wait_until(time_.steady_now() + std::chrono::seconds(2)); }) {}
    void TearDown() override {
        for (const auto& taken : taken_) {
            run(taken->stop());
        }
        run(spare_.stop());
        EXPECT_THAT(world_.alive, IsEmpty()) << "every process that was started has ended";
    }

    asio::awaitable<std::unique_ptr<Runner>> start() {
        while (slow_) {
            co_await gate_.wait();
        }
        if (broken_) {
            throw Error(ErrorCode::backend_failed, "did not start");
        }
        co_return std::make_unique<IdleRunner>(world_);
    }
    void let_them_start() {
        slow_ = false;
        gate_.notify_all();
        settle();
    }
    void settle() {
        io_.restart();
        io_.poll();
    }
    void prepare(const PluginManifest& plugin) {
        spare_.prepare(plugin);
        settle();
    }
    void run(asio::awaitable<void> main) {
        bool done = false;
        asio::co_spawn(io_, std::move(main), [&](std::exception_ptr) { done = true; });
        settle();
        ASSERT_TRUE(done) << "the coroutine waits for ever";
    }

    struct Taking {
        std::exception_ptr failure;
        pid_t pid = 0; ///< 0: it waits
    };
    std::shared_ptr<Taking> begin_take(const PluginManifest& plugin) {
        auto taking = std::make_shared<Taking>();
        asio::co_spawn(io_, spare_.take(plugin),
                       [this, taking](std::exception_ptr failure, std::unique_ptr<Runner> runner) {
                           taking->failure = failure;
                           if (runner) {
                               taking->pid = runner->pid();
                               taken_.push_back(std::move(runner));
                           }
                       });
        settle();
        return taking;
    }
    pid_t take(const PluginManifest& plugin) { return begin_take(plugin)->pid; }

    World world_;
    asio::io_context io_{1};
    FakeTime time_;
    AsyncEvent gate_;
    bool slow_ = false;
    bool broken_ = false;
    std::vector<std::unique_ptr<Runner>> taken_;
    const PluginManifest llama_ = make_manifest("llama", {"gguf"});
    SpareRunner spare_;
};

TEST_F(SpareRunnerTest, GivesTheOneThatHasStarted) {
    prepare(llama_);
    EXPECT_THAT(world_.alive, ElementsAre(1));
    EXPECT_EQ(take(llama_), 1);
    EXPECT_EQ(world_.started, 1);
}

TEST_F(SpareRunnerTest, WaitsForTheOneThatStarts) {
    slow_ = true;
    prepare(llama_);
    const auto taking = begin_take(llama_);
    EXPECT_EQ(taking->pid, 0);
    let_them_start();
    EXPECT_EQ(taking->pid, 1);
    EXPECT_EQ(world_.started, 1);
}

TEST_F(SpareRunnerTest, StartsOneWhereNoneIsReady) {
    EXPECT_EQ(take(llama_), 1);
}

TEST_F(SpareRunnerTest, GivesNobodyTheRunnerOfAnother) {
    slow_ = true;
    prepare(llama_);
    const auto first = begin_take(llama_);
    const auto second = begin_take(llama_);
    let_them_start();
    EXPECT_NE(first->pid, second->pid);
    EXPECT_EQ(world_.started, 2);
}

TEST_F(SpareRunnerTest, GivesOnlyRunnersOfThePluginThatIsAskedFor) {
    PluginManifest other = make_manifest("other", {"gguf"});
    other.library = "/other.so";
    prepare(llama_);
    EXPECT_EQ(take(other), 2);
    EXPECT_EQ(take(llama_), 1);
}

TEST_F(SpareRunnerTest, GivesNobodyARunnerOnAVariantThatWasSetAside) {
    prepare(llama_);
    PluginManifest next = llama_;
    next.passed_over = 1;
    EXPECT_EQ(take(next), 2);
}

TEST_F(SpareRunnerTest, KeepsOneAtMost) {
    prepare(llama_);
    prepare(llama_);
    EXPECT_EQ(world_.started, 1);
}

TEST_F(SpareRunnerTest, IsReadyForTheNextAsSoonAsOneIsTaken) {
    prepare(llama_);
    take(llama_);
    prepare(llama_);
    EXPECT_EQ(world_.started, 2);
    EXPECT_EQ(take(llama_), 2);
}

TEST_F(SpareRunnerTest, EndsWhenNobodyTakesIt) {
    prepare(llama_);
    time_.advance(std::chrono::seconds(2));
    settle();
    EXPECT_THAT(world_.alive, IsEmpty());
    EXPECT_EQ(take(llama_), 2);
}

TEST_F(SpareRunnerTest, IsReplacedWhenItHasDied) {
    prepare(llama_);
    world_.alive.clear();
    EXPECT_EQ(take(llama_), 2);
}

TEST_F(SpareRunnerTest, TellsWhoWaitsWhyItDidNotStart) {
    slow_ = broken_ = true;
    prepare(llama_);
    const auto taking = begin_take(llama_);
    let_them_start();
    ASSERT_TRUE(taking->failure);
    testing::expect_error(ErrorCode::backend_failed, [&] { std::rethrow_exception(taking->failure); });
    broken_ = false;
    EXPECT_EQ(take(llama_), 1) << "a failure is not kept";
}

TEST_F(SpareRunnerTest, StopEndsIt) {
    prepare(llama_);
    run(spare_.stop());
    EXPECT_THAT(world_.alive, IsEmpty());
}

TEST_F(SpareRunnerTest, StopDoesNotWaitForAStart) {
    slow_ = true;
    prepare(llama_);
    run(spare_.stop());
    EXPECT_EQ(world_.started, 0);
}

} // namespace
} // namespace hearth::runtime
