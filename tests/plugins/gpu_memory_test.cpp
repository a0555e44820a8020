#include "plugins/llama/gpu_memory.hpp"
#include "tests/base/temporary_dir.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace hearth::llama {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t gibibyte = 1024ull * 1024 * 1024;

TEST(Nvml, CountsWhatIsNeitherReservedNorUsed) {
    const std::vector<GpuMemory> cards = read_nvml(FAKE_NVML);
    ASSERT_EQ(cards.size(), 3u) << "the fourth may not be asked: the engine's own figures stand";
    EXPECT_EQ(cards[0].pci, "0000:c1:00.0");
    EXPECT_EQ(cards[0].source, "nvml");
    EXPECT_EQ(cards[0].total_bytes, 24 * gibibyte);
    EXPECT_EQ(cards[0].free_bytes, 20 * gibibyte);
    EXPECT_TRUE(cards[0].display);
    EXPECT_FALSE(cards[0].unified);
    EXPECT_EQ(cards[1].free_bytes, 0u) << "more used than there is";
    EXPECT_FALSE(cards[1].display);
}

TEST(Nvml, KnowsAChipWithoutMemoryOfItsOwn) {
    const std::vector<GpuMemory> cards = read_nvml(FAKE_NVML);
    ASSERT_EQ(cards.size(), 3u);
    EXPECT_TRUE(cards[2].unified);
    EXPECT_EQ(cards[2].total_bytes, 0u);
}

TEST(Nvml, IsNothingWhereItIsNotInstalled) {
    EXPECT_TRUE(read_nvml("libhearth-no-such-library.so.1").empty());
    EXPECT_TRUE(read_nvml("libc.so.6").empty()) << "a library without its functions";
}

/// Folders as the kernel makes them.
class Amdgpu : public ::testing::Test {
  protected:
    void write(const fs::path& path, const std::string& text) {
        fs::create_directories((dir_.path() / path).parent_path());
        std::ofstream(dir_.path() / path) << text << "\n";
    }
    void add_card(const std::string& name, const std::string& pci) {
        fs::create_directories(dir_.path() / "sys/devices" / pci);
        fs::create_directories(dir_.path() / "sys/class/drm" / name);
        fs::create_directory_symlink(dir_.path() / "sys/devices" / pci,
                                     dir_.path() / "sys/class/drm" / name / "device");
    }
    void fill(const std::string& pci, const std::string& pool, std::uint64_t total, std::uint64_t used) {
        write("sys/devices/" + pci + "/mem_info_" + pool + "_total", std::to_string(total));
        write("sys/devices/" + pci + "/mem_info_" + pool + "_used", std::to_string(used));
    }
    std::vector<GpuMemory> read() { return read_amdgpu(dir_.path().string()); }

    hearth::testing::TemporaryDir dir_;
};

TEST_F(Amdgpu, KeepsTheCardsMemoryAndTheHostsApart) {
    add_card("card1", "0000:03:00.0");
    fill("0000:03:00.0", "vram", 16 * gibibyte, 2 * gibibyte);
    fill("0000:03:00.0", "gtt", 32 * gibibyte, gibibyte);
    write("sys/class/drm/card1/card1-DP-1/status", "connected");
    const std::vector<GpuMemory> cards = read();
    ASSERT_EQ(cards.size(), 1u);
    EXPECT_EQ(cards[0].pci, "0000:03:00.0");
    EXPECT_EQ(cards[0].source, "amdgpu");
    EXPECT_EQ(cards[0].total_bytes, 16 * gibibyte);
    EXPECT_EQ(cards[0].free_bytes, 14 * gibibyte);
    EXPECT_EQ(cards[0].shared_total_bytes, 32 * gibibyte);
    EXPECT_EQ(cards[0].shared_free_bytes, 31 * gibibyte);
    EXPECT_TRUE(cards[0].display);
}

TEST_F(Amdgpu, LeavesOutCardsOfOtherDriversAndConnectors) {
    add_card("card0", "0000:00:02.0");
    add_card("renderD128", "0000:05:00.0");
    fill("0000:05:00.0", "vram", gibibyte, 0);
    EXPECT_TRUE(read().empty());
}

} // namespace
} // namespace hearth::llama
