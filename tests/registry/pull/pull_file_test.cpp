#include "base/atomic_file.hpp"
#include "registry/pull/sources.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/registry/pull/store_fixture.hpp"

#include <gmock/gmock.h>

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace hearth::registry::testing {
namespace {

using hearth::testing::expect_error;
using ::testing::ElementsAre;

class PullFromUrl : public PullTest {
  protected:
    static constexpr const char* url = "https://files.test/dir/small.gguf";
    const std::map<std::string, std::string> versioned = {{"etag", "\"v1\""}};
};

TEST_F(PullFromUrl, IsKeptUnderTheFilesName) {
    const std::string weights = model_bytes();
    origin->add(url, weights, versioned);
    const Model model = pull(url);
    EXPECT_EQ(model.ref.short_name(), "small:latest");
    EXPECT_TRUE(store->contains(sha256_of(weights)));
    EXPECT_THAT(statuses(), ElementsAre("pulling manifest", "pulling small.gguf", "verifying sha256 digest",
                                        "writing manifest", "success"));
}

TEST_F(PullFromUrl, AnUnchangedFileIsNotFetchedAgain) {
    origin->add(url, model_bytes(), versioned);
    const Model first = pull(url);
    restart();
    origin->add(url, model_bytes(), versioned);
    EXPECT_EQ(pull(url).digest, first.digest);
    EXPECT_EQ(origin->count(url), 0u);
}

TEST_F(PullFromUrl, AChangedFileReplacesTheModel) {
    origin->add(url, model_bytes(1000, 1), versioned);
    pull(url);
    origin->add(url, model_bytes(1000, 2), {{"etag", "\"v2\""}});
    EXPECT_EQ(pull(url).files.at(0).digest, sha256_of(model_bytes(1000, 2)));
}

TEST_F(PullFromUrl, TheSameBytesAreTheSameModelWhereverTheyComeFrom) {
    const std::string weights = model_bytes(1000);
    origin->add(url, weights, versioned);
    origin->add("https://mirror.test/other.gguf", weights, {{"etag", "\"m\""}});
    EXPECT_EQ(pull(url).digest, pull("https://mirror.test/other.gguf").digest);
}

TEST_F(PullFromUrl, AResumeAsksForTheVersionItBeganWith) {
    origin->add(url, model_bytes(), versioned);
    bool first = true;
    origin->script(url, [&](const FetchRequest& request) -> std::optional<Reply> {
        Reply reply = origin->honest(request);
        if (!request.head_only && std::exchange(first, false)) {
            reply.cut_after = 1'000'000;
        }
        return reply;
    });
    pull(url);
    EXPECT_EQ(origin->requests.back().if_range, "\"v1\"");
    EXPECT_EQ(origin->requests.back().range_from, 1'000'000u);
}

TEST_F(PullFromUrl, AFileThatChangesWhileItIsFetchedIsNeverMixed) {
    origin->add(url, model_bytes(3'000'000, 1), versioned);
    bool first = true;
    origin->script(url, [&](const FetchRequest& request) -> std::optional<Reply> {
        if (request.head_only) {
            return std::nullopt;
        }
        if (std::exchange(first, false)) {
            Reply reply = origin->honest(request);
            reply.cut_after = 1'000'000;
            return reply;
        }
        origin->add(url, model_bytes(3'000'000, 2), {{"etag", "\"v2\""}});
        FetchRequest whole = request;
        whole.range_from = 0;
        return origin->honest(whole);
    });
    expect_error(ErrorCode::registry_failed, [&] { pull(url); });
    pull(url);
    EXPECT_TRUE(store->contains(sha256_of(model_bytes(3'000'000, 2))));
    EXPECT_EQ(store->partial_bytes(), 0u) << "what is left of the old version is of no use";
}

TEST_F(PullFromUrl, APinIsTheDigestOfTheFile) {
    const std::string weights = model_bytes();
    origin->add(url, weights, versioned);
    expect_error(ErrorCode::corrupt_blob, [&] { pull(std::string(url) + "@" + sha256_of("other").text()); });
    EXPECT_FALSE(store->contains(sha256_of(weights)));
    pull(std::string(url) + "@" + sha256_of(weights).text());
    EXPECT_TRUE(store->contains(sha256_of(weights)));
}

TEST_F(PullFromUrl, ASplitModelBringsAllItsShards) {
    for (int shard = 1; shard <= 3; ++shard) {
        origin->add("https://files.test/big-0000" + std::to_string(shard) + "-of-00003.gguf?key=1",
                    shard_bytes(shard, 3), versioned);
    }
    const Model model = pull("https://files.test/big-00002-of-00003.gguf?key=1");
    EXPECT_EQ(model.ref.short_name(), "big:latest");
    ASSERT_EQ(model.files.size(), 3u);
    EXPECT_EQ(model.files[2].digest, sha256_of(shard_bytes(3, 3)));
}

TEST_F(PullFromUrl, ServersThatRefuseHeadAreAskedWithGet) {
    origin->add(url, model_bytes(1000), versioned);
    origin->script(url, [&](const FetchRequest& request) -> std::optional<Reply> {
        if (request.head_only) {
            return Reply{.status = 403, .headers = {}, .body = {}, .cut_after = {}, .failure = {}};
        }
        return std::nullopt;
    });
    pull(url);
    EXPECT_EQ(lines.back().status, "success");
}

TEST_F(PullFromUrl, CanBeKeptUnderAnotherName) {
    origin->add(url, model_bytes(1000), versioned);
    EXPECT_EQ(pull(url, "mine").ref.short_name(), "mine:latest");
    expect_error(ErrorCode::bad_reference, [&] { pull(url, "file:///etc/x"); });
}

TEST_F(PullFromUrl, AbsentAndForbiddenAreToldApart) {
    expect_error(ErrorCode::model_not_found, [&] { pull(url); });
    origin->script(url, [&](const FetchRequest&) -> std::optional<Reply> {
        return Reply{.status = 403, .headers = {}, .body = {}, .cut_after = {}, .failure = {}};
    });
    expect_error(ErrorCode::registry_denied, [&] { pull(url); });
}

class PullFromFile : public PullTest {
  protected:
    std::filesystem::path write(const std::string& name, const std::string& content) {
        const auto path = folder.path() / name;
        std::ofstream(path, std::ios::binary) << content;
        return path;
    }
    Model pull_file(const std::filesystem::path& path) { return pull("file://" + path.string()); }
};

TEST_F(PullFromFile, IsCopiedIntoTheStore) {
    const std::string weights = model_bytes();
    const Model model = pull_file(write("local.gguf", weights));
    EXPECT_EQ(model.ref.short_name(), "local:latest");
    EXPECT_TRUE(store->contains(sha256_of(weights)));
    EXPECT_EQ(lines.back().status, "success");
}

TEST_F(PullFromFile, AShardBringsItsSiblingsAndAMissingOneIsNamed) {
    write("part-00001-of-00002.gguf", shard_bytes(1, 2));
    const std::string text = expect_error(ErrorCode::model_not_found,
                                          [&] { pull_file(folder.path() / "part-00001-of-00002.gguf"); });
    EXPECT_THAT(text, ::testing::HasSubstr("part-00002-of-00002.gguf"));
    write("part-00002-of-00002.gguf", shard_bytes(2, 2));
    EXPECT_EQ(pull_file(folder.path() / "part-00001-of-00002.gguf").files.size(), 2u);
}

TEST_F(PullFromFile, OnlyRegularGgufFilesAreTaken) {
    expect_error(ErrorCode::model_not_found, [&] { pull_file(folder.path() / "absent.gguf"); });
    expect_error(ErrorCode::model_invalid, [&] { pull_file(write("text.gguf", "hello")); });
    expect_error(ErrorCode::model_invalid, [&] { pull_file(write("empty.gguf", "")); });
    const auto pipe = folder.path() / "pipe.gguf";
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    expect_error(ErrorCode::invalid_argument, [&] { pull_file(pipe); });
    std::filesystem::create_directory(folder.path() / "folder.gguf");
    expect_error(ErrorCode::invalid_argument, [&] { pull_file(folder.path() / "folder.gguf"); });
    expect_error(ErrorCode::invalid_argument, [&] { pull("file:///dev/zero"); });
}

TEST_F(PullFromFile, APinGuardsTheCopy) {
    const auto path = write("local.gguf", model_bytes(1000));
    expect_error(ErrorCode::corrupt_blob,
                 [&] { pull("file://" + path.string() + "@" + sha256_of("other").text()); });
    EXPECT_FALSE(run(catalog->find("local")).has_value());
}

TEST(ShardPaths, FollowTheNamesOfSplitModels) {
    EXPECT_THAT(shard_paths("/a/m-00002-of-00002.gguf"),
                ElementsAre("/a/m-00001-of-00002.gguf", "/a/m-00002-of-00002.gguf"));
    EXPECT_THAT(shard_paths("/a/m.gguf"), ElementsAre("/a/m.gguf"));
    EXPECT_THAT(shard_paths("/a/m-0001-of-0002.gguf"), ElementsAre("/a/m-0001-of-0002.gguf"));
    expect_error(ErrorCode::bad_reference, [] { shard_paths("/a/m-00003-of-00002.gguf"); });
    expect_error(ErrorCode::bad_reference, [] { shard_paths("/a/m-00001-of-99999.gguf"); });
}

} // namespace
} // namespace hearth::registry::testing
