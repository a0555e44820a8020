#include "registry/inspect.hpp"

#include "base/error.hpp"
#include "registry/blobs/blob_store.hpp"
#include "registry/derived_manifest.hpp"
#include "registry/gguf/byte_source.hpp"
#include "registry/gguf/header.hpp"
#include "registry/gguf/sampling.hpp"
#include "registry/gguf/summary.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace hearth::registry {
namespace {

/// A weights file with what its header says.
struct Weights {
    Layer layer;
    gguf::Header header;
    gguf::Summary summary;
};

gguf::Header read_header(const Digest& digest, const BlobStore& blobs) {
    const UniqueFd fd = blobs.open(digest);
    try {
        return gguf::parse_header(gguf::FileSource(fd.get()));
    } catch (Error& error) {
        error.add_context("file " + digest.short_text());
        throw;
    }
}

void check_present(const std::vector<Layer>& layers, const BlobStore& blobs) {
    for (const Layer& layer : layers) {
        const auto size = blobs.size_of(layer.digest);
        if (!size)
            throw Error(ErrorCode::corrupt_blob, "blob " + layer.digest.short_text() + " is missing",
                        "pull the model again");
        if (*size != layer.size)
            throw Error(ErrorCode::corrupt_blob,
                        fmt::format("blob {} has {} bytes, the manifest says {}", layer.digest.short_text(),
                                    *size, layer.size),
                        "pull the model again");
    }
}

std::string read_text(const Layer& layer, const BlobStore& blobs) {
    const UniqueFd fd = blobs.open(layer.digest);
    const gguf::FileSource file(fd.get());
    std::string text(std::min(file.size(), text_layer_limit_bytes), '\0');
    file.read(0, text);
    return text;
}

/// The `params` and `messages` layers go to others as JSON: they must be it.
std::string read_json(const Layer& layer, const BlobStore& blobs, Json::value_t wanted, const char* what) {
    std::string text = read_text(layer, blobs);
    bool right = false;
    try {
        right = parse_json(text, what).type() == wanted;
    } catch (const Error& error) {
        throw Error(ErrorCode::bad_manifest, error.what());
    }
    if (!right)
        throw Error(ErrorCode::bad_manifest,
                    fmt::format("the {} layer is not a JSON {}", what,
                                wanted == Json::value_t::object ? "object" : "list"));
    return text;
}

std::vector<Weights> read_weights(const Manifest& manifest, const BlobStore& blobs) {
    std::vector<Weights> all;
    for (const Layer& layer : manifest.layers) {
        const auto same = [&](const Weights& other) { return other.layer.digest == layer.digest; };
        if (classify(layer) != LayerKind::weights || std::ranges::any_of(all, same))
            continue;
        gguf::Header header = read_header(layer.digest, blobs);
        gguf::Summary summary = gguf::summarize(header);
        all.push_back({layer, std::move(header), std::move(summary)});
    }
    return all;
}

/// Puts shards in order and checks that all are there and belong together.
void check_shards(std::vector<Weights>& all) {
    std::ranges::sort(all, {}, [](const Weights& weights) { return weights.summary.shard; });
    const gguf::Summary& first = all.front().summary;
    if (first.shards == 1 && all.size() > 1)
        throw Error(ErrorCode::model_invalid,
                    fmt::format("{} weights files that are not the shards of one model", all.size()),
                    "pull one of them by its own name");
    std::int64_t tensors = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const gguf::Summary& summary = all[i].summary;
        if (summary.shards != first.shards || summary.shard != static_cast<std::int64_t>(i) + 1)
            throw Error(ErrorCode::model_invalid,
                        fmt::format("shard {} of {} is missing or there twice", i + 1, first.shards));
        tensors += static_cast<std::int64_t>(all[i].header.tensors.size());
    }
    if (static_cast<std::int64_t>(all.size()) != first.shards)
        throw Error(ErrorCode::model_invalid,
                    fmt::format("{} of {} shards are there", all.size(), first.shards),
                    "pull the whole model");
    if (first.shard_tensors != 0 && tensors != first.shard_tensors)
        throw Error(ErrorCode::model_invalid, fmt::format("the shards hold {} tensors, the first one says {}",
                                                          tensors, first.shard_tensors));
}

void check_is_model(const Weights& weights) {
    if (weights.summary.architecture == "clip")
        throw Error(ErrorCode::model_invalid, "this GGUF is a projector (mmproj), not a model",
                    "it belongs to a model; pull that");
    if (weights.summary.kind != "model")
        throw Error(ErrorCode::model_invalid,
                    fmt::format("this GGUF is no model but {} of architecture '{}'", weights.summary.kind,
                                weights.summary.architecture),
                    "it belongs to a model; pull that");
}

void add_weights(Model& model, const std::vector<Weights>& all) {
    std::uint64_t parameters = 0;
    for (const Weights& weights : all) {
        parameters += weights.summary.parameters;
        model.files.push_back({weights.layer.digest, FileRole::model, weights.layer.size,
                               static_cast<int>(weights.summary.shard),
                               static_cast<int>(weights.summary.shards)});
    }
    // The first shard of a split file may hold no tensor: then the largest one says how the model is
    // quantized.
    const auto elements = [](const Weights& weights) { return weights.summary.parameters; };
    const gguf::Summary& first = all.front().summary;
    const bool stated = first.parameters > 0 || all.front().header.find("general.file_type") != nullptr;
    const gguf::Summary& typical = stated ? first : std::ranges::max_element(all, {}, elements)->summary;
    const std::map<std::string, std::string>& notes = all.front().layer.annotations;
    if (const auto source = notes.find(annotation::source); source != notes.end())
        model.details.parent_model = source->second;
    model.details.family = first.architecture;
    model.details.families = {first.architecture};
    model.details.parameter_size = gguf::parameter_text(parameters);
    model.details.quantization_level = typical.quantization;
    model.details.context_length = first.context_length;
    model.details.embedding_length = first.embedding_length;
    model.chat_template = first.chat_template;
}

void add_companion(Model& model, const Layer& layer, FileRole role, const BlobStore& blobs) {
    const gguf::Header header = read_header(layer.digest, blobs);
    const std::string architecture = header.text("general.architecture").value_or("");
    if (role == FileRole::projector && !architecture.empty() && architecture != model.details.family)
        model.details.families.push_back(architecture);
    model.files.push_back({layer.digest, role, layer.size, 1, 1});
}

void add_companions(Model& model, const Manifest& manifest, const BlobStore& blobs) {
    using Pair = std::pair<LayerKind, FileRole>;
    for (const auto& [kind, role] :
         {Pair{LayerKind::projector, FileRole::projector}, Pair{LayerKind::adapter, FileRole::adapter},
          Pair{LayerKind::draft, FileRole::draft}})
        for (const Layer& layer : manifest.layers)
            if (classify(layer) == kind)
                add_companion(model, layer, role, blobs);
}

/// @param over  what goes before, key by key; both are JSON objects or empty
std::string merged_options(const std::string& under, const std::string& over) {
    if (under.empty() || over.empty()) {
        return under.empty() ? over : under;
    }
    Json merged = Json::parse(under);
    merged.update(Json::parse(over));
    return merged.dump();
}

void add_texts(Model& model, const Manifest& manifest, const BlobStore& blobs) {
    for (const Layer& layer : manifest.layers) {
        switch (classify(layer)) {
        case LayerKind::template_text:
            model.template_text = read_text(layer, blobs);
            break;
        case LayerKind::chat_template: // the GGUF's own is what runs; this one is better than none
            if (model.chat_template.empty())
                model.chat_template = read_text(layer, blobs);
            break;
        case LayerKind::system:
            model.system = read_text(layer, blobs);
            break;
        case LayerKind::params:
            model.parameters_json = merged_options(model.parameters_json,
                                                   read_json(layer, blobs, Json::value_t::object, "params"));
            break;
        case LayerKind::messages:
            model.messages_json = read_json(layer, blobs, Json::value_t::array, "messages");
            break;
        case LayerKind::license:
            model.licenses.push_back(read_text(layer, blobs));
            break;
        default:
            break;
        }
    }
}

} // namespace

Model inspect(const ModelRef& ref, const Digest& digest, const Manifest& manifest, const BlobStore& blobs) {
    const std::vector<Layer> layers = needed_layers(manifest);
    check_present(layers, blobs);
    Model model{ref, digest};
    for (const Layer& layer : layers)
        model.size_bytes += layer.size;
    std::vector<Weights> weights = read_weights(manifest, blobs);
    check_shards(weights);
    check_is_model(weights.front());
    add_weights(model, weights);
    add_companions(model, manifest, blobs);
    model.parameters_json = gguf::recommended_options(weights.front().header);
    add_texts(model, manifest, blobs);
    const bool has_projector = std::ranges::any_of(
        model.files, [](const ModelFile& file) { return file.role == FileRole::projector; });
    model.capabilities = gguf::capabilities(weights.front().header, weights.front().summary, has_projector,
                                            model.template_text);
    return model;
}

} // namespace hearth::registry
