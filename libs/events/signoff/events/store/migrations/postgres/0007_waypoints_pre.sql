-- Folded states on the way through a long log, so that its state as of any event is a short fold away.
-- They can be deleted at any time: they are made again, or the log is folded from its first event.
CREATE TABLE fold_waypoints (
    version bigint NOT NULL,
    format integer NOT NULL,
    log_id uuid NOT NULL,
    state bytea NOT NULL,
    PRIMARY KEY (log_id, version)
);
