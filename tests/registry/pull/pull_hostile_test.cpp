#include "tests/base/expect_error.hpp"
#include "tests/registry/pull/store_fixture.hpp"

#include <gmock/gmock.h>

#include <filesystem>

namespace hearth::registry::testing {
namespace {

using hearth::testing::expect_error;
using ::testing::HasSubstr;

/// Registries that are broken, lie or attack.
class PullFromHostileRegistry : public PullTest {};

std::size_t blob_count(const std::filesystem::path& data) {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(data / "blobs")) {
        count += entry.is_regular_file() ? 1 : 0;
    }
    return count;
}

TEST_F(PullFromHostileRegistry, OneWrongByteIsATypedErrorAndPublishesNothing) {
    std::string weights = model_bytes();
    serve_model("library/tiny", {weights});
    const Digest digest = sha256_of(weights);
    weights[weights.size() / 2] ^= 1;
    origin->add(blob_url("library/tiny", digest), weights);
    expect_error(ErrorCode::corrupt_blob, [&] { pull("tiny"); });
    EXPECT_FALSE(store->contains(digest));
    EXPECT_EQ(blob_count(store->data_dir()), 0u);
    EXPECT_FALSE(run(catalog->find("tiny")).has_value());
}

TEST_F(PullFromHostileRegistry, ASizeThatContradictsTheManifestIsRefusedBeforeWriting) {
    const std::string weights = model_bytes();
    serve_model("library/tiny", {weights});
    origin->add(blob_url("library/tiny", sha256_of(weights)), weights + "more");
    expect_error(ErrorCode::registry_failed, [&] { pull("tiny"); });
    EXPECT_EQ(store->partial_bytes(), 0u);
}

TEST_F(PullFromHostileRegistry, AnEndlessBodyIsCutAtTheManifestsSize) {
    const std::string weights = model_bytes();
    serve_model("library/tiny", {weights});
    origin->script(blob_url("library/tiny", sha256_of(weights)),
                   [&](const FetchRequest& request) -> std::optional<Reply> {
                       Reply reply = origin->honest(request);
                       reply.headers.erase("content-length");
                       reply.body += std::string(2'000'000, 'x');
                       return reply;
                   });
    expect_error(ErrorCode::too_large, [&] { pull("tiny"); });
    EXPECT_FALSE(store->contains(sha256_of(weights)));
}

TEST_F(PullFromHostileRegistry, AWebPageInPlaceOfTheWeightsStopsAtOnce) {
    const std::string weights = model_bytes();
    serve_model("library/tiny", {weights});
    const std::string url = blob_url("library/tiny", sha256_of(weights));
    origin->script(url, [&](const FetchRequest&) -> std::optional<Reply> {
        return Reply{.status = 200,
                     .headers = {{"content-type", "text/html"}},
                     .body = "<html>log in",
                     .cut_after = {},
                     .failure = {}};
    });
    expect_error(ErrorCode::registry_failed, [&] { pull("tiny"); });
    EXPECT_EQ(origin->count(url), 1u);
}

TEST_F(PullFromHostileRegistry, WeightsThatAreNotGgufStopAtTheFirstBytes) {
    const std::string weights = "PK" + model_bytes();
    serve_model("library/tiny", {weights});
    expect_error(ErrorCode::model_invalid, [&] { pull("tiny"); });
    EXPECT_LT(origin->served_bytes, 500'000u);
}

TEST_F(PullFromHostileRegistry, CompressedBodiesAreRefused) {
    const std::string weights = model_bytes();
    serve_model("library/tiny", {weights});
    origin->script(blob_url("library/tiny", sha256_of(weights)),
                   [&](const FetchRequest& request) -> std::optional<Reply> {
                       Reply reply = origin->honest(request);
                       reply.headers["content-encoding"] = "gzip";
                       return reply;
                   });
    expect_error(ErrorCode::registry_failed, [&] { pull("tiny"); });
}

TEST_F(PullFromHostileRegistry, HostileManifestsAreTypedErrors) {
    const std::string digest = sha256_of("x").text();
    const std::string head =
        R"({"schemaVersion":2,"layers":[{"mediaType":"application/vnd.ollama.image.model","digest":")";
    const std::vector<std::string> hostile = {
        "",
        "null",
        "[]",
        "{",
        R"({"layers":[]})",
        std::string(5u << 20, ' '),
        head + R"(sha256:../../../../etc/passwd","size":1}]})",
        head + digest + R"(","size":-1}]})",
        head + digest + R"(","size":1},{"mediaType":"application/vnd.ollama.image.model","digest":")" +
            digest + R"(","size":2}]})",
        std::string(100'000, '['),
    };
    for (const std::string& manifest : hostile) {
        serve_manifest("library/evil", "latest", manifest);
        try {
            pull("evil");
            ADD_FAILURE() << "accepted: " << manifest.substr(0, 100);
        } catch (const Error& error) {
            EXPECT_TRUE(error.code() == ErrorCode::bad_manifest || error.code() == ErrorCode::too_large ||
                        error.code() == ErrorCode::unsupported)
                << code_name(error.code()) << ": " << error.what() << " for " << manifest.substr(0, 100);
        }
    }
    EXPECT_EQ(blob_count(store->data_dir()), 0u);
}

TEST_F(PullFromHostileRegistry, AModelLargerThanTheDiskIsRefusedWithTheNumbers) {
    const Layer huge{.media_type = media_type::ollama_model,
                     .digest = sha256_of("x"),
                     .size = 1ull << 60,
                     .annotations = {}};
    serve_manifest("library/huge", "latest", make_manifest(std::nullopt, {huge}));
    const std::string text = expect_error(ErrorCode::disk_full, [&] { pull("huge"); });
    EXPECT_THAT(text, HasSubstr("are free"));
    EXPECT_EQ(store->partial_bytes(), 0u);
}

TEST_F(PullFromHostileRegistry, AnAnonymousTokenIsFetchedAndSentToTheRegistryAlone) {
    const std::string weights = model_bytes(1000);
    serve_model("library/tiny", {weights});
    const auto guarded = [&](const FetchRequest& request) -> std::optional<Reply> {
        if (request.authorization == "Bearer abc") {
            return std::nullopt;
        }
        return Reply{
            .status = 401,
            .headers =
                {{"www-authenticate",
                  R"(Bearer realm="https://auth.test/token",service="registry.test",scope="repository:library/tiny:pull")"}},
            .body = {},
            .cut_after = {},
            .failure = {}};
    };
    origin->script(manifest_url("library/tiny", "latest"), guarded);
    origin->script(blob_url("library/tiny", sha256_of(weights)), guarded);
    const std::string token_url =
        "https://auth.test/token?service=registry.test&scope=repository%3Alibrary%2Ftiny%3Apull";
    origin->add(token_url, R"({"token":"abc"})");
    pull("tiny");
    for (const FetchRequest& request : origin->requests) {
        if (request.url == token_url) {
            EXPECT_EQ(request.authorization, "");
            EXPECT_EQ(request.reach, Reach::public_only) << "the registry chose this host";
        }
    }
    EXPECT_EQ(lines.back().status, "success");
}

TEST_F(PullFromHostileRegistry, ALoginIsNotFetchedOverPlainHttp) {
    serve_model("library/tiny", {model_bytes(1000)});
    for (const char* realm : {"http://auth.test/token", "http://127.0.0.1:22/", "file:///etc/passwd",
                              "https://user@auth.test/", "gopher://x/"}) {
        origin->script(
            manifest_url("library/tiny", "latest"), [&](const FetchRequest&) -> std::optional<Reply> {
                return Reply{.status = 401,
                             .headers = {{"www-authenticate", std::string("Bearer realm=\"") + realm + "\""}},
                             .body = {},
                             .cut_after = {},
                             .failure = {}};
            });
        origin->requests.clear();
        expect_error(ErrorCode::network_forbidden, [&] { pull("tiny"); });
        EXPECT_EQ(origin->requests.size(), 1u) << realm;
    }
}

} // namespace
} // namespace hearth::registry::testing
