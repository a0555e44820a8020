#include "runtime/memory/plan_json.hpp"

#include "tests/runtime/memory/known_models.hpp"
#include "tests/runtime/memory/pretended.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace hearth::tests {
namespace {

using namespace runtime::memory;

/// HEARTH_TEST_ACCEPT=1 writes the file anew, to be read before it is kept.
void expect_golden(const std::string& name, const std::string& text) {
    const std::string path = std::string(GOLDEN_FOLDER) + "/" + name;
    if (std::getenv("HEARTH_TEST_ACCEPT") != nullptr) {
        std::ofstream(path) << text;
    }
    std::stringstream kept;
    kept << std::ifstream(path).rdbuf();
    EXPECT_EQ(text, kept.str());
}

Machine machine_with_gpu() {
    Machine machine = with_gpu(pretended_machine(16, 10138, 38e9, 8), 6, 5600, 168e9);
    machine.accelerators[0].margin_bytes = 512 * mebibyte;
    machine.accelerators[0].fixed_bytes = 188 * mebibyte;
    return machine;
}

/// Plain figures, so that the file changes only when the form does.
Estimate plain_estimate(const registry::ModelShape& shape, const EstimateOptions& options,
                        const Placement& placement, const std::vector<std::string>& accelerators) {
    const std::uint64_t slots = shape.layers.size() + 1;
    const auto offloaded = static_cast<std::uint64_t>(placement.gpu_layers);
    Estimate estimate;
    estimate.devices.push_back({.id = "cpu"});
    for (const std::string& id : accelerators) {
        estimate.devices.push_back({.id = id});
    }
    const auto fill = [&](DeviceBytes& device, std::uint64_t layers) {
        device.weights = shape.weight_bytes() / slots * layers;
        device.kv = options.context * (options.kv_type == CacheType::f16 ? 4096 : 2176) * layers;
        device.compute = layers > 0 ? 100 * mebibyte : 0;
    };
    fill(estimate.devices.front(), slots - offloaded);
    fill(estimate.devices.back(), accelerators.empty() ? slots : offloaded);
    estimate.devices.front().mapped = estimate.devices.front().weights;
    estimate.devices.front().output = 4ull * shape.vocabulary;
    return estimate;
}

TEST(PlanJson, IsAsScriptsKnowIt) {
    const std::vector<Candidate> candidates{candidate_of(qwen3_8b, "Q8_0"), candidate_of(qwen3_8b, "Q4_K_M"),
                                            candidate_of(qwen3_8b, "Q4_0")};
    const Machine machine = machine_with_gpu();
    const Json json =
        plan_json(fit(candidates, {}, machine, plain_estimate), "hf.co/example/qwen3-8b", machine);
    expect_golden("plan.json", json.dump(1) + "\n");
}

TEST(PlanJson, HasNearestPlansAndAdviceWithoutAPick) {
    Wishes wishes;
    wishes.context = 32768;
    const Machine machine = pretended_machine(8, 6000, 30e9, 4);
    const Json json = plan_json(fit({candidate_of(qwen3_8b, "Q4_K_M")}, wishes, machine), "qwen3", machine);
    EXPECT_TRUE(json["pick"].is_null());
    EXPECT_TRUE(json["better"].is_null());
    ASSERT_FALSE(json["nearest"].empty());
    EXPECT_TRUE(json["nearest"][0]["fits"]);
    EXPECT_TRUE(json["advice"].is_string());
}

TEST(PlanJson, CountsInTheTotalWhatTheEngineAllocatesAndNothingElse) {
    const Machine machine = machine_with_gpu();
    const Json json = plan_json(fit({candidate_of(qwen3_8b, "Q4_K_M")}, {}, machine), "qwen3", machine);
    std::uint64_t total = 0;
    for (const Json& device : json["pick"]["memory"]["devices"]) {
        for (const char* part : {"weights", "kv", "state", "compute", "projector", "draft"}) {
            total += device[part].get<std::uint64_t>();
        }
    }
    EXPECT_EQ(json["pick"]["memory"]["total_bytes"], total);
}

TEST(PlanJson, SaysThatASpeedIsNotKnown) {
    const Machine machine = pretended_machine(16, 12000, 0, 4);
    const Json json = plan_json(fit({candidate_of(qwen3_8b, "Q4_K_M")}, {}, machine), "qwen3", machine);
    EXPECT_TRUE(json["pick"]["tokens_per_second"].is_null());
}

} // namespace
} // namespace hearth::tests
