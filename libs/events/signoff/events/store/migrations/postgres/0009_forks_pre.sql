-- Which execution each fork was forked from. An older version leaves the column as it is.
ALTER TABLE executions ADD COLUMN forked_from text;
CREATE INDEX executions_forks ON executions (workspace_id, forked_from, started_at)
    WHERE forked_from IS NOT NULL;
