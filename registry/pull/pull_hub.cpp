#include "base/config.hpp"
#include "base/error.hpp"
#include "base/sha256.hpp"
#include "registry/catalog.hpp"
#include "registry/name_text.hpp"
#include "registry/pull/hub_session.hpp"
#include "registry/pull/pull_job.hpp"
#include "registry/pull/sources.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace asio = boost::asio;

/// How a pull takes a quant of a Hub repository: one commit, files known by their digests where the Hub says
/// them.
namespace hearth::registry {

namespace {

constexpr const char* no_tag = "latest"; // what a reference without one has

const char* media_type_of(FileRole role) {
    return role == FileRole::projector ? media_type::ollama_projector : media_type::ollama_model;
}

FileSource source_of(const PublishedFile& file) {
    FileSource source;
    source.name = file_name_of(file.name);
    source.url = file.url;
    source.digest = file.digest;
    source.size = file.size_bytes;
    source.is_gguf = true;
    source.login = file.login.get();
    return source;
}

/// Digest of the manifest that the quant would get; nullopt when the Hub does not say the digest of a file.
std::optional<Digest> manifest_digest(const PublishedQuant& quant) {
    std::vector<Layer> layers;
    layers.reserve(quant.files.size());
    for (const PublishedFile& file : quant.files) {
        if (!file.digest) {
            return std::nullopt;
        }
        layers.push_back(published_layer(file.role, *file.digest, file.size_bytes));
    }
    return sha256_of(own_manifest(layers));
}

Error wrong_pin(const std::string& what, const Digest& got, const Digest& wanted) {
    return Error(
        ErrorCode::corrupt_blob,
        fmt::format("{} is {}, the reference asks for {}", what, got.short_text(), wanted.short_text()),
        "it changed at the Hub since it was pinned");
}

} // namespace

Layer published_layer(FileRole role, const Digest& digest, std::uint64_t size) {
    return Layer{.media_type = media_type_of(role), .digest = digest, .size = size, .annotations = {}};
}

asio::awaitable<std::string> PullJob::pull_hub() {
    const PublishedModel model = co_await survey_hub(context_.fetcher, context_.disk, context_.options.hub,
                                                     ref_, context_.options.retry);
    if (!name_text::equal_without_case(model.repository, ref_.repository)) {
        board_.step(fmt::format("{} is called {} at the Hub now", ref_.repository, model.repository));
    }
    const std::string tag = co_await choose_tag(model);
    const PublishedQuant& quant = model.get(tag);
    if (const auto digest = manifest_digest(quant); ref_.pin && digest && *digest != *ref_.pin) {
        throw wrong_pin(quant.reference, *digest, *ref_.pin);
    }
    std::vector<FileSource> sources;
    std::ranges::transform(quant.files, std::back_inserter(sources), source_of);
    co_await expect_space(std::move(sources));
    std::vector<Layer> layers;
    layers.reserve(quant.files.size());
    for (const PublishedFile& file : quant.files) {
        layers.push_back(co_await fetch_published(file));
    }
    std::string manifest = co_await make_own_manifest(std::move(layers));
    if (ref_.pin && sha256_of(manifest) != *ref_.pin) {
        throw wrong_pin(quant.reference, sha256_of(manifest), *ref_.pin);
    }
    co_return manifest;
}

asio::awaitable<Layer> PullJob::fetch_published(PublishedFile file) {
    FileSource source = source_of(file);
    const Layer layer =
        source.digest ? co_await fetch_known(std::move(source)) : co_await fetch_unknown(std::move(source));
    co_return published_layer(file.role, layer.digest, layer.size);
}

asio::awaitable<std::string> PullJob::choose_tag(PublishedModel model) {
    if (ref_.tag != no_tag) {
        co_return ref_.tag;
    }
    if (ref_.pin) {
        co_return pinned_tag(model);
    }
    std::string tag = default_quant(model).tag;
    if (const auto kept = co_await kept_tag(model)) {
        tag = *kept;
    } else if (context_.options.choose_quant) {
        tag = co_await context_.options.choose_quant(model);
    }
    const PublishedQuant& quant = model.get(tag);
    board_.step(fmt::format("taking {} ({}) of {} that are published", quant.tag,
                            format_bytes(quant.size_bytes), model.quants.size()));
    co_return tag;
}

/// A pull of what is installed already brings it up to date; it does not turn it into another quant, because
/// another would be picked today.
asio::awaitable<std::optional<std::string>> PullJob::kept_tag(PublishedModel model) {
    const std::optional<Model> installed = co_await context_.catalog.find(ref_.full_name());
    if (!installed || installed->files.empty() || !request_.as.empty()) {
        co_return std::nullopt;
    }
    const auto is_same = [&](const PublishedQuant& quant) {
        return quant.files.front().digest == installed->files.front().digest;
    };
    const auto found = std::ranges::find_if(model.quants, is_same);
    const PublishedQuant* quant =
        found != model.quants.end() ? &*found : model.find(installed->details.quantization_level);
    co_return quant == nullptr ? std::nullopt : std::optional(quant->tag);
}

std::string PullJob::pinned_tag(const PublishedModel& model) const {
    const auto is_pinned = [this](const PublishedQuant& quant) { return manifest_digest(quant) == ref_.pin; };
    const auto found = std::ranges::find_if(model.quants, is_pinned);
    if (found == model.quants.end()) {
        throw Error(ErrorCode::corrupt_blob,
                    fmt::format("none of the models in {} is {}", model.repository, ref_.pin->short_text()),
                    "it changed at the Hub since it was pinned; leave the pin out to take it as it is now");
    }
    return found->tag;
}

} // namespace hearth::registry
