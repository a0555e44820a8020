#include "tests/base/expect_error.hpp"
#include "tests/registry/pull/store_fixture.hpp"

#include <boost/asio/this_coro.hpp>
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>

namespace hearth::registry::testing {
namespace {

using hearth::testing::expect_error;
using ::testing::ElementsAre;

class PullFromRegistry : public PullTest {};

TEST_F(PullFromRegistry, StoresTheManifestUnchangedAndEveryLayer) {
    const std::string weights = model_bytes();
    const std::string manifest = serve_model("library/tiny", {weights});
    const Model model = pull("tiny");
    EXPECT_EQ(model.digest, sha256_of(manifest));
    EXPECT_EQ(model.ref.full_name(), "registry.test/library/tiny:latest");
    ASSERT_EQ(model.files.size(), 1u);
    EXPECT_EQ(model.files[0].digest, sha256_of(weights));
    EXPECT_EQ(store->size_of(sha256_of(weights)), weights.size());
}

TEST_F(PullFromRegistry, TellsTheStepsInOllamasWordsAndOrder) {
    const std::string weights = model_bytes();
    serve_model("library/tiny", {weights});
    pull("tiny");
    const std::string config = sha256_of(make_config()).short_text();
    EXPECT_THAT(statuses(), ElementsAre("pulling manifest", ::testing::_, ::testing::_,
                                        "verifying sha256 digest", "writing manifest", "success"));
    EXPECT_THAT(statuses(), ::testing::Contains("pulling " + sha256_of(weights).short_text()));
    EXPECT_THAT(statuses(), ::testing::Contains("pulling " + config));
}

TEST_F(PullFromRegistry, ProgressOfALayerRisesToItsSize) {
    const std::string weights = model_bytes();
    serve_model("library/tiny", {weights});
    pull("tiny");
    std::uint64_t last = 0;
    for (const PullProgress& line : lines) {
        if (line.digest == sha256_of(weights)) {
            EXPECT_EQ(line.total_bytes, weights.size());
            EXPECT_GE(line.completed_bytes, last);
            last = line.completed_bytes;
        }
    }
    EXPECT_EQ(last, weights.size());
}

TEST_F(PullFromRegistry, AskingAgainFetchesTheManifestAlone) {
    const std::string weights = model_bytes();
    serve_model("library/tiny", {weights});
    pull("tiny");
    const std::uint64_t served = origin->served_bytes;
    pull("tiny");
    EXPECT_LT(origin->served_bytes - served, 10'000u);
    EXPECT_EQ(origin->count(blob_url("library/tiny", sha256_of(weights))), 1u);
    EXPECT_EQ(lines.back().status, "success");
}

TEST_F(PullFromRegistry, AShardedModelKeepsTheOrderOfItsLayers) {
    const std::string first = shard_bytes(1, 2);
    const std::string second = shard_bytes(2, 2);
    serve_model("library/split", {first, second});
    const Model model = pull("split");
    ASSERT_EQ(model.files.size(), 2u);
    EXPECT_EQ(model.files[0].digest, sha256_of(first));
    EXPECT_EQ(model.files[1].digest, sha256_of(second));
    EXPECT_EQ(model.files[1].of, 2);
}

TEST_F(PullFromRegistry, ACutConnectionIsContinuedWhereItBroke) {
    const std::string weights = model_bytes();
    serve_model("library/tiny", {weights});
    const std::string url = blob_url("library/tiny", sha256_of(weights));
    int cuts = 4;
    origin->script(url, [&](const FetchRequest& request) -> std::optional<Reply> {
        Reply reply = origin->honest(request);
        if (cuts-- > 0) {
            reply.cut_after = 500'000;
        }
        return reply;
    });
    pull("tiny");
    EXPECT_EQ(store->size_of(sha256_of(weights)), weights.size());
    const std::uint64_t small = make_config().size() + 2000;
    EXPECT_LT(origin->served_bytes, weights.size() + small) << "nothing is fetched twice";
}

TEST_F(PullFromRegistry, ARestartedServiceContinuesTheFile) {
    const std::string weights = model_bytes();
    serve_model("library/tiny", {weights});
    const std::string url = blob_url("library/tiny", sha256_of(weights));
    origin->script(url, [&](const FetchRequest& request) -> std::optional<Reply> {
        if (request.range_from > 0) {
            return Reply{.status = 404, .headers = {}, .body = {}, .cut_after = {}, .failure = {}};
        }
        Reply reply = origin->honest(request);
        reply.cut_after = 2'000'000;
        return reply;
    });
    expect_error(ErrorCode::registry_failed, [&] { pull("tiny"); });
    restart();
    serve_model("library/tiny", {weights});
    pull("tiny");
    ASSERT_EQ(origin->count(url), 1u);
    EXPECT_LT(origin->served_bytes, weights.size() - 2'000'000 + 10'000);
    const auto first = std::ranges::find_if(lines, [&](const PullProgress& line) {
        return line.digest == sha256_of(weights) && line.completed_bytes > 0;
    });
    ASSERT_NE(first, lines.end());
    EXPECT_GE(first->completed_bytes, 2'000'000u) << "progress starts where the last one ended";
}

TEST_F(PullFromRegistry, AServerWithoutRangesIsReadFromTheStartAndStillRight) {
    const std::string weights = model_bytes();
    serve_model("library/tiny", {weights});
    bool first = true;
    origin->script(blob_url("library/tiny", sha256_of(weights)),
                   [&](FetchRequest request) -> std::optional<Reply> {
                       request.range_from = 0; // 200 in place of 206
                       Reply reply = origin->honest(request);
                       if (std::exchange(first, false)) {
                           reply.cut_after = 1'500'000;
                       }
                       return reply;
                   });
    pull("tiny");
    EXPECT_EQ(store->size_of(sha256_of(weights)), weights.size());
}

TEST_F(PullFromRegistry, AWrongContentRangeIsNotBelieved) {
    const std::string weights = model_bytes();
    serve_model("library/tiny", {weights});
    bool first = true;
    origin->script(blob_url("library/tiny", sha256_of(weights)),
                   [&](const FetchRequest& request) -> std::optional<Reply> {
                       Reply reply = origin->honest(request);
                       if (std::exchange(first, false)) {
                           reply.cut_after = 1'000'000;
                       } else if (request.range_from >
                                  0) { // other bytes than its numbers say would be worse: these it admits
                           reply.headers["content-range"] = "bytes 5-" + std::to_string(weights.size() - 1) +
                                                            "/" + std::to_string(weights.size());
                           reply.body = weights.substr(5);
                       }
                       return reply;
                   });
    pull("tiny");
    EXPECT_EQ(store->size_of(sha256_of(weights)), weights.size());
}

TEST_F(PullFromRegistry, AServerThatGivesNothingIsAskedSixTimes) {
    const std::string weights = model_bytes();
    serve_model("library/tiny", {weights});
    const std::string url = blob_url("library/tiny", sha256_of(weights));
    origin->script(url, [](const FetchRequest&) -> std::optional<Reply> {
        return Reply{.status = 503,
                     .headers = {{"retry-after", "1000000000"}},
                     .body = {},
                     .cut_after = {},
                     .failure = {}};
    });
    expect_error(ErrorCode::registry_failed, [&] { pull("tiny"); });
    EXPECT_EQ(origin->count(url), 6u);
}

TEST_F(PullFromRegistry, ANetworkThatComesBackIsNotAnError) {
    const std::string weights = model_bytes();
    serve_model("library/tiny", {weights});
    int failures = 3;
    origin->script(blob_url("library/tiny", sha256_of(weights)),
                   [&](const FetchRequest&) -> std::optional<Reply> {
                       if (failures-- > 0) {
                           return Reply{.status = 0,
                                        .headers = {},
                                        .body = {},
                                        .cut_after = {},
                                        .failure = Error(ErrorCode::registry_unreachable, "no route")};
                       }
                       return std::nullopt;
                   });
    pull("tiny");
    EXPECT_EQ(lines.back().status, "success");
}

TEST_F(PullFromRegistry, ACompletePartialIsPublishedWithoutTraffic) {
    const std::string weights = model_bytes();
    serve_model("library/tiny", {weights});
    {
        const auto partial = store->begin(sha256_of(weights), weights.size());
        partial->append(weights);
    }
    pull("tiny");
    EXPECT_EQ(origin->count(blob_url("library/tiny", sha256_of(weights))), 0u);
    EXPECT_TRUE(store->contains(sha256_of(weights)));
}

TEST_F(PullFromRegistry, AnUnknownModelIsNotFoundInOllamasWords) {
    const std::string text = expect_error(ErrorCode::model_not_found, [&] { pull("nothing"); });
    EXPECT_EQ(text, "pull model manifest: file does not exist");
}

TEST_F(PullFromRegistry, APinIsTheDigestOfTheManifest) {
    const std::string manifest = serve_model("library/tiny", {model_bytes()});
    EXPECT_EQ(pull("tiny@" + sha256_of(manifest).text()).digest, sha256_of(manifest));
    const Digest other = sha256_of("other");
    serve_manifest("library/tiny", other.text(), manifest);
    expect_error(ErrorCode::corrupt_blob, [&] { pull("tiny@" + other.text()); });
}

TEST_F(PullFromRegistry, AnIndexLeadsToTheManifestForThisMachine) {
    const std::string manifest = serve_model("library/tiny", {model_bytes()});
    const auto entry = [](const Digest& digest, std::size_t size, const std::string& architecture) {
        return R"({"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":")" + digest.text() +
               R"(","size":)" + std::to_string(size) + R"(,"platform":{"os":"linux","architecture":")" +
               architecture + "\"}}";
    };
    const std::string index =
        R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[)" +
        entry(sha256_of("s390x"), 5, "s390x") + "," + entry(sha256_of(manifest), manifest.size(), "amd64") +
        "," + entry(sha256_of(manifest), manifest.size(), "arm64") + "]}";
    serve_manifest("library/tiny", "multi", index);
    EXPECT_EQ(pull("tiny:multi").digest, sha256_of(manifest));
}

TEST_F(PullFromRegistry, ARegistryThatRefusesIsToldApartFromOneWithoutTheModel) {
    serve_model("library/tiny", {model_bytes(1000)});
    origin->script(manifest_url("library/tiny", "latest"), [](const FetchRequest&) -> std::optional<Reply> {
        return Reply{.status = 403, .headers = {}, .body = {}, .cut_after = {}, .failure = {}};
    });
    expect_error(ErrorCode::registry_denied, [&] { pull("tiny"); });
}

TEST_F(PullFromRegistry, ManyPullsOfOneModelShareOneDownload) {
    const std::string weights = model_bytes();
    serve_model("library/tiny", {weights});
    int done = 0;
    for (int index = 0; index < 10; ++index) {
        boost::asio::co_spawn(*io, pull_quietly(index % 2 == 0 ? "tiny" : "TINY:latest"),
                              [&](std::exception_ptr failure) { done += failure ? 0 : 1; });
    }
    io->restart();
    io->run();
    EXPECT_EQ(done, 10);
    EXPECT_EQ(origin->count(blob_url("library/tiny", sha256_of(weights))), 1u);
}

TEST_F(PullFromRegistry, TwoModelsThatShareALayerFetchItOnce) {
    const std::string weights = model_bytes();
    serve_model("library/one", {weights});
    serve_model("library/two", {weights});
    int done = 0;
    for (const char* name : {"one", "two"}) {
        boost::asio::co_spawn(*io, pull_quietly(name),
                              [&](std::exception_ptr failure) { done += failure ? 0 : 1; });
    }
    io->restart();
    io->run();
    EXPECT_EQ(done, 2);
    EXPECT_EQ(origin->count(blob_url("library/one", sha256_of(weights))) +
                  origin->count(blob_url("library/two", sha256_of(weights))),
              1u);
}

} // namespace
} // namespace hearth::registry::testing
