#include "registry/manifest.hpp"

#include "base/sha256.hpp"
#include "tests/base/expect_error.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace hearth::registry {
namespace {

using testing::expect_error;

std::string digest_text(std::string_view seed) {
    return sha256_of(seed).text();
}

std::string layer_text(std::string_view type, std::string_view seed, std::string_view size = "10",
                       std::string_view more = "") {
    return fmt::format(R"({{"mediaType":"{}","digest":"{}","size":{}{}}})", type, digest_text(seed), size,
                       more);
}

std::string manifest_text(std::string_view layers, std::string_view config = "") {
    return fmt::format(R"({{"schemaVersion":2,"mediaType":"{}"{},"layers":[{}]}})",
                       media_type::docker_manifest, config, layers);
}

std::string titled(const char* key, const char* name) {
    return fmt::format(R"(,"annotations":{{"{}":"{}"}})", key, name);
}

LayerKind kind_of(const std::string& type, std::string_view file = "") {
    Layer layer{type, sha256_of("x"), 1, {}};
    if (!file.empty())
        layer.annotations["org.opencontainers.image.title"] = file;
    return classify(layer);
}

TEST(Manifest, ReadsOllamasShape) {
    const Manifest manifest =
        parse_manifest(manifest_text(layer_text(media_type::ollama_model, "w", "4661211808") + "," +
                                         layer_text(media_type::ollama_license, "l"),
                                     ",\"config\":" + layer_text(media_type::config, "c", "485")));
    EXPECT_EQ(manifest.media_type, media_type::docker_manifest);
    ASSERT_TRUE(manifest.config);
    EXPECT_EQ(manifest.config->size, 485U);
    ASSERT_EQ(manifest.layers.size(), 2U);
    EXPECT_EQ(manifest.layers[0].size, 4661211808U);
    EXPECT_EQ(manifest.layers[0].digest, sha256_of("w"));
}

TEST(Manifest, DoesWithoutConfigRootfsAndMediaType) {
    const Manifest manifest = parse_manifest(R"({"schemaVersion":2,"config":null,"layers":[]})");
    EXPECT_FALSE(manifest.config);
    EXPECT_TRUE(manifest.layers.empty());
}

TEST(Manifest, GivesAnIndexAsAnIndex) {
    const std::string text = fmt::format(R"({{"schemaVersion":2,"manifests":[{}]}})",
                                         layer_text(media_type::oci_manifest, "m", "7",
                                                    R"(,"platform":{"os":"linux","architecture":"amd64"})"));
    const auto parsed = parse_manifest_or_index(text);
    const auto* index = std::get_if<ManifestIndex>(&parsed);
    ASSERT_NE(index, nullptr);
    ASSERT_EQ(index->entries.size(), 1U);
    EXPECT_EQ(index->entries[0].os, "linux");
    EXPECT_EQ(index->entries[0].manifest.digest, sha256_of("m"));
    expect_error(ErrorCode::bad_manifest, [&] { parse_manifest(text); });
}

class BadManifests : public ::testing::TestWithParam<std::string> {};

TEST_P(BadManifests, AreRefused) {
    expect_error(ErrorCode::bad_manifest, [] { parse_manifest(GetParam()); });
}

std::string with_digest(const char* digest) {
    return manifest_text(fmt::format(R"({{"mediaType":"x","digest":"{}","size":1}})", digest));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadManifests,
    ::testing::Values("", "null", "[]", "<html></html>", "{}", R"({"layers":{}})", R"({"layers":null})",
                      R"({"layers":[null]})", R"({"layers":[1]})", R"({"layers":[{}]})",
                      R"({"schemaVersion":1,"layers":[]})",
                      R"({"layers":[{"mediaType":1,"digest":"","size":1}]})",
                      with_digest("sha256:../../../../etc/x"), with_digest("sha256:abc"),
                      with_digest("sha512:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
                      with_digest("sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef"),
                      with_digest("sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"),
                      with_digest("sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0"),
                      manifest_text(layer_text("x", "a", "-1")), manifest_text(layer_text("x", "a", "1.5")),
                      manifest_text(layer_text("x", "a", "\"1\"")),
                      manifest_text(layer_text("x", "a", "18446744073709551616")),
                      manifest_text(layer_text("x", "a", "18446744073709551615")),
                      manifest_text(layer_text("x", "a", "1152921504606846976") + "," +
                                    layer_text("x", "b", "1")),
                      manifest_text(layer_text("x", "a", "1") + "," + layer_text("y", "a", "2")),
                      manifest_text(layer_text("x", "a", "1"), ",\"config\":" + layer_text("c", "a", "2")),
                      R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json"})"));

TEST(Manifest, NamesTheLayerThatIsWrong) {
    const std::string text =
        manifest_text(layer_text("x", "a") + "," + R"({"mediaType":"x","digest":"sha256:..","size":1})");
    const std::string error = expect_error(ErrorCode::bad_manifest, [&] { parse_manifest(text); });
    EXPECT_NE(error.find("layer 1"), std::string::npos) << error;
}

TEST(Manifest, StopsAtFourMebibytesAndFourThousandLayers) {
    std::string layers = layer_text("x", "a");
    const std::string one = layers;
    for (std::size_t i = 1; i < manifest_limit_layers; ++i)
        layers += "," + one;
    EXPECT_EQ(parse_manifest(manifest_text(layers)).layers.size(), manifest_limit_layers);
    expect_error(ErrorCode::bad_manifest, [&] { parse_manifest(manifest_text(layers + "," + one)); });
    expect_error(ErrorCode::bad_manifest,
                 [&] { parse_manifest(manifest_text(one) + std::string(manifest_limit_bytes, ' ')); });
}

TEST(Manifest, KnowsWhatLayersAreFor) {
    EXPECT_EQ(kind_of("application/vnd.ollama.image.model"), LayerKind::weights);
    EXPECT_EQ(kind_of("application/vnd.ollama.image.projector"), LayerKind::projector);
    EXPECT_EQ(kind_of("application/vnd.ollama.image.template"), LayerKind::template_text);
    EXPECT_EQ(kind_of("application/vnd.ollama.image.prompt"), LayerKind::template_text);
    EXPECT_EQ(kind_of("application/vnd.ollama.image.params"), LayerKind::params);
    EXPECT_EQ(kind_of("application/vnd.ollama.image.tensor"), LayerKind::other);
    EXPECT_EQ(kind_of("application/vnd.docker.ai.gguf.v3"), LayerKind::weights);
    EXPECT_EQ(kind_of("application/vnd.docker.ai.mmproj"), LayerKind::projector);
    EXPECT_EQ(kind_of("application/vnd.docker.ai.chat.template.jinja"), LayerKind::chat_template);
    EXPECT_EQ(kind_of("application/vnd.cncf.model.weight.v1.gguf"), LayerKind::weights);
    EXPECT_EQ(kind_of("application/vnd.cncf.model.weight.v1.raw", "model-Q4.gguf"), LayerKind::weights);
    EXPECT_EQ(kind_of("application/vnd.cncf.model.weight.v1.raw", "model.safetensors"), LayerKind::other);
    EXPECT_EQ(kind_of("application/vnd.cncf.model.weight.v1.tar+gzip", "model.gguf"), LayerKind::other);
    EXPECT_EQ(kind_of("application/octet-stream", "a/b/Model.GGUF"), LayerKind::weights);
    EXPECT_EQ(kind_of("application/octet-stream", "mmproj-model-f16.gguf"), LayerKind::projector);
    EXPECT_EQ(kind_of("application/octet-stream", "../../etc/passwd"), LayerKind::other);
    EXPECT_EQ(kind_of("application/vnd.cncf.model.doc.v1.raw", "LICENSE"), LayerKind::license);
    EXPECT_EQ(kind_of(""), LayerKind::other);
}

TEST(Manifest, NeedsItsConfigAndEveryKnownLayerOnce) {
    const Manifest manifest = parse_manifest(manifest_text(
        layer_text(media_type::ollama_model, "w") + "," + layer_text("text/odd", "o") + "," +
            layer_text(media_type::ollama_license, "l") + "," + layer_text(media_type::ollama_license, "l"),
        ",\"config\":" + layer_text("application/vnd.odd.config", "c")));
    const std::vector<Layer> needed = needed_layers(manifest);
    ASSERT_EQ(needed.size(), 3U);
    EXPECT_EQ(needed[0].digest, sha256_of("c"));
    EXPECT_EQ(needed[1].digest, sha256_of("w"));
    EXPECT_EQ(needed[2].digest, sha256_of("l"));
}

TEST(Manifest, WithoutGgufWeightsSaysWhatIsThere) {
    const Manifest manifest =
        parse_manifest(manifest_text(layer_text("application/vnd.ollama.image.tensor", "w")));
    const std::string error = expect_error(ErrorCode::unsupported, [&] { needed_layers(manifest); });
    EXPECT_NE(error.find("image.tensor"), std::string::npos) << error;
    expect_error(ErrorCode::unsupported, [] { needed_layers(Manifest{}); });
}

TEST(Manifest, RefusesATextLayerThatIsNoText) {
    const Manifest manifest =
        parse_manifest(manifest_text(layer_text(media_type::ollama_model, "w") + "," +
                                     layer_text(media_type::ollama_template, "t", "1048577")));
    expect_error(ErrorCode::bad_manifest, [&] { needed_layers(manifest); });
}

TEST(Manifest, MadeHereReadsBackAndIsTheSameForTheSameFiles) {
    const Layer config{media_type::config, sha256_of(make_config()), make_config().size(), {}};
    const std::vector<Layer> layers{{media_type::ollama_model, sha256_of("w"), 5, {}}};
    const std::string text = make_manifest(config, layers);
    EXPECT_EQ(text, make_manifest(config, layers));
    const Manifest manifest = parse_manifest(text);
    EXPECT_EQ(manifest.config->digest, config.digest);
    EXPECT_EQ(needed_layers(manifest).size(), 2U);
}

TEST(Manifest, TakesFileNamesFromEitherAnnotation) {
    const Manifest manifest = parse_manifest(manifest_text(
        layer_text("application/octet-stream", "a", "1", titled("org.cncf.model.filepath", "a.gguf")) + "," +
        layer_text("application/octet-stream", "b", "1",
                   titled("org.opencontainers.image.title", "b.gguf"))));
    EXPECT_EQ(manifest.layers[0].file_name(), "a.gguf");
    EXPECT_EQ(manifest.layers[1].file_name(), "b.gguf");
}

} // namespace
} // namespace hearth::registry
