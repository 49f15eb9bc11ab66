-- What executions are searched by. An older version leaves these columns as they are.
-- Attributes are {"<workspace>": {name: value}}: see put_executions.
ALTER TABLE executions
    ADD COLUMN actor_type text,
    ADD COLUMN actor_id text,
    ADD COLUMN error text,
    ADD COLUMN error_code text,
    ADD COLUMN attributes jsonb;
CREATE INDEX executions_of_workflow ON executions (workspace_id, workflow_id, started_at);
-- Without those that completed: they are most, and soon found without it.
CREATE INDEX executions_by_status ON executions (workspace_id, status, started_at)
    WHERE status <> 'completed';
CREATE INDEX executions_by_attribute ON executions USING gin (attributes jsonb_path_ops)
    WHERE attributes IS NOT NULL;
