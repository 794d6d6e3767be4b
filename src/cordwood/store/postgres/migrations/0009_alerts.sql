CREATE TABLE saved_queries (
    tenant text NOT NULL,
    name text NOT NULL,
    query json NOT NULL,
    PRIMARY KEY (tenant, name)
);

-- `due_at` is the evaluation time that comes next. Whoever evaluates it writes a `claim` and moves `try_at` to the end
-- of the lease; only the holder of the claim may conclude.
CREATE TABLE alert_rules (
    tenant text NOT NULL,
    name text NOT NULL,
    rule json NOT NULL,
    state json NOT NULL,
    due_at timestamptz NOT NULL,
    try_at timestamptz NOT NULL,
    claim uuid,
    PRIMARY KEY (tenant, name)
);
CREATE INDEX alert_rules_try_at ON alert_rules (try_at);

CREATE TABLE alert_silences (
    tenant text NOT NULL,
    id uuid NOT NULL,
    silence json NOT NULL,
    ends_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE TABLE alert_history (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    rule text NOT NULL,
    at timestamptz NOT NULL,
    entry json NOT NULL
);
CREATE INDEX alert_history_id ON alert_history (tenant, id);

-- The outbox: written with the transition that it tells of. Within a lane (a rule and a receiver) letters go in order.
CREATE TABLE alert_letters (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    entry uuid NOT NULL,
    tenant text NOT NULL,
    lane text NOT NULL,
    letter json NOT NULL,
    status text NOT NULL,
    created_at timestamptz NOT NULL,
    try_at timestamptz NOT NULL,
    attempts integer NOT NULL,
    error text NOT NULL,
    done_at timestamptz,
    claim uuid
);
CREATE INDEX alert_letters_waiting ON alert_letters (tenant, lane, number) WHERE status = 'waiting';
CREATE INDEX alert_letters_entry ON alert_letters (entry);
