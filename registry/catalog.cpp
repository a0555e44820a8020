#include "registry/catalog.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/nearest.hpp"
#include "base/sha256.hpp"
#include "registry/blobs/blob_store.hpp"
#include "registry/catalogue/known_models.hpp"
#include "registry/db/database.hpp"
#include "registry/db/model_rows.hpp"
#include "registry/inspect.hpp"
#include "registry/manifest.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

namespace hearth::registry {
namespace {

using boost::asio::awaitable;

/// Blobs can vanish or shrink behind our back (a person, another program); before they are used or recorded
/// this says so.
void check_blob(const BlobStore& blobs, const Digest& digest, std::uint64_t size) {
    const auto there = blobs.size_of(digest);
    if (there != size)
        throw Error(ErrorCode::corrupt_blob,
                    fmt::format("blob {} {}", digest.short_text(),
                                there ? "has another size than it had" : "is missing"),
                    "pull the model again");
}

/// @return  at most ten lines; empty: intact
std::vector<std::string> integrity_problems(Connection& connection) {
    std::vector<std::string> problems;
    Statement check = connection.prepare("PRAGMA integrity_check(10)");
    while (check.step()) {
        if (std::string line = check.text(0); line != "ok")
            problems.push_back(std::move(line));
    }
    return problems;
}

std::vector<OpenModelFile> open_all(const Model& model, const BlobStore& blobs) {
    std::vector<OpenModelFile> files;
    for (const ModelFile& file : model.files) {
        UniqueFd fd = blobs.open(file.digest);
        struct stat status{};
        const bool right =
            ::fstat(fd.get(), &status) == 0 && static_cast<std::uint64_t>(status.st_size) == file.size_bytes;
        if (!right)
            throw Error(ErrorCode::corrupt_blob,
                        "blob " + file.digest.short_text() + " has another size than it had",
                        "pull the model again");
        files.push_back({std::move(fd), file.role, file.size_bytes, file.shard, file.of});
    }
    return files;
}

/// "did you mean": every installed name, with and without its tag.
std::string hint_for(const std::string& name, const std::vector<Model>& models,
                     std::string_view default_registry) {
    std::vector<std::string> names;
    for (const Model& model : models) {
        std::string text = model.ref.short_name(default_registry);
        names.push_back(text.substr(0, text.rfind(':')));
        names.push_back(std::move(text));
    }
    const std::vector<std::string_view> views(names.begin(), names.end());
    if (const auto nearest = nearest_name(name, views))
        return fmt::format("did you mean '{}'?", *nearest);
    return "hearth pull " + name;
}

} // namespace

Catalog::Catalog(Database& database, BlobStore& blobs, BlockingPool& disk, std::string default_registry)
    : database_(database), blobs_(blobs), disk_(disk), default_registry_(std::move(default_registry)),
      leases_(std::make_shared<LeaseTable>()) {}

Catalog::~Catalog() = default;

Catalog::Wanted Catalog::wanted(const std::string& name) const {
    const std::string_view bare =
        std::string_view(name).starts_with('@') ? std::string_view(name).substr(1) : std::string_view(name);
    if (const auto digest = Digest::try_parse(bare))
        return {{}, digest, {}};
    ModelRef ref = ModelRef::parse(name, default_registry_);
    if (ref.kind == ModelRef::Kind::url || ref.kind == ModelRef::Kind::file)
        return {{ref.local_name()}, {}, ref.pin};
    Wanted wanted{{ref}, ref.pin, {}};
    if (name.find('/') == std::string::npos) { // nothing but a model's name: it may be one of our own
        ref.repository = ref.repository.substr(ref.repository.rfind('/') + 1);
        ref.kind = ModelRef::Kind::local;
        ref.host = "local";
        wanted.names.push_back(std::move(ref));
        // What is in the store goes before what the catalogue says; the same again costs nothing.
        wanted.names.push_back(resolve_name(name, default_registry_));
    }
    return wanted;
}

std::optional<Model> Catalog::look_up(Connection& connection, const Wanted& wanted) {
    if (wanted.names.empty() && wanted.manifest)
        return find_model_by_digest(connection, *wanted.manifest);
    for (const ModelRef& name : wanted.names) {
        std::optional<Model> model = find_model(connection, name);
        if (!model || (wanted.manifest && model->digest != *wanted.manifest))
            continue;
        if (wanted.file && (model->files.empty() || model->files.front().digest != *wanted.file))
            continue;
        return model;
    }
    return std::nullopt;
}

awaitable<std::vector<Model>> Catalog::list() {
    auto query = [](Connection& connection) { return list_models(connection); };
    co_return co_await database_.run(std::move(query));
}

awaitable<std::optional<Model>> Catalog::find(std::string name) {
    auto query = [wanted = wanted(name)](Connection& connection) { return look_up(connection, wanted); };
    co_return co_await database_.run(std::move(query));
}

bool Catalog::means(const std::string& name, const Model& model) const {
    const Wanted wanted = this->wanted(name);
    if (wanted.manifest && model.digest != *wanted.manifest)
        return false;
    return wanted.names.empty() ||
           std::ranges::any_of(wanted.names, [&](const ModelRef& ref) { return ref.same_model(model.ref); });
}

awaitable<std::string> Catalog::hint_for_missing(std::string name) {
    const std::vector<Model> models = co_await list();
    co_return hint_for(name, models, default_registry_);
}

awaitable<Model> Catalog::get(std::string name) {
    std::optional<Model> model = co_await find(name);
    if (!model) {
        const std::string hint = co_await hint_for_missing(name);
        throw Error(ErrorCode::model_not_found, "model '" + name + "' not found", hint);
    }
    co_return std::move(*model);
}

Model Catalog::examine(const ModelRef& ref, const std::string& bytes) const {
    const Digest digest = sha256_of(bytes);
    const bool single_file = ref.kind == ModelRef::Kind::url || ref.kind == ModelRef::Kind::file;
    if (ref.pin && !single_file && *ref.pin != digest)
        throw Error(ErrorCode::corrupt_blob,
                    "the manifest's sha256 is " + digest.hex() + ", pinned is " + ref.pin->hex());
    ModelRef name = ref.local_name();
    name.pin.reset();
    Model model = inspect(name, digest, parse_manifest(bytes), blobs_);
    if (ref.pin && single_file && model.files.front().digest != *ref.pin)
        throw Error(ErrorCode::corrupt_blob, "the file's sha256 is " + model.files.front().digest.hex() +
                                                 ", pinned is " + ref.pin->hex());
    model.modified_at = system_clock().now();
    return model;
}

awaitable<Model> Catalog::record(ModelRef ref, std::string manifest) {
    auto look = [this, ref = std::move(ref), bytes = std::move(manifest)] {
        Manifest parsed = parse_manifest(bytes);
        Model model = examine(ref, bytes);
        return NewModel{std::move(model), bytes, std::move(parsed.media_type), needed_layers(parsed)};
    };
    NewModel added = co_await run_blocking(disk_, std::move(look));
    auto write = [this, added = std::move(added)](Connection& connection) {
        // A remove runs on this thread too: what is there now stays until our rows name it.
        for (const Layer& layer : added.layers)
            check_blob(blobs_, layer.digest, layer.size);
        retire_unused(put_model(connection, added));
        return added.model;
    };
    Model model = co_await database_.run(std::move(write));
    auto clean = [this] { blobs_.empty_trash(); };
    co_await run_blocking(disk_, std::move(clean));
    co_return model;
}

awaitable<void> Catalog::discard_unrecorded(std::string manifest) {
    auto drop = [this, layers = needed_layers(parse_manifest(manifest))](Connection& connection) {
        retire_unused(unrecorded_blobs(connection, layers));
    };
    co_await database_.run(std::move(drop));
    auto clean = [this] { blobs_.empty_trash(); };
    co_await run_blocking(disk_, std::move(clean));
}

awaitable<std::string> Catalog::manifest(Model model) {
    auto query = [digest = model.digest](Connection& connection) {
        return find_manifest(connection, digest);
    };
    std::optional<std::string> bytes = co_await database_.run(std::move(query));
    if (!bytes)
        throw Error(ErrorCode::model_not_found, "model '" + model.ref.short_name() + "' not found");
    co_return std::move(*bytes);
}

BlobLease Catalog::lease(std::vector<Digest> digests) {
    return leases_->take(std::move(digests));
}

/// Takes blobs without rows out of their place, but for those that a running pull holds. @return their bytes
std::uint64_t Catalog::retire_unused(const std::vector<StoredBlob>& unused) {
    std::uint64_t bytes = 0;
    for (const StoredBlob& blob : unused) {
        try {
            auto retire = [&] { blobs_.retire(blob.digest); };
            if (leases_->run_unless_leased(blob.digest, retire))
                bytes += blob.size_bytes;
        } catch (const Error& error) { // the rows are gone already: the model is removed, its bytes are not
            log::error("registry", error.what());
        }
    }
    return bytes;
}

awaitable<Catalog::Removed> Catalog::remove(std::string name) {
    auto forget = [this, wanted = wanted(name)](Connection& connection) -> std::optional<Removed> {
        const std::optional<Model> model = look_up(connection, wanted);
        if (!model)
            return std::nullopt;
        const Forgotten forgotten = forget_model(connection, *model);
        return Removed{retire_unused(forgotten.unused), forgotten.shared_bytes};
    };
    const std::optional<Removed> removed = co_await database_.run(std::move(forget));
    if (!removed) {
        const std::string hint = co_await hint_for_missing(name);
        throw Error(ErrorCode::model_not_found, "model '" + name + "' not found", hint);
    }
    auto clean = [this] { blobs_.empty_trash(); };
    co_await run_blocking(disk_, std::move(clean));
    co_return *removed;
}

awaitable<std::vector<OpenModelFile>> Catalog::open_files(Model model) {
    auto open = [this, model = std::move(model)] { return open_all(model, blobs_); };
    co_return co_await run_blocking(disk_, std::move(open));
}

awaitable<Json> Catalog::describe(Model model, bool verbose) {
    auto read = [this, model = std::move(model), verbose] { return describe_files(model, blobs_, verbose); };
    co_return co_await run_blocking(disk_, std::move(read));
}

awaitable<Catalog::Usage> Catalog::usage() {
    auto count = [](Connection& connection) { return count_models(connection); };
    const Counts counts = co_await database_.run(std::move(count));
    auto measure = [this] { return blobs_.partial_bytes(); };
    const std::uint64_t partial = co_await run_blocking(disk_, std::move(measure));
    co_return Usage{counts.models, counts.blob_bytes, partial};
}

awaitable<Catalog::Health> Catalog::check_health() {
    auto look = [](Connection& connection) { return integrity_problems(connection); };
    Health health;
    health.damage = co_await database_.run(std::move(look));
    const std::vector<Model> models = co_await list();
    auto compare = [this, &models] {
        std::vector<std::string> incomplete;
        for (const Model& model : models) {
            const bool whole = std::ranges::all_of(model.files, [this](const ModelFile& file) {
                return blobs_.size_of(file.digest) == file.size_bytes;
            });
            if (!whole)
                incomplete.push_back(model.ref.short_name(default_registry_));
        }
        return incomplete;
    };
    health.models = models.size();
    health.incomplete = co_await run_blocking(disk_, std::move(compare));
    co_return health;
}

} // namespace hearth::registry
