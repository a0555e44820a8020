#include "registry/pull/pull_job.hpp"

#include "base/error.hpp"
#include "base/sha256.hpp"
#include "registry/blobs/blob_store.hpp"
#include "registry/blobs/free_space.hpp"
#include "registry/catalog.hpp"
#include "registry/pull/local_file.hpp"
#include "registry/pull/registry_session.hpp"
#include "registry/pull/sources.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace asio = boost::asio;

namespace hearth::registry {

namespace {

/// A copied file is handed to the disk pool in portions, so that a pull can be cancelled between them.
constexpr std::uint64_t copy_bytes = 8u << 20;

Layer weights_layer(const Digest& digest, std::uint64_t size) {
    return Layer{.media_type = media_type::ollama_model, .digest = digest, .size = size, .annotations = {}};
}

bool holds_gguf(LayerKind kind) {
    return kind == LayerKind::weights || kind == LayerKind::projector || kind == LayerKind::adapter ||
           kind == LayerKind::draft;
}

FileSource source_of(const Layer& layer, RegistrySession& session) {
    FileSource source;
    source.name = layer.digest.short_text();
    source.url = session.blob_url(layer.digest);
    source.digest = layer.digest;
    source.size = layer.size;
    source.is_gguf = holds_gguf(classify(layer));
    source.insecure = session.insecure();
    source.login = &session;
    return source;
}

/// Bytes on disk of a partial download, reserved ones included.
std::uint64_t allocated_bytes(const std::filesystem::path& part) {
    struct stat status{};
    return ::stat(part.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_blocks) * 512 : 0;
}

} // namespace

std::string own_manifest(const std::vector<Layer>& layers) {
    const std::string text = make_config();
    const Layer config{
        .media_type = media_type::config, .digest = sha256_of(text), .size = text.size(), .annotations = {}};
    return make_manifest(config, layers);
}

PullJob::PullJob(PullContext& context, ModelRef ref, PullRequest request)
    : context_(context), ref_(std::move(ref)), request_(std::move(request)) {}

asio::awaitable<Model> PullJob::run() {
    const ModelRef name = target_name();
    board_.step("pulling manifest");
    std::string manifest;
    switch (ref_.kind) {
    case ModelRef::Kind::oci:
        manifest = co_await pull_oci();
        break;
    case ModelRef::Kind::url:
        manifest = co_await pull_url();
        break;
    case ModelRef::Kind::file:
        manifest = co_await pull_file();
        break;
    case ModelRef::Kind::hub:
        manifest = co_await pull_hub();
        break;
    case ModelRef::Kind::local:
        throw Error(ErrorCode::model_not_found,
                    "'" + ref_.full_name() + "' is a name in this store, nothing to pull",
                    "pull it from where it came from: a registry, an https URL or a file");
    }
    board_.step(
        "verifying sha256 digest"); // every byte was hashed on arrival and compared before it was published
    board_.step("writing manifest");
    Model model = co_await record(name, std::move(manifest));
    board_.step("success");
    co_return model;
}

/// A model that cannot be used leaves no bytes behind: nothing would ever list or delete them.
asio::awaitable<Model> PullJob::record(ModelRef name, std::string manifest) {
    std::optional<Error> refusal;
    try {
        co_return co_await context_.catalog.record(name, manifest);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::model_invalid && error.code() != ErrorCode::bad_manifest) {
            throw;
        }
        refusal = error;
    }
    leases_.clear();
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await context_.catalog.discard_unrecorded(std::move(manifest));
    throw Error(*refusal);
}

ModelRef PullJob::target_name() const {
    if (!request_.as.empty()) {
        ModelRef name = ModelRef::parse(request_.as, "local");
        if (name.kind != ModelRef::Kind::oci && name.kind != ModelRef::Kind::local) {
            throw Error(ErrorCode::bad_reference,
                        "a model cannot be kept under the name '" + request_.as + "'");
        }
        return name;
    }
    ModelRef name = ref_.local_name(); // of a registry's reference: itself
    name.pin.reset();
    return name;
}

asio::awaitable<std::string> PullJob::pull_oci() {
    RegistrySession session(context_.fetcher, ref_, request_.insecure, context_.options.retry);
    std::string text = co_await session.manifest();
    const Manifest manifest = parse_manifest(text);
    std::vector<FileSource> sources;
    // The config comes last, as with Ollama: a pull that fails at its weights leaves no small blobs behind.
    std::vector<FileSource> config;
    for (const Layer& layer : needed_layers(manifest)) {
        const bool is_config = manifest.config && layer.digest == manifest.config->digest;
        (is_config ? config : sources).push_back(source_of(layer, session));
    }
    sources.insert(sources.end(), config.begin(), config.end());
    co_await expect_space(sources);
    for (const FileSource& source : sources) {
        co_await fetch_known(source);
    }
    co_return text;
}

asio::awaitable<std::string> PullJob::pull_url() {
    const std::vector<FileSource> sources =
        co_await probe_url(context_.fetcher, ref_, request_.insecure, context_.options.retry);
    co_await expect_space(sources);
    std::vector<Layer> layers;
    for (const FileSource& source : sources) {
        Layer layer = source.digest ? co_await fetch_known(source) : co_await fetch_unknown(source);
        layers.push_back(std::move(layer));
    }
    co_return co_await make_own_manifest(std::move(layers));
}

asio::awaitable<std::string> PullJob::pull_file() {
    const std::vector<std::string> paths = shard_paths(ref_.repository);
    if (ref_.pin && paths.size() > 1) {
        throw Error(ErrorCode::bad_reference,
                    fmt::format("a pin is the digest of one file, this model has {}", paths.size()));
    }
    std::vector<Layer> layers;
    layers.reserve(paths.size());
    for (const std::string& path : paths) {
        layers.push_back(co_await import_file(path));
    }
    if (ref_.pin && layers.front().digest != *ref_.pin) {
        throw Error(ErrorCode::corrupt_blob,
                    fmt::format("sha256 is {}, the reference asks for {}", layers.front().digest.short_text(),
                                ref_.pin->short_text()));
    }
    co_return co_await make_own_manifest(std::move(layers));
}

asio::awaitable<std::string> PullJob::make_own_manifest(std::vector<Layer> layers) {
    const std::string config = make_config();
    keep(sha256_of(config));
    auto put = [this, config] { return context_.blobs.put(config); };
    co_await run_blocking(context_.disk, std::move(put));
    co_return own_manifest(layers);
}

asio::awaitable<Layer> PullJob::fetch_known(FileSource source) {
    const Digest digest = source.digest.value();
    const std::string status = "pulling " + digest.short_text();
    const std::uint64_t total = source.size.value_or(0);
    board_.bytes(status, digest, total, 0);
    auto show = [this, status, digest, total](std::uint64_t completed) {
        board_.bytes(status, digest, total, completed);
    };
    SharedTransfers::Claim claim = co_await context_.transfers.claim(digest, show);

    keep(digest);
    auto look = [this, digest] { return context_.blobs.size_of(digest); };
    if (const auto present = co_await run_blocking(context_.disk, std::move(look))) {
        if (source.size && *source.size != *present) {
            throw Error(ErrorCode::bad_manifest, fmt::format("layer {} has {} bytes, the manifest says {}",
                                                             digest.short_text(), *present, *source.size));
        }
        board_.bytes(status, digest, *present, *present);
        co_return weights_layer(digest, *present);
    }
    auto begin = [this, digest, size = source.size] { return context_.blobs.begin(digest, size); };
    const std::unique_ptr<PartialBlob> partial = co_await run_blocking(context_.disk, std::move(begin));
    const std::uint64_t size = co_await download(*partial, source, claim, show);
    auto publish = [&partial] { return partial->publish(); };
    co_await run_blocking(context_.disk, std::move(publish));
    board_.bytes(status, digest, size, size);
    co_return weights_layer(digest, size);
}

asio::awaitable<std::uint64_t> PullJob::download(PartialBlob& partial, FileSource source,
                                                 SharedTransfers::Claim& claim,
                                                 std::function<void(std::uint64_t)> show) {
    auto report = [&claim, &show](std::uint64_t completed) {
        claim.report(completed);
        show(completed);
    };
    FileDownload transfer(context_.fetcher, context_.disk, partial, std::move(source), context_.options.retry,
                          report);
    co_await transfer.run();
    co_return partial.offset();
}

asio::awaitable<std::optional<Layer>> PullJob::find_known_source(Digest key) {
    auto look = [this, key] { return context_.sources.find(key); };
    const std::optional<Digest> digest = co_await run_blocking(context_.disk, std::move(look));
    if (!digest) {
        co_return std::nullopt;
    }
    keep(*digest);
    auto measure = [this, key, digest] {
        const auto size = context_.blobs.size_of(*digest);
        if (!size) {
            context_.sources.forget(key);
        }
        return size;
    };
    const std::optional<std::uint64_t> size = co_await run_blocking(context_.disk, std::move(measure));
    if (!size) {
        co_return std::nullopt;
    }
    co_return weights_layer(*digest, *size);
}

/// Half a file that nobody serves any more would stay for ever (failure catalogue 7).
asio::awaitable<void> PullJob::drop_older_version(FileSource source, Digest key) {
    const Digest place = place_key(source);
    auto look = [this, place] { return context_.sources.find(place); };
    const std::optional<Digest> older = co_await run_blocking(context_.disk, std::move(look));
    if (older == key) {
        co_return;
    }
    const bool is_idle = older && !context_.transfers.is_claimed(*older);
    auto replace = [this, place, key, older, is_idle] {
        if (is_idle) {
            context_.blobs.discard_partial(*older);
        }
        context_.sources.record(place, key);
    };
    co_await run_blocking(context_.disk, std::move(replace));
}

asio::awaitable<Layer> PullJob::fetch_unknown(FileSource source) {
    const Digest key = source_key(source);
    const bool can_know =
        !source.validator.empty(); // without one, nobody can tell whether the file is still the same
    const std::string status = "pulling " + source.name;
    const std::uint64_t total = source.size.value_or(0);
    board_.bytes(status, std::nullopt, total, 0);
    auto show = [this, status, total](std::uint64_t completed) {
        board_.bytes(status, std::nullopt, total, completed);
    };
    SharedTransfers::Claim claim = co_await context_.transfers.claim(key, show);
    if (can_know) {
        if (auto layer = co_await find_known_source(key)) {
            board_.bytes(status, std::nullopt, layer->size, layer->size);
            co_return std::move(*layer);
        }
    }
    co_await drop_older_version(source, key);
    auto begin = [this, key, can_know, size = source.size] {
        auto partial = context_.blobs.begin_unknown(key, size);
        if (!can_know && partial->offset() > 0) {
            partial->restart();
        }
        return partial;
    };
    const std::unique_ptr<PartialBlob> partial = co_await run_blocking(context_.disk, std::move(begin));
    const std::uint64_t size = co_await download(*partial, source, claim, show);
    auto publish = [this, key, can_know, &partial] {
        const Digest digest = partial->publish();
        if (can_know) {
            context_.sources.record(key, digest);
        }
        return digest;
    };
    const Digest digest = co_await run_blocking(context_.disk, std::move(publish));
    keep(digest);
    board_.bytes(status, std::nullopt, size, size);
    co_return weights_layer(digest, size);
}

asio::awaitable<Layer> PullJob::import_file(std::string path) {
    auto open = [path] {
        return std::make_shared<const LocalFile>(path);
    }; // shared with the closures that copy it
    const auto file = co_await run_blocking(context_.disk, std::move(open));
    const Digest key = file->key();
    const std::string status = "pulling " + file->name();
    const std::uint64_t size = file->size();
    auto show = [this, status, size](std::uint64_t completed) {
        board_.bytes(status, std::nullopt, size, completed);
    };
    show(0);
    SharedTransfers::Claim claim = co_await context_.transfers.claim(key, show);
    if (auto layer = co_await find_known_source(key)) {
        show(layer->size);
        co_return std::move(*layer);
    }
    FileSource source;
    source.name = file->name();
    source.size = size;
    source.url = "file://" + path;
    co_await expect_space({source});
    auto begin = [this, key, size] { return context_.blobs.begin_unknown(key, size); };
    const std::unique_ptr<PartialBlob> partial = co_await run_blocking(context_.disk, std::move(begin));
    bool more = true;
    while (more) {
        auto copy = [file, &partial] { return file->copy_some(*partial, copy_bytes); };
        more = co_await run_blocking(context_.disk, std::move(copy));
        claim.report(partial->offset());
        show(partial->offset());
    }
    auto publish = [this, file, key, &partial] {
        file->expect_unchanged();
        const Digest digest = partial->publish();
        context_.sources.record(key, digest);
        return digest;
    };
    const Digest digest = co_await run_blocking(context_.disk, std::move(publish));
    keep(digest);
    co_return weights_layer(digest, size);
}

void PullJob::keep(const Digest& digest) {
    leases_.push_back(context_.catalog.lease({digest}));
}

std::uint64_t PullJob::missing_bytes(const FileSource& source) const {
    if (!source.size || (source.digest && context_.blobs.contains(*source.digest))) {
        return 0;
    }
    const Digest key = source.digest ? *source.digest : source_key(source);
    const std::uint64_t there = allocated_bytes(context_.blobs.data_dir() / "tmp" / (key.hex() + ".part"));
    return *source.size > there ? *source.size - there : 0;
}

/// Says "disk full" before the traffic, with the numbers (failure catalogue 8).
asio::awaitable<void> PullJob::expect_space(std::vector<FileSource> sources) {
    auto check = [this, sources = std::move(sources)] {
        std::uint64_t need = 0;
        for (const FileSource& source : sources) {
            if (__builtin_add_overflow(need, missing_bytes(source), &need)) {
                throw Error(ErrorCode::bad_manifest, "the sizes of the layers are beyond any disk");
            }
        }
        registry::expect_space(context_.blobs.data_dir(), need, context_.options.reserve_bytes);
    };
    co_await run_blocking(context_.disk, std::move(check));
}

} // namespace hearth::registry
