#include "runtime/scheduler/arbiter.hpp"
#include "tests/simulator/dice.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

/// The arbiter among events in any order that a driver may send: what it decides keeps the contract, and who waits is
/// served in the end.
namespace hearth::runtime {
namespace {

using namespace std::chrono_literals;
using simulator::Dice;
using Kind = Decision::Kind;

constexpr std::uint64_t limit_bytes = 1000;
constexpr int model_count = 10;
constexpr int never_fits = model_count - 1; ///< index of the model that is larger than the machine

/// A driver without engines: it keeps its own account of everything and compares each decision with it.
class RandomDriver {
  public:
    RandomDriver(SwitchRule rule, std::uint64_t seed) : dice_(seed), arbiter_(settings(rule)) {
        for (int index = 0; index < model_count; ++index) {
            const auto size = static_cast<std::uint64_t>(index == never_fits ? 1200 : dice_.whole(20, 700));
            Model model{.need = {.bytes = {{"cpu", size}}, .reload = std::chrono::milliseconds(10 * size)}};
            if (dice_.chance(0.3))
                model.need.bytes["gpu0"] = static_cast<std::uint64_t>(dice_.whole(1, 500));
            models_.emplace(fmt::format("model{}", index), std::move(model));
        }
    }

    void step() {
        now_ += std::chrono::milliseconds(dice_.whole(0, 400));
        const double what = dice_.fraction();
        if (what < 0.30)
            ask();
        else if (what < 0.50)
            end_one(running_);
        else if (what < 0.52)
            end_one(waiting_); // whoever waited has left
        else if (what < 0.90)
            finish_something();
        else if (what < 0.93)
            arbiter_.keep(any_model(), std::chrono::seconds(dice_.whole(-1, 20)), now_);
        else if (what < 0.95)
            send_away();
        else if (what < 0.97)
            lose_a_runner();
        else
            foreign_ = dice_.chance(0.5) ? 0 : static_cast<std::uint64_t>(dice_.whole(0, 400));
        decide();
    }

    /// Nobody new comes, everything under way is finished. @return who still waits then
    std::size_t settle() {
        foreign_ = 0;
        for (int round = 0; round < 10'000 && (!waiting_.empty() || !running_.empty()); ++round) {
            while (!running_.empty())
                end_one(running_);
            while (finish_something()) {
            }
            now_ = std::max(now_ + 1ms, arbiter_.next_wake().value_or(now_));
            decide();
        }
        return waiting_.size();
    }

    std::size_t grants() const { return grants_; }

  private:
    enum class State { absent, planning, planned, loading, loaded, unloading };
    struct Model {
        ModelNeed need;
        State state = State::absent;
        bool leaving = false;   ///< told to go: takes nobody new
        bool dismissed = false; ///< goes although it is in use
        bool unseen = false;    ///< reserved, and the system's numbers do not show it yet

        bool taken() const {
            return state == State::loading || state == State::loaded || state == State::unloading;
        }
    };
    using Requests = std::map<RequestId, std::string>;

    static ArbiterSettings settings(SwitchRule rule) {
        ArbiterSettings settings;
        settings.rule = rule;
        return settings;
    }

    std::string any_model() { return fmt::format("model{}", dice_.whole(0, model_count - 1)); }

    void ask() {
        const RequestId id = ++last_request_;
        const std::string model = any_model();
        waiting_.emplace(id, model);
        arbiter_.requested({.id = id, .model = model, .priority = dice_.chance(0.2) ? 0.5 : 1}, now_);
    }

    void end_one(Requests& requests) {
        if (requests.empty())
            return;
        const auto chosen =
            std::next(requests.begin(), dice_.whole(0, static_cast<int>(requests.size()) - 1));
        arbiter_.ended(chosen->first, now_);
        requests.erase(chosen);
    }

    void end_all_of(Requests& requests, const std::string& model) {
        std::erase_if(requests, [&](const auto& request) {
            if (request.second == model)
                arbiter_.ended(request.first, now_);
            return request.second == model;
        });
    }

    /// The plan, load or unload of one model is done. @return false: none was under way
    bool finish_something() {
        std::vector<std::string> pending;
        for (const auto& [name, model] : models_)
            if (model.state == State::planning || model.state == State::loading ||
                model.state == State::unloading)
                pending.push_back(name);
        if (pending.empty())
            return false;
        const std::string name =
            pending[static_cast<std::size_t>(dice_.whole(0, static_cast<int>(pending.size()) - 1))];
        Model& model = models_.at(name);
        if (model.state == State::planning)
            finish_plan(name, model);
        else if (model.state == State::loading)
            finish_load(name, model);
        else
            forget(name, model);
        return true;
    }

    void finish_plan(const std::string& name, Model& model) {
        if (model.need.bytes.at("cpu") > limit_bytes) { // the driver refuses it
            end_all_of(waiting_, name);
            return forget(name, model);
        }
        model.state = State::planned;
        arbiter_.planned(name, model.need, now_);
    }

    void finish_load(const std::string& name, Model& model) {
        if (dice_.chance(0.1)) { // it failed, and those who waited for it were told
            end_all_of(waiting_, name);
            return forget(name, model);
        }
        model.state = State::loaded;
        model.unseen = false;
        arbiter_.loaded(name, model.need.bytes, model.need.reload, now_);
    }

    void forget(const std::string& name, Model& model) {
        end_all_of(running_, name);
        model.state = State::absent;
        model.leaving = model.dismissed = model.unseen = false;
        arbiter_.gone(name, now_);
    }

    void send_away() {
        const std::string name = any_model();
        Model& model = models_.at(name);
        const bool at_once = dice_.chance(0.5);
        if (model.state == State::loaded || model.state == State::loading) {
            model.leaving = true;
            model.dismissed = model.dismissed || at_once;
        }
        if (at_once)
            arbiter_.dismiss(name, "asked to");
        else
            arbiter_.retire(name, "asked to");
    }

    void lose_a_runner() {
        const std::string name = any_model();
        if (Model& model = models_.at(name); model.state == State::loaded)
            forget(name, model);
    }

    void decide() {
        const Budget read = budget();
        for (const Decision& decision : arbiter_.decide(read, now_))
            check(decision, read);
        EXPECT_TRUE(arbiter_.decide(read, now_).empty()) << "decisions are noted as done";
        EXPECT_GT(arbiter_.next_wake().value_or(ArbiterTime::max()), now_);
        for (const auto& [device, bytes] : bytes_where([](const Model& model) { return model.taken(); }))
            EXPECT_LE(bytes, limit_bytes) << device;
    }

    void check(const Decision& decision, const Budget& read) {
        const auto found = models_.find(decision.model);
        ASSERT_NE(found, models_.end()) << decision.model;
        Model& model = found->second;
        SCOPED_TRACE(fmt::format("{} at state {}", decision.model, static_cast<int>(model.state)));
        switch (decision.kind) {
        case Kind::plan:
            EXPECT_TRUE(model.state == State::absent || model.state == State::planned);
            model.state = State::planning;
            break;
        case Kind::load:
            check_load(model, read);
            break;
        case Kind::unload:
            EXPECT_TRUE(model.state == State::loaded || (model.state == State::loading && model.dismissed));
            EXPECT_TRUE(model.dismissed || !in_use(decision.model));
            model.state = State::unloading;
            break;
        case Kind::grant:
            EXPECT_EQ(model.state, State::loaded);
            EXPECT_FALSE(model.leaving);
            ASSERT_TRUE(waiting_.contains(decision.request));
            EXPECT_EQ(waiting_.at(decision.request), decision.model);
            running_.insert(waiting_.extract(decision.request));
            ++grants_;
            break;
        }
    }

    void check_load(Model& model, const Budget& read) {
        EXPECT_EQ(model.state, State::planned);
        DeviceBytes unseen = bytes_where([](const Model& one) { return one.unseen; });
        for (const auto& [device, bytes] : model.need.bytes)
            EXPECT_LE(bytes + unseen[device], read.free.at(device)) << device;
        model.state = State::loading;
        model.unseen = true;
    }

    bool in_use(const std::string& model) const {
        return std::ranges::any_of(running_, [&](const auto& request) { return request.second == model; });
    }

    DeviceBytes bytes_where(bool (*counts)(const Model&)) const {
        DeviceBytes sum;
        for (const auto& [name, model] : models_)
            if (counts(model))
                for (const auto& [device, bytes] : model.need.bytes)
                    sum[device] += bytes;
        return sum;
    }

    Budget budget() const {
        Budget budget{.free = {{"cpu", limit_bytes - foreign_}, {"gpu0", limit_bytes}},
                      .limit = {{"cpu", limit_bytes}, {"gpu0", limit_bytes}}};
        const DeviceBytes seen =
            bytes_where([](const Model& model) { return model.taken() && !model.unseen; });
        for (const auto& [device, bytes] : seen)
            budget.free[device] -= std::min(bytes, budget.free[device]);
        return budget;
    }

    Dice dice_;
    Arbiter arbiter_;
    ArbiterTime now_{1h};
    std::map<std::string, Model> models_;
    Requests waiting_;
    Requests running_;
    RequestId last_request_ = 0;
    std::uint64_t foreign_ = 0; ///< bytes that other programs have
    std::size_t grants_ = 0;
};

class RandomEvents : public ::testing::TestWithParam<std::tuple<SwitchRule, std::uint64_t>> {};

TEST_P(RandomEvents, KeepTheContractAndServeEveryoneInTheEnd) {
    const auto [rule, seed] = GetParam();
    RandomDriver driver(rule, seed);
    for (int step = 0; step < 10'000 && !HasFailure(); ++step)
        driver.step();
    EXPECT_EQ(driver.settle(), 0u);
    EXPECT_GT(driver.grants(), 500u);
}

INSTANTIATE_TEST_SUITE_P(Rules, RandomEvents,
                         ::testing::Combine(::testing::Values(SwitchRule::cost, SwitchRule::lru,
                                                              SwitchRule::ollama),
                                            ::testing::Values(1, 2, 4, 106)));

} // namespace
} // namespace hearth::runtime
