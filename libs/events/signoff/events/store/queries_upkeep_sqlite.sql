-- What operators' tools ask and do (upkeep.py).

-- fragment: is_id
typeof(log_id) = 'text' AND length(log_id) = 32 AND log_id NOT GLOB '*[^0-9a-f]*'

-- name: logs
SELECT json_group_array(log_id) FROM (
    SELECT originator_id AS log_id FROM stored_events WHERE originator_id > ?1 AND
-- include: shaped
    UNION SELECT log_id FROM executions WHERE log_id > ?1 AND
-- include: is_id
    UNION SELECT log_id FROM points WHERE log_id > ?1 AND
-- include: is_id
    ORDER BY 1 LIMIT ?2
)

-- name: window
-- By events, not by numbers: positions may lie as far apart as somebody put them.
SELECT max(rowid) FROM (SELECT rowid FROM stored_events WHERE rowid > ?1 ORDER BY rowid LIMIT ?2)

-- name: misshapen_events
-- Within a window of events, so that one statement's time is bounded. A state that is no BLOB and no text
-- is no event either, which its reader says.
SELECT rowid, quote(originator_id), quote(originator_version), typeof(state) FROM stored_events
WHERE rowid > ?1 AND rowid <= ?2 AND (typeof(state) = 'text' OR NOT (
-- include: shaped
))
ORDER BY rowid
LIMIT ?3

-- name: misshapen_rows
-- Whose logs cannot be told. What else is wrong with a row, its comparison with its log finds.
SELECT 'executions', quote(log_id) FROM executions WHERE NOT (
-- include: is_id
)
UNION ALL
SELECT 'inbox', quote(log_id) FROM points WHERE NOT (
-- include: is_id
)
LIMIT ?1

-- name: scan
-- Rows, not JSON: one at a time, until there are enough bytes (upkeep_sqlite.py).
SELECT originator_id, originator_version, iif(typeof(topic) = 'text', topic, ''), CAST(state AS BLOB), rowid
FROM stored_events
WHERE (originator_id, originator_version) > (?1, ?2) AND originator_id <= ?3 AND
-- include: shaped
ORDER BY originator_id, originator_version
LIMIT ?4

-- name: history
SELECT originator_id, originator_version, iif(typeof(topic) = 'text', topic, ''), CAST(state AS BLOB), rowid
FROM stored_events
WHERE rowid > ?1 AND
-- include: shaped
ORDER BY rowid
LIMIT ?2

-- name: executions_between
SELECT json_group_array(json_array(
-- include: execution_columns
)) FROM (
    SELECT * FROM executions WHERE log_id > ?1 AND log_id <= ?2 ORDER BY log_id LIMIT ?3
)

-- fragment: listed_everywhere
    NOT EXISTS (
        SELECT 1 FROM json_each(p.keys) k
        WHERE NOT EXISTS (
            SELECT 1 FROM point_lists l
            WHERE l.key = k.value AND l.opened_at = p.opened_at AND l.id = p.id AND l.due_at = p.due_at
                AND l.rank = p.rank
        )
    ) AND NOT EXISTS (
        SELECT 1 FROM json_each(p.words) w
        WHERE NOT EXISTS (SELECT 1 FROM point_words x WHERE x.word = w.value AND x.id = p.id)
    )

-- name: points_between
-- include: point_rows
FROM points p
WHERE p.log_id > ?1 AND p.log_id <= ?2 AND
-- include: listed_everywhere

-- name: whole_points
-- include: point_rows
FROM points p
WHERE p.log_id = ?1 AND
-- include: listed_everywhere

-- name: words
SELECT json_group_array(w.value) FROM executions e JOIN json_each(e.words) w
WHERE e.log_id = ?1 AND e.words_version = e.version
    AND EXISTS (SELECT 1 FROM execution_words x WHERE x.word = w.value AND x.log_id = e.log_id)

-- name: wordless
SELECT count(*) FROM executions WHERE words_version IS NOT version

-- name: wordless_page
SELECT json_group_array(json_array(
-- include: execution_columns
)) FROM (
    SELECT * FROM executions
    WHERE words_version IS NOT version AND (workspace_id, log_id) > (?1, ?2)
    ORDER BY workspace_id, log_id LIMIT ?3
)

-- name: forget_words
DELETE FROM execution_words WHERE (word, log_id) IN (
    SELECT w.value, e.log_id
    FROM json_each(?1) r
    JOIN executions e ON e.log_id = r.value ->> 0
    JOIN json_each(e.words) w
)

-- name: index_words
INSERT INTO execution_words (word, log_id)
SELECT w.value, r.value ->> 0 FROM json_each(?1) r JOIN json_each(r.value -> 1) w WHERE true
ON CONFLICT DO NOTHING

-- name: give_words
UPDATE executions SET words = r.value -> 1, words_version = version
FROM json_each(?1) r WHERE executions.log_id = r.value ->> 0

-- name: waypoints
SELECT log_id, version FROM fold_waypoints
WHERE (log_id, version) > (?1, ?2) AND log_id <= ?3 AND typeof(version) = 'integer' AND
-- include: is_id
ORDER BY log_id, version
LIMIT ?4

-- name: snapshots
SELECT log_id, version FROM fold_snapshots
WHERE (log_id, version) > (?1, ?2) AND log_id <= ?3 AND typeof(version) = 'integer' AND
-- include: is_id
ORDER BY log_id
LIMIT ?4

-- name: known_runs
SELECT json_group_array(json_array(run_id, log_id)) FROM runs
WHERE run_id IN (SELECT value FROM json_each(?))

-- name: head
SELECT coalesce(max(originator_version), 0) FROM stored_events WHERE originator_id = ?

-- name: contexts
SELECT json_group_array(context_id) FROM points WHERE log_id = ?

-- name: remove_words
DELETE FROM execution_words WHERE (word, log_id) IN (
    SELECT w.value, e.log_id FROM executions e JOIN json_each(e.words) w WHERE e.log_id = ?1
)

-- name: remove_execution
DELETE FROM executions WHERE log_id = ?

-- name: remove_runs
DELETE FROM runs WHERE run_id IN (SELECT value FROM json_each(?))

-- name: settle_dead
UPDATE dead_commands SET settled_at = ?, settled = ?, settled_by = ?
WHERE partition = ? AND command_offset = ? AND settled_at IS NULL
RETURNING 1
