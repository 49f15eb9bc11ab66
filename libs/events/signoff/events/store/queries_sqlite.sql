-- Named queries of the SQLite store. Ids are hex texts, times microseconds since the epoch.
--
-- Python's sqlite3 gives up the interpreter's lock at every step of a statement and must win it back from
-- a busy event loop afterwards, up to 5 ms each. So every query here is one step: an append is one INSERT
-- into a view, whose trigger does the work, and a read gives one value, a JSON array of rows.

-- fragment: event_columns
    originator_id, originator_version, iif(typeof(topic) = 'text', topic, ''), hex(state), position

-- fragment: shaped
-- SQLite lets any column hold any type. An event whose log or version is none cannot be told from others by
-- them: it is passed over here, and `misshapen_events` names it.
typeof(originator_version) = 'integer' AND typeof(originator_id) = 'text'
    AND length(originator_id) = 32 AND originator_id NOT GLOB '*[^0-9a-f]*'

-- name: append_view
CREATE TEMP VIEW append AS
SELECT NULL AS leases, NULL AS heads, NULL AS position, NULL AS events, NULL AS states, NULL AS offsets,
    NULL AS executions, NULL AS runs, NULL AS workflows, NULL AS points, NULL AS gone_points,
    NULL AS dead_commands, NULL AS tracking

-- name: append_trigger
-- Every argument is a JSON array, or NULL when there is nothing of its kind, but for two: position is the
-- log's last one, and states the bytes of all events, any bytes, in which each event names its place.
-- Points that change leave their lists and words and come back: for each table two statements, as SQLite
-- would read all of it for a row's values IN a UNION.
CREATE TEMP TRIGGER append_group INSTEAD OF INSERT ON append
BEGIN
    SELECT raise(ABORT, 'guard') FROM json_each(new.leases) f
    WHERE (SELECT epoch FROM partitions WHERE partition = f.value ->> 0) IS NOT f.value ->> 1;
    SELECT raise(ABORT, 'guard') FROM json_each(new.heads) f
    WHERE coalesce(
        (SELECT max(originator_version) FROM stored_events WHERE originator_id = f.value ->> 0),
        min(f.value ->> 1, 0)
    ) <> f.value ->> 1;
    SELECT raise(ABORT, 'tracking') FROM json_each(new.tracking) f
    WHERE (SELECT notification_id FROM tracking WHERE application_name = f.value ->> 0) >= f.value ->> 1;
    INSERT INTO stored_events (rowid, originator_id, originator_version, topic, state)
    SELECT new.position + 1 + e.key, e.value ->> 0, e.value ->> 1, e.value ->> 2,
        substr(new.states, e.value ->> 3, e.value ->> 4)
    FROM json_each(new.events) e;
    UPDATE partitions SET next_offset = f.value ->> 1
    FROM json_each(new.offsets) f WHERE partitions.partition = f.value ->> 0;
    DELETE FROM execution_words WHERE (word, log_id) IN (
        SELECT w.value, x.log_id
        FROM json_each(new.executions) r
        JOIN executions x ON x.log_id = r.value ->> 0 AND x.words <> r.value -> 23
        JOIN json_each(x.words) w
    );
    INSERT INTO execution_words (word, log_id)
    SELECT w.value, r.value ->> 0
    FROM json_each(new.executions) r
    LEFT JOIN executions x ON x.log_id = r.value ->> 0
    JOIN json_each(r.value -> 23) w
    WHERE x.words IS NOT r.value -> 23
    ON CONFLICT DO NOTHING;
    INSERT INTO executions (
        log_id, partition, workspace_id, workflow_id, workflow_version, execution_id, status,
        pause_status, trigger, mode, version, parked, started_at, updated_at, ended_at, due_at, broken,
        actor_type, actor_id, error, error_code, attributes, forked_from, words, words_version
    )
    SELECT
        r.value ->> 0, r.value ->> 1, r.value ->> 2, r.value ->> 3, r.value ->> 4, r.value ->> 5,
        r.value ->> 6, r.value ->> 7, r.value ->> 8, r.value ->> 9, r.value ->> 10, r.value ->> 11,
        r.value ->> 12, r.value ->> 13, r.value ->> 14, r.value ->> 15, r.value ->> 16, r.value ->> 17,
        r.value ->> 18, r.value ->> 19, r.value ->> 20, r.value ->> 21, r.value ->> 22, r.value -> 23,
        r.value ->> 10
    FROM json_each(new.executions) r WHERE true
    ON CONFLICT (log_id) DO UPDATE SET
        workflow_version = excluded.workflow_version, status = excluded.status,
        pause_status = excluded.pause_status, mode = excluded.mode, version = excluded.version,
        parked = excluded.parked, updated_at = excluded.updated_at, ended_at = excluded.ended_at,
        due_at = excluded.due_at, broken = excluded.broken, actor_type = excluded.actor_type,
        actor_id = excluded.actor_id, error = excluded.error, error_code = excluded.error_code,
        attributes = excluded.attributes, forked_from = excluded.forked_from,
        words = excluded.words, words_version = excluded.words_version;
    INSERT INTO runs (run_id, log_id)
    SELECT r.value ->> 0, r.value ->> 1 FROM json_each(new.runs) r WHERE true
    ON CONFLICT (run_id) DO NOTHING;
    INSERT INTO workflows (
        log_id, workspace_id, workflow_id, name, version, digest, is_deployed, deployed_at, due_at
    )
    SELECT
        r.value ->> 0, r.value ->> 1, r.value ->> 2, r.value ->> 3, r.value ->> 4, r.value ->> 5,
        r.value ->> 6, r.value ->> 7, r.value ->> 8
    FROM json_each(new.workflows) r WHERE true
    ON CONFLICT (workspace_id, workflow_id) DO UPDATE SET
        log_id = excluded.log_id, name = excluded.name, version = excluded.version,
        digest = excluded.digest, is_deployed = excluded.is_deployed, deployed_at = excluded.deployed_at,
        due_at = excluded.due_at;
    DELETE FROM point_lists WHERE (key, opened_at, id) IN (
        SELECT k.value, p.opened_at, p.id
        FROM json_each(new.points) r
        JOIN points p ON p.log_id = r.value ->> 0 AND p.context_id = r.value ->> 1
        JOIN json_each(p.keys) k
    );
    DELETE FROM point_words WHERE (word, id) IN (
        SELECT w.value, p.id
        FROM json_each(new.points) r
        JOIN points p ON p.log_id = r.value ->> 0 AND p.context_id = r.value ->> 1
        JOIN json_each(p.words) w
    );
    DELETE FROM point_lists WHERE (key, opened_at, id) IN (
        SELECT k.value, p.opened_at, p.id
        FROM json_each(new.gone_points) r
        JOIN points p ON p.log_id = r.value ->> 0 AND p.context_id = r.value ->> 1
        JOIN json_each(p.keys) k
    );
    DELETE FROM point_words WHERE (word, id) IN (
        SELECT w.value, p.id
        FROM json_each(new.gone_points) r
        JOIN points p ON p.log_id = r.value ->> 0 AND p.context_id = r.value ->> 1
        JOIN json_each(p.words) w
    );
    DELETE FROM points WHERE id IN (
        SELECT p.id
        FROM json_each(new.gone_points) r
        JOIN points p ON p.log_id = r.value ->> 0 AND p.context_id = r.value ->> 1
    );
    INSERT INTO points (
        log_id, context_id, workspace_id, workflow_id, execution_id, block_id, title, text, rank,
        opened_at, due_at, candidates, claimed_by, excluded, returned, approvals, required,
        content_digest, version, keys, words
    )
    SELECT
        r.value ->> 0, r.value ->> 1, r.value ->> 2, r.value ->> 3, r.value ->> 4, r.value ->> 5,
        r.value ->> 6, r.value ->> 7, -(r.value ->> 8), r.value ->> 9,
        coalesce(r.value ->> 10, 253402300800000000), r.value -> 11, r.value ->> 12, r.value -> 13,
        r.value ->> 14, r.value ->> 15, r.value ->> 16, r.value ->> 17, r.value ->> 18, r.value -> 19,
        r.value -> 20
    FROM json_each(new.points) r WHERE true
    ON CONFLICT (log_id, context_id) DO UPDATE SET
        title = excluded.title, text = excluded.text, rank = excluded.rank,
        opened_at = excluded.opened_at, due_at = excluded.due_at, candidates = excluded.candidates,
        claimed_by = excluded.claimed_by, excluded = excluded.excluded, returned = excluded.returned,
        approvals = excluded.approvals, required = excluded.required,
        content_digest = excluded.content_digest, version = excluded.version, keys = excluded.keys,
        words = excluded.words;
    INSERT INTO point_lists (key, id, opened_at, due_at, rank)
    SELECT k.value, p.id, p.opened_at, p.due_at, p.rank
    FROM json_each(new.points) r
    JOIN points p ON p.log_id = r.value ->> 0 AND p.context_id = r.value ->> 1
    JOIN json_each(p.keys) k;
    INSERT INTO point_words (word, id)
    SELECT w.value, p.id
    FROM json_each(new.points) r
    JOIN points p ON p.log_id = r.value ->> 0 AND p.context_id = r.value ->> 1
    JOIN json_each(p.words) w;
    INSERT INTO dead_commands (
        partition, command_offset, command_id, log_id, reason, command, died_at
    )
    SELECT
        r.value ->> 0, r.value ->> 1, r.value ->> 2, r.value ->> 3, r.value ->> 4, r.value ->> 5,
        r.value ->> 6
    FROM json_each(new.dead_commands) r WHERE true
    ON CONFLICT (partition, command_offset) DO UPDATE SET
        command_id = excluded.command_id, log_id = excluded.log_id, reason = excluded.reason,
        command = excluded.command, died_at = excluded.died_at,
        settled_at = NULL, settled = NULL, settled_by = NULL;
    INSERT INTO tracking (application_name, notification_id)
    SELECT r.value ->> 0, r.value ->> 1 FROM json_each(new.tracking) r WHERE true
    ON CONFLICT (application_name) DO UPDATE SET notification_id = excluded.notification_id;
END

-- name: append
INSERT INTO append VALUES (
    :leases, :heads, :position, :events, :states, :offsets, :executions, :runs, :workflows, :points,
    :gone_points, :dead_commands, :tracking
)

-- name: foreign_leases
SELECT json_group_array(json_array(f.value ->> 0, f.value ->> 1)) FROM json_each(?) f
WHERE (SELECT epoch FROM partitions WHERE partition = f.value ->> 0) IS NOT f.value ->> 1

-- name: heads
SELECT json_group_array(json_array(log_id, head)) FROM (
    SELECT f.value AS log_id,
        (
            SELECT originator_version FROM stored_events
            WHERE originator_id = f.value AND typeof(originator_version) = 'integer'
            ORDER BY originator_version DESC LIMIT 1
        ) AS head
    FROM json_each(?) f
) WHERE head IS NOT NULL

-- name: read
-- As in queries.sql: the sizes of a page are summed first, from the rows' heads, then its states are read.
SELECT json_group_array(json_array(
-- include: event_columns
)) FROM (
    SELECT sized.*, e.originator_id, e.originator_version, e.topic, e.state
    FROM (
        SELECT *, sum(bytes) OVER (ORDER BY position) - bytes AS bytes_before FROM (
            SELECT rowid AS position, coalesce(length(state), 0) AS bytes FROM stored_events
            WHERE originator_id = ?1 AND originator_version > ?2 AND (?4 IS NULL OR topic = ?4)
                AND typeof(originator_version) = 'integer'
            ORDER BY originator_version
            LIMIT ?3
        )
    ) sized
    CROSS JOIN stored_events e ON e.rowid = position
    WHERE ?5 IS NULL OR bytes_before < ?5
    ORDER BY position
    LIMIT -1
)

-- name: read_many
SELECT json_group_array(json_array(
-- include: event_columns
)) FROM (
    SELECT e.rowid AS position, e.*
    FROM json_each(?) f
    JOIN stored_events e ON e.originator_id = f.value ->> 0
        AND e.originator_version > f.value ->> 1
        AND e.originator_version <= (
            SELECT max(originator_version) FROM (
                SELECT originator_version FROM stored_events
                WHERE originator_id = f.value ->> 0 AND originator_version > f.value ->> 1
                ORDER BY originator_version LIMIT ?
            )
        )
    ORDER BY e.originator_id, e.originator_version
    LIMIT -1
)

-- name: changed_heads
-- Rows, not JSON: SQLite knows no SHA-256, so who asks makes them of the bytes, one at a time.
SELECT e.originator_id, e.originator_version, CAST(e.state AS BLOB)
FROM (
    SELECT originator_id, max(originator_version) AS originator_version
    FROM stored_events
    WHERE rowid > ?1 AND rowid <= ?2 AND
-- include: shaped
    GROUP BY originator_id
) h JOIN stored_events e USING (originator_id, originator_version)
ORDER BY e.originator_id

-- name: read_all
SELECT json_group_array(json_array(
-- include: event_columns
)) FROM (
    SELECT sized.*, e.originator_id, e.originator_version, e.topic, e.state
    FROM (
        SELECT *, sum(bytes) OVER (ORDER BY position) - bytes AS bytes_before FROM (
            SELECT rowid AS position, coalesce(length(state), 0) AS bytes FROM stored_events
            WHERE rowid > ?1 AND
-- include: shaped
            ORDER BY rowid LIMIT ?2
        )
    ) sized
    CROSS JOIN stored_events e ON e.rowid = position
    WHERE ?3 IS NULL OR bytes_before < ?3
    ORDER BY position
    LIMIT -1
)

-- name: read_partitions
-- Within a window of positions, as in queries.sql.
SELECT json_group_array(json_array(
-- include: event_columns
)) FROM (
    SELECT sized.*, e.originator_id, e.originator_version, e.topic, e.state
    FROM (
        SELECT *, sum(bytes) OVER (ORDER BY position) - bytes AS bytes_before FROM (
            SELECT rowid AS position, coalesce(length(state), 0) AS bytes FROM stored_events
            WHERE rowid > ?1 AND rowid <= ?2 AND
-- include: shaped
            AND (
                (instr('0123456789abcdef', substr(originator_id, 29, 1)) - 1) * 4096
                + (instr('0123456789abcdef', substr(originator_id, 30, 1)) - 1) * 256
                + (instr('0123456789abcdef', substr(originator_id, 31, 1)) - 1) * 16
                + instr('0123456789abcdef', substr(originator_id, 32, 1)) - 1
            ) % (SELECT partitions FROM cluster) IN (SELECT value FROM json_each(?3))
            ORDER BY rowid
            LIMIT ?4
        )
    ) sized
    CROSS JOIN stored_events e ON e.rowid = position
    WHERE ?5 IS NULL OR bytes_before < ?5
    ORDER BY position
    LIMIT -1
)

-- name: read_feed
-- As in queries.sql.
SELECT json_group_array(json_array(
    originator_id, originator_version, topic, hex(state), position, workspace_id
)) FROM (
    SELECT sized.*, e.originator_id, e.originator_version, e.topic, e.state
    FROM (
        SELECT *, sum(bytes) OVER (ORDER BY position) - bytes AS bytes_before FROM (
            SELECT
                e.rowid AS position, coalesce(length(e.state), 0) AS bytes,
                coalesce(
                    x.workspace_id, (SELECT w.workspace_id FROM workflows w WHERE w.log_id = e.originator_id)
                ) AS workspace_id
            FROM stored_events e
            LEFT JOIN executions x ON x.log_id = e.originator_id
            WHERE e.rowid > ?2 AND e.rowid <= ?3
                AND (?5 = '[]' OR e.topic IN (SELECT value FROM json_each(?5)))
                AND (
                    ?7 = '[]'
                    OR e.originator_id IN (SELECT value FROM json_each(?7))
                    OR e.topic IN (SELECT value FROM json_each(?9))
                )
                AND (
                    (
                        x.workspace_id IN (SELECT value FROM json_each(?1))
                        AND (?6 = '[]' OR x.workflow_id IN (SELECT value FROM json_each(?6)))
                    )
                    OR e.originator_id IN (
                        SELECT w.log_id FROM workflows w
                        WHERE w.workspace_id IN (SELECT value FROM json_each(?1))
                            AND (?6 = '[]' OR w.workflow_id IN (SELECT value FROM json_each(?6)))
                    )
                )
            ORDER BY e.rowid
            LIMIT ?4
        )
    ) sized
    CROSS JOIN stored_events e ON e.rowid = position
    WHERE ?8 IS NULL OR bytes_before < ?8
    ORDER BY position
    LIMIT -1
)

-- name: workspaces_of
SELECT json_group_array(json_array(log_id, workspace_id)) FROM (
    SELECT log_id, workspace_id FROM executions WHERE log_id IN (SELECT value FROM json_each(?1))
    UNION ALL
    SELECT log_id, workspace_id FROM workflows WHERE log_id IN (SELECT value FROM json_each(?1))
)

-- name: last_position
SELECT coalesce(max(rowid), 0) FROM stored_events

-- name: announce
INSERT INTO executors (owner, alive_until) VALUES (?, ?)
ON CONFLICT (owner) DO UPDATE SET alive_until = excluded.alive_until

-- name: forget_executors
DELETE FROM executors WHERE alive_until <= ?

-- name: count_executors
SELECT count(*) FROM executors

-- name: free_partitions
SELECT json_group_array(partition) FROM (
    SELECT partition FROM partitions WHERE owner IS NULL OR lease_until <= ? ORDER BY partition LIMIT ?
)

-- name: acquire
UPDATE partitions SET owner = ?, epoch = epoch + 1, lease_until = ?
WHERE partition IN (SELECT value FROM json_each(?))

-- name: acquired
SELECT json_group_array(
    json_object(
        'partition', partition, 'owner', owner, 'epoch', epoch, 'next_offset', next_offset, 'relayed', relayed
    )
) FROM (
    SELECT * FROM partitions WHERE partition IN (SELECT value FROM json_each(?)) ORDER BY partition LIMIT -1
)

-- name: renew
UPDATE partitions SET lease_until = ?
FROM json_each(?) f
WHERE partitions.partition = f.value ->> 0 AND epoch = f.value ->> 1 AND owner = ?

-- name: held
SELECT json_group_array(p.partition)
FROM json_each(?) f JOIN partitions p ON p.partition = f.value ->> 0 AND p.epoch = f.value ->> 1
WHERE p.owner = ?

-- name: release
UPDATE partitions SET owner = NULL, lease_until = 0
FROM json_each(?) f
WHERE partitions.partition = f.value ->> 0 AND epoch = f.value ->> 1 AND owner = ?

-- name: leases
SELECT json_group_array(json_array(partition, owner, epoch, lease_until, next_offset, relayed)) FROM (
    SELECT * FROM partitions ORDER BY partition LIMIT -1
)

-- name: relayed
UPDATE partitions SET relayed = f.value ->> 2
FROM json_each(?) f
WHERE partitions.partition = f.value ->> 0 AND epoch = f.value ->> 1 AND relayed < f.value ->> 2

-- name: workflow
SELECT json_group_array(json_array(
    log_id, workspace_id, workflow_id, name, version, digest, is_deployed, deployed_at, due_at
)) FROM (
    SELECT log_id, workspace_id, workflow_id, name, version, digest, is_deployed, deployed_at, due_at
    FROM workflows WHERE workspace_id = ? AND workflow_id = ?
)

-- name: workflows
SELECT json_group_array(json_array(
    log_id, workspace_id, workflow_id, name, version, digest, is_deployed, deployed_at, due_at
)) FROM (
    SELECT log_id, workspace_id, workflow_id, name, version, digest, is_deployed, deployed_at, due_at
    FROM workflows WHERE workspace_id = ? AND workflow_id > ? ORDER BY workflow_id LIMIT ?
)

-- name: workflows_named
SELECT json_group_array(json_array(
    log_id, workspace_id, workflow_id, name, version, digest, is_deployed, deployed_at, due_at
)) FROM workflows WHERE workspace_id IN (SELECT value FROM json_each(?)) AND workflow_id = ?

-- fragment: execution_columns
    log_id, partition, workspace_id, workflow_id, workflow_version, execution_id, status, pause_status,
    trigger, mode, version, parked, started_at, updated_at, ended_at, due_at, broken,
    actor_type, actor_id, error, error_code, attributes, forked_from

-- fragment: filtered_executions
        workspace_id = ?1
        AND (?2 = '[]' OR workflow_id IN (SELECT value FROM json_each(?2)))
        AND (?3 = '[]' OR status IN (SELECT value FROM json_each(?3)))
        AND (?4 = '[]' OR pause_status IN (SELECT value FROM json_each(?4)))
        AND (?5 = '[]' OR trigger IN (SELECT value FROM json_each(?5)))
        AND (?6 IS NULL OR actor_type = ?6)
        AND (?7 IS NULL OR actor_id = ?7)
        AND (?8 IS NULL OR started_at >= ?8)
        AND (?9 IS NULL OR started_at < ?9)
        AND (?10 IS NULL OR instr(lower(error), ?10) > 0)
        AND (?11 = '{}' OR NOT EXISTS (
            SELECT 1 FROM json_each(?11) f WHERE NOT EXISTS (
                SELECT 1 FROM json_each(attributes) a JOIN json_each(f.value) v
                WHERE a.key = f.key AND a.atom = v.atom
                    AND (a.type IN ('true', 'false')) = (v.type IN ('true', 'false'))
            )
        ))
        AND (?12 = '{}' OR NOT EXISTS (
            SELECT 1 FROM json_each(?12) f WHERE NOT EXISTS (
                SELECT 1 FROM json_each(attributes) a
                WHERE a.key = f.key AND a.type IN ('integer', 'real')
                    AND a.atom BETWEEN coalesce(f.value ->> 0, a.atom) AND coalesce(f.value ->> 1, a.atom)
            )
        ))
        AND (?13 IS NULL OR forked_from = ?13)

-- fragment: fitting_executions
-- ?17 as $19 in queries.sql.
-- include: filtered_executions
        AND (
            ?14 IS NULL
            OR (?14 <> '[]' AND words_version = version AND NOT EXISTS (
                SELECT 1 FROM json_each(?14) w WHERE instr(words, '"' || w.value) = 0
            ))
            OR (execution_id IS NULL AND log_id BETWEEN ?15 AND ?16)
            OR log_id IN (SELECT value FROM json_each(?17))
        )

-- name: wordless_executions
-- As in queries.sql.
SELECT json_group_array(json_array(
-- include: execution_columns
)) FROM (
    SELECT * FROM (
        SELECT *, workflow_id || ' ' || coalesce(execution_id, '') || ' ' || coalesce(error, '') || ' '
            || coalesce(attributes, '') AS texts FROM executions WHERE
-- include: filtered_executions
        AND words_version IS NOT version AND log_id > ?14
    )
    WHERE length(CAST(texts AS BLOB)) <> length(texts)
        OR NOT EXISTS (SELECT 1 FROM json_each(?15) w WHERE instr(lower(texts), w.value) = 0)
    ORDER BY log_id
    LIMIT ?16
)

-- name: execution
SELECT json_group_array(json_array(
-- include: execution_columns
)) FROM (
    SELECT * FROM executions WHERE log_id = ?
)

-- name: locate
SELECT json_group_array(json_array(
-- include: execution_columns
)) FROM (
    SELECT * FROM executions WHERE log_id IN (
        SELECT value FROM json_each(?1)
        UNION ALL SELECT log_id FROM runs WHERE run_id IN (SELECT value FROM json_each(?1))
    )
    ORDER BY (SELECT key FROM json_each(?1) WHERE value = log_id) NULLS LAST
    LIMIT 1
)

-- name: few_forks
SELECT json_group_array(log_id) FROM (
    SELECT log_id FROM executions WHERE workspace_id = ?2 AND forked_from = ?3 LIMIT ?1
)

-- name: few_executions_with_word
-- As few_with_word (queries_inbox_sqlite.sql).
SELECT json_group_array(log_id) FROM (
    SELECT log_id FROM execution_words WHERE word >= ?2 AND word < ?2 || char(1114111) LIMIT ?1
)

-- name: few_wordless_executions
SELECT json_group_array(log_id) FROM (
    SELECT log_id FROM executions WHERE workspace_id = ?2 AND words_version IS NOT version LIMIT ?1
)

-- name: few_executions_between
SELECT json_group_array(log_id) FROM (SELECT log_id FROM executions WHERE log_id BETWEEN ?2 AND ?3 LIMIT ?1)

-- name: executions_newest
SELECT json_group_array(json_array(
-- include: execution_columns
)) FROM (
    SELECT * FROM executions WHERE
-- include: fitting_executions
        AND (started_at, log_id) < (coalesce(?18, 9223372036854775807), coalesce(?19, 'g'))
    ORDER BY started_at DESC, log_id DESC
    LIMIT ?20
)

-- fragment: execution_keys
        SELECT log_id,
            CASE ?21
                WHEN 'started' THEN started_at
                WHEN 'updated' THEN updated_at
                WHEN 'ended' THEN ended_at
                ELSE ended_at - started_at
            END AS key

-- fragment: page_of_keys
-- Rows are read when they are sorted: they are wide.
        WHERE key IS NOT NULL AND (
            ?18 IS NULL
            OR CASE WHEN ?22 THEN (key, log_id) < (?18, ?19) ELSE (key, log_id) > (?18, ?19) END
        )
        ORDER BY CASE WHEN ?22 THEN -key ELSE key END, CASE WHEN ?22 THEN log_id END DESC, log_id
        LIMIT ?20
    ) page CROSS JOIN executions e ON e.log_id = page.log_id
    ORDER BY CASE WHEN ?22 THEN -key ELSE key END, CASE WHEN ?22 THEN page.log_id END DESC, page.log_id

-- name: executions
SELECT json_group_array(json_array(
-- include: execution_columns
)) FROM (
    SELECT e.* FROM (
        SELECT * FROM (
-- include: execution_keys
        FROM executions WHERE
-- include: fitting_executions
        )
-- include: page_of_keys
)

-- name: executions_among
SELECT json_group_array(json_array(
-- include: execution_columns
)) FROM (
    SELECT e.* FROM (
        SELECT * FROM (
-- include: execution_keys
        FROM (SELECT DISTINCT value AS one FROM json_each(?23)) CROSS JOIN executions ON log_id = one
        WHERE
-- include: fitting_executions
        )
-- include: page_of_keys
)

-- name: count_executions
SELECT json_group_array(json_array(status, found)) FROM (
    SELECT status, count(*) AS found FROM (
        SELECT status FROM executions WHERE
-- include: fitting_executions
        ORDER BY started_at DESC LIMIT ?18
    )
    GROUP BY status
)

-- name: count_executions_among
SELECT json_group_array(json_array(status, found)) FROM (
    SELECT status, count(*) AS found
    FROM (SELECT DISTINCT value AS one FROM json_each(?18)) CROSS JOIN executions ON log_id = one
    WHERE
-- include: fitting_executions
    GROUP BY status
)

-- name: count_by_workflow
SELECT json_group_array(json_array(workflow_id, status, found)) FROM (
    SELECT workflow_id, status, count(*) AS found FROM (
        SELECT workflow_id, status FROM executions WHERE
-- include: fitting_executions
        LIMIT ?18
    )
    GROUP BY workflow_id, status
)

-- name: at_work
SELECT count(*) FROM (SELECT 1 FROM executions WHERE NOT parked AND workspace_id = ? LIMIT ?)

-- name: unparked
SELECT json_group_array(log_id) FROM (
    SELECT log_id FROM executions WHERE partition = ? AND NOT parked ORDER BY log_id LIMIT -1
)

-- name: due
-- A workflow's partition is not in its row: the rule is topics.partition_of(), as in read_partitions.
SELECT json_group_array(json_array(log_id, due_at)) FROM (
    SELECT log_id, due_at FROM executions
    WHERE partition IN (SELECT value FROM json_each(?1)) AND due_at <= ?2
    UNION ALL
    SELECT log_id, due_at FROM workflows
    WHERE due_at <= ?2 AND (
        (instr('0123456789abcdef', substr(log_id, 29, 1)) - 1) * 4096
        + (instr('0123456789abcdef', substr(log_id, 30, 1)) - 1) * 256
        + (instr('0123456789abcdef', substr(log_id, 31, 1)) - 1) * 16
        + instr('0123456789abcdef', substr(log_id, 32, 1)) - 1
    ) % (SELECT partitions FROM cluster) IN (SELECT value FROM json_each(?1))
    ORDER BY due_at, log_id
    LIMIT ?3
)

-- name: broken
SELECT json_group_array(json_array(
-- include: execution_columns
)) FROM (
    SELECT * FROM executions WHERE broken IS NOT NULL ORDER BY updated_at DESC LIMIT ?
)

-- name: dead_commands
SELECT json_group_array(json_array(
    partition, command_offset, command_id, log_id, reason, command, died_at
)) FROM (
    SELECT partition, command_offset, command_id, log_id, reason, command, died_at
    FROM dead_commands WHERE settled_at IS NULL
    ORDER BY died_at DESC, partition, command_offset DESC LIMIT ?
)

-- name: snapshot
SELECT version, format, state FROM fold_snapshots WHERE log_id = ? AND typeof(version) = 'integer'

-- name: keep_snapshot
INSERT INTO fold_snapshots (log_id, version, format, state) VALUES (?, ?, ?, ?)
ON CONFLICT (log_id) DO UPDATE
SET version = excluded.version, format = excluded.format, state = excluded.state
WHERE fold_snapshots.version <= excluded.version

-- name: waypoint
SELECT version, format, state FROM fold_waypoints
WHERE log_id = ? AND version <= ? AND typeof(version) = 'integer'
ORDER BY version DESC LIMIT 1

-- name: keep_waypoint
INSERT INTO fold_waypoints (log_id, version, format, state) VALUES (?, ?, ?, ?)
ON CONFLICT (log_id, version) DO UPDATE SET format = excluded.format, state = excluded.state

-- name: track
INSERT INTO tracking (application_name, notification_id) VALUES (?, ?)
ON CONFLICT (application_name) DO UPDATE SET notification_id = excluded.notification_id
WHERE tracking.notification_id < excluded.notification_id

-- name: tracked
SELECT coalesce(max(notification_id), 0) FROM tracking WHERE application_name = ?

-- name: create_migrations
CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)

-- name: has_migrations
SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'migrations'

-- name: migrations
SELECT json_group_array(name) FROM (SELECT name FROM migrations ORDER BY name LIMIT -1)

-- name: record_migration
INSERT INTO migrations (name) VALUES (?)

-- name: partitions
SELECT max(partitions) FROM cluster

-- name: make_cluster
INSERT INTO cluster (partitions) VALUES (?)

-- name: make_partitions
INSERT INTO partitions (partition)
SELECT value FROM json_each(?)

-- name: ping
SELECT 1

-- name: record
SELECT value, version, expires_at FROM records
WHERE kind = ?1 AND scope = ?2 AND key = ?3 AND (expires_at IS NULL OR expires_at > ?4)

-- name: put_record
-- A new row, and with it a new version, in place of the one of the same key. ?7: what must be there.
INSERT OR REPLACE INTO records (kind, scope, key, value, expires_at, due_at)
SELECT ?1, ?2, ?3, ?4, ?5, ?6
WHERE ?7 IS NULL OR ?7 = coalesce(
    (
        SELECT version FROM records
        WHERE kind = ?1 AND scope = ?2 AND key = ?3 AND (expires_at IS NULL OR expires_at > ?8)
    ),
    0
)

-- name: remove_record
DELETE FROM records
WHERE kind = ?1 AND scope = ?2 AND key = ?3 AND (?4 IS NULL OR version = ?4)
    AND (expires_at IS NULL OR expires_at > ?5)

-- name: records
SELECT json_group_array(json_array(key, hex(value), version, expires_at)) FROM (
    SELECT key, value, version, expires_at FROM records
    WHERE kind = ?1 AND scope = ?2 AND key > ?3 AND (expires_at IS NULL OR expires_at > ?5)
    ORDER BY key LIMIT ?4
)

-- name: due_records
SELECT json_group_array(json_array(scope, key, hex(value), version, expires_at)) FROM (
    SELECT scope, key, value, version, expires_at FROM records
    WHERE kind = ?1 AND due_at <= ?2 AND (expires_at IS NULL OR expires_at > ?4)
    ORDER BY due_at, version LIMIT ?3
)

-- name: purge_records
DELETE FROM records WHERE version IN (
    SELECT version FROM records WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2
)
