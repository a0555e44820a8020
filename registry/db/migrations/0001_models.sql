-- A manifest as it was served, byte for byte: its SHA-256 is the model's digest.
CREATE TABLE manifests (
    digest       TEXT PRIMARY KEY,           -- 64 hex
    bytes        BLOB NOT NULL,
    media_type   TEXT NOT NULL DEFAULT '',
    size_bytes   INTEGER NOT NULL,           -- of all its layers that we keep
    facts        TEXT NOT NULL               -- JSON: what was read from the GGUF headers and text layers
) STRICT;

CREATE TABLE blobs (
    digest       TEXT PRIMARY KEY,
    size_bytes   INTEGER NOT NULL,
    verified_at  INTEGER NOT NULL            -- nanoseconds since 1970: when all its bytes were last hashed
) STRICT;

CREATE TABLE manifest_blobs (
    manifest     TEXT NOT NULL REFERENCES manifests (digest) ON DELETE CASCADE,
    position     INTEGER NOT NULL,
    blob         TEXT NOT NULL REFERENCES blobs (digest),
    media_type   TEXT NOT NULL,
    PRIMARY KEY (manifest, position)
) STRICT;
CREATE INDEX manifest_blobs_by_blob ON manifest_blobs (blob);

-- A name. Compared without ASCII case, kept as typed.
CREATE TABLE models (
    id           INTEGER PRIMARY KEY,
    kind         TEXT NOT NULL,              -- oci, hub, local
    scheme       TEXT NOT NULL,
    host         TEXT NOT NULL COLLATE NOCASE,
    repository   TEXT NOT NULL COLLATE NOCASE,
    tag          TEXT NOT NULL COLLATE NOCASE,
    manifest     TEXT NOT NULL REFERENCES manifests (digest),
    modified_at  INTEGER NOT NULL            -- nanoseconds since 1970
) STRICT;
CREATE UNIQUE INDEX models_by_name ON models (host, repository, tag);
CREATE INDEX models_by_manifest ON models (manifest);
