-- What one operator has asked for and another one is to approve. state: 0 pending, 1 approved and done, 2
-- rejected, 3 expired. What it is: `operation` and of server_id to forced those that it needs; `what` is the
-- same in words, `meant` what the names in it stood for. It ends when meta.running_ms is at
-- expires_running_ms, since no wall clock decides. The estimate is that of when it was proposed.
CREATE TABLE proposal (
  proposal_id INTEGER PRIMARY KEY AUTOINCREMENT,
  state       INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3),
  operation   TEXT    NOT NULL,
  server_id   INTEGER,
  command_id  INTEGER,
  chunk_id    INTEGER,
  name        TEXT,
  policy      TEXT,
  pass        TEXT,
  goal        INTEGER,
  length_ms   INTEGER,
  forced      INTEGER NOT NULL DEFAULT 0 CHECK (forced IN (0, 1)),
  what        TEXT    NOT NULL,
  meant       TEXT    NOT NULL,
  proposed_by TEXT    NOT NULL CHECK (proposed_by <> ''),
  proposed_ms INTEGER NOT NULL,
  expires_running_ms INTEGER NOT NULL,
  decided_by  TEXT,
  decided_ms  INTEGER,
  decided_running_ms INTEGER,
  feasible    INTEGER,
  copy_chunks INTEGER,
  copy_bytes  INTEGER,
  duration_ms INTEGER,
  rules       TEXT    NOT NULL DEFAULT '',  -- one a line
  at_risk     INTEGER NOT NULL
) STRICT;
CREATE INDEX proposal_pending ON proposal (proposal_id) WHERE state = 0;

-- Nothing that two people are wanted for is done by one of them, and what is decided stays so.
CREATE TRIGGER proposal_is_approved_by_another BEFORE UPDATE OF state, decided_by ON proposal
WHEN NEW.state = 1 AND (NEW.decided_by IS NULL OR NEW.decided_by IN ('', NEW.proposed_by))
BEGIN SELECT RAISE(ABORT, 'what one has proposed another one approves'); END;
CREATE TRIGGER proposal_is_decided_once BEFORE UPDATE OF state ON proposal WHEN OLD.state <> 0
BEGIN SELECT RAISE(ABORT, 'a proposal is decided about once'); END;

CREATE VIEW proposals AS
SELECT p.proposal_id,
       CASE WHEN p.state = 0 AND p.expires_running_ms <= m.running_ms THEN 'expired'
            ELSE CASE p.state WHEN 0 THEN 'pending' WHEN 1 THEN 'approved' WHEN 2 THEN 'rejected'
                              ELSE 'expired' END END AS state,
       p.operation, p.what, p.proposed_by, p.proposed_ms,
       CASE WHEN p.state = 0 THEN max(p.expires_running_ms - m.running_ms, 0) END AS expires_left_ms,
       p.decided_by, p.decided_ms, p.feasible, p.copy_chunks, p.copy_bytes, p.duration_ms,
       p.at_risk AS chunks_at_risk
FROM proposal p JOIN meta m;
