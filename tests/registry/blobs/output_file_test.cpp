#include "registry/blobs/output_file.hpp"

#include "base/atomic_file.hpp"
#include "registry/blobs/blob_store.hpp"
#include "registry/blobs/free_space.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/base/temporary_dir.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <optional>
#include <unistd.h>

namespace hearth::registry {
namespace {

namespace fs = std::filesystem;
using testing::expect_error;

class OutputFileTest : public ::testing::Test {
  protected:
    testing::TemporaryDir dir_;
    fs::path data_ = dir_.path() / "data";
    std::optional<BlobStore> store_{std::in_place, data_};

    std::size_t files_in_tmp() const {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(data_ / "tmp"), {}));
    }
    static void write(const UniqueFd& fd, std::string_view text) {
        ASSERT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
};

TEST_F(OutputFileTest, PublishesWhatAnotherOneWrote) {
    OutputFile output(*store_);
    write(output.open_writer(), "made here");
    output.seal();
    EXPECT_EQ(output.size(), 9U);
    EXPECT_TRUE(output.hash_some(4));
    EXPECT_EQ(output.hashed(), 4U);
    EXPECT_FALSE(output.hash_some(100));
    const Digest digest = output.publish();
    EXPECT_EQ(digest, sha256_of("made here"));
    EXPECT_EQ(read_file(store_->path_of(digest)), "made here");
    EXPECT_EQ(fs::status(store_->path_of(digest)).permissions(), fs::perms{0444});
    EXPECT_EQ(files_in_tmp(), 0U);
}

TEST_F(OutputFileTest, RefusesToTrustAFileThatSomebodyCanStillWrite) {
    OutputFile output(*store_);
    UniqueFd writer = output.open_writer();
    write(writer, "made here");
    expect_error(ErrorCode::internal, [&] { output.seal(); });
    writer.reset();
    output.seal();
}

TEST_F(OutputFileTest, IsGoneWhenItWasNotPublished) {
    {
        const OutputFile output(*store_);
        EXPECT_EQ(files_in_tmp(), 1U);
    }
    EXPECT_EQ(files_in_tmp(), 0U);
}

TEST_F(OutputFileTest, IsGoneAtTheNextStartAfterAKill) {
    write(UniqueFd(::open((data_ / "tmp/7.made").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)), "half");
    store_.reset();
    store_.emplace(data_);
    EXPECT_EQ(files_in_tmp(), 0U);
}

TEST_F(OutputFileTest, SaysBeforehandThatTheDiskIsTooSmall) {
    expect_space(data_, 1);
    const std::string text =
        expect_error(ErrorCode::disk_full, [&] { expect_space(data_, std::uint64_t{1} << 60); });
    EXPECT_NE(text.find("are needed"), std::string::npos) << text;
}

} // namespace
} // namespace hearth::registry
