-- Records beside the log. A version comes from one sequence for all: a key that was removed and comes back
-- has none that it had before.
CREATE TABLE records (
    version bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    expires_at timestamptz,
    due_at timestamptz,
    scope uuid NOT NULL,
    kind text NOT NULL COLLATE "C",
    key text NOT NULL COLLATE "C",
    value bytea NOT NULL,
    PRIMARY KEY (kind, scope, key)
);
CREATE INDEX records_due ON records (kind, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX records_expired ON records (expires_at) WHERE expires_at IS NOT NULL;
