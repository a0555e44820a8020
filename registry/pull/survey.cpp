#include "registry/pull/survey.hpp"

#include "base/error.hpp"
#include "base/json.hpp"
#include "registry/manifest.hpp"
#include "registry/pull/hub_session.hpp"
#include "registry/pull/local_file.hpp"
#include "registry/pull/registry_session.hpp"
#include "registry/pull/sources.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

namespace asio = boost::asio;

namespace hearth::registry {

namespace {

std::optional<FileRole> role_of(LayerKind kind) {
    switch (kind) {
    case LayerKind::weights:
        return FileRole::model;
    case LayerKind::projector:
        return FileRole::projector;
    case LayerKind::adapter:
        return FileRole::adapter;
    case LayerKind::draft:
        return FileRole::draft;
    default:
        return std::nullopt;
    }
}

/// Brings weights to the front, in order: several are shards. Sums sizes up.
void number_shards(PublishedQuant& quant) {
    std::vector<PublishedFile> ordered;
    for (const FileRole role : {FileRole::model, FileRole::projector, FileRole::adapter, FileRole::draft}) {
        std::ranges::copy_if(quant.files, std::back_inserter(ordered),
                             [role](const PublishedFile& file) { return file.role == role; });
    }
    quant.files = std::move(ordered);
    const auto is_weights = [](const PublishedFile& file) { return file.role == FileRole::model; };
    const int of = static_cast<int>(std::ranges::count_if(quant.files, is_weights));
    int shard = 0;
    quant.size_bytes = 0;
    for (PublishedFile& file : quant.files) {
        quant.size_bytes += file.size_bytes;
        if (is_weights(file)) {
            file.shard = ++shard;
            file.of = of;
        }
    }
}

/// Ollama's and Docker's configs say the quantization, each in its own place.
std::string quant_of_config(const std::string& text) {
    const Json config = parse_json(text, "model config", 16);
    if (!config.is_object()) {
        return {};
    }
    if (auto quant = get_string(config, "file_type")) {
        return *quant;
    }
    const auto inner = config.find("config");
    return inner != config.end() && inner->is_object() ? get_string(*inner, "quantization").value_or("")
                                                       : std::string();
}

/// Absent is an answer: the header will say it.
asio::awaitable<std::string> quant_of_layers(RegistrySession& session, const Manifest& manifest) {
    for (const Layer& layer : manifest.layers) {
        const std::string quant = quant_of_name(layer.file_name());
        if (classify(layer) == LayerKind::weights && !quant.empty()) {
            co_return quant;
        }
    }
    if (!manifest.config || manifest.config->size > text_layer_limit_bytes) {
        co_return std::string();
    }
    try {
        const std::string text = co_await session.small_blob(manifest.config->digest);
        co_return quant_of_name(quant_of_config(text));
    } catch (const Error& error) {
        if (error.code() == ErrorCode::cancelled) {
            throw;
        }
    }
    co_return std::string();
}

PublishedFile as_published(const Layer& layer, FileRole role,
                           const std::shared_ptr<RegistrySession>& session) {
    PublishedFile file;
    file.name = layer.file_name().empty() ? layer.digest.short_text() : layer.file_name();
    file.role = role;
    file.size_bytes = layer.size;
    file.digest = layer.digest;
    file.url = session->blob_url(layer.digest);
    file.insecure = session->insecure();
    file.login = session;
    return file;
}

/// A model of one quantization, which is itself what to pull.
PublishedModel single(ModelRef ref, PublishedQuant quant) {
    number_shards(quant);
    quant.reference = ref.full_name();
    PublishedModel model;
    model.repository = ref.repository;
    model.ref = std::move(ref);
    model.quants.push_back(std::move(quant));
    return model;
}

} // namespace

Survey::Survey(Fetcher& fetcher, BlockingPool& disk, HubAccess hub, RetryOptions retry)
    : fetcher_(fetcher), disk_(disk), hub_(std::move(hub)), retry_(retry) {
    retry_.attempts = std::min(retry_.attempts, 4); // somebody waits for it
}

asio::awaitable<PublishedModel> Survey::look(ModelRef ref, bool insecure) {
    switch (ref.kind) {
    case ModelRef::Kind::hub:
        co_return co_await survey_hub(fetcher_, disk_, hub_, std::move(ref), retry_);
    case ModelRef::Kind::oci:
        co_return co_await look_at_registry(std::move(ref), insecure);
    case ModelRef::Kind::url:
        co_return co_await look_at_url(std::move(ref), insecure);
    case ModelRef::Kind::file:
        co_return co_await look_at_file(std::move(ref));
    case ModelRef::Kind::local:
        break;
    }
    throw Error(ErrorCode::unsupported,
                "'" + ref.full_name() + "' is a name in this store: it is published nowhere");
}

asio::awaitable<PublishedModel> Survey::look_at_registry(ModelRef ref, bool insecure) {
    const auto session = std::make_shared<RegistrySession>(fetcher_, ref, insecure, retry_);
    const std::string text = co_await session->manifest();
    const Manifest manifest = parse_manifest(text);
    PublishedQuant quant;
    for (const Layer& layer : needed_layers(manifest)) {
        if (const auto role = role_of(classify(layer))) {
            quant.files.push_back(as_published(layer, *role, session));
        }
    }
    quant.quant = co_await quant_of_layers(*session, manifest);
    quant.tag = ref.tag;
    PublishedModel model = single(std::move(ref), std::move(quant));
    model.tags = co_await session->tags();
    co_return model;
}

asio::awaitable<PublishedModel> Survey::look_at_url(ModelRef ref, bool insecure) {
    PublishedQuant quant;
    const std::vector<FileSource> sources = co_await probe_url(fetcher_, ref, insecure, retry_);
    for (const FileSource& source : sources) {
        PublishedFile file;
        file.name = source.name;
        file.size_bytes = source.size.value_or(0);
        file.digest = source.digest;
        file.url = source.url;
        file.validator = source.validator;
        file.insecure = source.insecure;
        quant.files.push_back(std::move(file));
    }
    quant.quant = quant_of_name(quant.files.front().name);
    quant.tag = "latest";
    co_return single(std::move(ref), std::move(quant));
}

asio::awaitable<PublishedModel> Survey::look_at_file(ModelRef ref) {
    auto measure = [paths = shard_paths(ref.repository)] {
        PublishedQuant quant;
        for (const std::string& path : paths) {
            const LocalFile local(path);
            PublishedFile file;
            file.name = local.name();
            file.size_bytes = local.size();
            file.url = "file://" + path;
            quant.files.push_back(std::move(file));
        }
        return quant;
    };
    PublishedQuant quant = co_await run_blocking(disk_, std::move(measure));
    quant.quant = quant_of_name(quant.files.front().name);
    quant.tag = "latest";
    co_return single(std::move(ref), std::move(quant));
}

} // namespace hearth::registry
