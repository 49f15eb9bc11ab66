CREATE TABLE cluster (
    singleton INTEGER PRIMARY KEY DEFAULT 1 CHECK (singleton = 1),
    partitions INTEGER NOT NULL CHECK (partitions > 0)
);
CREATE TABLE dead_commands (
    partition INTEGER NOT NULL,
    command_offset INTEGER NOT NULL,
    command_id TEXT NOT NULL,
    log_id TEXT,
    reason TEXT NOT NULL,
    command TEXT NOT NULL,  -- as hex
    died_at INTEGER NOT NULL, settled_at INTEGER, settled TEXT, settled_by TEXT,
    PRIMARY KEY (partition, command_offset)
);
CREATE TABLE execution_words (word TEXT NOT NULL, log_id TEXT NOT NULL, PRIMARY KEY (word, log_id)) WITHOUT ROWID;
CREATE TABLE executions (
    log_id TEXT PRIMARY KEY,
    partition INTEGER NOT NULL,
    workspace_id TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    workflow_version INTEGER NOT NULL,
    execution_id TEXT,
    status TEXT NOT NULL,
    pause_status TEXT,
    trigger TEXT NOT NULL,
    mode TEXT NOT NULL,
    version INTEGER NOT NULL,
    parked INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    ended_at INTEGER,
    due_at INTEGER,
    broken TEXT
, actor_type TEXT, actor_id TEXT, error TEXT, error_code TEXT, attributes TEXT, words TEXT, words_version INTEGER, forked_from TEXT) WITHOUT ROWID;
CREATE TABLE executors (owner TEXT PRIMARY KEY, alive_until INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE fold_snapshots (
    log_id TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    format INTEGER NOT NULL,
    state BLOB NOT NULL
);
CREATE TABLE fold_waypoints (
    log_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    format INTEGER NOT NULL,
    state BLOB NOT NULL,
    PRIMARY KEY (log_id, version)
);
CREATE TABLE migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE partitions (
    partition INTEGER PRIMARY KEY,
    owner TEXT,
    epoch INTEGER NOT NULL DEFAULT 0,
    lease_until INTEGER NOT NULL DEFAULT 0,
    next_offset INTEGER NOT NULL DEFAULT 0,
    relayed INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE point_lists (
    key INTEGER NOT NULL,
    id INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    PRIMARY KEY (key, opened_at, id)
) WITHOUT ROWID;
CREATE TABLE point_words (word TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (word, id)) WITHOUT ROWID;
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
CREATE TABLE runs (run_id TEXT PRIMARY KEY, log_id TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sqlite_sequence(name,seq);
CREATE TABLE stored_events (
    originator_id TEXT, originator_version INTEGER, topic TEXT, state BLOB,
    PRIMARY KEY (originator_id, originator_version)
);
CREATE TABLE tracking (
    application_name TEXT, notification_id INTEGER, PRIMARY KEY (application_name)
) WITHOUT ROWID;
CREATE TABLE workflows (
    log_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    digest TEXT NOT NULL,
    is_deployed INTEGER NOT NULL,
    deployed_at INTEGER NOT NULL, due_at INTEGER,
    PRIMARY KEY (workspace_id, workflow_id)
) WITHOUT ROWID;
CREATE INDEX executions_broken ON executions (updated_at) WHERE broken IS NOT NULL;
CREATE INDEX executions_due ON executions (partition, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX executions_forks ON executions (workspace_id, forked_from) WHERE forked_from IS NOT NULL;
CREATE INDEX executions_newest ON executions (workspace_id, started_at, log_id);
CREATE INDEX executions_unparked ON executions (partition) WHERE NOT parked;
CREATE INDEX executions_wordless ON executions (workspace_id, log_id) WHERE words_version IS NOT version;
CREATE INDEX point_lists_due ON point_lists (key, due_at, opened_at, id);
CREATE INDEX point_lists_priority ON point_lists (key, rank, opened_at, id);
CREATE INDEX records_due ON records (kind, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX records_expired ON records (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX workflows_due ON workflows (due_at) WHERE due_at IS NOT NULL;
