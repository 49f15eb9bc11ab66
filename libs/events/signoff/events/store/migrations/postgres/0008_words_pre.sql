-- The words that executions are found by (words.py), and of which version of the row they are: an older
-- version of the server leaves both as they are.
ALTER TABLE executions ADD COLUMN words tsvector, ADD COLUMN words_version integer;
-- No list of pending entries, as in points_words.
CREATE INDEX executions_words ON executions USING gin (words) WITH (fastupdate = off);
CREATE INDEX executions_wordless ON executions (workspace_id, log_id) WHERE words_version IS DISTINCT FROM version;
