-- What answers questions: the rows of `logs`, or the segments below. `catalog` is what the directory of those segments
-- says of itself, so that nobody takes another directory for it. One row.
CREATE TABLE keeping (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    answers text NOT NULL DEFAULT 'rows',
    catalog uuid NOT NULL DEFAULT gen_random_uuid(),
    is_marked boolean NOT NULL DEFAULT false
);
INSERT INTO keeping DEFAULT VALUES;

-- Files of events, below the directory that `store.segments_dir` names. A name is taken once: by the transaction that
-- stores the file's events, or by the sweep that gives the file up; the primary key decides which.
-- `segment` has all that readers need to know, the columns that questions look for beside it. A row with `gone_at` is a
-- file that no question that begins now reads.
CREATE TABLE segments (
    path text PRIMARY KEY,
    tenant text NOT NULL,
    events bigint NOT NULL,
    size_bytes bigint NOT NULL,
    min_ts timestamptz NOT NULL,
    max_ts timestamptz NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    gone_at timestamptz,
    damage text,
    is_orphan boolean NOT NULL DEFAULT false,
    segment json NOT NULL
);
CREATE INDEX segments_by_time ON segments (tenant, max_ts) WHERE gone_at IS NULL;
CREATE INDEX segments_by_size ON segments (events) WHERE gone_at IS NULL;
CREATE INDEX segments_damaged ON segments (path) WHERE damage IS NOT NULL;
CREATE INDEX segments_gone ON segments (gone_at) WHERE gone_at IS NOT NULL;
