-- Records beside the log. The rowid is the version, and never given twice: each write makes a new row.
CREATE TABLE records (
    version INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    expires_at INTEGER,
    due_at INTEGER,
    UNIQUE (kind, scope, key)
);
CREATE INDEX records_due ON records (kind, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX records_expired ON records (expires_at) WHERE expires_at IS NOT NULL;
