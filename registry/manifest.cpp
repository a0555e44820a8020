#include "registry/manifest.hpp"

#include "base/error.hpp"
#include "base/json.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_map>
#include <utility>

namespace hearth::registry {
namespace {

constexpr std::uint64_t largest_total_bytes = std::uint64_t{1} << 60;
constexpr const char* filepath_annotation = "org.cncf.model.filepath";
constexpr const char* title_annotation = "org.opencontainers.image.title";

[[noreturn]] void fail(const std::string& text) {
    throw Error(ErrorCode::bad_manifest, "manifest: " + text,
                "the registry's answer breaks the protocol; check the name, or that this address is a model "
                "registry");
}

const Json* member(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string text_member(const Json& object, const char* key, const std::string& where) {
    const Json* value = member(object, key);
    if (value == nullptr)
        return {};
    if (!value->is_string())
        fail(where + key + " is not text");
    return value->get<std::string>();
}

std::uint64_t size_member(const Json& object, const std::string& where) {
    const Json* value = member(object, "size");
    if (value == nullptr)
        fail(where + "size is missing");
    // nlohmann keeps what fits neither int64 nor uint64 as a double, which is refused with the fractions.
    if (!value->is_number_unsigned())
        fail(where + "size is not a whole number ≥ 0");
    const auto size = value->get<std::uint64_t>();
    if (size > largest_total_bytes)
        fail(where + "size is impossibly large");
    return size;
}

Digest digest_member(const Json& object, const std::string& where) {
    const std::string text = text_member(object, "digest", where);
    const std::optional<Digest> digest = Digest::try_parse(text);
    if (!digest)
        fail(where + "digest is not sha256 and 64 lower-case hex digits");
    return *digest;
}

Layer parse_layer(const Json& object, const std::string& where) {
    if (!object.is_object())
        fail(where + "is not an object");
    Layer layer{text_member(object, "mediaType", where),
                digest_member(object, where),
                size_member(object, where),
                {}};
    if (const Json* annotations = member(object, "annotations");
        annotations != nullptr && annotations->is_object()) {
        for (const auto& [key, value] : annotations->items())
            if (value.is_string())
                layer.annotations.emplace(key, value.get<std::string>());
    }
    return layer;
}

/// One digest has one size, and all together could exist.
void check_sizes(const Manifest& manifest) {
    std::unordered_map<Digest, std::uint64_t> sizes;
    std::uint64_t total = 0;
    const auto add = [&](const Layer& layer) {
        const auto [known, fresh] = sizes.emplace(layer.digest, layer.size);
        if (!fresh && known->second != layer.size)
            fail("sha256:" + layer.digest.short_text() + "… has two sizes");
        total += layer.size; // no overflow: both are at most 2^60 here
        if (total > largest_total_bytes)
            fail("the sizes add up to more than any disk");
    };
    if (manifest.config)
        add(*manifest.config);
    std::ranges::for_each(manifest.layers, add);
}

const Json& array_member(const Json& object, const char* key) {
    const Json* value = member(object, key);
    if (value == nullptr || !value->is_array())
        fail(fmt::format("{} is missing or not a list", key));
    if (value->size() > manifest_limit_layers)
        fail(fmt::format("{} has {} entries, more than {}", key, value->size(), manifest_limit_layers));
    return *value;
}

Manifest parse_image(const Json& object, std::string media_type) {
    Manifest manifest;
    manifest.media_type = std::move(media_type);
    if (const Json* config = member(object, "config"))
        manifest.config = parse_layer(*config, "config ");
    const Json& layers = array_member(object, "layers");
    manifest.layers.reserve(layers.size());
    for (std::size_t index = 0; index < layers.size(); ++index)
        manifest.layers.push_back(parse_layer(layers[index], fmt::format("layer {}: ", index)));
    check_sizes(manifest);
    return manifest;
}

ManifestIndex parse_index(const Json& object) {
    ManifestIndex index;
    const Json& manifests = array_member(object, "manifests");
    for (std::size_t number = 0; number < manifests.size(); ++number) {
        const std::string where = fmt::format("manifest {} of the index: ", number);
        ManifestIndex::Entry entry{parse_layer(manifests[number], where), {}, {}};
        if (const Json* platform = member(manifests[number], "platform");
            platform != nullptr && platform->is_object()) {
            entry.os = text_member(*platform, "os", where);
            entry.architecture = text_member(*platform, "architecture", where);
        }
        index.entries.push_back(std::move(entry));
    }
    return index;
}

Json parse_object(std::string_view bytes) {
    if (bytes.size() > manifest_limit_bytes)
        fail(fmt::format("{} bytes, more than {}", bytes.size(), manifest_limit_bytes));
    Json object;
    try {
        object = parse_json(bytes, "manifest", 16);
    } catch (const Error& error) {
        throw Error(ErrorCode::bad_manifest, error.what(),
                    "the address answered something that is no manifest");
    }
    if (!object.is_object())
        fail("is not a JSON object");
    return object;
}

std::string lower_case(std::string text) {
    std::ranges::transform(text, text.begin(),
                           [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
    return text;
}

/// What a layer is whose media type says no more than "a file".
LayerKind classify_file(const std::string& path) {
    const std::string name = lower_case(path.substr(path.rfind('/') + 1));
    if (name.ends_with(".gguf"))
        return name.find("mmproj") != std::string::npos ? LayerKind::projector : LayerKind::weights;
    if (name == "chat_template.jinja")
        return LayerKind::chat_template;
    if (name == "license" || name == "license.txt" || name == "license.md")
        return LayerKind::license;
    return LayerKind::other;
}

using KindName = std::pair<std::string_view, LayerKind>;
constexpr auto known_types = std::to_array<KindName>({
    {"application/vnd.ollama.image.model", LayerKind::weights},
    {"application/vnd.ollama.image.projector", LayerKind::projector},
    {"application/vnd.ollama.image.adapter", LayerKind::adapter},
    {"application/vnd.ollama.image.draft", LayerKind::draft},
    {"application/vnd.ollama.image.template", LayerKind::template_text},
    {"application/vnd.ollama.image.prompt", LayerKind::template_text},
    {"application/vnd.ollama.image.system", LayerKind::system},
    {"application/vnd.ollama.image.params", LayerKind::params},
    {"application/vnd.ollama.image.messages", LayerKind::messages},
    {"application/vnd.ollama.image.license", LayerKind::license},
    {"application/vnd.docker.ai.gguf.v3", LayerKind::weights},
    {"application/vnd.docker.ai.mmproj", LayerKind::projector},
    {"application/vnd.docker.ai.chat.template.jinja", LayerKind::chat_template},
    {"application/vnd.docker.ai.license", LayerKind::license},
    {"application/vnd.cncf.model.weight.v1.gguf", LayerKind::weights},
    {"application/vnd.docker.container.image.v1+json", LayerKind::config},
    {"application/vnd.oci.image.config.v1+json", LayerKind::config},
    {"application/vnd.cncf.model.config.v1+json", LayerKind::config},
    {"application/vnd.docker.ai.model.config.v0.1+json", LayerKind::config},
    {"application/vnd.docker.ai.model.config.v0.2+json", LayerKind::config},
});

/// Types that say "a file, as it is". Compressed and tarred ones are not here: we could not verify what is
/// inside.
constexpr auto file_types = std::to_array<std::string_view>({
    "",
    "application/octet-stream",
    "application/vnd.oci.image.layer.v1.tar", // oras gives every file this type unless it is told another
    "application/vnd.docker.ai.model.file",
    "application/vnd.cncf.model.weight.v1.raw",
    "application/vnd.cncf.model.weight.config.v1.raw",
    "application/vnd.cncf.model.doc.v1.raw",
    "application/gguf",
    "application/x-gguf",
    "application/vnd.gguf",
});

bool is_text(LayerKind kind) {
    switch (kind) {
    case LayerKind::template_text:
    case LayerKind::chat_template:
    case LayerKind::system:
    case LayerKind::params:
    case LayerKind::messages:
    case LayerKind::license:
    case LayerKind::config:
        return true;
    default:
        return false;
    }
}

Json layer_json(const Layer& layer) {
    Json object = {{"mediaType", layer.media_type}, {"digest", layer.digest.text()}, {"size", layer.size}};
    if (!layer.annotations.empty())
        object["annotations"] = layer.annotations;
    return object;
}

} // namespace

std::string Layer::file_name() const {
    for (const char* key : {filepath_annotation, title_annotation})
        if (const auto found = annotations.find(key); found != annotations.end())
            return found->second;
    return {};
}

LayerKind classify(const Layer& layer) {
    const auto known = std::ranges::find(known_types, std::string_view(layer.media_type), &KindName::first);
    if (known != known_types.end())
        return known->second;
    if (std::ranges::find(file_types, std::string_view(layer.media_type)) != file_types.end())
        return classify_file(layer.file_name());
    return LayerKind::other;
}

std::variant<Manifest, ManifestIndex> parse_manifest_or_index(std::string_view bytes) {
    const Json object = parse_object(bytes);
    if (const Json* version = member(object, "schemaVersion"); version != nullptr && *version != 2)
        fail("schemaVersion is not 2");
    std::string media_type = text_member(object, "mediaType", "");
    const bool index = media_type == media_type::oci_index || media_type == media_type::docker_list ||
                       (member(object, "layers") == nullptr && member(object, "manifests") != nullptr);
    if (index)
        return parse_index(object);
    return parse_image(object, std::move(media_type));
}

Manifest parse_manifest(std::string_view bytes) {
    auto parsed = parse_manifest_or_index(bytes);
    if (auto* manifest = std::get_if<Manifest>(&parsed))
        return std::move(*manifest);
    fail("is an index of several manifests where one was expected");
}

std::vector<Layer> needed_layers(const Manifest& manifest) {
    std::vector<Layer> needed;
    std::set<Digest> seen;
    bool weights = false;
    const auto add = [&](const Layer& layer, LayerKind kind) {
        weights = weights || kind == LayerKind::weights;
        if (is_text(kind) && layer.size > text_layer_limit_bytes)
            fail(fmt::format("{} has {} bytes, more than {} for a text layer", layer.media_type, layer.size,
                             text_layer_limit_bytes));
        if (seen.insert(layer.digest).second)
            needed.push_back(layer);
    };
    if (manifest.config)
        add(*manifest.config, LayerKind::config);
    for (const Layer& layer : manifest.layers)
        if (const LayerKind kind = classify(layer); kind != LayerKind::other)
            add(layer, kind);
    if (!weights) {
        const std::string there = manifest.layers.empty()
                                      ? "it has no layers"
                                      : "its first layer is " + manifest.layers.front().media_type;
        throw Error(ErrorCode::unsupported, "no GGUF weights in this manifest: " + there,
                    "Hearth runs models in the GGUF format");
    }
    return needed;
}

std::string make_config() {
    return R"({"architecture":"amd64","model_format":"gguf","os":"linux"})";
}

std::string make_manifest(const std::optional<Layer>& config, const std::vector<Layer>& layers) {
    Json object = {
        {"schemaVersion", 2}, {"mediaType", media_type::docker_manifest}, {"layers", Json::array()}};
    if (config)
        object["config"] = layer_json(*config);
    for (const Layer& layer : layers)
        object["layers"].push_back(layer_json(layer));
    return to_text(object); // nlohmann's objects are sorted by key: the bytes depend on nothing else
}

} // namespace hearth::registry
