-- A key is known by its SHA-256 only. Rows stay when keys are revoked: they say who had access, and when.
CREATE TABLE api_keys (
    id text PRIMARY KEY,
    digest bytea NOT NULL UNIQUE,
    tenant text NOT NULL,
    scopes text[] NOT NULL,
    name text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz
);

-- NULL means without limit.
CREATE TABLE tenant_limits (
    tenant text PRIMARY KEY,
    rate_events_per_s bigint,
    rate_bytes_per_s bigint,
    daily_bytes bigint,
    retention_days bigint
);

-- One row; every change of the two tables raises it, so that a look at it tells whether to read them again.
CREATE TABLE tenancy_version (version bigint NOT NULL);
INSERT INTO tenancy_version VALUES (1);
