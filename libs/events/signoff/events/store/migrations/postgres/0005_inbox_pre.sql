-- Open pause points, as inboxes find them. One without a deadline is due in the year 10000, and "rank" is the
-- priority below zero: so each order is one of columns that all grow.
CREATE TABLE points (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    opened_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    version integer NOT NULL,
    approvals integer NOT NULL,
    required integer NOT NULL,
    rank smallint NOT NULL,
    returned boolean NOT NULL,
    log_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    context_id text NOT NULL COLLATE "C",
    workflow_id text NOT NULL COLLATE "C",
    execution_id text,
    block_id text NOT NULL,
    claimed_by text COLLATE "C",
    candidates text[] NOT NULL COLLATE "C",
    excluded text[] NOT NULL COLLATE "C",
    content_digest text,
    title text NOT NULL,
    keys bigint[] NOT NULL,
    text text NOT NULL,
    words tsvector NOT NULL,
    UNIQUE (log_id, context_id)
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05);
-- No list of pending entries: every search would read it, and some append would have to clear it.
CREATE INDEX points_words ON points USING gin (words) WITH (fastupdate = off);

-- Each list that a point is in (inbox.py: keys_of), with what the list is read by.
CREATE TABLE point_lists (
    key bigint NOT NULL,
    id bigint NOT NULL,
    opened_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    rank smallint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX point_lists_opened ON point_lists (key, opened_at, id);
CREATE INDEX point_lists_due ON point_lists (key, due_at, opened_at, id);
CREATE INDEX point_lists_priority ON point_lists (key, rank, opened_at, id);
