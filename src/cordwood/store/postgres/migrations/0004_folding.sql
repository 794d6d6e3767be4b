-- Sums that are written with the batches, so that no question reads every batch.
CREATE TABLE minutes (
    tenant text NOT NULL,
    minute bigint NOT NULL,
    batches bigint NOT NULL,
    accepted bigint NOT NULL,
    stored bigint NOT NULL,
    deduplicated bigint NOT NULL,
    dead_lettered bigint NOT NULL,
    PRIMARY KEY (tenant, minute)
) WITH (fillfactor = 50);
INSERT INTO minutes
    SELECT tenant, floor(extract(epoch FROM received_at) / 60)::bigint, count(*), sum(events), sum(stored),
        sum(deduplicated), sum(dead_lettered)
    FROM batches GROUP BY 1, 2;

-- A row for all batches ever, and one for those that were folded: they have no row of their own any more.
CREATE TABLE totals (
    tenant text NOT NULL,
    is_folded boolean NOT NULL,
    batches bigint NOT NULL,
    accepted bigint NOT NULL,
    stored bigint NOT NULL,
    deduplicated bigint NOT NULL,
    dead_lettered bigint NOT NULL,
    letters bigint NOT NULL DEFAULT 0,
    last_id uuid,
    PRIMARY KEY (tenant, is_folded)
) WITH (fillfactor = 50);
INSERT INTO totals
    SELECT tenant, false, sum(batches), sum(accepted), sum(stored), sum(deduplicated), sum(dead_lettered)
    FROM minutes GROUP BY tenant;

-- Every number up to `balanced` is recorded or abandoned; every batch up to `folded` is without a row, the youngest of
-- them `folded_id`. Stage 0: numbers may follow; 1: ended and balanced; 2: nothing is left to fold. `resting_at` is
-- the time that its age is counted from.
ALTER TABLE producers
    ADD COLUMN balanced bigint NOT NULL DEFAULT 0,
    ADD COLUMN folded bigint NOT NULL DEFAULT 0,
    ADD COLUMN folded_id uuid,
    ADD COLUMN stage smallint NOT NULL DEFAULT 0,
    ADD COLUMN resting_at timestamptz;
INSERT INTO producers (id, tenant, settled, said_at, heard_at, is_ended)
    SELECT producer, min(tenant), 0, to_timestamp(0), max(inserted_at), false FROM batches GROUP BY producer
    ON CONFLICT (id) DO NOTHING;
CREATE INDEX producers_open ON producers (id) WHERE stage = 0;
CREATE INDEX producers_resting ON producers (resting_at) WHERE stage = 1;
