#include "runtime/host/read_ahead.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

namespace hearth::runtime {
namespace {

constexpr std::size_t file_bytes = 20u << 20; // several steps, and the last one is not whole

/// A file on a disk, out of the kernel's cache.
class ReadAheadTest : public ::testing::Test {
  protected:
    ReadAheadTest() {
        UniqueFd file(::open(READ_AHEAD_FOLDER, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
        const std::string bytes(file_bytes, 'x');
        EXPECT_EQ(::pwrite(file.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(file_bytes));
        EXPECT_EQ(::fsync(file.get()), 0);
        ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
        files_.push_back(std::move(file));
    }
    /// Ctest's time limit ends what never comes.
    void wait_for_every_page() const {
        while (cached_pages() < pages()) {
            std::this_thread::yield();
        }
    }
    void SetUp() override {
        if (cached_pages() != 0) {
            GTEST_SKIP() << "this file system has no cache that can be emptied";
        }
    }

    static std::size_t pages() { return file_bytes / static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }
    std::size_t cached_pages() const {
        void* map = ::mmap(nullptr, file_bytes, PROT_READ, MAP_SHARED, files_.back().get(), 0);
        std::vector<unsigned char> cached(pages());
        EXPECT_EQ(::mincore(map, file_bytes, cached.data()), 0);
        ::munmap(map, file_bytes);
        return static_cast<std::size_t>(
            std::ranges::count_if(cached, [](unsigned char page) { return page & 1; }));
    }

    std::vector<UniqueFd> files_; ///< it is the last
};

TEST_F(ReadAheadTest, BringsTheWholeFileIntoTheCache) {
    const ReadAhead ahead(files_);
    wait_for_every_page();
}

TEST_F(ReadAheadTest, PassesOverWhatIsNoFile) {
    int ends[2] = {-1, -1};
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd writer(ends[1]);
    files_.insert(files_.begin(), UniqueFd(ends[0]));
    const ReadAhead ahead(files_);
    wait_for_every_page();
}

} // namespace
} // namespace hearth::runtime
