-- Logins that see the events of one tenant. A role is known by its name and its number: another one that takes the name
-- later, here or where a dump is restored, sees nothing. `password` is that of a login of our own, for /api/v1/sql.
CREATE TABLE sql_users (
    role name PRIMARY KEY,
    number oid NOT NULL,
    tenant text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    password text
);
CREATE INDEX sql_users_own ON sql_users (tenant) WHERE password IS NOT NULL;

-- A row of an answer that the service cannot hold is none that it is sent.
CREATE FUNCTION cordwood_within(size integer, most integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    IF size > most THEN
        RAISE EXCEPTION 'a row of the answer has more than % bytes', most USING ERRCODE = 'CW001';
    END IF;
    RETURN true;
END
$$;
