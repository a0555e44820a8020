#include "registry/pull/file_download.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/registry/pull/hub_fixture.hpp"
#include "tests/registry/pull/store_fixture.hpp"

#include <gmock/gmock.h>

namespace hearth::registry::testing {
namespace {

using hearth::testing::expect_error;
using ::testing::Contains;
using ::testing::StartsWith;

class PullFromHub : public PullTest {
  protected:
    PullFromHub() : hub(*origin, "org/repo") {
        options.retry.base = options.retry.cap = options.retry.longest_asked = std::chrono::milliseconds(0);
        options.hub.endpoint = FakeHub::endpoint;
    }

    /// A new engine with `options`, over the same store and network.
    void use_options() {
        run(engine->stop());
        engine =
            std::make_unique<PullEngine>(io->get_executor(), *catalog, *store, *origin, *disk, host, options);
    }

    FakeHub hub;
    PullOptions options;
};

TEST_F(PullFromHub, TakesTheQuantThatTheChooserPicks) {
    const std::string small = model_bytes(1000, 1);
    hub.add("m-Q4_K_M.gguf", model_bytes(2000, 2));
    hub.add("m-Q2_K.gguf", small);
    hub.serve();
    std::vector<std::string> offered;
    options.choose_quant = [&](PublishedModel model) -> boost::asio::awaitable<std::string> {
        for (const PublishedQuant& quant : model.quants) {
            offered.push_back(quant.tag);
        }
        co_return "Q2_K";
    };
    use_options();
    const Model model = pull("hf.co/org/repo");
    EXPECT_EQ(model.files.front().digest, sha256_of(small));
    EXPECT_THAT(offered, ::testing::ElementsAre("Q2_K", "Q4_K_M"));
    EXPECT_THAT(statuses(), Contains(StartsWith("taking Q2_K (")));
    offered.clear();
    pull("hf.co/org/repo:Q4_K_M");
    EXPECT_TRUE(offered.empty()) << "nobody chooses what was named";
}

TEST_F(PullFromHub, WhatTheChooserThrowsEndsThePull) {
    hub.add("m-Q4_K_M.gguf", model_bytes(2000));
    hub.serve();
    options.choose_quant = [](PublishedModel) -> boost::asio::awaitable<std::string> {
        throw Error(ErrorCode::memory_insufficient, "none of them fits");
        co_return "";
    };
    use_options();
    expect_error(ErrorCode::memory_insufficient, [&] { pull("hf.co/org/repo"); });
    EXPECT_EQ(origin->count(hub.file_url("m-Q4_K_M.gguf")), 0U);
}

TEST_F(PullFromHub, AHugeFileIsAlwaysAskedForByRange) {
    const std::uint64_t huge = 60'000'000'000;
    const std::string start = model_bytes(100);
    FileSource source;
    source.name = "m-F32.gguf";
    source.url = hub.file_url(source.name);
    source.digest = sha256_of("never complete");
    source.size = huge;
    source.is_gguf = true;
    origin->script(source.url, [&](const FetchRequest&) {
        const std::string range = fmt::format("bytes 0-{}/{}", huge - 1, huge);
        return std::optional(Reply{.status = 206,
                                   .headers = {{"content-range", range}},
                                   .body = start,
                                   .cut_after = {},
                                   .failure = {}});
    });
    const auto partial = store->begin(*source.digest, std::nullopt);
    options.retry.attempts = 1;
    FileDownload download(*origin, *disk, *partial, source, options.retry, [](std::uint64_t) {});
    expect_error(ErrorCode::registry_unreachable, [&] { run(download.run()); });
    EXPECT_EQ(origin->requests.at(0).range_bytes, huge);
    EXPECT_EQ(partial->offset(), start.size()) << "what came is kept";
}

TEST_F(PullFromHub, TheSameFilesAreTheSameModelWhereverFrom) {
    const std::string weights = model_bytes(2000);
    hub.add("m-Q4_K_M.gguf", weights);
    hub.serve();
    origin->add("https://files.test/m.gguf", weights);
    use_options();
    EXPECT_EQ(pull("hf.co/org/repo").digest, pull("https://files.test/m.gguf").digest);
}

TEST_F(PullFromHub, AFileThatIsGatedEndsWithWhatToDo) {
    hub.add("m-Q4_K_M.gguf", model_bytes(2000));
    hub.serve();
    origin->script(hub.file_url("m-Q4_K_M.gguf"), [](const FetchRequest&) {
        return std::optional(Reply{.status = 401,
                                   .headers = {{"x-error-code", "GatedRepo"}},
                                   .body = "",
                                   .cut_after = {},
                                   .failure = {}});
    });
    use_options();
    EXPECT_THAT(expect_error(ErrorCode::registry_denied, [&] { pull("hf.co/org/repo"); }),
                ::testing::HasSubstr("gated"));
}

} // namespace
} // namespace hearth::registry::testing
