-- The log, exactly as eventsourcing 9.5.6 makes it for a ProcessRecorder with UUID originators, so that
-- its own code can read what we write (a test compares). Only event_id and metadata are ours.
CREATE TABLE stored_events (
    originator_id uuid NOT NULL,
    originator_version bigint NOT NULL,
    topic text,
    state bytea,
    notification_id bigserial,
    event_id uuid,
    metadata jsonb,
    PRIMARY KEY (originator_id, originator_version)
) WITH (
    autovacuum_enabled = true,
    autovacuum_vacuum_threshold = 100000000,
    autovacuum_vacuum_scale_factor = 0.5,
    autovacuum_analyze_threshold = 1000,
    autovacuum_analyze_scale_factor = 0.01
);
CREATE UNIQUE INDEX stored_events_notification_id_idx ON stored_events (notification_id ASC);

CREATE TABLE notification_tracking (
    application_name text,
    notification_id bigint,
    PRIMARY KEY (application_name)
) WITH (
    autovacuum_enabled = true,
    autovacuum_vacuum_threshold = 100000000,
    autovacuum_vacuum_scale_factor = 0.5,
    autovacuum_analyze_threshold = 1000,
    autovacuum_analyze_scale_factor = 0.01
);
INSERT INTO notification_tracking VALUES ('__migration__', 1);

CREATE TYPE stored_event_uuid AS (originator_id uuid, originator_version bigint, topic text, state bytea);
-- The library makes this function, so it stands here for the comparison; nobody may use it: it takes no
-- lock, and then readers skip events.
CREATE FUNCTION es_insert_events_uuid(events stored_event_uuid[]) RETURNS SETOF bigint LANGUAGE plpgsql AS $BODY$BEGIN    SET LOCAL lock_timeout = '0s';    NOTIFY "stored_events";    RETURN QUERY    INSERT INTO "public"."stored_events" AS t (    originator_id, originator_version, topic, state)    SELECT originator_id, originator_version, topic, state    FROM unnest(events)    RETURNING notification_id;END;$BODY$;

-- Ours beside it. Wide columns first: fewer bytes are lost to alignment.
CREATE TABLE cluster (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    partitions integer NOT NULL CHECK (partitions > 0)
);

-- Updated with every group of appends: room in each page keeps its row versions there (HOT).
CREATE TABLE partitions (
    epoch bigint NOT NULL DEFAULT 0,
    next_offset bigint NOT NULL DEFAULT 0,
    relayed bigint NOT NULL DEFAULT 0,
    lease_until timestamptz NOT NULL DEFAULT '-infinity',
    partition smallint PRIMARY KEY,
    owner text
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

CREATE TABLE executors (
    owner text PRIMARY KEY,
    alive_until timestamptz NOT NULL
);

CREATE TABLE executions (
    started_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    ended_at timestamptz,
    due_at timestamptz,
    version integer NOT NULL,
    workflow_version integer NOT NULL,
    partition smallint NOT NULL,
    parked boolean NOT NULL,
    log_id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    status text NOT NULL,
    pause_status text,
    trigger text NOT NULL,
    mode text NOT NULL,
    workflow_id text NOT NULL COLLATE "C",
    execution_id text,
    broken text
);
-- Without log_id, which orders the rows of one microsecond: they are sorted as they are read.
CREATE INDEX executions_newest ON executions (workspace_id, started_at);
CREATE INDEX executions_unparked ON executions (partition) WHERE NOT parked;
CREATE INDEX executions_due ON executions (partition, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX executions_broken ON executions (updated_at) WHERE broken IS NOT NULL;

CREATE TABLE runs (
    run_id uuid PRIMARY KEY,
    log_id uuid NOT NULL
);

CREATE TABLE workflows (
    version integer NOT NULL,
    is_deployed boolean NOT NULL,
    deployed_at timestamptz NOT NULL,
    log_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    workflow_id text NOT NULL COLLATE "C",
    name text NOT NULL,
    digest text NOT NULL,
    PRIMARY KEY (workspace_id, workflow_id)
);

CREATE TABLE dead_commands (
    command_offset bigint NOT NULL,
    died_at timestamptz NOT NULL,
    partition smallint NOT NULL,
    log_id uuid,
    command_id text NOT NULL,
    reason text NOT NULL,
    command bytea NOT NULL,
    PRIMARY KEY (partition, command_offset)
);

CREATE TABLE fold_snapshots (
    version bigint NOT NULL,
    format integer NOT NULL,
    log_id uuid PRIMARY KEY,
    state bytea NOT NULL
);
