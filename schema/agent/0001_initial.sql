-- The journal of one chunk directory: who it is, and what it was told and did. Sizes are bytes;
-- times in at_ms are ms since 1970 UTC, for people only; ages are told by the age_* columns.

-- One row: whose directory this is. A journal that belongs to another cluster or server is refused.
CREATE TABLE identity (
  id              INTEGER PRIMARY KEY CHECK (id = 1),
  cluster         TEXT    NOT NULL,
  server          INTEGER NOT NULL CHECK (server >= 1),
  storage         BLOB    NOT NULL CHECK (length(storage) = 16),
  incarnation     INTEGER NOT NULL CHECK (incarnation >= 0),
  epoch           INTEGER NOT NULL CHECK (epoch >= 0),
  copy_key        BLOB    CHECK (length(copy_key) = 32),
  journal         INTEGER NOT NULL CHECK (journal >= 0),  -- last number given to an effect
  watermark       INTEGER,                                -- results up to this id may be forgotten
  age_reading_ms  INTEGER,                                -- the clock of ages when last written down
  age_boot        TEXT,
  age_instant_ms  INTEGER,
  age_wall_ms     INTEGER
) STRICT;

-- A fence never goes down, whatever the program believes.
CREATE TRIGGER identity_only_grows BEFORE UPDATE ON identity
WHEN NEW.epoch < OLD.epoch OR NEW.incarnation < OLD.incarnation OR NEW.journal < OLD.journal
  OR NEW.storage <> OLD.storage OR NEW.server <> OLD.server OR NEW.cluster <> OLD.cluster
BEGIN
  SELECT RAISE(ABORT, 'identity: epoch, incarnation and journal only grow; the rest stays');
END;

-- An agent's last word on a command: written before it is said, said until it is confirmed, kept
-- for a while after, so that the same command has the same result for ever.
CREATE TABLE result (
  command     INTEGER PRIMARY KEY,
  journal     INTEGER NOT NULL UNIQUE,
  outcome     TEXT    NOT NULL CHECK (outcome IN ('done', 'failed', 'refused')),
  reason      TEXT    NOT NULL,
  detail      TEXT    NOT NULL,
  bytes_done  INTEGER NOT NULL,
  free_bytes  INTEGER NOT NULL,
  confirmed   INTEGER NOT NULL DEFAULT 0 CHECK (confirmed IN (0, 1)),
  at_ms       INTEGER NOT NULL
) STRICT;

CREATE TABLE blamed (
  command  INTEGER NOT NULL REFERENCES result ON DELETE CASCADE,
  place    INTEGER NOT NULL,
  server   INTEGER NOT NULL,
  fault    TEXT    NOT NULL CHECK (fault IN ('corrupt', 'unreachable', 'missing', 'refused')),
  PRIMARY KEY (command, place)
) STRICT, WITHOUT ROWID;

-- Written before a replica is moved to the trash, so that a delete that was cut off in the middle
-- is known for what it was when its command comes again.
CREATE TABLE tombstone (
  chunk    INTEGER NOT NULL,
  version  INTEGER NOT NULL,
  command  INTEGER NOT NULL,
  at_ms    INTEGER NOT NULL,
  PRIMARY KEY (chunk, version)
) STRICT, WITHOUT ROWID;

-- Replicas that clients stored, with the number that their receipts bear.
CREATE TABLE stored (
  chunk    INTEGER NOT NULL,
  version  INTEGER NOT NULL,
  journal  INTEGER NOT NULL UNIQUE,
  at_ms    INTEGER NOT NULL,
  PRIMARY KEY (chunk, version)
) STRICT, WITHOUT ROWID;

-- What was last found out about a replica's content, and when, by the clock of ages.
CREATE TABLE content_check (
  chunk       INTEGER NOT NULL,
  version     INTEGER NOT NULL,
  checksum    BLOB    NOT NULL CHECK (length(checksum) = 16),
  finding     TEXT    NOT NULL CHECK (finding IN ('ok', 'corrupt', 'short', 'unreadable')),
  checked_ms  INTEGER,
  PRIMARY KEY (chunk, version)
) STRICT, WITHOUT ROWID;
