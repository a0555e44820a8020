-- What real loads took, beside what was planned: corrects the next plan. A row outlives the model's name: it may
-- come back.
CREATE TABLE measurements (
    files           TEXT NOT NULL,           -- Model::files_key
    engine          TEXT NOT NULL,           -- backend and version: another build allocates otherwise
    settings        TEXT NOT NULL,           -- JSON, members sorted: all of the load that changes memory or speed
    predicted       TEXT NOT NULL,           -- JSON of the plan, empty when nobody planned
    measured        TEXT NOT NULL,           -- JSON: bytes per device, as the backend reported them
    fixed_bytes     INTEGER NOT NULL,        -- resident after the load beside the reported buffers
    load_seconds    REAL NOT NULL,           -- smoothed
    tokens_per_second REAL NOT NULL,         -- smoothed, generation; 0: no run yet
    prompt_tokens_per_second REAL NOT NULL,  -- smoothed; 0: no run yet
    loads           INTEGER NOT NULL,
    runs            INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,        -- nanoseconds since 1970
    PRIMARY KEY (files, engine, settings)
) STRICT;
CREATE INDEX measurements_by_engine ON measurements (engine, updated_at);
