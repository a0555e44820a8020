#include "registry/pull/survey.hpp"

#include "base/atomic_file.hpp"
#include "registry/pull/source_login.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/registry/pull/hub_fixture.hpp"
#include "tests/registry/pull/store_fixture.hpp"

#include <gmock/gmock.h>

namespace hearth::registry::testing {
namespace {

using hearth::testing::expect_error;
using ::testing::ElementsAre;

/// A model whose tokenizer fills several megabytes of its header.
/// @param first_weights  makes its bytes another model's
std::string model_with_tokenizer(std::size_t tokens, std::uint64_t rows = 4,
                                 std::string_view first_weights = {}) {
    return hearth::testing::GgufWriter()
        .text("general.architecture", "llama")
        .u32("llama.block_count", 16)
        .texts("tokenizer.ggml.tokens", std::vector<std::string>(tokens, "a token of some length"))
        .u32("general.file_type", 15)
        .tensor("token_embd.weight", {32, rows}, first_weights)
        .bytes();
}

class SurveyTest : public PullTest {
  protected:
    SurveyTest() : hub(*origin, "org/repo") {
        HubAccess access;
        access.endpoint = FakeHub::endpoint;
        access.token = "hf_secret";
        RetryOptions retry;
        retry.base = retry.cap = retry.longest_asked = std::chrono::milliseconds(0);
        survey = std::make_unique<Survey>(*origin, *disk, access, retry);
    }

    PublishedModel look(const std::string& name) { return run(survey->look(ModelRef::parse(name, host))); }
    PublishedHeader header(const PublishedFile& file, HeaderDepth depth,
                           std::uint64_t budget = Survey::most_header_bytes) {
        origin->served_bytes = 0;
        return run(survey->read_header(file, depth, budget));
    }
    Error look_refused(const std::string& name) {
        try {
            look(name);
        } catch (const Error& error) {
            return error;
        }
        ADD_FAILURE() << "no error";
        return Error(ErrorCode::internal, "");
    }

    FakeHub hub;
    std::unique_ptr<Survey> survey;
};

TEST_F(SurveyTest, AHubRepositoryGivesItsQuantsAtOneCommit) {
    hub.add("README.md", "read me", false);
    hub.add("m-Q8_0.gguf", std::string(900, 'x'));
    hub.add("m-Q4_K_M.gguf", std::string(500, 'y'));
    hub.add("mmproj-m-F16.gguf", std::string(50, 'z'));
    hub.serve(2);
    const PublishedModel model = look("hf.co/org/repo:Q8_0");
    EXPECT_EQ(model.commit, FakeHub::commit);
    EXPECT_EQ(model.repository, "org/repo");
    ASSERT_EQ(model.quants.size(), 2U);
    const PublishedQuant& small = model.quants[0];
    EXPECT_EQ(small.reference, "hf.co/org/repo:Q4_K_M");
    EXPECT_EQ(small.size_bytes, 550U);
    EXPECT_EQ(small.files[0].url, hub.file_url("m-Q4_K_M.gguf"));
    EXPECT_EQ(small.files[0].digest, sha256_of(std::string(500, 'y')));
    EXPECT_EQ(small.files[1].role, FileRole::projector);
}

TEST_F(SurveyTest, TheTokenIsAskedWithAndPagesStayAtTheEndpoint) {
    for (int number = 0; number < 5; ++number) {
        hub.add(fmt::format("m{}-Q4_0.gguf", number), fmt::format("{}", number));
    }
    hub.serve(2);
    EXPECT_EQ(look("hf.co/org/repo").quants.size(), 5U);
    EXPECT_EQ(origin->requests.size(), 4U);
    for (const FetchRequest& request : origin->requests) {
        EXPECT_TRUE(request.url.starts_with(FakeHub::endpoint)) << request.url;
        EXPECT_EQ(request.authorization, "Bearer hf_secret");
    }
}

TEST_F(SurveyTest, ARenamedRepositoryIsAskedUnderItsNewName) {
    FakeHub renamed(*origin, "new/name");
    renamed.add("m-Q4_0.gguf", "weights");
    renamed.serve();
    origin->add(hub.info_url(), fmt::format(R"({{"id":"new/name","sha":"{}"}})", FakeHub::commit));
    const PublishedModel model = look("hf.co/org/repo");
    EXPECT_EQ(model.repository, "new/name");
    EXPECT_EQ(model.quants[0].files[0].url, renamed.file_url("m-Q4_0.gguf"));
    EXPECT_EQ(model.quants[0].reference, "hf.co/org/repo:Q4_0") << "the name that was asked for";
}

TEST_F(SurveyTest, RefusalsOfTheHubAreTypedAndSayWhatToDo) {
    const auto answer = [&](Reply reply) {
        origin->script(hub.info_url(), [reply](const FetchRequest&) { return std::optional(reply); });
    };
    answer({.status = 403,
            .headers = {{"x-error-code", "GatedRepo"}},
            .body = "",
            .cut_after = {},
            .failure = {}});
    const Error gated = look_refused("hf.co/org/repo");
    EXPECT_EQ(gated.code(), ErrorCode::registry_denied);
    EXPECT_NE(gated.hint().find("https://hub.test/org/repo"), std::string::npos) << gated.hint();
    answer({.status = 404, .headers = {}, .body = "", .cut_after = {}, .failure = {}});
    EXPECT_EQ(look_refused("hf.co/org/repo").code(), ErrorCode::model_not_found);
    answer({.status = 200, .headers = {}, .body = "<html>", .cut_after = {}, .failure = {}});
    EXPECT_EQ(look_refused("hf.co/org/repo").code(), ErrorCode::bad_manifest);
    answer({.status = 200,
            .headers = {{"content-type", "text/html"}},
            .body = "<html>",
            .cut_after = {},
            .failure = {}});
    EXPECT_EQ(look_refused("hf.co/org/repo").code(), ErrorCode::registry_failed);
}

TEST_F(SurveyTest, WaitsWhenTheHubWantsFewerRequests) {
    hub.add("m-Q4_0.gguf", "weights");
    hub.serve();
    int refused = 0;
    origin->script(hub.info_url(), [&](const FetchRequest&) -> std::optional<Reply> {
        if (++refused > 2) {
            return std::nullopt;
        }
        return Reply{
            .status = 429, .headers = {{"retry-after", "1"}}, .body = "", .cut_after = {}, .failure = {}};
    });
    EXPECT_EQ(look("hf.co/org/repo").quants.size(), 1U);
    EXPECT_EQ(refused, 3);
}

TEST_F(SurveyTest, AListWithoutEndIsRefused) {
    hub.add("m-Q4_0.gguf", "weights");
    hub.serve();
    std::string page = "[";
    for (int number = 0; number < 10'000; ++number) {
        page += fmt::format(R"({}{{"type":"file","path":"{}","size":1}})", number > 0 ? "," : "", number);
    }
    page += "]";
    const auto endless = [&](const FetchRequest&) {
        return std::optional(Reply{.status = 200,
                                   .headers = {{"link", R"(<https://hub.test/x?cursor=again>; rel="next")"}},
                                   .body = page,
                                   .cut_after = {},
                                   .failure = {}});
    };
    origin->script(hub.tree_url() + "?recursive=true", endless);
    origin->script(hub.tree_url() + "?cursor=again", endless);
    EXPECT_EQ(look_refused("hf.co/org/repo").code(), ErrorCode::too_large);
}

TEST_F(SurveyTest, ARepositoryWithoutGgufSaysSo) {
    hub.add("model.safetensors", "x");
    hub.serve();
    EXPECT_EQ(look_refused("hf.co/org/repo").code(), ErrorCode::unsupported);
}

TEST_F(SurveyTest, AQuickLookReadsOnly64KiBOfAHeader) {
    hub.add("m-Q4_0.gguf", model_with_tokenizer(100'000));
    hub.serve();
    const PublishedModel model = look("hf.co/org/repo");
    const PublishedHeader read = header(model.quants[0].files[0], HeaderDepth::quick);
    EXPECT_FALSE(read.prefix.complete);
    EXPECT_EQ(read.prefix.header.integer("llama.block_count"), 16);
    EXPECT_EQ(read.bytes_read, Survey::quick_bytes);
    EXPECT_EQ(origin->served_bytes, Survey::quick_bytes);
    EXPECT_EQ(origin->requests.back().authorization, "Bearer hf_secret");
}

TEST_F(SurveyTest, ARepositoryOfTenQuantsCostsOneShortRead) {
    const char* quants[] = {"Q2_K",   "Q3_K_M", "Q4_0", "Q4_K_S", "Q4_K_M",
                            "Q5_K_S", "Q5_K_M", "Q6_K", "Q8_0",   "F16"};
    for (const char* quant : quants) {
        hub.add(fmt::format("m-{}.gguf", quant), model_with_tokenizer(20'000, 4, quant));
    }
    hub.serve();
    origin->served_bytes = 0;
    const PublishedModel model = look("hf.co/org/repo");
    const std::uint64_t before = origin->served_bytes;
    const PublishedHeader read = header(default_quant(model).files[0], HeaderDepth::quick);
    EXPECT_EQ(model.quants.size(), 10U);
    EXPECT_EQ(read.prefix.header.integer("llama.block_count"), 16);
    EXPECT_LE(before + origin->served_bytes, 128U << 10);
    EXPECT_EQ(origin->requests.size(), 3U) << "commit, tree, one header";
}

TEST_F(SurveyTest, AWholeHeaderIsReadOnceAndNotBeyondItsStep) {
    hub.add("m-Q4_0.gguf", model_with_tokenizer(100'000, (9 << 20) / 128));
    hub.serve();
    const PublishedModel model = look("hf.co/org/repo");
    const PublishedHeader read = header(model.quants[0].files[0], HeaderDepth::whole);
    EXPECT_TRUE(read.prefix.complete);
    EXPECT_EQ(read.prefix.header.tensors.size(), 1U);
    EXPECT_EQ(read.bytes_read, 4U << 20) << "the tokenizer has about 3 MB";
    EXPECT_EQ(origin->served_bytes, read.bytes_read) << "no byte twice";
}

TEST_F(SurveyTest, ABudgetIsKept) {
    hub.add("m-Q4_0.gguf", model_with_tokenizer(100'000));
    hub.serve();
    const PublishedModel model = look("hf.co/org/repo");
    const PublishedHeader read = header(model.quants[0].files[0], HeaderDepth::whole, 1 << 20);
    EXPECT_FALSE(read.prefix.complete);
    EXPECT_LE(origin->served_bytes, 1U << 20);
    EXPECT_EQ(read.prefix.header.integer("llama.block_count"), 16);
}

TEST_F(SurveyTest, AServerWithoutRangesIsCutOff) {
    const std::string content = model_with_tokenizer(100'000, (20 << 20) / 128);
    hub.add("m-Q4_0.gguf", content);
    hub.serve();
    origin->script(hub.file_url("m-Q4_0.gguf"), [&](const FetchRequest&) {
        return std::optional(
            Reply{.status = 200, .headers = {}, .body = content, .cut_after = {}, .failure = {}});
    });
    const PublishedModel model = look("hf.co/org/repo");
    const PublishedHeader read = header(model.quants[0].files[0], HeaderDepth::whole);
    EXPECT_TRUE(read.prefix.complete);
    EXPECT_LE(origin->served_bytes, 6U << 20);
}

TEST_F(SurveyTest, WhatIsNoGgufIsRefusedAtItsFirstBytes) {
    hub.add("m-Q4_0.gguf", std::string(1 << 20, 'x'));
    hub.serve();
    const PublishedModel model = look("hf.co/org/repo");
    expect_error(ErrorCode::model_invalid, [&] { header(model.quants[0].files[0], HeaderDepth::whole); });
    EXPECT_EQ(origin->served_bytes, Survey::quick_bytes);
}

TEST_F(SurveyTest, APublishedFileThatIsLongerThanItsHeaderSaysIsRefusedBeforeItsWeights) {
    hub.add("m-Q4_0.gguf", model_with_tokenizer(1000, 1 << 14) + std::string(100, 'w'));
    hub.serve();
    const PublishedModel model = look("hf.co/org/repo");
    EXPECT_NE(
        expect_error(ErrorCode::model_invalid, [&] { header(model.quants[0].files[0], HeaderDepth::whole); })
            .find("100 bytes are too many"),
        std::string::npos);
    EXPECT_LE(origin->served_bytes, Survey::quick_bytes);
}

TEST_F(SurveyTest, AGatedFileSaysWhereToAskForIt) {
    hub.add("m-Q4_0.gguf", model_bytes(100));
    hub.serve();
    origin->script(hub.file_url("m-Q4_0.gguf"), [&](const FetchRequest&) {
        return std::optional(Reply{.status = 403,
                                   .headers = {{"x-error-code", "GatedRepo"}},
                                   .body = "",
                                   .cut_after = {},
                                   .failure = {}});
    });
    const PublishedModel model = look("hf.co/org/repo");
    EXPECT_NE(expect_error(ErrorCode::registry_denied,
                           [&] { header(model.quants[0].files[0], HeaderDepth::quick); })
                  .find("gated"),
              std::string::npos);
}

TEST_F(SurveyTest, ARegistrysReferenceIsOneQuantWithItsOtherTags) {
    const std::string weights = model_bytes(1000);
    serve_model("team/m", {weights}, "q4");
    origin->add(std::string(registry) + "/v2/team/m/tags/list",
                R"({"name":"m","tags":["q4","q8","bad tag"]})");
    const PublishedModel model = look("registry.test/team/m:q4");
    ASSERT_EQ(model.quants.size(), 1U);
    EXPECT_EQ(model.quants[0].reference, "registry.test/team/m:q4");
    EXPECT_EQ(model.quants[0].size_bytes, weights.size());
    EXPECT_THAT(model.tags, ElementsAre("q4", "q8"));
    EXPECT_TRUE(header(model.quants[0].files[0], HeaderDepth::whole).prefix.complete);
}

TEST_F(SurveyTest, ARegistryThatListsNoTagsIsFine) {
    serve_model("team/m", {model_bytes(1000)});
    EXPECT_TRUE(look("registry.test/team/m").tags.empty());
}

TEST_F(SurveyTest, AnAddressIsItsShards) {
    for (int shard : {1, 2}) {
        origin->add(fmt::format("https://files.test/m-Q4_0-0000{}-of-00002.gguf", shard),
                    shard_bytes(shard, 2));
    }
    const PublishedModel model = look("https://files.test/m-Q4_0-00001-of-00002.gguf");
    ASSERT_EQ(model.quants[0].files.size(), 2U);
    EXPECT_EQ(model.quants[0].quant, "Q4_0");
    EXPECT_EQ(model.quants[0].files[1].shard, 2);
    EXPECT_TRUE(header(model.quants[0].files[1], HeaderDepth::whole).prefix.complete);
}

TEST_F(SurveyTest, ALocalFileIsReadFromTheDisk) {
    const std::string bytes = model_bytes(200'000);
    write_file_atomically(folder.path() / "m-q8_0.gguf", bytes);
    const PublishedModel model = look("file://" + (folder.path() / "m-q8_0.gguf").string());
    EXPECT_EQ(model.quants[0].quant, "Q8_0");
    EXPECT_EQ(model.quants[0].size_bytes, bytes.size());
    EXPECT_TRUE(header(model.quants[0].files[0], HeaderDepth::whole).prefix.complete);
    EXPECT_TRUE(origin->requests.empty());
}

TEST_F(SurveyTest, APrefixEndsWithItsFile) {
    hub.add("m-Q4_0.gguf", "0123456789");
    hub.serve();
    const PublishedModel model = look("hf.co/org/repo");
    const auto prefix = [&](std::uint64_t bytes) {
        return run(survey->read_prefix(model.quants[0].files[0], bytes));
    };
    EXPECT_EQ(prefix(4), "0123");
    EXPECT_EQ(prefix(100), "0123456789");
}

} // namespace
} // namespace hearth::registry::testing
