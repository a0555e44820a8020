#include "base/atomic_file.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/base/temporary_dir.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

namespace hearth {
namespace {

using testing::expect_error;

class AtomicFile : public ::testing::Test {
  protected:
    std::size_t entries() const {
        std::size_t count = 0;
        for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(dir_.path())) {
            ++count;
        }
        return count;
    }
    testing::TemporaryDir dir_;
    std::filesystem::path path_ = dir_.path() / "settings";
};

TEST_F(AtomicFile, HoldsWhatWasWrittenLastWithTheModeAskedFor) {
    write_file_atomically(path_, "old");
    write_file_atomically(path_, "new", 0640);
    EXPECT_EQ(read_file(path_), "new");
    struct stat status{};
    ASSERT_EQ(::stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0640u);
    EXPECT_EQ(entries(), 1u);
}

TEST_F(AtomicFile, LeavesNothingBehindWhenItFails) {
    std::filesystem::create_directory(path_);
    expect_error(ErrorCode::store_failed, [&] { write_file_atomically(path_, "x"); });
    EXPECT_EQ(entries(), 1u);
    expect_error(ErrorCode::store_failed,
                 [&] { write_file_atomically(dir_.path() / "absent" / "file", "x"); });
}

TEST_F(AtomicFile, IsReadUpToItsLimitAndNoFurther) {
    write_file_atomically(path_, std::string(100000, 'x'));
    EXPECT_EQ(read_file(path_, 100000).size(), 100000u);
    expect_error(ErrorCode::too_large, [&] { read_file(path_, 99999); });
    expect_error(ErrorCode::store_failed, [&] { read_file(dir_.path() / "absent"); });
}

} // namespace
} // namespace hearth
