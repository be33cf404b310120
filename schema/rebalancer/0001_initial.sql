-- What the rebalancer knows, has decided and has ordered. Sizes are bytes; *_ms are milliseconds
-- since 1970-01-01 UTC, for people only; *_age_ms are durations. The large tables keep closed lists
-- as small integers; the views of 0002 give their names.

-- One row. `commits` is raised by the first statement of every transaction, which fails if another
-- rebalancer has raised the epoch meanwhile (S4). `command_floor`: no id below it is ever given out
-- again, also when old rows of `command` have been removed. `running_ms`: how long rebalancers of
-- this database have run in all; the clock of what must wait for days, since no wall clock decides.
CREATE TABLE meta (
  id                INTEGER PRIMARY KEY CHECK (id = 1),
  cluster           TEXT    NOT NULL,
  epoch             INTEGER NOT NULL CHECK (epoch >= 0),
  commits           INTEGER NOT NULL DEFAULT 0,
  command_floor     INTEGER NOT NULL DEFAULT 1,
  next_chunk        INTEGER NOT NULL DEFAULT 1,
  next_file         INTEGER NOT NULL DEFAULT 1,
  running_ms        INTEGER NOT NULL DEFAULT 0,
  membership_stream TEXT,
  membership_number INTEGER NOT NULL DEFAULT 0,
  copy_secret       BLOB    NOT NULL CHECK (length(copy_secret) = 32),
  hold_deletes      TEXT
) STRICT;

-- A chunk server: one agent with one chunk directory (storage).
CREATE TABLE server (
  server_id        INTEGER PRIMARY KEY CHECK (server_id >= 1),
  storage          TEXT    NOT NULL UNIQUE CHECK (length(storage) = 32),
  incarnation      INTEGER NOT NULL,
  location         TEXT    NOT NULL,
  address          TEXT    NOT NULL,
  capacity_bytes   INTEGER NOT NULL CHECK (capacity_bytes >= 0),
  reserve_bytes    INTEGER NOT NULL CHECK (reserve_bytes >= 0),
  free_bytes       INTEGER NOT NULL CHECK (free_bytes >= 0),
  liveness         TEXT    NOT NULL CHECK (liveness IN ('alive', 'suspect', 'dead')),
  planned          INTEGER NOT NULL DEFAULT 0 CHECK (planned IN (0, 1)),
  admin            TEXT    NOT NULL DEFAULT 'in_service'
                   CHECK (admin IN ('in_service', 'draining', 'drained', 'maintenance', 'removed')),
  fenced_epoch     INTEGER NOT NULL DEFAULT 0,  -- the highest epoch it said that its journal has
  reported_epoch   INTEGER NOT NULL DEFAULT 0,  -- epoch in which its last full inventory was taken in
  report_journal   INTEGER NOT NULL DEFAULT 0,  -- journal number of that inventory
  inventory_number INTEGER NOT NULL DEFAULT 0,  -- of that incarnation
  acked_journal    INTEGER NOT NULL DEFAULT 0,  -- highest journal number acknowledged
  changed_ms       INTEGER NOT NULL
) STRICT;

-- life: 0 creating (a client is storing it), 1 live, 2 retired (deleted by its owner; the row stays
-- as a tombstone, so that a server which returns later has its replica collected, not resurrected).
CREATE TABLE chunk (
  chunk_id   INTEGER PRIMARY KEY CHECK (chunk_id >= 0),
  version    INTEGER NOT NULL CHECK (version >= 0),
  size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
  checksum   BLOB    NOT NULL CHECK (length(checksum) = 16),
  goal       INTEGER NOT NULL CHECK (goal BETWEEN 1 AND 16),
  life       INTEGER NOT NULL CHECK (life IN (0, 1, 2)),
  retired_running_ms INTEGER  -- meta.running_ms when it was retired
) STRICT;
CREATE INDEX chunk_not_live ON chunk (life) WHERE life <> 1;

-- A version of content never changes, and never goes back (S19).
CREATE TRIGGER chunk_version_never_decreases BEFORE UPDATE OF version ON chunk
WHEN NEW.version < OLD.version
BEGIN SELECT RAISE(ABORT, 'S19: a chunk''s version never decreases'); END;

-- state: 0 valid, 1 surplus (valid, chosen to go once the goal is met without it), 2 suspect (blamed
-- as a source, to be verified), 3 corrupt, 4 stale (an older version). journal: number of the effect
-- on its storage that made it; 0 if an inventory told of it.
CREATE TABLE replica (
  chunk_id  INTEGER NOT NULL REFERENCES chunk,
  server_id INTEGER NOT NULL REFERENCES server,
  state     INTEGER NOT NULL CHECK (state BETWEEN 0 AND 4),
  version   INTEGER NOT NULL,
  journal   INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (chunk_id, server_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX replica_by_server ON replica (server_id);

-- kind: 0 replicate, 1 delete, 2 verify, 3 report. state: 0 open, 1 done, 2 failed, 3 refused,
-- 4 superseded. server_id executes it; source_id is the first source of a copy; drop_id the replica
-- that a move is to make surplus. `because` says in words what the decision rested on.
CREATE TABLE command (
  command_id INTEGER PRIMARY KEY,
  epoch      INTEGER NOT NULL,
  kind       INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 3),
  reason     TEXT    NOT NULL,
  chunk_id   INTEGER REFERENCES chunk,
  version    INTEGER,
  size_bytes INTEGER NOT NULL DEFAULT 0,
  server_id  INTEGER NOT NULL REFERENCES server,
  storage    TEXT    NOT NULL,
  source_id  INTEGER REFERENCES server,
  drop_id    INTEGER REFERENCES server,
  detail     INTEGER NOT NULL DEFAULT 0,  -- verify: 0 presence, 1 content; delete: 1 retired
  state      INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 4),
  why        TEXT    NOT NULL DEFAULT '',
  because    TEXT    NOT NULL DEFAULT '',
  issued_ms  INTEGER NOT NULL,
  closed_ms  INTEGER
) STRICT;
-- S2: at most one unconfirmed delete of a chunk, whoever holds it.
CREATE UNIQUE INDEX one_open_delete ON command (chunk_id) WHERE kind = 1 AND state = 0;
-- S14: no two copies of a chunk under way to the same server.
CREATE UNIQUE INDEX one_open_copy ON command (chunk_id, server_id) WHERE kind = 0 AND state = 0;
CREATE INDEX command_closed ON command (closed_ms) WHERE state <> 0;

-- The replicas elsewhere that a delete leans on, as they were vouched for when it was issued.
CREATE TABLE evidence (
  command_id      INTEGER NOT NULL REFERENCES command ON DELETE CASCADE,
  server_id       INTEGER NOT NULL,
  storage         TEXT    NOT NULL,
  location        TEXT    NOT NULL,
  version         INTEGER NOT NULL,
  epoch           INTEGER NOT NULL,
  presence_age_ms INTEGER NOT NULL,
  content_age_ms  INTEGER NOT NULL,
  vouched_by      TEXT    NOT NULL CHECK (vouched_by IN ('command', 'inventory')),
  vouched         INTEGER NOT NULL,
  PRIMARY KEY (command_id, server_id)
) STRICT, WITHOUT ROWID;

-- A row is written in the transaction that issues its command, after the command and its evidence,
-- and deleted in the one that closes it; in between it is sent as often as it takes.
CREATE TABLE outbox (
  server_id  INTEGER NOT NULL,
  command_id INTEGER NOT NULL REFERENCES command,
  PRIMARY KEY (server_id, command_id)
) STRICT, WITHOUT ROWID;

-- S1, enforced where it cannot be forgotten: a delete whose evidence does not hold at this moment
-- cannot be promised to an agent.
CREATE TRIGGER delete_needs_evidence BEFORE INSERT ON outbox
WHEN EXISTS (
  SELECT 1 FROM command c JOIN chunk k USING (chunk_id)
  WHERE c.command_id = NEW.command_id AND c.kind = 1 AND NOT (c.detail = 1 AND k.life = 2)
    AND (SELECT count(DISTINCT e.location)
         FROM evidence e
         JOIN replica r ON r.chunk_id = c.chunk_id AND r.server_id = e.server_id
         JOIN server s ON s.server_id = e.server_id
         WHERE e.command_id = c.command_id AND e.server_id <> c.server_id
           AND r.state = 0 AND r.version = k.version AND e.version = k.version
           AND s.storage = e.storage AND s.liveness = 'alive' AND s.admin = 'in_service'
           AND s.reported_epoch = (SELECT epoch FROM meta) AND e.epoch = s.reported_epoch
           AND e.presence_age_ms <= 600000
           AND NOT EXISTS (SELECT 1 FROM command d WHERE d.chunk_id = c.chunk_id AND d.kind = 1
                           AND d.state = 0 AND d.server_id = e.server_id)) < k.goal)
BEGIN SELECT RAISE(ABORT, 'S1: a delete without sufficient evidence'); END;

-- S3: a delete never expires. It is closed by its acknowledgement, or because its storage is no longer
-- the server's; never superseded while that storage may act. That its replica is gone does not close it.
CREATE TRIGGER delete_never_expires BEFORE UPDATE OF state ON command
WHEN OLD.kind = 1 AND OLD.state = 0 AND NEW.state = 4
     AND EXISTS (SELECT 1 FROM server s WHERE s.server_id = OLD.server_id
                 AND s.storage = OLD.storage AND s.admin <> 'removed')
BEGIN SELECT RAISE(ABORT, 'S3: a delete is not superseded while its storage may act'); END;

-- A chunk that a pass could not help now, and why; looked at again later.
CREATE TABLE set_aside (
  chunk_id INTEGER PRIMARY KEY REFERENCES chunk,
  why      TEXT    NOT NULL,
  since_ms INTEGER NOT NULL
) STRICT;

-- Names for lists of chunks, for what is put through the CLI. state: 0 being put, 1 complete.
CREATE TABLE file (
  file_id    INTEGER PRIMARY KEY,
  name       TEXT    NOT NULL UNIQUE,
  size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
  goal       INTEGER NOT NULL,
  state      INTEGER NOT NULL CHECK (state IN (0, 1)),
  opened_running_ms INTEGER NOT NULL,
  created_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX file_open ON file (state) WHERE state = 0;
CREATE TABLE file_chunk (
  file_id  INTEGER NOT NULL REFERENCES file,
  place    INTEGER NOT NULL,
  chunk_id INTEGER NOT NULL REFERENCES chunk,
  PRIMARY KEY (file_id, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX file_of_chunk ON file_chunk (chunk_id);

-- What happened, for people and programs; published as event.<kind> after the commit.
CREATE TABLE event (
  event_number INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms        INTEGER NOT NULL,
  kind         TEXT    NOT NULL CHECK (kind IN ('server', 'chunk', 'command', 'mode', 'file')),
  subject      TEXT    NOT NULL,
  text         TEXT    NOT NULL
) STRICT;
