-- Folded states on the way through a long log, so that its state as of any event is a short fold away.
-- They can be deleted at any time: they are made again, or the log is folded from its first event.
CREATE TABLE fold_waypoints (
    log_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    format INTEGER NOT NULL,
    state BLOB NOT NULL,
    PRIMARY KEY (log_id, version)
);
