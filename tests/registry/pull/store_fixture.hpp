#pragma once

#include "base/async/blocking.hpp"
#include "base/sha256.hpp"
#include "registry/blobs/blob_store.hpp"
#include "registry/catalog.hpp"
#include "registry/db/database.hpp"
#include "registry/manifest.hpp"
#include "registry/pull/pull_engine.hpp"
#include "tests/base/temporary_dir.hpp"
#include "tests/registry/pull/fake_origin.hpp"
#include "tests/registry/run_coroutine.hpp"
#include "tests/support/gguf_writer.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hearth::registry::testing {

/// A small right GGUF with a tensor of `ballast` bytes (a multiple of 4), different for each salt.
inline std::string model_bytes(std::size_t ballast = 3'000'000, std::uint32_t salt = 0) {
    std::string weights;
    weights.reserve(ballast);
    std::uint32_t state = salt + 1;
    for (std::size_t index = 0; index < ballast; ++index) {
        state = state * 1664525 + 1013904223;
        weights += static_cast<char>(state >> 24);
    }
    return hearth::testing::small_llama("tiny", salt).tensor("ballast", {ballast / 4}, weights).bytes();
}

/// One of the files of a split model, as llama.cpp's splitter marks them.
inline std::string shard_bytes(int shard, int count) {
    return hearth::testing::small_llama("tiny", static_cast<std::uint32_t>(shard))
        .u16("split.no", static_cast<std::uint16_t>(shard - 1))
        .u16("split.count", static_cast<std::uint16_t>(count))
        .bytes();
}

/// A real store, a real index, a fake network, and an engine over them.
class PullTest : public ::testing::Test {
  protected:
    static constexpr const char* host = "registry.test";
    static constexpr const char* registry = "https://registry.test";

    PullTest() { start(); }
    ~PullTest() override { finish(); }

    /// A new service on the same store, as after a restart.
    void restart() {
        finish();
        start();
    }

    void start() {
        io = std::make_unique<boost::asio::io_context>();
        disk = std::make_unique<BlockingPool>(2);
        store = std::make_unique<BlobStore>(folder.path() / "data");
        database = std::make_unique<Database>(folder.path() / "data" / "index.db");
        catalog = std::make_unique<Catalog>(*database, *store, *disk, host);
        origin = std::make_unique<FakeOrigin>(io->get_executor());
        PullOptions options;
        options.retry.base = options.retry.cap = options.retry.longest_asked = std::chrono::milliseconds(0);
        engine =
            std::make_unique<PullEngine>(io->get_executor(), *catalog, *store, *origin, *disk, host, options);
    }

    void finish() {
        run(engine->stop());
        engine.reset();
        origin.reset();
        catalog.reset();
        database.reset();
        disk->join();
        disk.reset();
        store.reset();
        io.reset();
    }

    template <class Result> Result run(boost::asio::awaitable<Result> work) {
        std::optional<Result> result;
        run(hearth::testing::keep_result(std::move(work), &result));
        return std::move(*result);
    }

    void run(boost::asio::awaitable<void> work) {
        std::exception_ptr failure;
        boost::asio::co_spawn(*io, std::move(work), [&](std::exception_ptr error) { failure = error; });
        io->restart();
        io->run();
        if (failure) {
            std::rethrow_exception(failure);
        }
    }

    Model pull(const std::string& name, const std::string& as = {}) {
        lines.clear();
        PullRequest request{.name = name, .as = as, .insecure = false};
        return run(
            engine->pull(std::move(request), [this](const PullProgress& line) { lines.push_back(line); }));
    }

    /// A pull whose result nobody looks at, for tests that start several.
    boost::asio::awaitable<void> pull_quietly(std::string name) {
        PullRequest request{.name = std::move(name), .as = {}, .insecure = false};
        co_await engine->pull(std::move(request), [](const PullProgress&) {});
    }

    /// Serves a model with these weights at `registry.test/<repository>:<tag>`. @return the manifest
    std::string serve_model(const std::string& repository, const std::vector<std::string>& weights,
                            const std::string& tag = "latest") {
        const std::string config = make_config();
        std::vector<Layer> layers;
        for (const std::string& bytes : weights) {
            layers.push_back(serve_blob(repository, media_type::ollama_model, bytes));
        }
        const Layer config_layer = serve_blob(repository, media_type::config, config);
        const std::string manifest = make_manifest(config_layer, layers);
        serve_manifest(repository, tag, manifest);
        serve_manifest(repository, sha256_of(manifest).text(), manifest);
        return manifest;
    }

    void serve_manifest(const std::string& repository, const std::string& reference,
                        const std::string& manifest) {
        origin->add(manifest_url(repository, reference), manifest,
                    {{"content-type", media_type::docker_manifest}});
    }

    Layer serve_blob(const std::string& repository, const char* type, const std::string& bytes) {
        const Digest digest = sha256_of(bytes);
        origin->add(blob_url(repository, digest), bytes);
        return Layer{.media_type = type, .digest = digest, .size = bytes.size(), .annotations = {}};
    }

    static std::string manifest_url(const std::string& repository, const std::string& reference) {
        return std::string(registry) + "/v2/" + repository + "/manifests/" + reference;
    }
    static std::string blob_url(const std::string& repository, const Digest& digest) {
        return std::string(registry) + "/v2/" + repository + "/blobs/" + digest.text();
    }

    std::vector<std::string> statuses() const {
        std::vector<std::string> result;
        for (const PullProgress& line : lines) {
            if (result.empty() || result.back() != line.status) {
                result.push_back(line.status);
            }
        }
        return result;
    }

    hearth::testing::TemporaryDir folder;
    std::unique_ptr<boost::asio::io_context> io;
    std::unique_ptr<BlockingPool> disk;
    std::unique_ptr<BlobStore> store;
    std::unique_ptr<Database> database;
    std::unique_ptr<Catalog> catalog;
    std::unique_ptr<FakeOrigin> origin;
    std::unique_ptr<PullEngine> engine;
    std::vector<PullProgress> lines;
};

} // namespace hearth::registry::testing
