#include "registry/create/model_builder.hpp"

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/sha256.hpp"
#include "registry/blobs/blob_store.hpp"
#include "registry/blobs/free_space.hpp"
#include "registry/catalog.hpp"
#include "registry/gguf/byte_source.hpp"
#include "registry/gguf/header.hpp"
#include "registry/gguf/summary.hpp"
#include "registry/inspect.hpp"
#include "registry/manifest.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace hearth::registry {

namespace asio = boost::asio;

/// A manifest in the making.
struct ModelBuilder::Draft {
    std::vector<Layer> layers;
    std::vector<std::string> texts; ///< contents of new layers that are not in the store yet
    std::vector<std::string> statuses;

    void drop(LayerKind kind) {
        std::erase_if(layers, [kind](const Layer& layer) { return classify(layer) == kind; });
    }
    void add(Layer layer, bool is_new) {
        statuses.push_back((is_new ? "creating new layer " : "using existing layer ") + layer.digest.text());
        layers.push_back(std::move(layer));
    }
    void add_text(const char* type, std::string text) {
        add(Layer{type, sha256_of(text), text.size(), {}}, true);
        texts.push_back(std::move(text));
    }
    std::vector<Digest> digests() const {
        std::vector<Digest> all;
        std::ranges::transform(layers, std::back_inserter(all), &Layer::digest);
        return all;
    }
};

namespace {

/// What a GGUF file is for a model. @throws Error model_invalid
const char* type_of_file(const Digest& digest, const BlobStore& blobs) {
    const UniqueFd fd = blobs.open(digest);
    const gguf::Header header = gguf::parse_header(gguf::FileSource(fd.get()));
    const std::string kind = header.text("general.type").value_or("model");
    if (kind == "adapter")
        return media_type::ollama_adapter;
    const bool projector = kind == "mmproj" || header.text("general.architecture").value_or("") == "clip";
    return projector ? media_type::ollama_projector : media_type::ollama_model;
}

Layer file_layer(const std::string& name, const Digest& digest, const BlobStore& blobs) {
    const auto size = blobs.size_of(digest);
    if (!size)
        throw Error(ErrorCode::invalid_argument, "blob \"" + digest.text() + "\" not found",
                    "upload it first: POST /api/blobs/" + digest.text());
    try {
        return Layer{type_of_file(digest, blobs), digest, *size, {}};
    } catch (Error& error) {
        error.add_context(name);
        throw;
    }
}

/// New parameters over those that the layers have. Both are objects.
std::string merged_parameters(const std::vector<Layer>& layers, const std::string& wanted,
                              const BlobStore& blobs) {
    Json merged = Json::object();
    for (const Layer& layer : layers) {
        if (classify(layer) != LayerKind::params || layer.size > text_layer_limit_bytes)
            continue;
        const UniqueFd fd = blobs.open(layer.digest);
        std::string text(layer.size, '\0');
        gguf::FileSource(fd.get()).read(0, text);
        if (Json known = Json::parse(text, nullptr, false); known.is_object())
            merged.update(known);
    }
    merged.update(parse_json(wanted, "parameters"));
    return to_text(merged);
}

/// The config blob as Ollama writes it: what the model is, and its layers.
std::string config_of(const Model& model, const std::vector<Layer>& layers) {
    Json digests = Json::array();
    for (const Layer& layer : layers)
        digests.push_back(layer.digest.text());
    return to_text({{"architecture", "amd64"},
                    {"file_type", model.details.quantization_level},
                    {"model_families", model.details.families},
                    {"model_family", model.details.family},
                    {"model_format", "gguf"},
                    {"model_type", model.details.parameter_size},
                    {"os", "linux"},
                    {"rootfs", {{"diff_ids", std::move(digests)}, {"type", "layers"}}}});
}

} // namespace

ModelBuilder::ModelBuilder(Catalog& catalog, BlobStore& blobs, BlockingPool& disk,
                           std::string default_registry)
    : catalog_(catalog), blobs_(blobs), disk_(disk), default_registry_(std::move(default_registry)) {}

asio::awaitable<bool> ModelBuilder::has_blob(Digest digest) {
    auto look = [this, digest = std::move(digest)] { return blobs_.contains(digest); };
    co_return co_await run_blocking(disk_, std::move(look));
}

asio::awaitable<std::unique_ptr<BlobUpload>> ModelBuilder::begin_upload(Digest digest,
                                                                        std::optional<std::uint64_t> size) {
    BlobLease lease = catalog_.lease({digest});
    auto begin = [this, digest, size] {
        expect_space(blobs_.data_dir(), size.value_or(0), default_reserve_bytes);
        auto partial = blobs_.begin(digest, size);
        if (partial->offset() > 0)
            partial->restart(); // an upload begins at its beginning
        return partial;
    };
    auto partial = co_await run_blocking(disk_, std::move(begin));
    co_return std::make_unique<BlobUpload>(disk_, std::move(partial), std::move(lease));
}

/// A model that exists keeps its full name; a new one without a namespace is the store's own.
asio::awaitable<ModelRef> ModelBuilder::name_for(std::string name) {
    const bool plain = name.find('/') == std::string::npos;
    ModelRef ref = ModelRef::parse(name, plain ? "local" : default_registry_);
    if ((ref.kind != ModelRef::Kind::oci && ref.kind != ModelRef::Kind::local) || ref.pin)
        throw Error(ErrorCode::bad_reference, "a model cannot be kept under the name '" + name + "'");
    if (const auto known = co_await catalog_.find(name))
        co_return known->ref;
    co_return ref;
}

ModelBuilder::Draft ModelBuilder::draft(const BuildRequest& request, const std::string& base_manifest) const {
    Draft draft;
    if (!base_manifest.empty())
        for (Layer& layer : parse_manifest(base_manifest).layers)
            draft.add(std::move(layer), false);
    if (!request.files.empty())
        draft.drop(LayerKind::weights);
    for (const auto& [name, digest] : request.files)
        draft.add(file_layer(name, digest, blobs_), false);
    for (const auto& [name, digest] : request.adapters)
        draft.add(file_layer(name, digest, blobs_), false);
    if (request.template_text) {
        draft.drop(LayerKind::template_text);
        draft.add_text(media_type::ollama_template, *request.template_text);
    }
    if (request.system)
        draft.drop(LayerKind::system);
    if (request.system && !request.system->empty())
        draft.add_text(media_type::ollama_system, *request.system);
    for (const std::string& license : request.licenses)
        draft.add_text(media_type::ollama_license, license);
    if (!request.parameters_json.empty()) {
        std::string merged = merged_parameters(draft.layers, request.parameters_json, blobs_);
        draft.drop(LayerKind::params);
        draft.add_text(media_type::ollama_params, std::move(merged));
    }
    if (!request.messages_json.empty()) {
        draft.drop(LayerKind::messages);
        draft.add_text(media_type::ollama_messages, request.messages_json);
    }
    return draft;
}

/// Stores the small layers and the config. @return the manifest
std::string ModelBuilder::finish(Draft& draft, const ModelRef& name) const {
    for (const std::string& text : draft.texts)
        blobs_.put(text);
    const Model model =
        inspect(name, sha256_of(""), Manifest{media_type::docker_manifest, {}, draft.layers}, blobs_);
    const std::string text = config_of(model, draft.layers);
    const Layer config{media_type::config, blobs_.put(text), text.size(), {}};
    return make_manifest(config, draft.layers);
}

asio::awaitable<Model> ModelBuilder::create(BuildRequest request,
                                            std::function<void(const std::string&)> on_status) {
    ModelRef name = co_await name_for(request.name);
    std::string base;
    if (request.base)
        base = co_await catalog_.manifest(*request.base);
    auto plan = [this, request = std::move(request), base = std::move(base)] { return draft(request, base); };
    Draft planned = co_await run_blocking(disk_, std::move(plan));
    const BlobLease lease = catalog_.lease(planned.digests());
    for (const std::string& status : planned.statuses)
        on_status(status);
    auto store = [this, planned = std::move(planned), name]() mutable { return finish(planned, name); };
    std::string manifest = co_await run_blocking(disk_, std::move(store));
    on_status("writing manifest");
    co_return co_await catalog_.record(std::move(name), std::move(manifest));
}

asio::awaitable<Model> ModelBuilder::copy(std::string source, std::string destination) {
    const Model model = co_await catalog_.get(std::move(source));
    ModelRef name = co_await name_for(std::move(destination));
    std::string manifest = co_await catalog_.manifest(model);
    co_return co_await catalog_.record(std::move(name), std::move(manifest));
}

} // namespace hearth::registry
