-- Events of a batch that repeats an earlier request are deduplicated; every batch balances.
ALTER TABLE batches
    ADD COLUMN deduplicated integer NOT NULL DEFAULT 0,
    ADD COLUMN duplicate_of uuid,
    ADD CONSTRAINT batches_balance CHECK (events = stored + deduplicated + dead_lettered);
CREATE INDEX batches_by_arrival ON batches (tenant, received_at);
CREATE INDEX batches_by_number ON batches (producer, sequence);

-- What repetitions of a request part have in common, for as long as a sender may repeat it.
CREATE TABLE idempotency (
    tenant text NOT NULL,
    mark uuid NOT NULL,
    batch_id uuid NOT NULL,
    first_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, mark)
);
CREATE INDEX idempotency_by_age ON idempotency (first_at);

-- What producers said of their numbers.
CREATE TABLE producers (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    settled bigint NOT NULL,
    said_at timestamptz NOT NULL,
    heard_at timestamptz NOT NULL DEFAULT now(),
    is_ended boolean NOT NULL
);
CREATE TABLE abandoned (
    producer uuid NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL,
    PRIMARY KEY (producer, first, last)
);

-- Each worker's last look at the queue: what all of them found empty cannot bring a missing batch any more.
CREATE TABLE workers (
    id uuid PRIMARY KEY,
    seen_at timestamptz NOT NULL,
    drained_at timestamptz
);

-- Events by the day of their timestamp (days since 1970 UTC): stored − expired − deleted is what logs holds.
CREATE TABLE holdings (
    tenant text NOT NULL,
    day integer NOT NULL,
    stored bigint NOT NULL DEFAULT 0,
    expired bigint NOT NULL DEFAULT 0,
    deleted bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, day)
) WITH (fillfactor = 50);
INSERT INTO holdings (tenant, day, stored)
    SELECT tenant, floor(extract(epoch FROM ts) / 86400)::integer, count(*) FROM logs GROUP BY 1, 2;

-- A whole batch may be a dead letter: then its ordinal is -1, and its body is compressed as it travelled.
-- One that was discarded or has expired keeps its row, without its body: receipts and counts still know of it.
ALTER TABLE dead_letters
    ADD COLUMN events integer NOT NULL DEFAULT 1,
    ADD COLUMN settled_at timestamptz,
    ADD COLUMN settled_as text;
CREATE INDEX dead_letters_by_reason ON dead_letters (tenant, reason, dead_at);

-- What people did, and what rules did in their name: what was taken out of the stores, by whom, how much.
CREATE TABLE actions (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    action text NOT NULL,
    events bigint NOT NULL,
    detail jsonb NOT NULL
);
CREATE INDEX actions_by_time ON actions (tenant, at);
