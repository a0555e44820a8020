#include "runtime/memory/available.hpp"
#include "tests/runtime/memory/fake_root.hpp"

#include <gtest/gtest.h>

#include <sched.h>

namespace hearth::runtime::memory {
namespace {

constexpr std::uint64_t kibibyte = 1024;
constexpr std::uint64_t mebibyte = 1024 * kibibyte;
constexpr std::uint64_t gibibyte = 1024 * mebibyte;

/// A machine of 16 GiB with 10 GiB available.
class HostMemoryTest : public ::testing::Test {
  protected:
    HostMemoryTest() { root_.write_meminfo(16 << 20, 10 << 20, "SwapTotal: 2048 kB\nSwapFree: 1024 kB\n"); }

    HostMemory read() { return read_host_memory(root_.path()); }
    std::string ruling() {
        const HostMemory memory = read();
        const MemoryLimit* limit = memory.ruling();
        return limit == nullptr ? "" : limit->name + ": " + limit->detail;
    }
    /// We are in /user.slice/app of a version 2 tree.
    void mount_version_2() {
        root_.write("proc/self/mountinfo",
                    "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n");
        root_.write("proc/self/cgroup", "0::/user.slice/app\n");
    }
    void write_group(const std::string& group, const std::string& file, const std::string& text) {
        root_.write("sys/fs/cgroup/" + group + "/" + file, text + "\n");
    }
    /// We are in /job of a version 1 tree.
    void mount_version_1() {
        root_.write("proc/self/mountinfo", "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
                                           "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
        root_.write("proc/self/cgroup", "9:name=systemd:/job\n4:memory:/job\n0::/\n");
    }

    testing::FakeRoot root_;
};

TEST_F(HostMemoryTest, IsWhatTheKernelCallsAvailable) {
    const HostMemory memory = read();
    EXPECT_EQ(memory.total_bytes, 16 * gibibyte);
    EXPECT_EQ(memory.free_bytes(), 10 * gibibyte);
    EXPECT_EQ(memory.swap_total_bytes, 2048 * kibibyte);
    EXPECT_EQ(memory.swap_free_bytes, 1024 * kibibyte);
    EXPECT_EQ(ruling(), "available: MemAvailable");
}

TEST_F(HostMemoryTest, IsNothingWhereNothingCanBeRead) {
    const HostMemory memory = read_host_memory(root_.path() / "nowhere");
    EXPECT_EQ(memory.free_bytes(), 0u);
    EXPECT_EQ(memory.ruling(), nullptr);
    EXPECT_EQ(memory.budget_bytes(0), 0u);
}

TEST_F(HostMemoryTest, CountsThePageCacheOfAGroupAsFree) {
    mount_version_2();
    write_group("user.slice/app", "memory.max", std::to_string(8 * gibibyte));
    write_group("user.slice/app", "memory.current", std::to_string(7 * gibibyte));
    write_group("user.slice/app", "memory.stat",
                "anon 1\ninactive_file " + std::to_string(3 * gibibyte) + "\nslab_reclaimable " +
                    std::to_string(gibibyte));
    EXPECT_EQ(read().free_bytes(), 5 * gibibyte);
    EXPECT_EQ(read().total_bytes, 8 * gibibyte);
    EXPECT_EQ(ruling(), "cgroup: /user.slice/app memory.max");
}

TEST_F(HostMemoryTest, TakesTheTightestLevelUpToTheRoot) {
    mount_version_2();
    write_group("user.slice/app", "memory.max", "max");
    write_group("user.slice", "memory.max", std::to_string(6 * gibibyte));
    write_group("user.slice", "memory.current", std::to_string(2 * gibibyte));
    EXPECT_EQ(read().free_bytes(), 4 * gibibyte);
    EXPECT_EQ(ruling(), "cgroup: /user.slice memory.max");
}

TEST_F(HostMemoryTest, TakesTheMarkWhereTheKernelThrottlesForALimit) {
    mount_version_2();
    write_group("user.slice/app", "memory.max", std::to_string(8 * gibibyte));
    write_group("user.slice/app", "memory.high", std::to_string(3 * gibibyte));
    write_group("user.slice/app", "memory.current", std::to_string(gibibyte));
    EXPECT_EQ(read().free_bytes(), 2 * gibibyte);
    EXPECT_EQ(ruling(), "cgroup: /user.slice/app memory.high");
}

TEST_F(HostMemoryTest, KnowsNoLimitWhereTheGroupSaysMax) {
    mount_version_2();
    write_group("user.slice/app", "memory.max", "max");
    write_group("user.slice/app", "memory.high", "max");
    write_group("user.slice/app", "memory.current", std::to_string(9 * gibibyte));
    EXPECT_EQ(read().limits.size(), 1u);
    EXPECT_EQ(read().free_bytes(), 10 * gibibyte);
}

TEST_F(HostMemoryTest, NeverWrapsWhenAGroupHoldsMoreThanItMay) {
    mount_version_2();
    write_group("user.slice/app", "memory.max", std::to_string(gibibyte));
    write_group("user.slice/app", "memory.current", std::to_string(2 * gibibyte));
    EXPECT_EQ(read().free_bytes(), 0u);
}

TEST_F(HostMemoryTest, ReadsTheOldTreeBesideTheNewOne) {
    mount_version_1();
    root_.write("sys/fs/cgroup/memory/job/memory.limit_in_bytes", std::to_string(4 * gibibyte));
    root_.write("sys/fs/cgroup/memory/job/memory.usage_in_bytes", std::to_string(3 * gibibyte));
    root_.write("sys/fs/cgroup/memory/job/memory.stat",
                "inactive_file 5\ntotal_inactive_file " + std::to_string(gibibyte) + "\n");
    root_.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    EXPECT_EQ(read().limits.size(), 2u) << "the root's number means no limit";
    EXPECT_EQ(read().free_bytes(), 2 * gibibyte);
    EXPECT_EQ(ruling(), "cgroup: /job memory.limit_in_bytes");
}

TEST_F(HostMemoryTest, SeesALimitAboveTheMountOfAContainer) {
    mount_version_1();
    root_.write("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "9223372036854771712");
    root_.write("sys/fs/cgroup/memory/job/memory.usage_in_bytes", std::to_string(gibibyte));
    root_.write("sys/fs/cgroup/memory/job/memory.stat",
                "hierarchical_memory_limit " + std::to_string(5 * gibibyte) + "\n");
    EXPECT_EQ(read().free_bytes(), 4 * gibibyte);
}

TEST_F(HostMemoryTest, FindsTheGroupOfAContainerThatIsMountedAsTheRoot) {
    root_.write("proc/self/mountinfo",
                "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
    root_.write("proc/self/cgroup", "4:cpu,memory:/docker/abc\n");
    root_.write("sys/fs/cgroup/memory/memory.limit_in_bytes", std::to_string(gibibyte));
    EXPECT_EQ(read().free_bytes(), gibibyte);
    EXPECT_EQ(ruling(), "cgroup: / memory.limit_in_bytes");
}

TEST_F(HostMemoryTest, DoesNotClimbOutOfTheTree) {
    mount_version_2();
    root_.write("proc/self/cgroup", "0::/../../elsewhere\n");
    write_group("", "memory.max", std::to_string(gibibyte));
    EXPECT_EQ(read().free_bytes(), gibibyte);
}

TEST_F(HostMemoryTest, EndsWhereTheKernelPromisesNoMore) {
    root_.write_meminfo(16 << 20, 10 << 20, "CommitLimit: 8388608 kB\nCommitted_AS: 6291456 kB\n");
    root_.write("proc/sys/vm/overcommit_memory", "0\n");
    EXPECT_EQ(read().free_bytes(), 10 * gibibyte);
    root_.write("proc/sys/vm/overcommit_memory", "2\n");
    EXPECT_EQ(read().free_bytes(), 2 * gibibyte);
    EXPECT_EQ(ruling(), "overcommit: vm.overcommit_memory 2");
}

TEST_F(HostMemoryTest, RespectsUlimit) {
    root_.write("proc/self/limits",
                "Limit                     Soft Limit           Hard Limit           Units\n"
                "Max data size             unlimited            unlimited            bytes\n"
                "Max address space         3221225472           unlimited            bytes\n");
    EXPECT_EQ(read().free_bytes(), 3 * gibibyte);
    EXPECT_EQ(ruling(), "ulimit: max address space (ulimit -v)");
}

TEST_F(HostMemoryTest, CapsTheSumOfOurModels) {
    HostMemory memory = read();
    add_ram_limit(memory, 4 * gibibyte, 3 * gibibyte);
    EXPECT_EQ(memory.free_bytes(), gibibyte);
    EXPECT_EQ(memory.ruling()->name, "ram_limit");
}

TEST_F(HostMemoryTest, KeepsItsMarginOnlyBelowWhatOthersUseToo) {
    HostMemory memory = read();
    EXPECT_EQ(memory.budget_bytes(gibibyte), 9 * gibibyte);
    add_ram_limit(memory, 4 * gibibyte, 0);
    EXPECT_EQ(memory.budget_bytes(gibibyte), 4 * gibibyte) << "our own cap needs no room beside it";
    EXPECT_EQ(memory.budget_bytes(7 * gibibyte), 3 * gibibyte);
}

TEST(Margins, GrowWithMemoryAndWithADisplay) {
    EXPECT_EQ(host_margin_bytes(16 * gibibyte, true), 16 * gibibyte / 100 * 10);
    EXPECT_EQ(host_margin_bytes(8 * gibibyte, true), gibibyte);
    EXPECT_EQ(host_margin_bytes(8 * gibibyte, false), 512 * mebibyte);
    EXPECT_EQ(host_margin_bytes(gibibyte, true), 256 * mebibyte) << "a quarter at most";
    EXPECT_EQ(gpu_margin_bytes(6 * gibibyte, true), 768 * mebibyte);
    EXPECT_EQ(gpu_margin_bytes(24 * gibibyte, false), 24 * gibibyte / 100 * 4);
}

TEST(Host, HasADisplayWhenAConnectorSaysSo) {
    testing::FakeRoot root;
    EXPECT_FALSE(has_display(root.path()));
    root.write("sys/class/drm/card0-HDMI-A-1/status", "disconnected\n");
    EXPECT_FALSE(has_display(root.path()));
    root.write("sys/class/drm/card0-eDP-1/status", "connected\n");
    EXPECT_TRUE(has_display(root.path()));
}

TEST(Host, NamesItsProcessor) {
    testing::FakeRoot root;
    EXPECT_EQ(cpu_model(root.path()), "CPU");
    root.write("proc/cpuinfo", "processor\t: 0\nmodel name\t: Some CPU @ 3 GHz\n");
    EXPECT_EQ(cpu_model(root.path()), "Some CPU @ 3 GHz");
}

TEST(Host, CountsCoresNotThreads) {
    testing::FakeRoot root;
    const int threads = count_cores(root.path());
    EXPECT_GE(threads, 1) << "without topology every processor counts";
    cpu_set_t ours;
    ASSERT_EQ(::sched_getaffinity(0, sizeof ours, &ours), 0);
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (!CPU_ISSET(cpu, &ours)) {
            continue;
        }
        const std::string folder = "sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
        root.write(folder + "core_id", "7\n");
        root.write(folder + "physical_package_id", "0\n");
    }
    EXPECT_EQ(count_cores(root.path()), 1);
}

} // namespace
} // namespace hearth::runtime::memory
