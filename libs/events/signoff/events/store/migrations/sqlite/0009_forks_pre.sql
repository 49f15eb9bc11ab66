-- Which execution each fork was forked from, as the PostgreSQL log has it. An older version leaves it as it is.
ALTER TABLE executions ADD COLUMN forked_from TEXT;
CREATE INDEX executions_forks ON executions (workspace_id, forked_from) WHERE forked_from IS NOT NULL;
