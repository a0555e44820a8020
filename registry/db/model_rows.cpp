#include "registry/db/model_rows.hpp"

#include "base/error.hpp"
#include "registry/db/connection.hpp"
#include "registry/model_facts.hpp"

#include <chrono>
#include <fmt/format.h>

namespace hearth::registry {
namespace {

std::int64_t to_nanoseconds(WallTime time) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

WallTime from_nanoseconds(std::int64_t nanoseconds) {
    return WallTime(std::chrono::duration_cast<WallTime::duration>(std::chrono::nanoseconds(nanoseconds)));
}

const char* kind_name(ModelRef::Kind kind) {
    switch (kind) {
    case ModelRef::Kind::hub:
        return "hub";
    case ModelRef::Kind::local:
        return "local";
    default: // url and file models are recorded under their local name
        return "oci";
    }
}

ModelRef::Kind kind_from_name(const std::string& name) {
    return name == "hub"     ? ModelRef::Kind::hub
           : name == "local" ? ModelRef::Kind::local
                             : ModelRef::Kind::oci;
}

constexpr const char* select_models =
    "SELECT models.kind, models.scheme, models.host, models.repository, models.tag, models.manifest, "
    "models.modified_at, "
    "manifests.size_bytes, manifests.facts FROM models JOIN manifests ON manifests.digest = models.manifest ";

Digest digest_of(const std::string& hex) {
    const auto digest = Digest::try_parse("sha256:" + hex);
    if (!digest)
        throw Error(ErrorCode::store_failed, "the index holds a digest that is none");
    return *digest;
}

Model read_model(const Statement& row) {
    ModelRef ref{
        kind_from_name(row.text(0)), row.text(1), row.text(2), row.text(3), row.text(4), std::nullopt};
    Model model{std::move(ref), digest_of(row.text(5)), static_cast<std::uint64_t>(row.integer(7)),
                from_nanoseconds(row.integer(6))};
    facts_from_text(row.text(8), model);
    return model;
}

std::optional<Model> first_model(Statement& query) {
    if (!query.step())
        return std::nullopt;
    return read_model(query);
}

void insert_manifest(Connection& connection, const NewModel& added) {
    // The facts are read again at every pull: a newer Hearth may see more in the same bytes.
    connection
        .prepare(
            "INSERT INTO manifests (digest, bytes, media_type, size_bytes, facts) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (digest) DO UPDATE SET facts = excluded.facts")
        .bind(added.model.digest.hex())
        .bind_blob(added.manifest)
        .bind(added.media_type)
        .bind(added.model.size_bytes)
        .bind(facts_to_text(added.model))
        .run();
}

void insert_blobs(Connection& connection, const NewModel& added) {
    Statement blob = connection.prepare(
        "INSERT INTO blobs (digest, size_bytes, verified_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
    Statement link = connection.prepare(
        "INSERT INTO manifest_blobs (manifest, position, blob, media_type) VALUES (?, ?, ?, ?) "
        "ON CONFLICT DO NOTHING");
    std::int64_t position = 0;
    for (const Layer& layer : added.layers) {
        blob.reset()
            .bind(layer.digest.hex())
            .bind(layer.size)
            .bind(to_nanoseconds(added.model.modified_at))
            .run();
        link.reset()
            .bind(added.model.digest.hex())
            .bind(position++)
            .bind(layer.digest.hex())
            .bind(layer.media_type)
            .run();
    }
}

void point_name(Connection& connection, const Model& model) {
    connection
        .prepare("INSERT INTO models (kind, scheme, host, repository, tag, manifest, modified_at) VALUES (?, "
                 "?, ?, ?, ?, ?, ?) "
                 "ON CONFLICT (host, repository, tag) DO UPDATE SET kind = excluded.kind, scheme = "
                 "excluded.scheme, "
                 "host = excluded.host, repository = excluded.repository, tag = excluded.tag, manifest = "
                 "excluded.manifest, "
                 "modified_at = excluded.modified_at")
        .bind(kind_name(model.ref.kind))
        .bind(model.ref.scheme)
        .bind(model.ref.host)
        .bind(model.ref.repository)
        .bind(model.ref.tag)
        .bind(model.digest.hex())
        .bind(to_nanoseconds(model.modified_at))
        .run();
}

std::vector<StoredBlob> blobs_of(Connection& connection, const Digest& manifest) {
    Statement query = connection.prepare("SELECT DISTINCT digest, size_bytes FROM blobs JOIN manifest_blobs "
                                         "ON blob = digest WHERE manifest = ?");
    query.bind(manifest.hex());
    std::vector<StoredBlob> blobs;
    while (query.step())
        blobs.push_back({digest_of(query.text(0)), static_cast<std::uint64_t>(query.integer(1))});
    return blobs;
}

bool exists(Connection& connection, const char* sql, const Digest& digest) {
    return connection.prepare(sql).bind(digest.hex()).step();
}

/// Deletes a manifest that no name points at, and the rows of blobs that only it used.
Forgotten drop_unused(Connection& connection, const Digest& manifest) {
    Forgotten forgotten;
    const std::vector<StoredBlob> blobs = blobs_of(connection, manifest);
    const bool still_named = exists(connection, "SELECT 1 FROM models WHERE manifest = ?", manifest);
    if (!still_named)
        connection.prepare("DELETE FROM manifests WHERE digest = ?")
            .bind(manifest.hex())
            .run(); // its manifest_blobs go with it
    for (const StoredBlob& blob : blobs) {
        if (exists(connection, "SELECT 1 FROM manifest_blobs WHERE blob = ?", blob.digest)) {
            forgotten.shared_bytes += blob.size_bytes;
            continue;
        }
        connection.prepare("DELETE FROM blobs WHERE digest = ?").bind(blob.digest.hex()).run();
        forgotten.unused.push_back(blob);
    }
    return forgotten;
}

} // namespace

std::vector<StoredBlob> put_model(Connection& connection, const NewModel& added) {
    Transaction transaction(connection);
    const std::optional<Model> before = find_model(connection, added.model.ref);
    insert_manifest(connection, added);
    insert_blobs(connection, added);
    point_name(connection, added.model);
    std::vector<StoredBlob> unused;
    if (before && before->digest != added.model.digest)
        unused = drop_unused(connection, before->digest).unused;
    transaction.commit();
    return unused;
}

std::vector<StoredBlob> unrecorded_blobs(Connection& connection, const std::vector<Layer>& layers) {
    std::vector<StoredBlob> result;
    for (const Layer& layer : layers) {
        Statement known = connection.prepare("SELECT 1 FROM blobs WHERE digest = ?");
        if (!known.bind(layer.digest.hex()).step())
            result.push_back({layer.digest, layer.size});
    }
    return result;
}

std::optional<Model> find_model(Connection& connection, const ModelRef& ref) {
    Statement query =
        connection.prepare(fmt::format("{} WHERE host = ? AND repository = ? AND tag = ?", select_models));
    query.bind(ref.host).bind(ref.repository).bind(ref.tag);
    return first_model(query);
}

std::optional<Model> find_model_by_digest(Connection& connection, const Digest& manifest) {
    Statement query = connection.prepare(
        fmt::format("{} WHERE models.manifest = ? ORDER BY modified_at DESC, models.id", select_models));
    query.bind(manifest.hex());
    return first_model(query);
}

std::optional<std::string> find_manifest(Connection& connection, const Digest& manifest) {
    Statement query = connection.prepare("SELECT bytes FROM manifests WHERE digest = ?");
    query.bind(manifest.hex());
    if (!query.step())
        return std::nullopt;
    return query.blob(0);
}

std::vector<Model> list_models(Connection& connection) {
    Statement query =
        connection.prepare(fmt::format("{} ORDER BY modified_at DESC, host, repository, tag", select_models));
    std::vector<Model> models;
    while (query.step())
        models.push_back(read_model(query));
    return models;
}

Forgotten forget_model(Connection& connection, const Model& model) {
    Transaction transaction(connection);
    connection.prepare("DELETE FROM models WHERE host = ? AND repository = ? AND tag = ?")
        .bind(model.ref.host)
        .bind(model.ref.repository)
        .bind(model.ref.tag)
        .run();
    Forgotten forgotten = drop_unused(connection, model.digest);
    transaction.commit();
    return forgotten;
}

Counts count_models(Connection& connection) {
    Statement query = connection.prepare(
        "SELECT (SELECT count(*) FROM models), (SELECT coalesce(sum(size_bytes), 0) FROM blobs)");
    query.step();
    return {static_cast<std::uint64_t>(query.integer(0)), static_cast<std::uint64_t>(query.integer(1))};
}

} // namespace hearth::registry
