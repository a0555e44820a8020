#include "registry/derived_manifest.hpp"

#include "base/sha256.hpp"

#include <gtest/gtest.h>

namespace hearth::registry {
namespace {

Layer layer(const char* type, const std::string& text) {
    return {type, sha256_of(text), text.size(), {}};
}

TEST(DerivedManifest, KeepsEverythingButTheWeightsAndTheConfig) {
    const Layer projector = layer(media_type::ollama_projector, "projector");
    const Layer text = layer(media_type::ollama_template, "template");
    const Layer license = layer(media_type::ollama_license, "license");
    const std::string source =
        make_manifest(layer(media_type::config, "{\"file_type\":\"F16\"}"),
                      {layer(media_type::ollama_model, "shard 1"), layer(media_type::ollama_model, "shard 2"),
                       projector, text, layer("application/x-unknown", "nobody knows"), license});
    Layer weights = layer(media_type::ollama_model, "smaller");
    weights.annotations = {{annotation::source, "local/big:latest"}};
    const Layer config = layer(media_type::config, make_config());

    const Manifest made = parse_manifest(derive_manifest(source, weights, config));
    ASSERT_TRUE(made.config);
    EXPECT_EQ(made.config->digest, config.digest);
    ASSERT_EQ(made.layers.size(), 4U);
    EXPECT_EQ(made.layers[0].digest, weights.digest);
    EXPECT_EQ(made.layers[0].annotations.at(annotation::source), "local/big:latest");
    EXPECT_EQ(made.layers[1].digest, projector.digest);
    EXPECT_EQ(made.layers[2].digest, text.digest);
    EXPECT_EQ(made.layers[3].digest, license.digest);
}

} // namespace
} // namespace hearth::registry
