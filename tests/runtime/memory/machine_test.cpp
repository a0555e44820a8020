#include "runtime/memory/machine.hpp"
#include "runtime/memory/pretend.hpp"
#include "tests/base/expect_error.hpp"

#include <gtest/gtest.h>

namespace hearth::runtime::memory {
namespace {

using testing::expect_error;

constexpr std::uint64_t mebibyte = 1u << 20;
constexpr std::uint64_t gibibyte = 1024 * mebibyte;

HostMemory host_memory(std::uint64_t total = 16 * gibibyte, std::uint64_t available = 10 * gibibyte) {
    HostMemory memory;
    memory.total_bytes = total;
    memory.limits.push_back(
        {.name = "available", .detail = "", .limit_bytes = total, .free_bytes = available, .shared = true});
    return memory;
}

BackendDevice gpu(const std::string& id, std::uint64_t total, std::uint64_t free) {
    BackendDevice device;
    device.id = id;
    device.kind = DeviceKind::gpu;
    device.total_bytes = total;
    device.free_bytes = free;
    return device;
}

Machine make(const std::vector<BackendDevice>& devices, const Margins& margins = {},
             const Speeds& speeds = {}, const HostMemory& memory = host_memory()) {
    const HostFacts facts{.model = "Some CPU", .cores = 4, .display = true};
    return make_machine(memory, facts, devices, margins, speeds);
}

TEST(MakeMachine, TakesTheHostsMemoryFromTheKernelNotFromAnEngine) {
    BackendDevice cpu;
    cpu.id = "cpu";
    cpu.total_bytes = cpu.free_bytes = 999 * gibibyte;
    const Machine machine = make({cpu});
    EXPECT_TRUE(machine.accelerators.empty());
    EXPECT_EQ(machine.host.id, "cpu");
    EXPECT_EQ(machine.host.description, "Some CPU");
    EXPECT_EQ(machine.host.total_bytes, 16 * gibibyte);
    EXPECT_EQ(machine.host.free_bytes, 10 * gibibyte);
    EXPECT_EQ(machine.host.margin_bytes, 16 * gibibyte / 100 * 10);
    EXPECT_EQ(machine.host.budget_bytes(), 10 * gibibyte - machine.host.margin_bytes - 64 * mebibyte);
}

TEST(MakeMachine, LeavesOutTheMarginBelowTheUsersOwnCap) {
    HostMemory memory = host_memory();
    add_ram_limit(memory, 2 * gibibyte, 0);
    const Machine machine = make({}, {}, {}, memory);
    EXPECT_EQ(machine.host.free_bytes, 2 * gibibyte);
    EXPECT_EQ(machine.host.margin_bytes, 0u);
}

TEST(MakeMachine, ObeysConfiguredMargins) {
    const Machine machine = make({gpu("cuda0", 8 * gibibyte, 7 * gibibyte)},
                                 {.host_bytes = 3 * gibibyte, .gpu_bytes = 2 * gibibyte});
    EXPECT_EQ(machine.host.margin_bytes, 3 * gibibyte);
    EXPECT_EQ(machine.accelerators.at(0).margin_bytes, 2 * gibibyte);
    EXPECT_EQ(machine.accelerators.at(0).budget_bytes(), 5 * gibibyte - 350 * mebibyte);
}

TEST(MakeMachine, ClampsWhatADriverGetsWrong) {
    const std::uint64_t wrapped = 0 - 5 * gibibyte; // budget − usage below zero
    const Machine machine = make({gpu("vulkan0", 8 * gibibyte, wrapped), gpu("cuda0", 0, 0)});
    ASSERT_EQ(machine.accelerators.size(), 1u) << "a device without memory is none";
    EXPECT_EQ(machine.accelerators[0].free_bytes, 8 * gibibyte);
}

TEST(MakeMachine, CountsUnifiedMemoryAsTheHosts) {
    BackendDevice apu = gpu("vulkan0", 64 * gibibyte, 60 * gibibyte);
    apu.unified = true;
    const Machine machine = make({apu});
    EXPECT_TRUE(machine.accelerators.at(0).unified);
    EXPECT_EQ(machine.accelerators[0].total_bytes, 16 * gibibyte);
    EXPECT_EQ(machine.accelerators[0].free_bytes, 10 * gibibyte);
    EXPECT_EQ(machine.accelerators[0].margin_bytes, machine.host.margin_bytes);
    EXPECT_EQ(machine.accelerators[0].bandwidth, machine.host.bandwidth);
}

TEST(MakeMachine, TakesTheHostsPoolWhereTheDriverDoesNotCount) {
    BackendDevice unsaid = gpu("cuda0", 0, 0);
    unsaid.unified = true;
    EXPECT_EQ(make({unsaid}).accelerators.at(0).free_bytes, 10 * gibibyte);
}

TEST(MakeMachine, PutsTheFastestFirstAndEachDeviceOnce) {
    const Speeds speeds{{"cuda0", {.bandwidth = 300e9, .throughput = {}}},
                        {"cuda1", {.bandwidth = 900e9, .throughput = {{"Q4_K", 700e9}}}}};
    const Machine machine = make({gpu("cuda0", gibibyte, gibibyte), gpu("cuda1", gibibyte, gibibyte),
                                  gpu("cuda0", gibibyte, gibibyte)},
                                 {}, speeds);
    ASSERT_EQ(machine.accelerators.size(), 2u);
    EXPECT_EQ(machine.accelerators[0].id, "cuda1");
    EXPECT_EQ(machine.accelerators[0].throughput.at("Q4_K"), 700e9);
    EXPECT_FALSE(machine.accelerators[0].bandwidth_assumed);
    EXPECT_TRUE(machine.host.bandwidth_assumed);
    EXPECT_EQ(machine.host.bandwidth, assumed_host_bandwidth);
}

TEST(Pretend, LeavesTheRealMachineAloneWhenNothingIsAsked) {
    const Machine machine = pretend(make({gpu("cuda0", gibibyte, gibibyte)}), {});
    EXPECT_EQ(machine.accelerators.size(), 1u);
    EXPECT_FALSE(machine.host.pretended);
}

TEST(Pretend, MakesAnotherHostWithoutTheGpusOfThisOne) {
    const Speeds speeds{{"cpu", {.bandwidth = 30e9, .throughput = {{"Q8_0", 25e9}}}}};
    const Machine real = make({gpu("cuda0", gibibyte, gibibyte)}, {}, speeds);
    const Machine machine = pretend(real, {.ram = "8GiB", .gpus = {}});
    EXPECT_TRUE(machine.accelerators.empty());
    EXPECT_TRUE(machine.host.pretended);
    EXPECT_EQ(machine.host.free_bytes, 8 * gibibyte);
    EXPECT_EQ(machine.host.margin_bytes, gibibyte);
    EXPECT_EQ(machine.host.bandwidth, 30e9) << "this CPU's";
    const Machine slower = pretend(real, {.ram = "8GiB:10GB/s", .gpus = {}});
    EXPECT_EQ(slower.host.bandwidth, 10e9);
    EXPECT_TRUE(slower.host.throughput.empty());
}

TEST(Pretend, TakesSeveralGpusFastestFirst) {
    const Machine machine = pretend(make({}), {.ram = std::nullopt, .gpus = {"6GiB:168GB/s", "24GiB"}});
    EXPECT_FALSE(machine.host.pretended);
    ASSERT_EQ(machine.accelerators.size(), 2u);
    EXPECT_EQ(machine.accelerators[0].id, "gpu0");
    EXPECT_EQ(machine.accelerators[0].total_bytes, 24 * gibibyte);
    EXPECT_TRUE(machine.accelerators[0].bandwidth_assumed);
    EXPECT_EQ(machine.accelerators[0].bandwidth, assumed_gpu_bandwidth);
    EXPECT_EQ(machine.accelerators[1].id, "gpu1");
    EXPECT_EQ(machine.accelerators[1].bandwidth, 168e9);
    EXPECT_EQ(machine.accelerators[1].margin_bytes, 768 * mebibyte);
    EXPECT_TRUE(machine.accelerators[1].pretended);
}

TEST(Pretend, RefusesWhatIsNoMachine) {
    const Machine real = make({});
    for (const char* text : {"", "much", "6GiB:", "6GiB:fast", "0", "6GiB:0", "-1GiB", "6GiB:168GB/s:2"}) {
        expect_error(ErrorCode::usage, [&] { pretend(real, {.ram = std::nullopt, .gpus = {text}}); });
        expect_error(ErrorCode::usage, [&] { pretend(real, {.ram = text, .gpus = {}}); });
    }
    const std::vector<std::string> many(17, "1GiB");
    expect_error(ErrorCode::usage, [&] { pretend(real, {.ram = std::nullopt, .gpus = many}); });
}

} // namespace
} // namespace hearth::runtime::memory
