-- The first three columns are a public contract: SELECT id, data, inserted_at FROM logs.
CREATE TABLE logs (
    id uuid NOT NULL,
    data jsonb NOT NULL,
    inserted_at timestamptz NOT NULL DEFAULT now(),
    ts timestamptz NOT NULL,
    tenant text NOT NULL,
    level text,
    service text,
    PRIMARY KEY (ts, id)
) PARTITION BY RANGE (ts);

-- Timestamps outside the days that have a partition: no input makes partitions without bound.
CREATE TABLE logs_other PARTITION OF logs DEFAULT;

-- The primary key is what makes a batch count once, whoever delivers it however often.
CREATE TABLE batches (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    protocol text NOT NULL,
    producer uuid NOT NULL,
    sequence bigint NOT NULL,
    events integer NOT NULL,
    stored integer NOT NULL,
    dead_lettered integer NOT NULL,
    received_at timestamptz NOT NULL,
    inserted_at timestamptz NOT NULL DEFAULT now(),
    min_ts timestamptz,
    max_ts timestamptz
);

CREATE TABLE dead_letters (
    batch_id uuid NOT NULL,
    ordinal bigint NOT NULL,
    tenant text NOT NULL,
    protocol text NOT NULL,
    reason text NOT NULL,
    received_at timestamptz NOT NULL,
    dead_at timestamptz NOT NULL DEFAULT now(),
    body bytea NOT NULL,
    PRIMARY KEY (batch_id, ordinal)
);

-- Hours since 1970, or one far slice; the version rises with every write into it.
CREATE TABLE slices (
    tenant text NOT NULL,
    hour bigint NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (tenant, hour)
) WITH (fillfactor = 50);
