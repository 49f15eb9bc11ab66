-- Named queries of the PostgreSQL store. "$n" are positional arguments; times are timestamptz, which the
-- connection's codec gives and takes as seconds since the epoch.

-- name: keep_commits
-- A server may be set to answer commits before they are on its disk, or on its standby's: ours wait.
SELECT set_config('synchronous_commit', 'on', false)
WHERE current_setting('synchronous_commit') IN ('off', 'local')

-- name: begin_locked
-- One writer at a time, from before the first position is drawn until the commit: so positions become
-- visible in their order, and no reader can pass one by. The eventsourcing library's own recorder takes an
-- EXCLUSIVE table lock instead, which shuts out our INSERT, and ours its lock: both may write.
BEGIN; SELECT pg_advisory_xact_lock(7305808869231650919)

-- name: begin_reading
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY

-- name: commit
COMMIT

-- name: notify_and_commit
-- The channel of the library's recorder for this table, so that its subscriptions wake as well.
NOTIFY stored_events; COMMIT

-- name: rollback
ROLLBACK

-- name: guard
-- What speaks against a group: leases of another epoch, and logs whose head is not where it should be.
SELECT f.partition, p.epoch, NULL::uuid AS log_id, NULL::bigint AS head
FROM unnest($1::smallint[], $2::bigint[]) AS f (partition, epoch)
LEFT JOIN partitions p ON p.partition = f.partition
WHERE p.epoch IS DISTINCT FROM f.epoch
UNION ALL
SELECT NULL, NULL, f.log_id, h.head
FROM unnest($3::uuid[], $4::bigint[]) AS f (log_id, version)
LEFT JOIN LATERAL (
    SELECT originator_version AS head FROM stored_events
    WHERE originator_id = f.log_id ORDER BY originator_version DESC LIMIT 1
) h ON true
WHERE CASE WHEN h.head IS NULL THEN f.version > 1 ELSE h.head <> f.version - 1 END

-- name: append
-- Rows are locked in the order of partitions, as renewals do: otherwise the two could deadlock.
WITH offsets AS (
    SELECT p.partition, f.next_offset
    FROM partitions p JOIN unnest($5::smallint[], $6::bigint[]) AS f (partition, next_offset)
        ON p.partition = f.partition
    ORDER BY p.partition FOR NO KEY UPDATE OF p
), moved AS (
    UPDATE partitions p SET next_offset = o.next_offset FROM offsets o WHERE p.partition = o.partition
)
INSERT INTO stored_events (originator_id, originator_version, topic, state)
SELECT originator_id, originator_version, topic, state
FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::bytea[])
    AS e (originator_id, originator_version, topic, state)
RETURNING notification_id

-- name: put_executions
-- Attributes lie under their workspace, so that the index of them finds no other workspace's.
INSERT INTO executions (
    log_id, partition, workspace_id, workflow_id, workflow_version, execution_id, status, pause_status,
    trigger, mode, version, parked, started_at, updated_at, ended_at, due_at, broken,
    actor_type, actor_id, error, error_code, attributes, forked_from, words, words_version
)
SELECT
    log_id, partition, workspace_id, workflow_id, workflow_version, execution_id, status, pause_status,
    trigger, mode, version, parked, started_at, updated_at, ended_at, due_at, broken,
    actor_type, actor_id, error, error_code,
    CASE WHEN attributes IS NOT NULL THEN jsonb_build_object(workspace_id, attributes) END,
    forked_from, array_to_tsvector(words::text[]), version
FROM unnest(
    $1::uuid[], $2::smallint[], $3::uuid[], $4::text[], $5::integer[], $6::text[], $7::text[], $8::text[],
    $9::text[], $10::text[], $11::integer[], $12::boolean[], $13::timestamptz[], $14::timestamptz[],
    $15::timestamptz[], $16::timestamptz[], $17::text[], $18::text[], $19::text[], $20::text[], $21::text[],
    $22::jsonb[], $23::text[], $24::text[]
) AS r (
    log_id, partition, workspace_id, workflow_id, workflow_version, execution_id, status, pause_status,
    trigger, mode, version, parked, started_at, updated_at, ended_at, due_at, broken,
    actor_type, actor_id, error, error_code, attributes, forked_from, words
)
ON CONFLICT (log_id) DO UPDATE SET
    workflow_version = excluded.workflow_version, status = excluded.status,
    pause_status = excluded.pause_status, mode = excluded.mode, version = excluded.version,
    parked = excluded.parked, updated_at = excluded.updated_at, ended_at = excluded.ended_at,
    due_at = excluded.due_at, broken = excluded.broken, actor_type = excluded.actor_type,
    actor_id = excluded.actor_id, error = excluded.error, error_code = excluded.error_code,
    attributes = excluded.attributes, forked_from = excluded.forked_from,
    words = excluded.words, words_version = excluded.words_version

-- name: put_runs
INSERT INTO runs (run_id, log_id)
SELECT * FROM unnest($1::uuid[], $2::uuid[])
ON CONFLICT (run_id) DO NOTHING

-- name: put_workflows
INSERT INTO workflows (
    log_id, workspace_id, workflow_id, name, version, digest, is_deployed, deployed_at, due_at
)
SELECT * FROM unnest(
    $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::integer[], $6::text[], $7::boolean[],
    $8::timestamptz[], $9::timestamptz[]
)
ON CONFLICT (workspace_id, workflow_id) DO UPDATE SET
    log_id = excluded.log_id, name = excluded.name, version = excluded.version, digest = excluded.digest,
    is_deployed = excluded.is_deployed, deployed_at = excluded.deployed_at, due_at = excluded.due_at

-- name: put_dead_commands
INSERT INTO dead_commands (partition, command_offset, command_id, log_id, reason, command, died_at)
SELECT * FROM unnest(
    $1::smallint[], $2::bigint[], $3::text[], $4::uuid[], $5::text[], $6::bytea[], $7::timestamptz[]
)
ON CONFLICT (partition, command_offset) DO UPDATE SET
    command_id = excluded.command_id, log_id = excluded.log_id, reason = excluded.reason,
    command = excluded.command, died_at = excluded.died_at,
    settled_at = NULL, settled = NULL, settled_by = NULL

-- name: put_tracking
-- Gives the names that moved on; one that does not is a notification processed twice.
INSERT INTO notification_tracking (application_name, notification_id)
SELECT * FROM unnest($1::text[], $2::bigint[])
ON CONFLICT (application_name) DO UPDATE SET notification_id = excluded.notification_id
WHERE notification_tracking.notification_id < excluded.notification_id
RETURNING application_name

-- name: read
-- Of the pages that may end by their bytes, the sizes are summed before a state is fetched: a large one is
-- stored apart, and its size with the reference to it.
SELECT originator_id, originator_version, topic, state, notification_id FROM (
    SELECT *, sum(length(state)) OVER (ORDER BY originator_version) - length(state) AS bytes_before FROM (
        SELECT originator_id, originator_version, topic, coalesce(state, '') AS state, notification_id
        FROM stored_events
        WHERE originator_id = $1 AND originator_version > $2 AND ($4::text IS NULL OR topic = $4)
        ORDER BY originator_version
        LIMIT $3
    ) page
) sized
WHERE $5::bigint IS NULL OR bytes_before < $5
ORDER BY originator_version

-- name: read_many
-- For several callers at once: each row begins with the place of what it was asked for by.
SELECT f.place, e.*
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS f (log_id, after, most, place)
CROSS JOIN LATERAL (
    SELECT originator_id, originator_version, topic, coalesce(state, ''), notification_id
    FROM stored_events
    WHERE originator_id = f.log_id AND originator_version > f.after
    ORDER BY originator_version
    LIMIT f.most
) e
ORDER BY f.place, e.originator_version

-- name: heads
SELECT f.log_id, h.head
FROM unnest($1::uuid[]) AS f (log_id)
CROSS JOIN LATERAL (
    SELECT originator_version AS head FROM stored_events
    WHERE originator_id = f.log_id ORDER BY originator_version DESC LIMIT 1
) h

-- name: changed_heads
SELECT e.originator_id, e.originator_version, sha256(coalesce(e.state, ''))
FROM (
    SELECT originator_id, max(originator_version) AS originator_version
    FROM stored_events
    WHERE notification_id > $1 AND notification_id <= $2
    GROUP BY originator_id
) h JOIN stored_events e USING (originator_id, originator_version)
ORDER BY e.originator_id

-- name: read_all
SELECT originator_id, originator_version, topic, state, notification_id FROM (
    SELECT *, sum(length(state)) OVER (ORDER BY notification_id) - length(state) AS bytes_before FROM (
        SELECT originator_id, originator_version, topic, coalesce(state, '') AS state, notification_id
        FROM stored_events
        WHERE notification_id > $1
        ORDER BY notification_id
        LIMIT $2
    ) page
) sized
WHERE $3::bigint IS NULL OR bytes_before < $3
ORDER BY notification_id

-- name: read_partitions
-- Each row begins with the partition that it was found by: several callers share them. The number of
-- partitions is the cluster's; the rule is topics.partition_of().
SELECT partition, originator_id, originator_version, topic, state, notification_id FROM (
    SELECT *, sum(length(state)) OVER (ORDER BY notification_id) - length(state) AS bytes_before FROM (
        SELECT partition, originator_id, originator_version, topic, coalesce(state, '') AS state,
            notification_id
        FROM stored_events
        CROSS JOIN LATERAL (
            SELECT (get_byte(uuid_send(originator_id), 14) * 256 + get_byte(uuid_send(originator_id), 15))
                % (SELECT partitions FROM cluster) AS partition
        ) p
        WHERE notification_id > $1 AND notification_id <= $2 AND partition = ANY ($3::integer[])
        ORDER BY notification_id
        LIMIT $4
    ) page
) sized
WHERE bytes_before < $5
ORDER BY notification_id

-- name: read_feed
-- A log without a row, such as the directory's, belongs to no workspace. Workflows' logs are few and have no
-- index: the ones wanted are hashed once, and the workspace is looked up for events of theirs alone.
SELECT originator_id, originator_version, topic, state, notification_id, workspace_id FROM (
    SELECT *, sum(length(state)) OVER (ORDER BY notification_id) - length(state) AS bytes_before FROM (
        SELECT e.originator_id, e.originator_version, e.topic, coalesce(e.state, '') AS state,
            e.notification_id,
            coalesce(
                x.workspace_id, (SELECT w.workspace_id FROM workflows w WHERE w.log_id = e.originator_id)
            ) AS workspace_id
        FROM stored_events e
        LEFT JOIN executions x ON x.log_id = e.originator_id
        WHERE e.notification_id > $2 AND e.notification_id <= $3
            AND (cardinality($5::text[]) = 0 OR e.topic = ANY ($5))
            AND (cardinality($7::uuid[]) = 0 OR e.originator_id = ANY ($7) OR e.topic = ANY ($9::text[]))
            AND (
                (
                    x.workspace_id = ANY ($1::uuid[])
                    AND (cardinality($6::text[]) = 0 OR x.workflow_id = ANY ($6))
                )
                OR e.originator_id IN (
                    SELECT w.log_id FROM workflows w
                    WHERE w.workspace_id = ANY ($1) AND (cardinality($6) = 0 OR w.workflow_id = ANY ($6))
                )
            )
        ORDER BY e.notification_id
        LIMIT $4
    ) page
) sized
WHERE $8::bigint IS NULL OR bytes_before < $8
ORDER BY notification_id

-- name: workspaces_of
SELECT log_id, workspace_id FROM executions WHERE log_id = ANY ($1::uuid[])
UNION ALL
SELECT log_id, workspace_id FROM workflows WHERE log_id = ANY ($1)

-- name: last_position
SELECT coalesce(max(notification_id), 0) FROM stored_events

-- name: announce
WITH alive AS (
    INSERT INTO executors (owner, alive_until)
    SELECT $1, clock_timestamp() + $2::float8 * interval '1 second' WHERE $2::float8 > 0
    ON CONFLICT (owner) DO UPDATE SET alive_until = excluded.alive_until
    RETURNING owner
), gone AS (
    DELETE FROM executors
    WHERE (owner = $1 AND $2::float8 <= 0) OR (owner <> $1 AND alive_until <= clock_timestamp())
)
SELECT (SELECT count(*) FROM alive)
    + (SELECT count(*) FROM executors WHERE owner <> $1 AND alive_until > clock_timestamp())

-- name: acquire
-- Under the appends' lock: an epoch never changes while an append that has checked it is under way. The
-- clock is read after the lock (now() would be the time before it).
UPDATE partitions p
SET owner = $1, epoch = p.epoch + 1, lease_until = clock_timestamp() + $3::float8 * interval '1 second'
FROM (
    SELECT partition FROM partitions
    WHERE owner IS NULL OR lease_until <= clock_timestamp()
    ORDER BY partition LIMIT $2 FOR UPDATE SKIP LOCKED
) free
WHERE p.partition = free.partition
RETURNING p.partition, p.owner, p.epoch, p.next_offset, p.relayed

-- name: renew
WITH held AS (
    SELECT p.partition
    FROM partitions p JOIN unnest($1::smallint[], $2::bigint[]) AS f (partition, epoch)
        ON p.partition = f.partition AND p.epoch = f.epoch
    WHERE p.owner = $3
    ORDER BY p.partition FOR NO KEY UPDATE OF p
)
UPDATE partitions p SET lease_until = clock_timestamp() + $4::float8 * interval '1 second'
FROM held WHERE p.partition = held.partition
RETURNING p.partition

-- name: release
WITH held AS (
    SELECT p.partition
    FROM partitions p JOIN unnest($1::smallint[], $2::bigint[]) AS f (partition, epoch)
        ON p.partition = f.partition AND p.epoch = f.epoch
    WHERE p.owner = $3
    ORDER BY p.partition FOR NO KEY UPDATE OF p
), freed AS (
    UPDATE partitions p SET owner = NULL, lease_until = '-infinity'
    FROM held WHERE p.partition = held.partition
    RETURNING p.partition
)
SELECT pg_notify('signoff_leases', '') FROM freed LIMIT 1

-- name: leases
SELECT partition, owner, epoch,
    CASE WHEN owner IS NULL THEN 0
        ELSE greatest(extract(epoch FROM lease_until - clock_timestamp()), 0) END::float8 AS seconds_left,
    next_offset, relayed
FROM partitions
ORDER BY partition

-- name: relayed
WITH held AS (
    SELECT p.partition, f.position
    FROM partitions p JOIN unnest($1::smallint[], $2::bigint[], $3::bigint[]) AS f (partition, epoch, position)
        ON p.partition = f.partition AND p.epoch = f.epoch
    ORDER BY p.partition FOR NO KEY UPDATE OF p
)
UPDATE partitions p SET relayed = held.position
FROM held WHERE p.partition = held.partition AND p.relayed < held.position

-- name: workflow
SELECT log_id, workspace_id, workflow_id, name, version, digest, is_deployed, deployed_at, due_at
FROM workflows WHERE workspace_id = $1 AND workflow_id = $2

-- name: workflows
SELECT log_id, workspace_id, workflow_id, name, version, digest, is_deployed, deployed_at, due_at
FROM workflows WHERE workspace_id = $1 AND workflow_id > $2
ORDER BY workflow_id LIMIT $3

-- name: workflows_named
SELECT log_id, workspace_id, workflow_id, name, version, digest, is_deployed, deployed_at, due_at
FROM workflows WHERE workspace_id = ANY ($1::uuid[]) AND workflow_id = $2

-- fragment: execution_columns
    log_id, partition, workspace_id, workflow_id, workflow_version, execution_id, status, pause_status,
    trigger, mode, version, parked, started_at, updated_at, ended_at, due_at, broken,
    actor_type, actor_id, error, error_code, attributes -> workspace_id::text AS attributes, forked_from

-- fragment: filtered_executions
-- The arguments are known when the plan is made (postgres_search.py): what is not asked for is no part of
-- it, and one workflow or one status is an equality, which the order of an index can follow.
FROM executions
WHERE workspace_id = $1
    AND CASE cardinality($2::text[])
        WHEN 0 THEN true WHEN 1 THEN workflow_id = ($2::text[])[1] ELSE workflow_id = ANY ($2)
    END
    AND CASE cardinality($3::text[])
        WHEN 0 THEN true WHEN 1 THEN status = ($3::text[])[1] ELSE status = ANY ($3)
    END
    AND (cardinality($4::text[]) = 0 OR pause_status = ANY ($4))
    AND (cardinality($5::text[]) = 0 OR trigger = ANY ($5))
    AND ($6::text IS NULL OR actor_type = $6)
    AND ($7::text IS NULL OR actor_id = $7)
    AND ($8::timestamptz IS NULL OR started_at >= $8)
    AND ($9::timestamptz IS NULL OR started_at < $9)
    AND ($10::text IS NULL OR strpos(lower(error COLLATE "C"), $10) > 0)
    AND (cardinality($11::jsonb[]) = 0 OR attributes @> ANY ($11))
    AND (
        cardinality($12::text[]) = 0
        OR NOT EXISTS (
            SELECT FROM unnest($12, $13::float8[], $14::float8[]) AS f (name, least, most)
            WHERE NOT coalesce(
                CASE jsonb_typeof(attributes -> workspace_id::text -> f.name)
                    WHEN 'number' THEN (attributes -> workspace_id::text ->> f.name)::numeric
                        BETWEEN coalesce(f.least, '-Infinity') AND coalesce(f.most, 'Infinity')
                END,
                false
            )
        )
    )
    AND ($15::text IS NULL OR forked_from = $15)

-- fragment: found_executions
-- $19 are the executions without words of their own that have the words looked for.
-- include: filtered_executions
    AND (
        $16::text IS NULL
        OR (words @@ $16::tsquery AND words_version = version)
        OR (execution_id IS NULL AND log_id BETWEEN $17::uuid AND $18::uuid)
        OR log_id = ANY ($19::uuid[])
    )

-- name: wordless_executions
-- Those that may have the words looked for, $17, and whose own are none, or of an earlier version. Of texts
-- beyond ASCII only words.py can tell.
SELECT
-- include: execution_columns
-- include: filtered_executions
    AND words_version IS DISTINCT FROM version
    AND log_id > $16
    AND (
        SELECT octet_length(texts) <> length(texts)
            OR NOT EXISTS (SELECT FROM unnest($17::text[]) AS w (word) WHERE strpos(lower(texts), word) = 0)
        FROM (SELECT concat_ws(' ', workflow_id, execution_id, error, attributes::text) COLLATE "C" AS texts) row
    )
ORDER BY log_id
LIMIT $18

-- name: execution
SELECT
-- include: execution_columns
FROM executions WHERE log_id = $1

-- name: locate
-- For several callers at once: $1 numbers them, and each of their ids in $2 may be a log's or a run's. A log's
-- comes first.
SELECT DISTINCT ON (f.caller) f.caller, e.*
FROM unnest($1::integer[], $2::uuid[]) WITH ORDINALITY AS f (caller, id, place)
CROSS JOIN LATERAL (
    SELECT f.id, false
    UNION ALL
    SELECT log_id, true FROM runs WHERE run_id = f.id
) AS named (id, by_run)
CROSS JOIN LATERAL (
    SELECT
-- include: execution_columns
    FROM executions WHERE log_id = named.id
) AS e
ORDER BY f.caller, named.by_run, f.place

-- name: executions
-- The order is an argument: of its expressions those that do not count are constants.
SELECT
-- include: execution_columns
FROM (
    SELECT executions.*,
        CASE $20::text
            WHEN 'started' THEN started_at
            WHEN 'updated' THEN updated_at
            WHEN 'ended' THEN ended_at
            ELSE to_timestamp(extract(epoch FROM ended_at - started_at)::float8)
        END AS key
-- include: found_executions
) found
WHERE key IS NOT NULL
    AND CASE
        WHEN $22::timestamptz IS NULL THEN true
        WHEN $21::boolean THEN (key, log_id) < ($22, $23::uuid)
        ELSE (key, log_id) > ($22, $23)
    END
ORDER BY
    CASE WHEN $21 THEN key END DESC, CASE WHEN $21 THEN log_id END DESC,
    CASE WHEN NOT $21 THEN key END, CASE WHEN NOT $21 THEN log_id END
LIMIT $24

-- name: count_executions
SELECT status, count(*) FROM (
    SELECT status
-- include: found_executions
    ORDER BY started_at DESC LIMIT $20
) found
GROUP BY status

-- name: count_by_workflow
SELECT workflow_id, status, count(*) FROM (
    SELECT workflow_id, status
-- include: found_executions
    LIMIT $20
) found
GROUP BY workflow_id, status

-- name: at_work
SELECT count(*) FROM (SELECT FROM executions WHERE NOT parked AND workspace_id = $1 LIMIT $2) AS found

-- name: unparked
SELECT log_id FROM executions WHERE partition = $1 AND NOT parked ORDER BY log_id

-- name: due
-- A workflow's partition is not in its row: the rule is topics.partition_of(), as in read_partitions.
SELECT log_id, due_at FROM executions
WHERE partition = ANY ($1::smallint[]) AND due_at <= $2
UNION ALL
SELECT log_id, due_at FROM workflows
WHERE due_at <= $2
    AND (get_byte(uuid_send(log_id), 14) * 256 + get_byte(uuid_send(log_id), 15))
        % (SELECT partitions FROM cluster) = ANY ($1::smallint[])
ORDER BY due_at, log_id
LIMIT $3

-- name: broken
SELECT
-- include: execution_columns
FROM executions WHERE broken IS NOT NULL
ORDER BY updated_at DESC
LIMIT $1

-- name: dead_commands
SELECT partition, command_offset, command_id, log_id, reason, command, died_at
FROM dead_commands
WHERE settled_at IS NULL
ORDER BY died_at DESC, partition, command_offset DESC
LIMIT $1

-- name: snapshot
SELECT log_id, version, format, state FROM fold_snapshots WHERE log_id = $1

-- name: keep_snapshot
INSERT INTO fold_snapshots (log_id, version, format, state) VALUES ($1, $2, $3, $4)
ON CONFLICT (log_id) DO UPDATE
SET version = excluded.version, format = excluded.format, state = excluded.state
WHERE fold_snapshots.version <= excluded.version

-- name: waypoint
SELECT log_id, version, format, state FROM fold_waypoints
WHERE log_id = $1 AND version <= $2
ORDER BY version DESC LIMIT 1

-- name: keep_waypoint
INSERT INTO fold_waypoints (log_id, version, format, state) VALUES ($1, $2, $3, $4)
ON CONFLICT (log_id, version) DO UPDATE SET format = excluded.format, state = excluded.state

-- name: track
INSERT INTO notification_tracking (application_name, notification_id) VALUES ($1, $2)
ON CONFLICT (application_name) DO UPDATE SET notification_id = excluded.notification_id
WHERE notification_tracking.notification_id < excluded.notification_id

-- name: tracked
SELECT notification_id FROM notification_tracking WHERE application_name = $1

-- name: lock_migrations
SELECT pg_advisory_xact_lock(7305808869231650920)

-- name: create_migrations
CREATE TABLE IF NOT EXISTS migrations (
    name text PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
)

-- name: has_migrations
SELECT to_regclass('migrations') IS NOT NULL

-- name: migrations
SELECT name FROM migrations ORDER BY name

-- name: older_processes
-- Connections carry the schema that their process knows; those of the first versions carry none. Everybody
-- sees these names, whoever they are.
SELECT DISTINCT application_name FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND application_name ~ '^signoff(/|$)'
    AND coalesce(substring(application_name FROM '^signoff/(\d+)')::integer, 0) < $1
ORDER BY application_name

-- name: record_migration
INSERT INTO migrations (name) VALUES ($1)

-- name: partitions
SELECT partitions FROM cluster

-- name: make_cluster
INSERT INTO cluster (partitions) VALUES ($1)

-- name: make_partitions
INSERT INTO partitions (partition) SELECT * FROM generate_series(0, $1::integer - 1)

-- name: ping
SELECT 1

-- name: now
SELECT clock_timestamp()

-- name: timeline
-- The first of a WAL file's three numbers; each promotion of a standby begins a timeline of its own.
SELECT ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint

-- name: record
-- Of the records' queries each is a transaction of its own, so now() is the moment at which it began.
SELECT key, value, version, expires_at FROM records
WHERE kind = $1 AND scope = $2 AND key = $3 AND (expires_at IS NULL OR expires_at > now())

-- name: put_record
-- Whatever is there goes, or with $7 only what has expired. DEFAULT draws the version after the row is
-- locked, so that the versions of a key grow.
INSERT INTO records (kind, scope, key, value, expires_at, due_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (kind, scope, key) DO UPDATE SET
    version = DEFAULT, value = excluded.value, expires_at = excluded.expires_at, due_at = excluded.due_at
WHERE NOT $7::boolean OR records.expires_at <= now()
RETURNING version

-- name: replace_record
-- No INSERT: it could bring back a record that somebody removes at this moment.
UPDATE records SET version = DEFAULT, value = $4, expires_at = $5, due_at = $6
WHERE kind = $1 AND scope = $2 AND key = $3 AND version = $7 AND (expires_at IS NULL OR expires_at > now())
RETURNING version

-- name: remove_record
DELETE FROM records
WHERE kind = $1 AND scope = $2 AND key = $3 AND ($4::bigint IS NULL OR version = $4)
    AND (expires_at IS NULL OR expires_at > now())
RETURNING version

-- name: records
SELECT key, value, version, expires_at FROM records
WHERE kind = $1 AND scope = $2 AND key > $3 AND (expires_at IS NULL OR expires_at > now())
ORDER BY key
LIMIT $4

-- name: due_records
SELECT scope, key, value, version, expires_at FROM records
WHERE kind = $1 AND due_at <= $2 AND (expires_at IS NULL OR expires_at > now())
ORDER BY due_at, version
LIMIT $3

-- name: purge_records
-- Locked first, and looked at again with the lock: what was renewed meanwhile stays.
WITH expired AS MATERIALIZED (
    SELECT kind, scope, key FROM records WHERE expires_at <= now()
    ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM records r USING expired e
    WHERE r.kind = e.kind AND r.scope = e.scope AND r.key = e.key
    RETURNING 1
)
SELECT count(*) FROM gone
