-- Open pause points, as the PostgreSQL log has them; lists are JSON.
CREATE TABLE points (
    id INTEGER PRIMARY KEY,
    log_id TEXT NOT NULL,
    context_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    execution_id TEXT,
    block_id TEXT NOT NULL,
    title TEXT NOT NULL,
    rank INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    candidates TEXT NOT NULL,
    claimed_by TEXT,
    excluded TEXT NOT NULL,
    returned INTEGER NOT NULL,
    approvals INTEGER NOT NULL,
    required INTEGER NOT NULL,
    content_digest TEXT,
    version INTEGER NOT NULL,
    keys TEXT NOT NULL,
    words TEXT NOT NULL,
    text TEXT NOT NULL,
    UNIQUE (log_id, context_id)
);
CREATE TABLE point_lists (
    key INTEGER NOT NULL,
    id INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    PRIMARY KEY (key, opened_at, id)
) WITHOUT ROWID;
CREATE INDEX point_lists_due ON point_lists (key, due_at, opened_at, id);
CREATE INDEX point_lists_priority ON point_lists (key, rank, opened_at, id);
CREATE TABLE point_words (word TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (word, id)) WITHOUT ROWID;
