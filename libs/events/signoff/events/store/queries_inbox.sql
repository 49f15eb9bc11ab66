-- fragment: point_columns
-- The last look-up of a page is LATERAL with a LIMIT: beside what "enable_sort = off" adds to a plan's cost, one
-- that reads all points would pass for as cheap.
    p.log_id, p.context_id, p.workspace_id, p.workflow_id, p.execution_id, p.block_id, p.title, p.text,
    -p.rank AS priority, p.opened_at, nullif(p.due_at, '10000-01-01 00:00+00') AS due_at, p.candidates,
    p.claimed_by, p.excluded, p.returned, p.approvals, p.required, p.content_digest, p.version

-- fragment: bounds
-- There are always some (postgres_inbox.py), so that an index can begin and end with them.
    AND opened_at >= $3::timestamptz AND opened_at < $4::timestamptz
    AND due_at >= $5::timestamptz AND due_at < $6::timestamptz
    AND rank BETWEEN $7::smallint AND $8::smallint
    AND (cardinality($9::smallint[]) = 0 OR rank = ANY ($9))

-- fragment: within
-- The same, but IS TRUE keeps it from an index: a page begins where the one before it ended.
    AND (
        opened_at >= $3::timestamptz AND opened_at < $4::timestamptz
        AND due_at >= $5::timestamptz AND due_at < $6::timestamptz
        AND rank BETWEEN $7::smallint AND $8::smallint
        AND (cardinality($9::smallint[]) = 0 OR rank = ANY ($9))
    ) IS TRUE

-- fragment: fitting
-- Workspace, candidate and workflow are looked at again: a list's name is a digest.
    AND p.workspace_id = ANY ($10::uuid[])
    AND (cardinality($11::text[]) = 0 OR p.candidates && $11)
    AND (cardinality($12::text[]) = 0 OR p.workflow_id = ANY ($12))
    AND ($13::text IS NULL OR p.claimed_by IS NULL OR p.claimed_by = $13)
    AND ($14::text IS NULL OR $14 <> ALL (p.excluded))
    AND ($15::text IS NULL OR p.claimed_by = $15)
    AND ($16::boolean IS NULL OR p.returned = $16)
    AND ($17::text IS NULL OR p.words @@ $17::tsquery)
    AND (cardinality($18::uuid[]) = 0 OR p.log_id = ANY ($18))

-- name: put_points
-- A list that a point is in and stays in is not written. What is looked up is so by LATERAL and LIMIT: by an
-- index, whatever the tables held when the plan was made. A list's row is looked up by all that it holds, so
-- that each of its indexes finds it at once: which one a plan takes is chance where statistics know no rows.
WITH new AS MATERIALIZED (
    SELECT * FROM unnest(
        $1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
        $9::smallint[], $10::timestamptz[], $11::timestamptz[], $12::text[], $13::text[], $14::text[],
        $15::boolean[], $16::integer[], $17::integer[], $18::text[], $19::integer[], $20::text[], $21::text[]
    ) AS r (
        log_id, context_id, workspace_id, workflow_id, execution_id, block_id, title, text,
        priority, opened_at, due_at, candidates, claimed_by, excluded,
        returned, approvals, required, content_digest, version, keys, words
    )
), old AS MATERIALIZED (
    SELECT p.*
    FROM new
    CROSS JOIN LATERAL (
        SELECT id, keys, opened_at, due_at, rank FROM points
        WHERE log_id = new.log_id AND context_id = new.context_id LIMIT 1
    ) p
), put AS (
    INSERT INTO points (
        log_id, context_id, workspace_id, workflow_id, execution_id, block_id, title, text,
        rank, opened_at, due_at, candidates, claimed_by, excluded,
        returned, approvals, required, content_digest, version, keys, words
    )
    SELECT
        log_id, context_id, workspace_id, workflow_id, execution_id, block_id, title, text,
        -priority, opened_at, coalesce(due_at, '10000-01-01 00:00+00'), candidates::text[], claimed_by,
        excluded::text[], returned, approvals, required, content_digest, version, keys::bigint[],
        array_to_tsvector(words::text[])
    FROM new
    ON CONFLICT (log_id, context_id) DO UPDATE SET
        title = excluded.title, text = excluded.text, rank = excluded.rank, opened_at = excluded.opened_at,
        due_at = excluded.due_at, candidates = excluded.candidates, claimed_by = excluded.claimed_by,
        excluded = excluded.excluded, returned = excluded.returned, approvals = excluded.approvals,
        required = excluded.required, content_digest = excluded.content_digest, version = excluded.version,
        keys = excluded.keys, words = excluded.words
    RETURNING id, keys, opened_at, due_at, rank
), moved AS MATERIALIZED (
    SELECT put.*, old.keys AS old_keys, old.opened_at AS old_opened_at, old.due_at AS old_due_at,
        old.rank AS old_rank,
        (put.opened_at, put.due_at, put.rank) = (old.opened_at, old.due_at, old.rank) AS stays
    FROM put LEFT JOIN old ON old.id = put.id
), gone AS (
    DELETE FROM point_lists WHERE ctid = ANY (ARRAY(
        SELECT l.ctid
        FROM moved
        CROSS JOIN LATERAL unnest(moved.old_keys) AS k (key)
        CROSS JOIN LATERAL (
            SELECT ctid FROM point_lists
            WHERE key = k.key AND opened_at = moved.old_opened_at AND due_at = moved.old_due_at
                AND rank = moved.old_rank AND id = moved.id
            LIMIT 1
        ) l
        WHERE NOT (moved.stays AND k.key = ANY (moved.keys))
    ))
)
INSERT INTO point_lists (key, id, opened_at, due_at, rank)
SELECT k.key, moved.id, moved.opened_at, moved.due_at, moved.rank
FROM moved CROSS JOIN LATERAL unnest(moved.keys) AS k (key)
WHERE NOT coalesce(moved.stays AND k.key = ANY (moved.old_keys), false)

-- name: put_gone_points
WITH gone AS (
    DELETE FROM points WHERE ctid = ANY (ARRAY(
        SELECT p.ctid
        FROM unnest($1::uuid[], $2::text[]) AS g (log_id, context_id)
        CROSS JOIN LATERAL (
            SELECT ctid FROM points
            WHERE log_id = g.log_id AND context_id = g.context_id LIMIT 1
        ) p
    ))
    RETURNING id, keys, opened_at, due_at, rank
)
DELETE FROM point_lists WHERE ctid = ANY (ARRAY(
    SELECT l.ctid
    FROM gone
    CROSS JOIN LATERAL unnest(gone.keys) AS k (key)
    CROSS JOIN LATERAL (
        SELECT ctid FROM point_lists
        WHERE key = k.key AND opened_at = gone.opened_at AND due_at = gone.due_at AND rank = gone.rank
            AND id = gone.id
        LIMIT 1
    ) l
))

-- name: point
SELECT
-- include: point_columns
FROM points p WHERE p.log_id = $1 AND p.context_id = $2

-- name: few_points
-- The points that have some words, or are of some executions, if they are few: sorting them is less than
-- looking for them in long lists.
SELECT coalesce(array_agg(id), '{}') FROM (
    SELECT id FROM points
    WHERE workspace_id = ANY ($1::uuid[])
        AND ($2::text IS NULL OR words @@ $2::tsquery)
        AND (cardinality($3::uuid[]) = 0 OR log_id = ANY ($3))
    LIMIT $4
) few

-- name: few_listed
-- The same for bounds that the order's own index does not have: by the index of theirs.
SELECT coalesce(array_agg(id), '{}') FROM (
    SELECT l.id
    FROM unnest($1::bigint[]) AS k (key)
    CROSS JOIN LATERAL (
        SELECT id FROM point_lists WHERE key = k.key
-- include: bounds
        LIMIT $2
    ) l
    LIMIT $2
) few

-- name: inbox_opened
WITH page AS (
    SELECT DISTINCT opened_at, log_id, context_id, id FROM (
        SELECT l.*
        FROM unnest($1::bigint[]) AS k (key)
        CROSS JOIN LATERAL (
            SELECT l.opened_at, p.log_id, p.context_id, l.id
            FROM (
                SELECT * FROM point_lists WHERE key = k.key
-- include: within
            ) l
            JOIN points p ON p.id = l.id
            WHERE l.opened_at >= $20::timestamptz AND l.opened_at < $4
                AND (l.opened_at, p.log_id, p.context_id)
                    > ($20, $21::uuid, $22::text)
-- include: fitting
            ORDER BY l.opened_at, p.log_id, p.context_id
            LIMIT $19
        ) l
        UNION ALL
        SELECT p.opened_at, p.log_id, p.context_id, p.id
        FROM (
            SELECT * FROM points WHERE id = ANY ($2::bigint[])
-- include: within
        ) p
        WHERE (p.opened_at, p.log_id, p.context_id)
            > ($20, $21, $22)
-- include: fitting
    ) found
    ORDER BY opened_at, log_id, context_id
    LIMIT $19
)
SELECT
-- include: point_columns
FROM page CROSS JOIN LATERAL (SELECT * FROM points WHERE id = page.id LIMIT 1) p
ORDER BY page.opened_at, page.log_id, page.context_id

-- name: inbox_opened_descending
WITH page AS (
    SELECT DISTINCT opened_at, log_id, context_id, id FROM (
        SELECT l.*
        FROM unnest($1::bigint[]) AS k (key)
        CROSS JOIN LATERAL (
            SELECT l.opened_at, p.log_id, p.context_id, l.id
            FROM (
                SELECT * FROM point_lists WHERE key = k.key
-- include: within
            ) l
            JOIN points p ON p.id = l.id
            WHERE l.opened_at <= $20::timestamptz AND l.opened_at >= $3
                AND (l.opened_at, p.log_id, p.context_id)
                    < ($20, $21::uuid, $22::text)
-- include: fitting
            ORDER BY l.opened_at DESC, p.log_id DESC, p.context_id DESC
            LIMIT $19
        ) l
        UNION ALL
        SELECT p.opened_at, p.log_id, p.context_id, p.id
        FROM (
            SELECT * FROM points WHERE id = ANY ($2::bigint[])
-- include: within
        ) p
        WHERE (p.opened_at, p.log_id, p.context_id)
            < ($20, $21, $22)
-- include: fitting
    ) found
    ORDER BY opened_at DESC, log_id DESC, context_id DESC
    LIMIT $19
)
SELECT
-- include: point_columns
FROM page CROSS JOIN LATERAL (SELECT * FROM points WHERE id = page.id LIMIT 1) p
ORDER BY page.opened_at DESC, page.log_id DESC, page.context_id DESC

-- name: inbox_due
WITH page AS (
    SELECT DISTINCT due_at, opened_at, log_id, context_id, id FROM (
        SELECT l.*
        FROM unnest($1::bigint[]) AS k (key)
        CROSS JOIN LATERAL (
            SELECT l.due_at, l.opened_at, p.log_id, p.context_id, l.id
            FROM (
                SELECT * FROM point_lists WHERE key = k.key
-- include: within
            ) l
            JOIN points p ON p.id = l.id
            WHERE (l.due_at, l.opened_at) >= ($23::timestamptz, $20::timestamptz) AND l.due_at < $6
                AND (l.due_at, l.opened_at, p.log_id, p.context_id)
                    > ($23, $20, $21::uuid, $22::text)
-- include: fitting
            ORDER BY l.due_at, l.opened_at, p.log_id, p.context_id
            LIMIT $19
        ) l
        UNION ALL
        SELECT p.due_at, p.opened_at, p.log_id, p.context_id, p.id
        FROM (
            SELECT * FROM points WHERE id = ANY ($2::bigint[])
-- include: within
        ) p
        WHERE (p.due_at, p.opened_at, p.log_id, p.context_id)
            > ($23, $20, $21, $22)
-- include: fitting
    ) found
    ORDER BY due_at, opened_at, log_id, context_id
    LIMIT $19
)
SELECT
-- include: point_columns
FROM page CROSS JOIN LATERAL (SELECT * FROM points WHERE id = page.id LIMIT 1) p
ORDER BY page.due_at, page.opened_at, page.log_id, page.context_id

-- name: inbox_due_descending
WITH page AS (
    SELECT DISTINCT due_at, opened_at, log_id, context_id, id FROM (
        SELECT l.*
        FROM unnest($1::bigint[]) AS k (key)
        CROSS JOIN LATERAL (
            SELECT l.due_at, l.opened_at, p.log_id, p.context_id, l.id
            FROM (
                SELECT * FROM point_lists WHERE key = k.key
-- include: within
            ) l
            JOIN points p ON p.id = l.id
            WHERE (l.due_at, l.opened_at) <= ($23::timestamptz, $20::timestamptz) AND l.due_at >= $5
                AND (l.due_at, l.opened_at, p.log_id, p.context_id)
                    < ($23, $20, $21::uuid, $22::text)
-- include: fitting
            ORDER BY l.due_at DESC, l.opened_at DESC, p.log_id DESC, p.context_id DESC
            LIMIT $19
        ) l
        UNION ALL
        SELECT p.due_at, p.opened_at, p.log_id, p.context_id, p.id
        FROM (
            SELECT * FROM points WHERE id = ANY ($2::bigint[])
-- include: within
        ) p
        WHERE (p.due_at, p.opened_at, p.log_id, p.context_id)
            < ($23, $20, $21, $22)
-- include: fitting
    ) found
    ORDER BY due_at DESC, opened_at DESC, log_id DESC, context_id DESC
    LIMIT $19
)
SELECT
-- include: point_columns
FROM page CROSS JOIN LATERAL (SELECT * FROM points WHERE id = page.id LIMIT 1) p
ORDER BY page.due_at DESC, page.opened_at DESC, page.log_id DESC, page.context_id DESC

-- name: inbox_priority
WITH page AS (
    SELECT DISTINCT rank, opened_at, log_id, context_id, id FROM (
        SELECT l.*
        FROM unnest($1::bigint[]) AS k (key)
        CROSS JOIN LATERAL (
            SELECT l.rank, l.opened_at, p.log_id, p.context_id, l.id
            FROM (
                SELECT * FROM point_lists WHERE key = k.key
-- include: within
            ) l
            JOIN points p ON p.id = l.id
            WHERE (l.rank, l.opened_at) >= ($23::smallint, $20::timestamptz) AND l.rank <= $8
                AND (l.rank, l.opened_at, p.log_id, p.context_id)
                    > ($23, $20, $21::uuid, $22::text)
-- include: fitting
            ORDER BY l.rank, l.opened_at, p.log_id, p.context_id
            LIMIT $19
        ) l
        UNION ALL
        SELECT p.rank, p.opened_at, p.log_id, p.context_id, p.id
        FROM (
            SELECT * FROM points WHERE id = ANY ($2::bigint[])
-- include: within
        ) p
        WHERE (p.rank, p.opened_at, p.log_id, p.context_id)
            > ($23, $20, $21, $22)
-- include: fitting
    ) found
    ORDER BY rank, opened_at, log_id, context_id
    LIMIT $19
)
SELECT
-- include: point_columns
FROM page CROSS JOIN LATERAL (SELECT * FROM points WHERE id = page.id LIMIT 1) p
ORDER BY page.rank, page.opened_at, page.log_id, page.context_id

-- name: inbox_priority_descending
WITH page AS (
    SELECT DISTINCT rank, opened_at, log_id, context_id, id FROM (
        SELECT l.*
        FROM unnest($1::bigint[]) AS k (key)
        CROSS JOIN LATERAL (
            SELECT l.rank, l.opened_at, p.log_id, p.context_id, l.id
            FROM (
                SELECT * FROM point_lists WHERE key = k.key
-- include: within
            ) l
            JOIN points p ON p.id = l.id
            WHERE (l.rank, l.opened_at) <= ($23::smallint, $20::timestamptz) AND l.rank >= $7
                AND (l.rank, l.opened_at, p.log_id, p.context_id)
                    < ($23, $20, $21::uuid, $22::text)
-- include: fitting
            ORDER BY l.rank DESC, l.opened_at DESC, p.log_id DESC, p.context_id DESC
            LIMIT $19
        ) l
        UNION ALL
        SELECT p.rank, p.opened_at, p.log_id, p.context_id, p.id
        FROM (
            SELECT * FROM points WHERE id = ANY ($2::bigint[])
-- include: within
        ) p
        WHERE (p.rank, p.opened_at, p.log_id, p.context_id)
            < ($23, $20, $21, $22)
-- include: fitting
    ) found
    ORDER BY rank DESC, opened_at DESC, log_id DESC, context_id DESC
    LIMIT $19
)
SELECT
-- include: point_columns
FROM page CROSS JOIN LATERAL (SELECT * FROM points WHERE id = page.id LIMIT 1) p
ORDER BY page.rank DESC, page.opened_at DESC, page.log_id DESC, page.context_id DESC

-- name: count_inbox
-- By priority, how many and how many of them are overdue; then, of no priority, how many were looked at.
-- Points are looked up in the order of their ids, in which they lie on the disk.
WITH looked_at AS MATERIALIZED (
    SELECT l.id
    FROM unnest($1::bigint[]) AS k (key)
    CROSS JOIN LATERAL (
        SELECT id FROM point_lists WHERE key = k.key
-- include: bounds
        LIMIT $19
    ) l
    LIMIT $19
), found AS (
    SELECT p.rank, p.due_at
    FROM unnest(ARRAY(SELECT DISTINCT id FROM looked_at ORDER BY id)) AS l (id)
    CROSS JOIN LATERAL (SELECT * FROM points WHERE id = l.id LIMIT 1) p
    WHERE true
-- include: fitting
    UNION ALL
    SELECT p.rank, p.due_at
    FROM (
        SELECT * FROM points WHERE id = ANY ($2::bigint[])
-- include: bounds
    ) p
    WHERE true
-- include: fitting
)
SELECT -rank AS priority, count(*), count(*) FILTER (WHERE due_at < $20::timestamptz)
FROM found GROUP BY rank
UNION ALL
SELECT NULL, count(*), 0 FROM looked_at
