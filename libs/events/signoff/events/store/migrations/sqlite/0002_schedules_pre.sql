-- When a schedule of a workflow is due next, as executions have it.
ALTER TABLE workflows ADD COLUMN due_at INTEGER;
CREATE INDEX workflows_due ON workflows (due_at) WHERE due_at IS NOT NULL;
