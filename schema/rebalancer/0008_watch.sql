-- What operators watch, as numbers. The rebalancer writes them from what it has in memory, in the
-- transactions that make them so: nobody has to read ten million chunks to know how many are well.

-- One row, as of the last commit that changed anything, and of the last second in which a rebalancer
-- ran. *_some: at most 24 chunk ids, as JSON. *_chunk_ms: how many chunks there were, times how long,
-- added up over all that was ever run.
CREATE TABLE gauge (
  id               INTEGER PRIMARY KEY CHECK (id = 1),
  at_ms            INTEGER NOT NULL DEFAULT 0,
  mode             TEXT    NOT NULL DEFAULT 'stopped',
  why              TEXT    NOT NULL DEFAULT '',
  creating         INTEGER NOT NULL DEFAULT 0,
  retired          INTEGER NOT NULL DEFAULT 0,
  healthy          INTEGER NOT NULL DEFAULT 0,
  lost             INTEGER NOT NULL DEFAULT 0,
  at_risk          INTEGER NOT NULL DEFAULT 0,
  under_replicated INTEGER NOT NULL DEFAULT 0,
  over_replicated  INTEGER NOT NULL DEFAULT 0,
  unsorted         INTEGER NOT NULL DEFAULT 0,
  replicas         INTEGER NOT NULL DEFAULT 0,
  files            INTEGER NOT NULL DEFAULT 0,
  lost_some        TEXT    NOT NULL DEFAULT '[]',
  at_risk_some     TEXT    NOT NULL DEFAULT '[]',
  under_some       TEXT    NOT NULL DEFAULT '[]',
  over_some        TEXT    NOT NULL DEFAULT '[]',
  lost_chunk_ms       INTEGER NOT NULL DEFAULT 0,
  at_risk_chunk_ms    INTEGER NOT NULL DEFAULT 0,
  below_goal_chunk_ms INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO gauge (id, files) SELECT 1, count(*) FROM file WHERE state = 1;
CREATE TRIGGER file_counted AFTER UPDATE OF state ON file WHEN OLD.state = 0 AND NEW.state = 1
BEGIN UPDATE gauge SET files = files + 1; END;
CREATE TRIGGER file_uncounted AFTER DELETE ON file WHEN OLD.state = 1
BEGIN UPDATE gauge SET files = files - 1; END;

-- What a server carries, written once a second where it is another. *_left: what rests on one that
-- leaves, counted bit by bit; NULL until that was done.
CREATE TABLE server_load (
  server_id      INTEGER PRIMARY KEY REFERENCES server,
  replicas       INTEGER NOT NULL,
  used_bytes     INTEGER NOT NULL,
  incoming_bytes INTEGER NOT NULL,
  outgoing_bytes INTEGER NOT NULL,
  copies_in      INTEGER NOT NULL,
  copies_out     INTEGER NOT NULL,
  chunks_left    INTEGER,
  bytes_left     INTEGER
) STRICT;

-- Commands of each kind and reason: under way now, and how they ended since this table was made.
CREATE TABLE command_count (
  kind       INTEGER NOT NULL,
  reason     TEXT    NOT NULL,
  open       INTEGER NOT NULL,
  open_bytes INTEGER NOT NULL,
  done       INTEGER NOT NULL,
  done_bytes INTEGER NOT NULL,
  failed     INTEGER NOT NULL,
  refused    INTEGER NOT NULL,
  superseded INTEGER NOT NULL,
  PRIMARY KEY (kind, reason)
) STRICT, WITHOUT ROWID;

-- How it was over time: a row each 10 s for two hours, each minute for a day, each 10 min for thirty
-- days. Totals only grow; what happened between two rows is the difference.
CREATE TABLE sample (
  at_s             INTEGER PRIMARY KEY,
  chunks           INTEGER NOT NULL,
  lost             INTEGER NOT NULL,
  at_risk          INTEGER NOT NULL,
  under_replicated INTEGER NOT NULL,
  over_replicated  INTEGER NOT NULL,
  open_commands    INTEGER NOT NULL,
  open_bytes       INTEGER NOT NULL,
  copied           INTEGER NOT NULL,
  copied_bytes     INTEGER NOT NULL,
  deleted          INTEGER NOT NULL,
  failed           INTEGER NOT NULL,
  lost_chunk_ms       INTEGER NOT NULL,
  at_risk_chunk_ms    INTEGER NOT NULL,
  below_goal_chunk_ms INTEGER NOT NULL,
  servers          INTEGER NOT NULL,
  servers_alive    INTEGER NOT NULL,
  used_bytes       INTEGER NOT NULL,
  capacity_bytes   INTEGER NOT NULL
) STRICT;

CREATE VIEW cluster_state AS
SELECT at_ms, mode, why, healthy + lost + at_risk + under_replicated + over_replicated AS chunks,
       healthy, lost, at_risk, under_replicated, over_replicated, creating, retired, replicas, files,
       unsorted, lost_some, at_risk_some, under_some, over_some,
       lost_chunk_ms, at_risk_chunk_ms, below_goal_chunk_ms
FROM gauge;

CREATE VIEW command_totals AS
SELECT CASE kind WHEN 0 THEN 'replicate' WHEN 1 THEN 'delete' WHEN 2 THEN 'verify'
                 ELSE 'report' END AS kind,
       reason, open, open_bytes, done, done_bytes, failed, refused, superseded
FROM command_count;

CREATE VIEW risk_over_time AS
SELECT at_s * 1000 AS at_ms, chunks, lost, at_risk, under_replicated, over_replicated,
       open_commands, open_bytes, copied, copied_bytes, deleted, failed,
       lost_chunk_ms, at_risk_chunk_ms, below_goal_chunk_ms,
       servers, servers_alive, used_bytes, capacity_bytes
FROM sample;

DROP VIEW server_status;
CREATE VIEW server_status AS
SELECT s.server_id, s.storage, s.location, s.address, s.liveness, s.planned, s.admin,
       s.after_drain > 0 AS to_be_removed,
       max(s.maintenance_until_running_ms - m.running_ms, 0) AS maintenance_left_ms,
       s.capacity_bytes, s.reserve_bytes, s.free_bytes,
       coalesce(l.replicas, 0) AS replicas, coalesce(l.used_bytes, 0) AS used_bytes,
       CASE WHEN s.capacity_bytes > 0
            THEN round(1.0 * coalesce(l.used_bytes, 0) / s.capacity_bytes, 6) END AS used_share,
       coalesce(l.incoming_bytes, 0) AS incoming_bytes,
       coalesce(l.outgoing_bytes, 0) AS outgoing_bytes,
       coalesce(l.copies_in, 0) AS copies_in, coalesce(l.copies_out, 0) AS copies_out,
       (SELECT count(*) FROM outbox o WHERE o.server_id = s.server_id) AS open_commands,
       s.reported_epoch = m.epoch AS reported, s.incarnation, s.fenced_epoch, s.changed_ms
FROM server s JOIN meta m LEFT JOIN server_load l USING (server_id);

-- What still rests on servers that leave: fewer than goal valid replicas elsewhere, on servers that
-- are in service, alive and have reported.
DROP VIEW drains;
CREATE VIEW drains AS
SELECT s.server_id, s.admin, s.after_drain > 0 AS to_be_removed, l.chunks_left, l.bytes_left
FROM server s LEFT JOIN server_load l USING (server_id)
WHERE s.admin IN ('draining', 'drained');
