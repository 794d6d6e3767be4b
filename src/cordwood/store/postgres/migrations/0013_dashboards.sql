-- Beside saved queries. What a list shows stands beside the whole, which may be large.
CREATE TABLE dashboards (
    tenant text NOT NULL,
    name text NOT NULL,
    title text NOT NULL,
    about text NOT NULL,
    panels integer NOT NULL,
    dashboard json NOT NULL,
    PRIMARY KEY (tenant, name)
);

-- What waits among the dead letters is counted without reading their bytes.
CREATE INDEX dead_letters_held ON dead_letters (tenant) INCLUDE (events) WHERE settled_as IS NULL;
