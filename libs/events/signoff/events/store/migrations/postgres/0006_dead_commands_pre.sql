-- What became of a dead command: one that is settled counts no longer. An older version lists it still.
ALTER TABLE dead_commands
    ADD COLUMN settled_at timestamptz,
    ADD COLUMN settled text,
    ADD COLUMN settled_by text;
