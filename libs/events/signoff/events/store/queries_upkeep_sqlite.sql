-- What operators' tools ask and do (upkeep.py).

-- name: logs
SELECT json_group_array(log_id) FROM (
    SELECT originator_id AS log_id FROM stored_events WHERE originator_id > ?1
    UNION SELECT log_id FROM executions WHERE log_id > ?1
    UNION SELECT log_id FROM points WHERE log_id > ?1
    ORDER BY 1 LIMIT ?2
)

-- name: whole_points
-- include: point_rows
FROM points p
WHERE p.log_id = ?1 AND NOT EXISTS (
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

-- name: known_runs
SELECT json_group_array(json_array(run_id, log_id)) FROM runs
WHERE run_id IN (SELECT value FROM json_each(?))

-- name: head
SELECT coalesce(max(originator_version), 0) FROM stored_events WHERE originator_id = ?

-- name: contexts
SELECT json_group_array(context_id) FROM points WHERE log_id = ?

-- name: remove_execution
DELETE FROM executions WHERE log_id = ?

-- name: remove_runs
DELETE FROM runs WHERE run_id IN (SELECT value FROM json_each(?))

-- name: settle_dead
UPDATE dead_commands SET settled_at = ?, settled = ?, settled_by = ?
WHERE partition = ? AND command_offset = ? AND settled_at IS NULL
RETURNING 1
