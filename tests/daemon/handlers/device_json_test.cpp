#include "daemon/handlers/device_json.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace hearth::daemon {
namespace {

namespace memory = runtime::memory;

memory::MachineReport report() {
    memory::MachineReport report;
    report.memory.total_bytes = 1000;
    report.memory.limits = {
        {.name = "cgroup", .detail = "/ memory.max", .limit_bytes = 800, .free_bytes = 500, .shared = true},
        {.name = "available",
         .detail = "MemAvailable",
         .limit_bytes = 1000,
         .free_bytes = 900,
         .shared = true}};
    report.machine.host.id = "cpu";
    report.machine.host.free_bytes = 500;
    report.machine.host.margin_bytes = 100;
    report.machine.host.bandwidth = 5;
    report.machine.host.throughput = {{"Q4_K", 3}};
    memory::Device gpu;
    gpu.id = "cuda0";
    gpu.kind = memory::DeviceKind::gpu;
    gpu.bandwidth_assumed = true;
    report.machine.accelerators.push_back(gpu);
    memory::BackendDevice seen;
    seen.backend = "llama";
    seen.id = "cuda0";
    seen.memory_source = "nvml";
    report.seen.push_back(seen);
    report.measured_at = "2026-01-01T00:00:00Z";
    return report;
}

TEST(DevicesJson, SaysWhichLimitRulesTheHost) {
    const Json answer = devices_json(report());
    const Json& host = answer["devices"][0];
    EXPECT_EQ(host["id"], "cpu");
    EXPECT_EQ(host["limited_by"]["name"], "cgroup");
    EXPECT_EQ(host["limited_by"]["detail"], "/ memory.max");
    EXPECT_EQ(host["limits"].size(), 2u);
    EXPECT_EQ(host["budget_bytes"], 400);
    EXPECT_EQ(host["bandwidth_source"], "measured");
    EXPECT_EQ(host["throughput"]["Q4_K"], 3);
    EXPECT_EQ(answer["measured_at"], "2026-01-01T00:00:00Z");
}

TEST(DevicesJson, SaysWhoSeesAnAcceleratorAndWhoCountedItsMemory) {
    const Json answer = devices_json(report());
    const Json& gpu = answer["devices"][1];
    EXPECT_EQ(gpu["kind"], "gpu");
    EXPECT_EQ(gpu["backends"], Json::array({"llama"}));
    EXPECT_EQ(gpu["memory_source"], "nvml");
    EXPECT_EQ(gpu["bandwidth_source"], "assumed");
    EXPECT_FALSE(gpu.contains("limited_by"));
}

TEST(DevicesJson, HasNoTimeOfMeasurementBeforeThereWasOne) {
    memory::MachineReport fresh = report();
    fresh.measured_at.clear();
    EXPECT_FALSE(devices_json(fresh).contains("measured_at"));
}

} // namespace
} // namespace hearth::daemon
