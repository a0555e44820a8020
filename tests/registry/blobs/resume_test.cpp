#include "registry/blobs/blob_store.hpp"

#include "base/atomic_file.hpp"
#include "registry/blobs/journal.hpp"
#include "tests/base/temporary_dir.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace hearth::registry {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t chunk = Journal::record_bytes;
constexpr std::uint64_t total = 3 * chunk + 1000;

std::string make_bytes() {
    std::string bytes(total, '\0');
    std::uint32_t state = 1;
    for (char& byte : bytes) {
        state = state * 1664525 + 1013904223;
        byte = static_cast<char>(state >> 24);
    }
    return bytes;
}

class ResumeTest : public ::testing::Test {
  protected:
    static std::string_view bytes() {
        static const std::string bytes = make_bytes();
        return bytes;
    }
    fs::path part() const { return data_ / "tmp" / (digest_.hex() + ".part"); }
    fs::path journal() const { return data_ / "tmp" / (digest_.hex() + ".journal"); }

    void download(std::uint64_t upto) {
        auto partial = store_.begin(digest_, total);
        partial->append(bytes().substr(partial->offset(), upto - partial->offset()));
    }
    /// As if the machine had been switched off and on: another boot id in the journal.
    void reboot() {
        std::string text = read_file(journal());
        const std::size_t at = text.find("boot ");
        ASSERT_NE(at, std::string::npos);
        text.replace(at + 5, 8, "00000000");
        write_file_atomically(journal(), text);
    }
    void damage(std::uint64_t offset) {
        const UniqueFd fd(::open(part().c_str(), O_WRONLY | O_CLOEXEC));
        const char wrong = static_cast<char>(bytes()[offset] ^ 1);
        ASSERT_EQ(::pwrite(fd.get(), &wrong, 1, static_cast<off_t>(offset)), 1);
    }
    std::uint64_t offset_after_restart() { return store_.begin(digest_, total)->offset(); }
    void finish() {
        auto partial = store_.begin(digest_, total);
        partial->append(bytes().substr(partial->offset()));
        EXPECT_EQ(partial->publish(), digest_);
        EXPECT_EQ(read_file(store_.path_of(digest_)), bytes());
        EXPECT_TRUE(fs::is_empty(data_ / "tmp"));
    }

    testing::TemporaryDir dir_;
    fs::path data_ = dir_.path() / "data";
    BlobStore store_{data_};
    Digest digest_ = sha256_of(bytes());
};

TEST_F(ResumeTest, LosesNothingWhenOnlyTheProcessEnded) {
    download(2 * chunk + 12'345);
    EXPECT_EQ(offset_after_restart(), 2 * chunk + 12'345);
    finish();
}

TEST_F(ResumeTest, LosesNothingWhenTheProcessWasKilled) {
    const pid_t child = ::fork();
    if (child == 0) {
        auto partial = store_.begin(digest_, total);
        partial->append(bytes().substr(0, chunk + 777));
        ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(offset_after_restart(), chunk + 777);
    finish();
}

TEST_F(ResumeTest, KeepsTheProvenPartAfterAPowerCut) {
    download(2 * chunk + 12'345);
    reboot();
    EXPECT_EQ(offset_after_restart(), 2 * chunk);
    EXPECT_EQ(fs::file_size(part()), 2 * chunk);
    finish();
}

TEST_F(ResumeTest, CutsOffWhatAPowerCutDamaged) {
    download(3 * chunk);
    damage(chunk + 5);
    reboot();
    EXPECT_EQ(offset_after_restart(), chunk);
    finish();
}

TEST_F(ResumeTest, KeepsTheProvenPartWhenTheFileBecameShorter) {
    download(3 * chunk);
    reboot();
    fs::resize_file(part(), 2 * chunk + 5);
    EXPECT_EQ(offset_after_restart(), 2 * chunk);
    finish();
}

TEST_F(ResumeTest, TrustsNothingWithoutItsJournal) {
    download(2 * chunk);
    fs::remove(journal());
    EXPECT_EQ(offset_after_restart(), 0U);
    finish();
}

TEST_F(ResumeTest, SurvivesAJournalOfRubbish) {
    download(2 * chunk);
    write_file_atomically(journal(), std::string(5000, '\xff'));
    EXPECT_EQ(offset_after_restart(), 0U);
    finish();
}

TEST_F(ResumeTest, KnowsItsRecordsAgainAfterEveryRestart) {
    for (const std::uint64_t upto : {chunk / 2, chunk, chunk + 1, 2 * chunk + 7, 3 * chunk + 900}) {
        download(upto);
        EXPECT_EQ(offset_after_restart(), upto);
    }
    reboot();
    EXPECT_EQ(offset_after_restart(), 3 * chunk);
    finish();
}

TEST_F(ResumeTest, StartsAgainWhenThePartIsLongerThanTheFile) {
    download(2 * chunk);
    EXPECT_EQ(store_.begin(digest_, chunk)->offset(), 0U);
    finish();
}

TEST_F(ResumeTest, PublishesACompletePartWithoutAnotherByte) {
    download(total);
    auto partial = store_.begin(digest_, total);
    EXPECT_EQ(partial->offset(), total);
    EXPECT_EQ(partial->publish(), digest_);
}

TEST_F(ResumeTest, ForgetsEverythingOnRestart) {
    auto partial = store_.begin(digest_, total);
    partial->append(std::string(chunk + 10, 'x'));
    partial->restart();
    EXPECT_EQ(partial->offset(), 0U);
    EXPECT_EQ(store_.partial_bytes(), 0U);
    partial->append(bytes());
    EXPECT_EQ(partial->publish(), digest_);
}

TEST_F(ResumeTest, DiscardsAPartOnRequest) {
    download(chunk);
    EXPECT_EQ(store_.partial_bytes(), chunk);
    store_.discard_partial(digest_);
    EXPECT_EQ(store_.partial_bytes(), 0U);
    EXPECT_TRUE(fs::is_empty(data_ / "tmp"));
}

} // namespace
} // namespace hearth::registry
