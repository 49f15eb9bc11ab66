CREATE TYPE public.stored_event_uuid AS (
	originator_id uuid,
	originator_version bigint,
	topic text,
	state bytea
);

CREATE FUNCTION public.es_insert_events_uuid(events public.stored_event_uuid[]) RETURNS SETOF bigint
    LANGUAGE plpgsql
    AS $$BEGIN    SET LOCAL lock_timeout = '0s';    NOTIFY "stored_events";    RETURN QUERY    INSERT INTO "public"."stored_events" AS t (    originator_id, originator_version, topic, state)    SELECT originator_id, originator_version, topic, state    FROM unnest(events)    RETURNING notification_id;END;$$;

CREATE TABLE public.cluster (
    singleton boolean DEFAULT true NOT NULL,
    partitions integer NOT NULL,
    CONSTRAINT cluster_partitions_check CHECK ((partitions > 0)),
    CONSTRAINT cluster_singleton_check CHECK (singleton)
);

CREATE TABLE public.dead_commands (
    command_offset bigint NOT NULL,
    died_at timestamp with time zone NOT NULL,
    partition smallint NOT NULL,
    log_id uuid,
    command_id text NOT NULL,
    reason text NOT NULL,
    command bytea NOT NULL,
    settled_at timestamp with time zone,
    settled text,
    settled_by text
);

CREATE TABLE public.executions (
    started_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    due_at timestamp with time zone,
    version integer NOT NULL,
    workflow_version integer NOT NULL,
    partition smallint NOT NULL,
    parked boolean NOT NULL,
    log_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    status text NOT NULL,
    pause_status text,
    trigger text NOT NULL,
    mode text NOT NULL,
    workflow_id text NOT NULL COLLATE pg_catalog."C",
    execution_id text,
    broken text,
    actor_type text,
    actor_id text,
    error text,
    error_code text,
    attributes jsonb,
    words tsvector,
    words_version integer,
    forked_from text
);

CREATE TABLE public.executors (
    owner text NOT NULL,
    alive_until timestamp with time zone NOT NULL
);

CREATE TABLE public.fold_snapshots (
    version bigint NOT NULL,
    format integer NOT NULL,
    log_id uuid NOT NULL,
    state bytea NOT NULL
);

CREATE TABLE public.fold_waypoints (
    version bigint NOT NULL,
    format integer NOT NULL,
    log_id uuid NOT NULL,
    state bytea NOT NULL
);

CREATE TABLE public.migrations (
    name text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.notification_tracking (
    application_name text NOT NULL,
    notification_id bigint
)
WITH (autovacuum_enabled='true', autovacuum_vacuum_threshold='100000000', autovacuum_vacuum_scale_factor='0.5', autovacuum_analyze_threshold='1000', autovacuum_analyze_scale_factor='0.01');

CREATE TABLE public.partitions (
    epoch bigint DEFAULT 0 NOT NULL,
    next_offset bigint DEFAULT 0 NOT NULL,
    relayed bigint DEFAULT 0 NOT NULL,
    lease_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    partition smallint NOT NULL,
    owner text
)
WITH (fillfactor='20', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='2000');

CREATE TABLE public.point_lists (
    key bigint NOT NULL,
    id bigint NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    rank smallint NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0.05');

CREATE TABLE public.points (
    id bigint NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    version integer NOT NULL,
    approvals integer NOT NULL,
    required integer NOT NULL,
    rank smallint NOT NULL,
    returned boolean NOT NULL,
    log_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    context_id text NOT NULL COLLATE pg_catalog."C",
    workflow_id text NOT NULL COLLATE pg_catalog."C",
    execution_id text,
    block_id text NOT NULL,
    claimed_by text COLLATE pg_catalog."C",
    candidates text[] NOT NULL COLLATE pg_catalog."C",
    excluded text[] NOT NULL COLLATE pg_catalog."C",
    content_digest text,
    title text NOT NULL,
    keys bigint[] NOT NULL,
    text text NOT NULL,
    words tsvector NOT NULL
)
WITH (fillfactor='90', autovacuum_vacuum_scale_factor='0.05');

ALTER TABLE public.points ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.points_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.records (
    version bigint NOT NULL,
    expires_at timestamp with time zone,
    due_at timestamp with time zone,
    scope uuid NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    key text NOT NULL COLLATE pg_catalog."C",
    value bytea NOT NULL
);

ALTER TABLE public.records ALTER COLUMN version ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.records_version_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.runs (
    run_id uuid NOT NULL,
    log_id uuid NOT NULL
);

CREATE TABLE public.stored_events (
    originator_id uuid NOT NULL,
    originator_version bigint NOT NULL,
    topic text,
    state bytea,
    notification_id bigint NOT NULL,
    event_id uuid,
    metadata jsonb
)
WITH (autovacuum_enabled='true', autovacuum_vacuum_threshold='100000000', autovacuum_vacuum_scale_factor='0.5', autovacuum_analyze_threshold='1000', autovacuum_analyze_scale_factor='0.01');

CREATE SEQUENCE public.stored_events_notification_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.stored_events_notification_id_seq OWNED BY public.stored_events.notification_id;

CREATE TABLE public.workflows (
    version integer NOT NULL,
    is_deployed boolean NOT NULL,
    deployed_at timestamp with time zone NOT NULL,
    log_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    workflow_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    digest text NOT NULL,
    due_at timestamp with time zone
);

ALTER TABLE ONLY public.stored_events ALTER COLUMN notification_id SET DEFAULT nextval('public.stored_events_notification_id_seq'::regclass);

ALTER TABLE ONLY public.cluster
    ADD CONSTRAINT cluster_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY public.dead_commands
    ADD CONSTRAINT dead_commands_pkey PRIMARY KEY (partition, command_offset);

ALTER TABLE ONLY public.executions
    ADD CONSTRAINT executions_pkey PRIMARY KEY (log_id);

ALTER TABLE ONLY public.executors
    ADD CONSTRAINT executors_pkey PRIMARY KEY (owner);

ALTER TABLE ONLY public.fold_snapshots
    ADD CONSTRAINT fold_snapshots_pkey PRIMARY KEY (log_id);

ALTER TABLE ONLY public.fold_waypoints
    ADD CONSTRAINT fold_waypoints_pkey PRIMARY KEY (log_id, version);

ALTER TABLE ONLY public.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.notification_tracking
    ADD CONSTRAINT notification_tracking_pkey PRIMARY KEY (application_name);

ALTER TABLE ONLY public.partitions
    ADD CONSTRAINT partitions_pkey PRIMARY KEY (partition);

ALTER TABLE ONLY public.points
    ADD CONSTRAINT points_log_id_context_id_key UNIQUE (log_id, context_id);

ALTER TABLE ONLY public.points
    ADD CONSTRAINT points_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.records
    ADD CONSTRAINT records_pkey PRIMARY KEY (kind, scope, key);

ALTER TABLE ONLY public.runs
    ADD CONSTRAINT runs_pkey PRIMARY KEY (run_id);

ALTER TABLE ONLY public.stored_events
    ADD CONSTRAINT stored_events_pkey PRIMARY KEY (originator_id, originator_version);

ALTER TABLE ONLY public.workflows
    ADD CONSTRAINT workflows_pkey PRIMARY KEY (workspace_id, workflow_id);

CREATE INDEX executions_broken ON public.executions USING btree (updated_at) WHERE (broken IS NOT NULL);

CREATE INDEX executions_by_attribute ON public.executions USING gin (attributes jsonb_path_ops) WHERE (attributes IS NOT NULL);

CREATE INDEX executions_by_status ON public.executions USING btree (workspace_id, status, started_at) WHERE (status <> 'completed'::text);

CREATE INDEX executions_due ON public.executions USING btree (partition, due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX executions_forks ON public.executions USING btree (workspace_id, forked_from, started_at) WHERE (forked_from IS NOT NULL);

CREATE INDEX executions_newest ON public.executions USING btree (workspace_id, started_at);

CREATE INDEX executions_of_workflow ON public.executions USING btree (workspace_id, workflow_id, started_at);

CREATE INDEX executions_unparked ON public.executions USING btree (partition) WHERE (NOT parked);

CREATE INDEX executions_wordless ON public.executions USING btree (workspace_id, log_id) WHERE (words_version IS DISTINCT FROM version);

CREATE INDEX executions_words ON public.executions USING gin (words) WITH (fastupdate=off);

CREATE INDEX point_lists_due ON public.point_lists USING btree (key, due_at, opened_at, id);

CREATE INDEX point_lists_opened ON public.point_lists USING btree (key, opened_at, id);

CREATE INDEX point_lists_priority ON public.point_lists USING btree (key, rank, opened_at, id);

CREATE INDEX points_words ON public.points USING gin (words) WITH (fastupdate=off);

CREATE INDEX records_due ON public.records USING btree (kind, due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX records_expired ON public.records USING btree (expires_at) WHERE (expires_at IS NOT NULL);

CREATE UNIQUE INDEX stored_events_notification_id_idx ON public.stored_events USING btree (notification_id);

CREATE INDEX workflows_due ON public.workflows USING btree (due_at) WHERE (due_at IS NOT NULL);
