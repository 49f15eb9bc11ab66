-- fragment: point_rows
SELECT json_group_array(json_array(
    p.log_id, p.context_id, p.workspace_id, p.workflow_id, p.execution_id, p.block_id, p.title, p.text,
    -p.rank, p.opened_at, nullif(p.due_at, 253402300800000000), json(p.candidates),
    p.claimed_by, json(p.excluded), p.returned, p.approvals, p.required, p.content_digest, p.version
))

-- fragment: within
-- As in queries_inbox.sql.
        AND (
            opened_at >= ?3 AND opened_at < ?4 AND due_at >= ?5 AND due_at < ?6 AND rank BETWEEN ?7 AND ?8
            AND (?9 = '[]' OR rank IN (SELECT value FROM json_each(?9)))
        ) IS TRUE

-- fragment: fitting
-- As in queries_inbox.sql. Words: none of those looked for begins no word of the point's.
        AND p.workspace_id IN (SELECT value FROM json_each(?10))
        AND (?11 = '[]' OR EXISTS (
            SELECT 1 FROM json_each(p.candidates) WHERE value IN (SELECT value FROM json_each(?11))
        ))
        AND (?12 = '[]' OR p.workflow_id IN (SELECT value FROM json_each(?12)))
        AND (?13 IS NULL OR p.claimed_by IS NULL OR p.claimed_by = ?13)
        AND (?14 IS NULL OR ?14 NOT IN (SELECT value FROM json_each(p.excluded)))
        AND (?15 IS NULL OR p.claimed_by = ?15)
        AND (?16 IS NULL OR p.returned = ?16)
        AND (?17 = '[]' OR NOT EXISTS (
            SELECT 1 FROM json_each(?17) w WHERE NOT EXISTS (
                SELECT 1 FROM json_each(p.words) WHERE substr(value, 1, length(w.value)) = w.value
            )
        ))
        AND (?18 = '[]' OR p.log_id IN (SELECT value FROM json_each(?18)))

-- name: point
-- include: point_rows
FROM points p WHERE p.log_id = ?1 AND p.context_id = ?2

-- name: few_with_word
-- As few_points in queries_inbox.sql; any more words are looked at in the rows. U+10FFFF is in no word.
SELECT json_group_array(id) FROM (
    SELECT id FROM point_words WHERE word >= ?2 AND word < ?2 || char(1114111) LIMIT ?1
)

-- name: few_of_executions
SELECT json_group_array(id) FROM (
    SELECT id FROM points WHERE log_id IN (SELECT value FROM json_each(?2)) LIMIT ?1
)

-- name: few_opened
SELECT json_group_array(id) FROM (
    SELECT l.id FROM json_each(?2) k CROSS JOIN point_lists l
    WHERE l.key = k.value AND opened_at >= ?3 AND opened_at < ?4
    LIMIT ?1
)

-- name: few_due
SELECT json_group_array(id) FROM (
    SELECT l.id FROM json_each(?2) k CROSS JOIN point_lists l INDEXED BY point_lists_due
    WHERE l.key = k.value AND due_at >= ?3 AND due_at < ?4
    LIMIT ?1
)

-- name: few_of_priority
SELECT json_group_array(id) FROM (
    SELECT l.id FROM json_each(?2) k CROSS JOIN point_lists l INDEXED BY point_lists_priority
    WHERE l.key = k.value AND rank BETWEEN ?3 AND ?4
    LIMIT ?1
)

-- name: inbox_opened
-- include: point_rows
FROM (
    SELECT * FROM points WHERE id IN (
        SELECT listed.id FROM json_each(?1) k JOIN points listed ON listed.id IN (
            SELECT l.id
            FROM (
                SELECT * FROM point_lists WHERE key = k.value
-- include: within
            ) l
            CROSS JOIN points p ON p.id = l.id
            WHERE l.opened_at >= ?20 AND l.opened_at < ?4
                AND (l.opened_at, p.log_id, p.context_id) > (?20, ?21, ?22)
-- include: fitting
            ORDER BY l.opened_at, p.log_id, p.context_id
            LIMIT ?19
        )
        UNION ALL
        SELECT p.id
        FROM (
            SELECT * FROM points WHERE id IN (SELECT value FROM json_each(?2))
-- include: within
        ) p
        WHERE (p.opened_at, p.log_id, p.context_id) > (?20, ?21, ?22)
-- include: fitting
    )
    ORDER BY opened_at, log_id, context_id
    LIMIT ?19
) p

-- name: inbox_opened_descending
-- include: point_rows
FROM (
    SELECT * FROM points WHERE id IN (
        SELECT listed.id FROM json_each(?1) k JOIN points listed ON listed.id IN (
            SELECT l.id
            FROM (
                SELECT * FROM point_lists WHERE key = k.value
-- include: within
            ) l
            CROSS JOIN points p ON p.id = l.id
            WHERE l.opened_at <= ?20 AND l.opened_at >= ?3
                AND (l.opened_at, p.log_id, p.context_id) < (?20, ?21, ?22)
-- include: fitting
            ORDER BY l.opened_at DESC, p.log_id DESC, p.context_id DESC
            LIMIT ?19
        )
        UNION ALL
        SELECT p.id
        FROM (
            SELECT * FROM points WHERE id IN (SELECT value FROM json_each(?2))
-- include: within
        ) p
        WHERE (p.opened_at, p.log_id, p.context_id) < (?20, ?21, ?22)
-- include: fitting
    )
    ORDER BY opened_at DESC, log_id DESC, context_id DESC
    LIMIT ?19
) p

-- name: inbox_due
-- include: point_rows
FROM (
    SELECT * FROM points WHERE id IN (
        SELECT listed.id FROM json_each(?1) k JOIN points listed ON listed.id IN (
            SELECT l.id
            FROM (
                SELECT * FROM point_lists INDEXED BY point_lists_due WHERE key = k.value
-- include: within
            ) l
            CROSS JOIN points p ON p.id = l.id
            WHERE (l.due_at, l.opened_at) >= (?23, ?20) AND l.due_at < ?6
                AND (l.due_at, l.opened_at, p.log_id, p.context_id) > (?23, ?20, ?21, ?22)
-- include: fitting
            ORDER BY l.due_at, l.opened_at, p.log_id, p.context_id
            LIMIT ?19
        )
        UNION ALL
        SELECT p.id
        FROM (
            SELECT * FROM points WHERE id IN (SELECT value FROM json_each(?2))
-- include: within
        ) p
        WHERE (p.due_at, p.opened_at, p.log_id, p.context_id) > (?23, ?20, ?21, ?22)
-- include: fitting
    )
    ORDER BY due_at, opened_at, log_id, context_id
    LIMIT ?19
) p

-- name: inbox_due_descending
-- include: point_rows
FROM (
    SELECT * FROM points WHERE id IN (
        SELECT listed.id FROM json_each(?1) k JOIN points listed ON listed.id IN (
            SELECT l.id
            FROM (
                SELECT * FROM point_lists INDEXED BY point_lists_due WHERE key = k.value
-- include: within
            ) l
            CROSS JOIN points p ON p.id = l.id
            WHERE (l.due_at, l.opened_at) <= (?23, ?20) AND l.due_at >= ?5
                AND (l.due_at, l.opened_at, p.log_id, p.context_id) < (?23, ?20, ?21, ?22)
-- include: fitting
            ORDER BY l.due_at DESC, l.opened_at DESC, p.log_id DESC, p.context_id DESC
            LIMIT ?19
        )
        UNION ALL
        SELECT p.id
        FROM (
            SELECT * FROM points WHERE id IN (SELECT value FROM json_each(?2))
-- include: within
        ) p
        WHERE (p.due_at, p.opened_at, p.log_id, p.context_id) < (?23, ?20, ?21, ?22)
-- include: fitting
    )
    ORDER BY due_at DESC, opened_at DESC, log_id DESC, context_id DESC
    LIMIT ?19
) p

-- name: inbox_priority
-- include: point_rows
FROM (
    SELECT * FROM points WHERE id IN (
        SELECT listed.id FROM json_each(?1) k JOIN points listed ON listed.id IN (
            SELECT l.id
            FROM (
                SELECT * FROM point_lists INDEXED BY point_lists_priority WHERE key = k.value
-- include: within
            ) l
            CROSS JOIN points p ON p.id = l.id
            WHERE (l.rank, l.opened_at) >= (?23, ?20) AND l.rank <= ?8
                AND (l.rank, l.opened_at, p.log_id, p.context_id) > (?23, ?20, ?21, ?22)
-- include: fitting
            ORDER BY l.rank, l.opened_at, p.log_id, p.context_id
            LIMIT ?19
        )
        UNION ALL
        SELECT p.id
        FROM (
            SELECT * FROM points WHERE id IN (SELECT value FROM json_each(?2))
-- include: within
        ) p
        WHERE (p.rank, p.opened_at, p.log_id, p.context_id) > (?23, ?20, ?21, ?22)
-- include: fitting
    )
    ORDER BY rank, opened_at, log_id, context_id
    LIMIT ?19
) p

-- name: inbox_priority_descending
-- include: point_rows
FROM (
    SELECT * FROM points WHERE id IN (
        SELECT listed.id FROM json_each(?1) k JOIN points listed ON listed.id IN (
            SELECT l.id
            FROM (
                SELECT * FROM point_lists INDEXED BY point_lists_priority WHERE key = k.value
-- include: within
            ) l
            CROSS JOIN points p ON p.id = l.id
            WHERE (l.rank, l.opened_at) <= (?23, ?20) AND l.rank >= ?7
                AND (l.rank, l.opened_at, p.log_id, p.context_id) < (?23, ?20, ?21, ?22)
-- include: fitting
            ORDER BY l.rank DESC, l.opened_at DESC, p.log_id DESC, p.context_id DESC
            LIMIT ?19
        )
        UNION ALL
        SELECT p.id
        FROM (
            SELECT * FROM points WHERE id IN (SELECT value FROM json_each(?2))
-- include: within
        ) p
        WHERE (p.rank, p.opened_at, p.log_id, p.context_id) < (?23, ?20, ?21, ?22)
-- include: fitting
    )
    ORDER BY rank DESC, opened_at DESC, log_id DESC, context_id DESC
    LIMIT ?19
) p

-- name: count_inbox
-- As in queries_inbox.sql.
WITH looked_at AS MATERIALIZED (
    SELECT l.id FROM json_each(?1) k CROSS JOIN point_lists l
    WHERE l.key = k.value
-- include: within
    LIMIT ?19
), found AS (
    SELECT p.rank, p.due_at
    FROM (SELECT DISTINCT id FROM looked_at) l CROSS JOIN points p ON p.id = l.id
    WHERE true
-- include: fitting
    UNION ALL
    SELECT p.rank, p.due_at
    FROM (
        SELECT * FROM points WHERE id IN (SELECT value FROM json_each(?2))
-- include: within
    ) p
    WHERE true
-- include: fitting
)
SELECT json_group_array(json_array(priority, found, overdue)) FROM (
    SELECT -rank AS priority, count(*) AS found, count(*) FILTER (WHERE due_at < ?20) AS overdue
    FROM found GROUP BY rank
    UNION ALL
    SELECT NULL, count(*), 0 FROM looked_at
)
