-- What executions are searched by; attributes as JSON. An older version leaves these columns as they are.
ALTER TABLE executions ADD COLUMN actor_type TEXT;
ALTER TABLE executions ADD COLUMN actor_id TEXT;
ALTER TABLE executions ADD COLUMN error TEXT;
ALTER TABLE executions ADD COLUMN error_code TEXT;
ALTER TABLE executions ADD COLUMN attributes TEXT;
