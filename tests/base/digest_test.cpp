#include "base/digest.hpp"
#include "base/sha256.hpp"
#include "base/unique_fd.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/base/temporary_dir.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <fstream>
#include <unordered_set>

namespace hearth {
namespace {

using testing::expect_error;

const std::string hex_of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Digest, AcceptsSixtyFourLowerCaseHexDigits) {
    const Digest digest = Digest::parse("sha256:" + hex_of_abc);
    EXPECT_EQ(digest.hex(), hex_of_abc);
    EXPECT_EQ(digest.text(), "sha256:" + hex_of_abc);
    EXPECT_EQ(digest.short_text(), "ba7816bf8f01");
}

TEST(Digest, RefusesEverythingElse) {
    const std::string upper = "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD";
    const std::string traversal =
        "sha256:../../../../../../../../../../../../../../../../../etc/cron.d/x000000";
    for (const std::string& text :
         {std::string(), std::string("sha256:"), hex_of_abc, "sha512:" + hex_of_abc, "sha256-" + hex_of_abc,
          "SHA256:" + hex_of_abc, "sha256:" + upper, "sha256:" + hex_of_abc + "0",
          "sha256:" + hex_of_abc.substr(1), " sha256:" + hex_of_abc, "sha256:" + hex_of_abc + "\n",
          "sha256:" + hex_of_abc.substr(1) + "g", "sha256:" + hex_of_abc.substr(1) + "/",
          "sha256:" + hex_of_abc.substr(1) + std::string(1, '\0'), traversal}) {
        EXPECT_FALSE(Digest::try_parse(text)) << text;
        expect_error(ErrorCode::bad_manifest, [&] { Digest::parse(text); });
    }
}

TEST(Digest, OfEqualTextIsEqualAndHashesAlike) {
    const Digest a = Digest::parse("sha256:" + hex_of_abc);
    const Digest b = sha256_of("abc");
    EXPECT_EQ(a, b);
    std::unordered_set<Digest> set{a};
    EXPECT_TRUE(set.contains(b));
    EXPECT_FALSE(set.contains(sha256_of("abd")));
}

TEST(Sha256, OfNothingIsThePublishedValue) {
    EXPECT_EQ(Sha256().peek().hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Sha256, KeepsHashingAfterAPeek) {
    Sha256 hash;
    hash.update("a");
    EXPECT_EQ(hash.peek(), sha256_of("a"));
    hash.update("bc");
    EXPECT_EQ(hash.peek().hex(), hex_of_abc);
}

class HashedFile : public ::testing::Test {
  protected:
    HashedFile() {
        std::ofstream(path_, std::ios::binary) << content_;
        fd_.reset(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    }
    testing::TemporaryDir dir_;
    std::filesystem::path path_ = dir_.path() / "file";
    std::string content_ = std::string(3u << 20, 'x') + "tail";
    UniqueFd fd_;
};

TEST_F(HashedFile, GivesTheDigestOfAllItsBytesWhateverTheOffset) {
    ::lseek(fd_.get(), 17, SEEK_SET);
    EXPECT_EQ(sha256_of_file(fd_.get()), sha256_of(content_));
}

TEST_F(HashedFile, GivesTheDigestOfAPrefix) {
    EXPECT_EQ(sha256_of_file(fd_.get(), 1500000), sha256_of(content_.substr(0, 1500000)));
}

TEST_F(HashedFile, ThatIsTooShortIsAnError) {
    expect_error(ErrorCode::store_failed, [&] { sha256_of_file(fd_.get(), content_.size() + 1); });
}

TEST(UniqueFd, ClosesOnceAndKeepsErrno) {
    int number = -1;
    {
        UniqueFd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        UniqueFd moved = std::move(fd);
        number = moved.get();
        errno = EPIPE;
    }
    EXPECT_EQ(errno, EPIPE);
    EXPECT_EQ(::fcntl(number, F_GETFD), -1);
}

TEST(UniqueFd, DuplicatesWithCloseOnExec) {
    const UniqueFd fd(::open("/dev/null", O_RDONLY));
    const UniqueFd copy = fd.duplicate();
    EXPECT_NE(copy.get(), fd.get());
    EXPECT_EQ(::fcntl(copy.get(), F_GETFD), FD_CLOEXEC);
    expect_error(ErrorCode::store_failed, [] { UniqueFd().duplicate(); });
}

} // namespace
} // namespace hearth
