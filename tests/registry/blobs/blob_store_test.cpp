#include "registry/blobs/blob_store.hpp"

#include "base/atomic_file.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/base/temporary_dir.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>

namespace hearth::registry {
namespace {

namespace fs = std::filesystem;
using testing::expect_error;

class BlobStoreTest : public ::testing::Test {
  protected:
    testing::TemporaryDir dir_;
    fs::path data_ = dir_.path() / "data";
    BlobStore store_{data_};

    std::size_t files_in(const fs::path& folder) const {
        std::size_t count = 0;
        for (const auto& entry : fs::recursive_directory_iterator(folder))
            count += entry.is_regular_file() ? 1 : 0;
        return count;
    }
};

TEST_F(BlobStoreTest, PublishesBytesReadOnlyUnderTheirDigest) {
    const Digest digest = sha256_of("hello");
    auto partial = store_.begin(digest, 5);
    partial->append("hel");
    partial->append("lo");
    EXPECT_FALSE(store_.contains(digest));
    EXPECT_EQ(partial->publish(), digest);
    const fs::path path = data_ / "blobs" / "sha256" / digest.hex().substr(0, 2) / digest.hex();
    EXPECT_EQ(store_.path_of(digest), path);
    EXPECT_EQ(read_file(path), "hello");
    EXPECT_EQ(fs::status(path).permissions(), fs::perms{0444});
    EXPECT_EQ(store_.size_of(digest), 5U);
    EXPECT_EQ(files_in(data_ / "tmp"), 0U);
}

TEST_F(BlobStoreTest, MakesFoldersThatOnlyTheOwnerCanEnter) {
    store_.put("x");
    for (const auto& entry : fs::recursive_directory_iterator(data_))
        if (entry.is_directory())
            EXPECT_EQ(entry.status().permissions(), fs::perms{0700}) << entry.path();
}

TEST_F(BlobStoreTest, NeverPublishesWrongBytesAndForgetsThem) {
    const Digest digest = sha256_of("right");
    auto partial = store_.begin(digest, 5);
    partial->append("wrong");
    const std::string text = expect_error(ErrorCode::corrupt_blob, [&] { partial->publish(); });
    EXPECT_NE(text.find(digest.hex()), std::string::npos);
    EXPECT_FALSE(store_.contains(digest));
    EXPECT_EQ(files_in(data_), 1U); // the lock
}

TEST_F(BlobStoreTest, KeepsAShortDownloadForTheNextTry) {
    const Digest digest = sha256_of("hello");
    auto partial = store_.begin(digest, 5);
    partial->append("hel");
    expect_error(ErrorCode::registry_failed, [&] { partial->publish(); });
    partial.reset();
    EXPECT_EQ(store_.partial_bytes(), 3U);
    EXPECT_EQ(store_.begin(digest, 5)->offset(), 3U);
}

TEST_F(BlobStoreTest, TakesNoMoreThanTheManifestPromised) {
    auto partial = store_.begin(sha256_of("hello"), 5);
    partial->append("hell");
    expect_error(ErrorCode::too_large, [&] { partial->append("oo"); });
    partial->append("o");
    EXPECT_NO_THROW(partial->publish());
}

TEST_F(BlobStoreTest, FindsTheDigestOfBytesThatCameWithoutOne) {
    auto partial = store_.begin_unknown(sha256_of("https://example.com/x"), std::nullopt);
    partial->append("hello");
    EXPECT_EQ(partial->publish(), sha256_of("hello"));
    EXPECT_TRUE(store_.contains(sha256_of("hello")));
}

TEST_F(BlobStoreTest, KeepsTheBlobThatIsThereAlready) {
    const Digest digest = store_.put("hello");
    struct stat before{}, after{};
    ::stat(store_.path_of(digest).c_str(), &before);
    auto partial = store_.begin(digest, 5);
    partial->append("hello");
    EXPECT_EQ(partial->publish(), digest);
    ::stat(store_.path_of(digest).c_str(), &after);
    EXPECT_EQ(before.st_ino, after.st_ino);
    EXPECT_EQ(files_in(data_ / "tmp"), 0U);
}

TEST_F(BlobStoreTest, ReplacesABlobOfTheWrongSize) {
    const Digest digest = store_.put("hello");
    ASSERT_EQ(::chmod(store_.path_of(digest).c_str(), 0644), 0);
    fs::resize_file(store_.path_of(digest), 2);
    auto partial = store_.begin(digest, 5);
    partial->append("hello");
    partial->publish();
    EXPECT_EQ(read_file(store_.path_of(digest)), "hello");
}

TEST_F(BlobStoreTest, StoresAnEmptyBlob) {
    const Digest digest = store_.put("");
    EXPECT_EQ(digest, sha256_of(""));
    EXPECT_EQ(store_.size_of(digest), 0U);
    EXPECT_EQ(store_.begin(digest, 0)->publish(), digest);
}

TEST_F(BlobStoreTest, BelongsToOneDaemon) {
    const std::string text = expect_error(ErrorCode::store_locked, [&] { BlobStore second(data_); });
    EXPECT_NE(text.find(data_.string()), std::string::npos);
}

TEST_F(BlobStoreTest, GivesOneDownloadOfADigestAtATime) {
    const Digest digest = sha256_of("hello");
    auto first = store_.begin(digest, 5);
    expect_error(ErrorCode::busy, [&] { store_.begin(digest, 5); });
    first.reset();
    EXPECT_NO_THROW(store_.begin(digest, 5));
}

TEST_F(BlobStoreTest, SaysThatABlobIsMissing) {
    expect_error(ErrorCode::corrupt_blob, [&] { store_.open(sha256_of("nothing")); });
    EXPECT_EQ(store_.size_of(sha256_of("nothing")), std::nullopt);
    EXPECT_NO_THROW(store_.remove(sha256_of("nothing")));
}

TEST_F(BlobStoreTest, FollowsNoSymbolicLink) {
    const Digest digest = sha256_of("hello");
    write_file_atomically(dir_.path() / "outside", "secret");
    fs::create_directories(store_.path_of(digest).parent_path());
    fs::create_symlink(dir_.path() / "outside", store_.path_of(digest));
    EXPECT_FALSE(store_.contains(digest));
    expect_error(ErrorCode::store_failed, [&] { store_.open(digest); });
    fs::create_symlink(dir_.path() / "outside", data_ / "tmp" / (digest.hex() + ".part"));
    expect_error(ErrorCode::store_failed, [&] { store_.begin(digest, 5); });
    EXPECT_EQ(read_file(dir_.path() / "outside"), "secret");
}

TEST_F(BlobStoreTest, RemovesABlobThatSomebodyStillReads) {
    const Digest digest = store_.put("hello");
    const UniqueFd reader = store_.open(digest);
    store_.remove(digest);
    EXPECT_FALSE(store_.contains(digest));
    EXPECT_EQ(sha256_of_file(reader.get()), digest);
    EXPECT_EQ(files_in(data_ / "tmp"), 0U);
}

TEST_F(BlobStoreTest, RetiresAtOnceAndFreesLater) {
    const Digest digest = store_.put("hello");
    store_.retire(digest);
    EXPECT_FALSE(store_.contains(digest));
    EXPECT_EQ(files_in(data_ / "tmp"), 1U);
    store_.empty_trash();
    EXPECT_EQ(files_in(data_ / "tmp"), 0U);
}

TEST_F(BlobStoreTest, SurvivesManyThreadsThatPutTheSameBytes) {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([this] {
            for (int n = 0; n < 20; ++n)
                store_.put(std::to_string(n));
        });
    threads.clear();
    EXPECT_EQ(files_in(data_ / "blobs"), 20U);
    EXPECT_EQ(files_in(data_ / "tmp"), 0U);
}

/// A file size limit stands in for a full disk: the kernel refuses the write in the middle of a buffer.
class FileSizeLimit {
  public:
    explicit FileSizeLimit(rlim_t bytes) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        old_ = ::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FileSizeLimit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        ::signal(SIGXFSZ, old_);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;

  private:
    rlimit before_{};
    sighandler_t old_ = nullptr;
};

TEST_F(BlobStoreTest, GoesOnWhereAFailedWriteStopped) {
    const std::string bytes(100'000, 'x');
    const Digest digest = sha256_of(bytes);
    auto partial = store_.begin(digest, std::nullopt);
    {
        const FileSizeLimit limit(65'536);
        EXPECT_THROW(partial->append(bytes), Error);
    }
    EXPECT_EQ(partial->offset(), 65'536U);
    partial->append(std::string_view(bytes).substr(partial->offset()));
    EXPECT_EQ(partial->publish(), digest);
}

TEST_F(BlobStoreTest, SaysThatTheDiskIsFullBeforeTheDownload) {
    const Digest digest = sha256_of("x");
    expect_error(ErrorCode::disk_full, [&] { store_.begin(digest, std::uint64_t{1} << 52); });
}

TEST(BlobStore, SaysWhoCannotWriteWhere) {
    testing::TemporaryDir dir;
    const fs::path data = dir.path() / "data";
    {
        BlobStore store(data);
    }
    fs::remove_all(data / "tmp");
    std::ofstream(data / "tmp") << "a file where a folder belongs";
    expect_error(ErrorCode::store_failed, [&] { BlobStore store(data); });
}

TEST(BlobStore, SweepsWhatAKillLeft) {
    testing::TemporaryDir dir;
    const fs::path data = dir.path() / "data";
    {
        BlobStore store(data);
    }
    std::ofstream(data / "tmp" / "x.removed") << "x";
    std::ofstream(data / "tmp" / "y.put") << "y";
    BlobStore store(data);
    EXPECT_TRUE(fs::is_empty(data / "tmp"));
}

} // namespace
} // namespace hearth::registry
