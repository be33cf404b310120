-- What the membership service knows. Sizes are bytes; times are ms since 1970 UTC, for people only.

-- One row. The stream names the numbering of the events and is made once, with the file; the
-- number of the last event never goes back. Both are committed before an event is published.
CREATE TABLE meta (
  only_row    INTEGER PRIMARY KEY CHECK (only_row = 1),
  cluster     TEXT    NOT NULL CHECK (length(cluster) BETWEEN 1 AND 63),
  stream      BLOB    NOT NULL CHECK (length(stream) = 16),
  last_number INTEGER NOT NULL CHECK (last_number >= 0)
) STRICT;

CREATE TRIGGER meta_stream_is_for_ever BEFORE UPDATE OF cluster, stream ON meta
BEGIN SELECT RAISE(ABORT, 'cluster and stream never change'); END;

CREATE TRIGGER meta_number_only_grows BEFORE UPDATE OF last_number ON meta
WHEN NEW.last_number <= OLD.last_number
BEGIN SELECT RAISE(ABORT, 'event numbers never go back'); END;

-- Each server as the last event about it told. A server that left is dead and planned.
CREATE TABLE member (
  server_id      INTEGER PRIMARY KEY CHECK (server_id > 0),
  incarnation    INTEGER NOT NULL CHECK (incarnation >= 0),
  storage        BLOB    NOT NULL CHECK (length(storage) = 16),
  liveness       TEXT    NOT NULL CHECK (liveness IN ('alive', 'suspect', 'dead')),
  planned        INTEGER NOT NULL CHECK (planned IN (0, 1)),
  location       TEXT    NOT NULL,
  address        TEXT    NOT NULL,
  capacity_bytes INTEGER NOT NULL CHECK (capacity_bytes >= 0),
  reserve_bytes  INTEGER NOT NULL CHECK (reserve_bytes >= 0),
  free_bytes     INTEGER NOT NULL CHECK (free_bytes >= 0),
  used_bytes     INTEGER NOT NULL CHECK (used_bytes >= 0),
  event_number   INTEGER NOT NULL CHECK (event_number > 0),  -- of the last event about it
  event_at_ms    INTEGER NOT NULL
) STRICT;

-- One storage is at one server, unless it is dead there: a disk must not count twice.
CREATE UNIQUE INDEX member_storage ON member (storage) WHERE liveness <> 'dead';
