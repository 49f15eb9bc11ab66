-- The words that executions are found by, as the PostgreSQL log has them, as JSON and apart, and of which
-- version of the row they are. An older version of the server leaves them as they are.
ALTER TABLE executions ADD COLUMN words TEXT;
ALTER TABLE executions ADD COLUMN words_version INTEGER;
CREATE INDEX executions_wordless ON executions (workspace_id, log_id) WHERE words_version IS NOT version;
CREATE TABLE execution_words (word TEXT NOT NULL, log_id TEXT NOT NULL, PRIMARY KEY (word, log_id)) WITHOUT ROWID;
