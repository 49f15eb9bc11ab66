-- What operators' tools ask and do (upkeep.py).

-- name: now
SELECT extract(epoch FROM clock_timestamp())::float8

-- name: logs
-- From one log to the next by the indexes, however many events a log has.
WITH RECURSIVE found (log_id, place) AS (
    SELECT $1::uuid, 0
    UNION ALL
    SELECT least(
        (SELECT originator_id FROM stored_events WHERE originator_id > found.log_id
            ORDER BY originator_id LIMIT 1),
        (SELECT log_id FROM executions WHERE log_id > found.log_id ORDER BY log_id LIMIT 1),
        (SELECT log_id FROM points WHERE log_id > found.log_id ORDER BY log_id LIMIT 1)
    ), place + 1
    FROM found WHERE log_id IS NOT NULL AND place < $2
)
SELECT log_id FROM found WHERE place > 0 AND log_id IS NOT NULL

-- name: scan
-- By the primary key, through all logs; of a state that somebody set to NULL there are no bytes.
SELECT originator_id, originator_version, topic, coalesce(state, ''), notification_id FROM (
    SELECT *, sum(length(state)) OVER (ORDER BY originator_id, originator_version) - length(state)
        AS bytes_before
    FROM (
        SELECT originator_id, originator_version, topic, state, notification_id
        FROM stored_events
        WHERE (originator_id, originator_version) > ($1, $2) AND originator_id <= $3
        ORDER BY originator_id, originator_version
        LIMIT $4
    ) page
) sized
WHERE coalesce(bytes_before, 0) < $5
ORDER BY originator_id, originator_version

-- name: history
SELECT originator_id, originator_version, topic, coalesce(state, ''), notification_id FROM (
    SELECT *, sum(length(state)) OVER (ORDER BY notification_id) - length(state) AS bytes_before
    FROM (
        SELECT originator_id, originator_version, topic, state, notification_id
        FROM stored_events
        WHERE notification_id > $1
        ORDER BY notification_id
        LIMIT $2
    ) page
) sized
WHERE coalesce(bytes_before, 0) < $3
ORDER BY notification_id

-- name: executions_between
SELECT
-- include: execution_columns
FROM executions WHERE log_id > $1 AND log_id <= $2
ORDER BY log_id
LIMIT $3

-- fragment: listed_everywhere
    NOT EXISTS (
        SELECT FROM unnest(p.keys) AS k (key)
        WHERE NOT EXISTS (
            SELECT FROM point_lists l
            WHERE l.key = k.key AND l.opened_at = p.opened_at AND l.due_at = p.due_at AND l.rank = p.rank
                AND l.id = p.id
        )
    )

-- name: points_between
SELECT
-- include: point_columns
FROM points p
WHERE p.log_id > $1 AND p.log_id <= $2 AND
-- include: listed_everywhere
ORDER BY p.log_id, p.context_id

-- name: whole_points
SELECT
-- include: point_columns
FROM points p
WHERE p.log_id = $1 AND
-- include: listed_everywhere
ORDER BY p.context_id

-- name: words
SELECT unnest(tsvector_to_array(words)) FROM executions WHERE log_id = $1 AND words_version = version

-- name: wordless
SELECT count(*) FROM executions WHERE words_version IS DISTINCT FROM version

-- name: wordless_page
SELECT
-- include: execution_columns
FROM executions
WHERE words_version IS DISTINCT FROM version AND (workspace_id, log_id) > ($1, $2)
ORDER BY workspace_id, log_id
LIMIT $3

-- name: give_words
UPDATE executions e SET words = array_to_tsvector(r.words::text[]), words_version = e.version
FROM unnest($1::uuid[], $2::text[]) AS r (log_id, words)
WHERE e.log_id = r.log_id

-- name: waypoints
SELECT log_id, version FROM fold_waypoints
WHERE (log_id, version) > ($1, $2) AND log_id <= $3
ORDER BY log_id, version
LIMIT $4

-- name: snapshots
SELECT log_id, version FROM fold_snapshots
WHERE (log_id, version) > ($1, $2) AND log_id <= $3
ORDER BY log_id
LIMIT $4

-- name: known_runs
SELECT run_id, log_id FROM runs WHERE run_id = ANY ($1::uuid[])

-- name: head
SELECT coalesce(max(originator_version), 0) FROM stored_events WHERE originator_id = $1

-- name: contexts
SELECT context_id FROM points WHERE log_id = $1

-- name: remove_execution
DELETE FROM executions WHERE log_id = $1

-- name: remove_runs
DELETE FROM runs WHERE run_id = ANY ($1::uuid[])

-- name: seize
-- Under the appends' lock, as acquire is.
UPDATE partitions
SET owner = $1, epoch = epoch + 1, lease_until = clock_timestamp() + $3::float8 * interval '1 second'
WHERE partition = ANY ($2::smallint[])
RETURNING partition, owner, epoch, next_offset, relayed

-- name: settle_dead
UPDATE dead_commands SET settled_at = clock_timestamp(), settled = $3, settled_by = $4
WHERE partition = $1 AND command_offset = $2 AND settled_at IS NULL
RETURNING 1
