"""The catalog's tables, step by step: each is applied once, in order, and never changed afterwards."""

SCHEMA = (
    """
    CREATE TABLE segments (
        path TEXT PRIMARY KEY,
        tenant TEXT NOT NULL,
        events INTEGER NOT NULL,
        size_bytes INTEGER NOT NULL,
        min_us INTEGER NOT NULL,
        max_us INTEGER NOT NULL,
        created_us INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX segments_by_time ON segments (tenant, max_us);
    CREATE INDEX segments_by_events ON segments (events);
    CREATE TABLE batches (
        id BLOB PRIMARY KEY,
        tenant TEXT NOT NULL,
        protocol TEXT NOT NULL,
        producer BLOB NOT NULL,
        sequence INTEGER NOT NULL,
        events INTEGER NOT NULL,
        stored INTEGER NOT NULL,
        dead_lettered INTEGER NOT NULL,
        received_us INTEGER NOT NULL,
        inserted_us INTEGER NOT NULL,
        min_us INTEGER,
        max_us INTEGER
    ) WITHOUT ROWID;
    CREATE TABLE dead_letters (
        batch_id BLOB NOT NULL,
        ordinal INTEGER NOT NULL,
        tenant TEXT NOT NULL,
        protocol TEXT NOT NULL,
        reason TEXT NOT NULL,
        received_us INTEGER NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (batch_id, ordinal)
    ) WITHOUT ROWID;
    CREATE TABLE slices (
        tenant TEXT NOT NULL,
        hour INTEGER NOT NULL,
        version INTEGER NOT NULL,
        PRIMARY KEY (tenant, hour)
    ) WITHOUT ROWID;
    CREATE TABLE garbage (
        path TEXT PRIMARY KEY,
        since_us INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    # Counts for the ledger, and what tells a repetition of a request, and a damaged file.
    """
    ALTER TABLE batches ADD COLUMN deduplicated INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE batches ADD COLUMN duplicate_of BLOB;
    CREATE INDEX batches_by_arrival ON batches (tenant, received_us);
    CREATE INDEX batches_by_number ON batches (producer, sequence);
    CREATE TABLE idempotency (
        tenant TEXT NOT NULL,
        mark BLOB NOT NULL,
        batch_id BLOB NOT NULL,
        first_us INTEGER NOT NULL,
        PRIMARY KEY (tenant, mark)
    ) WITHOUT ROWID;
    CREATE INDEX idempotency_by_age ON idempotency (first_us);
    CREATE TABLE producers (
        id BLOB PRIMARY KEY,
        tenant TEXT NOT NULL,
        settled INTEGER NOT NULL,
        said_us INTEGER NOT NULL,
        heard_us INTEGER NOT NULL,
        is_ended INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE abandoned (
        producer BLOB NOT NULL,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        PRIMARY KEY (producer, first, last)
    ) WITHOUT ROWID;
    CREATE TABLE damaged (
        path TEXT PRIMARY KEY,
        reason TEXT NOT NULL,
        found_us INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE workers (
        id BLOB PRIMARY KEY,
        seen_us INTEGER NOT NULL,
        drained_us INTEGER
    ) WITHOUT ROWID;
    CREATE TABLE holdings (
        tenant TEXT NOT NULL,
        day INTEGER NOT NULL,
        stored INTEGER NOT NULL DEFAULT 0,
        expired INTEGER NOT NULL DEFAULT 0,
        deleted INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (tenant, day)
    ) WITHOUT ROWID;
    ALTER TABLE segments ADD COLUMN digest BLOB;
    ALTER TABLE dead_letters ADD COLUMN events INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE dead_letters ADD COLUMN settled_us INTEGER;
    ALTER TABLE dead_letters ADD COLUMN settled_as TEXT;
    ALTER TABLE dead_letters ADD COLUMN dead_us INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX dead_letters_by_reason ON dead_letters (tenant, reason, dead_us);
    CREATE TABLE actions (
        id BLOB PRIMARY KEY,
        tenant TEXT NOT NULL,
        at_us INTEGER NOT NULL,
        actor TEXT NOT NULL,
        action TEXT NOT NULL,
        events INTEGER NOT NULL,
        detail TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX actions_by_time ON actions (tenant, at_us)
    """,
    # Sums that are written with the batches, and how far the batches' own rows were folded: `store.segments.folding`.
    """
    CREATE TABLE minutes (
        tenant TEXT NOT NULL,
        minute INTEGER NOT NULL,
        batches INTEGER NOT NULL,
        accepted INTEGER NOT NULL,
        stored INTEGER NOT NULL,
        deduplicated INTEGER NOT NULL,
        dead_lettered INTEGER NOT NULL,
        PRIMARY KEY (tenant, minute)
    ) WITHOUT ROWID;
    INSERT INTO minutes
        SELECT tenant, received_us / 60000000, count(*), sum(events), sum(stored), sum(deduplicated),
            sum(dead_lettered)
        FROM batches GROUP BY 1, 2;
    CREATE TABLE totals (
        tenant TEXT NOT NULL,
        is_folded INTEGER NOT NULL,
        batches INTEGER NOT NULL,
        accepted INTEGER NOT NULL,
        stored INTEGER NOT NULL,
        deduplicated INTEGER NOT NULL,
        dead_lettered INTEGER NOT NULL,
        letters INTEGER NOT NULL DEFAULT 0,
        last_id BLOB,
        PRIMARY KEY (tenant, is_folded)
    ) WITHOUT ROWID;
    INSERT INTO totals
        SELECT tenant, 0, sum(batches), sum(accepted), sum(stored), sum(deduplicated), sum(dead_lettered), 0, NULL
        FROM minutes GROUP BY tenant;
    ALTER TABLE producers ADD COLUMN balanced INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE producers ADD COLUMN folded INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE producers ADD COLUMN folded_id BLOB;
    ALTER TABLE producers ADD COLUMN stage INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE producers ADD COLUMN resting_us INTEGER;
    INSERT OR IGNORE INTO producers (id, tenant, settled, said_us, heard_us, is_ended)
        SELECT producer, min(tenant), 0, 0, max(inserted_us), 0 FROM batches GROUP BY producer;
    CREATE INDEX producers_open ON producers (id) WHERE stage = 0;
    CREATE INDEX producers_resting ON producers (resting_us) WHERE stage = 1
    """,
    # Which fields a segment has columns for, and how many of its events it keeps as text instead.
    """
    ALTER TABLE segments ADD COLUMN columns TEXT;
    ALTER TABLE segments ADD COLUMN texts INTEGER
    """,
    "ALTER TABLE segments ADD COLUMN row_groups INTEGER",
    # What a segment takes in memory, and a quick way to those of one tenant that may be merged.
    """
    ALTER TABLE segments ADD COLUMN plain_bytes INTEGER;
    CREATE INDEX segments_small ON segments (tenant, events)
    """,
    # How many of a segment's events have each hour, level and service.
    "ALTER TABLE segments ADD COLUMN rollup BLOB",
    # What waits among the dead letters is counted without reading their bytes.
    "CREATE INDEX dead_letters_held ON dead_letters (tenant, events) WHERE settled_as IS NULL",
)
