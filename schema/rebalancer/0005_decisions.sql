-- Decisions are kept for thirty days: the rows of `command`, with what was not chosen beside what
-- was. A table of its own would say most of it twice.

-- The best of the servers that were not chosen: a JSON array of [server, why] for one that could not
-- take it, and of [server, use] for one that could, its use in millionths of its capacity.
ALTER TABLE command ADD COLUMN candidates TEXT NOT NULL DEFAULT '';

-- For the decisions about one chunk. 64 stretches, each of which grows at its end alone: a plain index
-- on the chunk touches as many pages as there are commands, and doubles what a command costs.
CREATE INDEX command_of_chunk ON command (chunk_id % 64, command_id, chunk_id);

-- Nothing looks commands up by the time when they were closed.
DROP INDEX command_closed;

-- Up to which command decisions had come when the rebalancers of this database had run so long in
-- all (meta.running_ms): what is older than thirty days is told by this, since no wall clock decides.
CREATE TABLE decision_mark (
  running_ms INTEGER PRIMARY KEY,
  command_id INTEGER NOT NULL
) STRICT;

DROP VIEW open_commands;
DROP VIEW command_history;
CREATE VIEW command_history AS
SELECT k.command_id, k.epoch,
       CASE k.kind WHEN 0 THEN 'replicate' WHEN 1 THEN 'delete' WHEN 2 THEN 'verify'
                   ELSE 'report' END AS kind,
       k.reason, k.chunk_id, k.version, k.size_bytes, k.server_id, k.source_id, k.drop_id,
       CASE k.state WHEN 0 THEN 'open' WHEN 1 THEN 'done' WHEN 2 THEN 'failed'
                    WHEN 3 THEN 'refused' ELSE 'superseded' END AS state,
       k.why, k.because, k.issued_ms, k.closed_ms, k.candidates
FROM command k;
CREATE VIEW open_commands AS
SELECT h.* FROM outbox o JOIN command_history h USING (command_id);
