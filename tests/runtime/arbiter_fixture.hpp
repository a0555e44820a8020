#pragma once

#include "runtime/scheduler/arbiter.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace hearth::runtime {

/// A machine with one device, "cpu", of 100 bytes, where loads and unloads take no time unless a test holds them.
class ArbiterFixture : public ::testing::Test {
  protected:
    using Seconds = std::chrono::duration<double>;

    void use(SwitchRule rule) {
        ArbiterSettings settings;
        settings.rule = rule;
        arbiter_ = Arbiter(settings);
    }
    void model(const std::string& name, std::uint64_t bytes,
               std::chrono::nanoseconds reload = std::chrono::seconds(5)) {
        needs_[name] = {.bytes = {{"cpu", bytes}}, .reload = reload};
    }
    /// @return the request's number
    RequestId ask(const std::string& name) {
        ArbiterRequest request;
        request.id = ++last_request_;
        request.model = name;
        arbiter_.requested(request, now_);
        settle();
        return request.id;
    }
    void end(RequestId request) {
        arbiter_.ended(request, now_);
        granted_.erase(request);
        settle();
    }
    /// A whole request, at this moment.
    void use_once(const std::string& name) { end(ask(name)); }
    void advance(std::chrono::nanoseconds by) {
        now_ += by;
        settle();
    }
    bool has(RequestId request) const { return granted_.contains(request); }
    std::string place(RequestId request) const {
        const auto place = arbiter_.place(request, now_);
        return place ? std::to_string(place->ahead) + " " + place->reason : "granted";
    }

    void finish_load(const std::string& name) {
        held_loads_.erase(name);
        if (loading_.erase(name) == 1) {
            in_memory_[name] = needs_[name].bytes.at("cpu");
            arbiter_.loaded(name, needs_[name].bytes, needs_[name].reload, now_);
        }
        settle();
    }
    void finish_unload(const std::string& name) {
        held_unloads_.erase(name);
        in_memory_.erase(name);
        loading_.erase(name);
        arbiter_.gone(name, now_);
        settle();
    }
    std::set<std::string> loaded() const {
        std::set<std::string> names;
        for (const auto& [name, bytes] : in_memory_) {
            names.insert(name);
        }
        return names;
    }

    /// Carries decisions out until there are none.
    void settle() {
        bool again = true;
        while (again) {
            again = false;
            for (const Decision& decision : arbiter_.decide(budget(), now_)) {
                carry_out(decision);
                again = true;
            }
        }
    }
    void carry_out(const Decision& decision) {
        switch (decision.kind) {
        case Decision::Kind::plan:
            ++plans_;
            if (!held_plans_.contains(decision.model)) {
                arbiter_.planned(decision.model, needs_.at(decision.model), now_);
            }
            return;
        case Decision::Kind::load:
            log_.push_back("load " + decision.model);
            loading_.insert(decision.model);
            EXPECT_LE(reserved(), total_) << "more is reserved than there is, with " << decision.model;
            if (!held_loads_.contains(decision.model)) {
                finish_load(decision.model);
            }
            return;
        case Decision::Kind::unload:
            log_.push_back("unload " + decision.model + ": " + decision.reason);
            if (!held_unloads_.contains(decision.model)) {
                finish_unload(decision.model);
            }
            return;
        case Decision::Kind::grant:
            granted_.insert(decision.request);
            return;
        }
    }
    std::uint64_t reserved() const {
        std::uint64_t sum = elsewhere_;
        for (const auto& [name, bytes] : in_memory_) {
            sum += bytes;
        }
        for (const std::string& name : loading_) {
            sum += needs_.at(name).bytes.at("cpu");
        }
        return sum;
    }
    Budget budget() const {
        std::uint64_t used = elsewhere_;
        for (const auto& [name, bytes] : in_memory_) {
            used += bytes;
        }
        Budget budget;
        budget.free = {{"cpu", total_ - std::min(total_, used)}};
        if (limit_) {
            budget.limit = {{"cpu", *limit_}};
        }
        return budget;
    }

    Arbiter arbiter_{ArbiterSettings()};
    ArbiterTime now_{std::chrono::hours(1)};
    std::uint64_t total_ = 100;
    std::uint64_t elsewhere_ = 0; ///< held by other programs
    std::optional<std::uint64_t> limit_;
    std::map<std::string, ModelNeed> needs_;
    std::map<std::string, std::uint64_t> in_memory_;
    std::set<std::string> loading_;
    std::set<std::string> held_plans_;
    std::set<std::string> held_loads_;
    std::set<std::string> held_unloads_;
    std::set<RequestId> granted_;
    std::vector<std::string> log_; ///< loads and unloads
    int plans_ = 0;
    RequestId last_request_ = 0;
};

} // namespace hearth::runtime
