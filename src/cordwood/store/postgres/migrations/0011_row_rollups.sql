-- How many of a tenant's rows have each level and service, by spans of 1, 5, 30, 60 and 1440 minutes. `start` is in
-- minutes since 1970 UTC; an empty text is that of events without a level or a service. Only upkeep changes it.
CREATE TABLE rollups (
    tenant text NOT NULL,
    span integer NOT NULL,
    start bigint NOT NULL,
    level text NOT NULL,
    service text NOT NULL,
    events bigint NOT NULL,
    PRIMARY KEY (tenant, span, start, level, service)
) WITH (fillfactor = 90);

-- What transactions that store or remove rows have added to that, or taken away: rows are only ever added, so that
-- nobody waits for anybody. Upkeep folds them into the sums.
CREATE TABLE rollup_changes (
    tenant text NOT NULL,
    minute bigint NOT NULL,
    level text NOT NULL,
    service text NOT NULL,
    events bigint NOT NULL
) WITH (vacuum_truncate = off);

-- What those sums count of a day (since 1970), and in how many rows by the minute. A day whose changes and sums do not
-- make what `holdings` says is not answered from them, and counted anew; `is_wide`: it has too many to be kept.
CREATE TABLE rollup_days (
    tenant text NOT NULL,
    day integer NOT NULL,
    events bigint NOT NULL,
    entries bigint NOT NULL,
    is_wide boolean NOT NULL DEFAULT false,
    counted_at timestamptz,
    PRIMARY KEY (tenant, day)
);
