-- What operators want: of servers, and of the passes of the planner.

-- after_drain: 0 it stays, 1 it is removed once it is drained, 2 also if it is dead by then. A
-- maintenance ends when meta.running_ms is there, since no wall clock decides.
ALTER TABLE server ADD COLUMN after_drain INTEGER NOT NULL DEFAULT 0
  CHECK (after_drain BETWEEN 0 AND 2);
ALTER TABLE server ADD COLUMN maintenance_until_running_ms INTEGER;

-- Of a delete: its chunk's goal when it was decided. A goal that is raised while the delete is open
-- makes the agent refuse it.
ALTER TABLE command ADD COLUMN goal INTEGER NOT NULL DEFAULT 0;

CREATE TABLE paused_pass (
  pass     TEXT PRIMARY KEY CHECK (pass IN ('repair', 'drain', 'spread', 'trim', 'balance')),
  since_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

DROP VIEW server_status;
CREATE VIEW server_status AS
SELECT s.server_id, s.storage, s.location, s.address, s.liveness, s.planned, s.admin,
       s.after_drain > 0 AS to_be_removed,
       max(s.maintenance_until_running_ms - m.running_ms, 0) AS maintenance_left_ms,
       s.capacity_bytes, s.reserve_bytes, s.free_bytes,
       coalesce(r.replicas, 0) AS replicas, coalesce(r.used_bytes, 0) AS used_bytes,
       CASE WHEN s.capacity_bytes > 0
            THEN round(1.0 * coalesce(r.used_bytes, 0) / s.capacity_bytes, 6) END AS used_share,
       (SELECT count(*) FROM outbox o WHERE o.server_id = s.server_id) AS open_commands,
       s.reported_epoch = m.epoch AS reported, s.incarnation, s.fenced_epoch, s.changed_ms
FROM server s JOIN meta m
LEFT JOIN (SELECT server_id, count(*) AS replicas, sum(size_bytes) AS used_bytes
           FROM replica JOIN chunk USING (chunk_id) GROUP BY server_id) r USING (server_id);

DROP VIEW replica_status;
CREATE VIEW replica_status AS
SELECT r.chunk_id, r.server_id, r.version,
       CASE r.state WHEN 0 THEN 'valid' WHEN 1 THEN 'surplus' WHEN 2 THEN 'suspect'
                    WHEN 3 THEN 'corrupt' ELSE 'stale' END AS state,
       s.liveness, s.admin, s.reported_epoch = m.epoch AS reported,
       r.state <= 1 AND s.liveness <> 'dead' AND s.admin <> 'removed' AS counts
FROM replica r JOIN server s USING (server_id) JOIN meta m;

-- What is on servers that leave still counts as valid, and not as one too many.
DROP VIEW chunk_health;
CREATE VIEW chunk_health AS
SELECT c.chunk_id, c.version, c.size_bytes, lower(hex(c.checksum)) AS checksum, c.goal,
       CASE c.life WHEN 0 THEN 'creating' WHEN 1 THEN 'live' ELSE 'retired' END AS life,
       coalesce(v.valid, 0) AS valid_replicas,
       coalesce(v.staying, 0) + coalesce(o.coming, 0) AS projected_replicas,
       coalesce(v.other, 0) AS other_replicas,
       CASE WHEN c.life <> 1 THEN CASE c.life WHEN 0 THEN 'creating' ELSE 'retired' END
            WHEN coalesce(v.valid, 0) = 0 THEN 'lost'
            WHEN v.valid < c.goal AND v.valid = 1 THEN 'at_risk'
            WHEN v.valid < c.goal THEN 'under_replicated'
            WHEN v.in_service > c.goal THEN 'over_replicated'
            ELSE 'healthy' END AS health
FROM chunk c
LEFT JOIN (SELECT r.chunk_id, sum(r.state <= 1 AND s.liveness <> 'dead' AND s.admin <> 'removed') AS valid,
                  sum(r.state > 1 OR s.liveness = 'dead' OR s.admin = 'removed') AS other,
                  sum(r.state <= 1 AND s.liveness <> 'dead'
                      AND s.admin IN ('in_service', 'maintenance')) AS in_service,
                  sum(r.state <= 1 AND s.liveness <> 'dead'
                      AND s.admin IN ('in_service', 'maintenance') AND g.server_id IS NULL) AS staying
           FROM replica r JOIN server s USING (server_id)
           LEFT JOIN (SELECT DISTINCT chunk_id,
                             iif(kind = 1, command.server_id, drop_id) AS server_id
                      FROM outbox JOIN command USING (command_id)
                      WHERE kind = 1 OR drop_id IS NOT NULL) g
             ON g.chunk_id = r.chunk_id AND g.server_id = r.server_id
           GROUP BY r.chunk_id) v USING (chunk_id)
LEFT JOIN (SELECT chunk_id, count(*) AS coming FROM outbox JOIN command USING (command_id)
           WHERE kind = 0 GROUP BY chunk_id) o USING (chunk_id);

DROP VIEW violations;
CREATE VIEW violations AS
SELECT h.chunk_id, h.health, h.valid_replicas, h.goal,
       coalesce(a.why, CASE
         WHEN h.health = 'over_replicated' THEN 'waiting for the evidence that a delete needs'
         WHEN h.health <> 'lost' AND h.projected_replicas >= h.goal THEN 'being copied'
         WHEN h.health = 'lost' THEN 'no valid replica on a server that lives'
         WHEN EXISTS (SELECT 1 FROM replica r JOIN server s USING (server_id)
                      WHERE r.chunk_id = h.chunk_id AND r.state <= 1 AND s.liveness = 'dead'
                        AND s.admin = 'maintenance') THEN 'waiting for a server in maintenance'
         WHEN EXISTS (SELECT 1 FROM paused_pass WHERE pass = 'repair') THEN 'repair is paused'
         ELSE 'waiting for its turn' END) AS why,
       a.since_ms
FROM chunk_health h LEFT JOIN set_aside a USING (chunk_id)
WHERE h.health IN ('lost', 'at_risk', 'under_replicated', 'over_replicated');

-- What still rests on servers that leave: fewer than goal valid replicas elsewhere, on servers that
-- are in service, alive and have reported.
CREATE VIEW drains AS
SELECT s.server_id, s.admin, s.after_drain > 0 AS to_be_removed, count(l.chunk_id) AS chunks_left,
       coalesce(sum(l.size_bytes), 0) AS bytes_left
FROM server s
LEFT JOIN (SELECT r.server_id, c.chunk_id, c.size_bytes
           FROM replica r JOIN chunk c USING (chunk_id)
           WHERE c.life <> 2
             AND (SELECT count(*) FROM replica e JOIN server h USING (server_id)
                  WHERE e.chunk_id = r.chunk_id AND e.server_id <> r.server_id AND e.state = 0
                    AND h.liveness = 'alive' AND h.admin = 'in_service'
                    AND h.reported_epoch = (SELECT epoch FROM meta)) < c.goal) l USING (server_id)
WHERE s.admin IN ('draining', 'drained')
GROUP BY s.server_id;

CREATE VIEW paused_passes AS SELECT pass, since_ms FROM paused_pass;

DROP VIEW invariant_delete_without_evidence;
CREATE VIEW invariant_delete_without_evidence AS
SELECT c.command_id, c.chunk_id FROM command c JOIN chunk k USING (chunk_id)
WHERE c.kind = 1 AND c.state = 0 AND NOT (c.detail = 1 AND k.life = 2)
  AND (SELECT count(DISTINCT e.location) FROM evidence e WHERE e.command_id = c.command_id
       AND e.server_id <> c.server_id AND e.presence_age_ms <= 600000)
      < iif(c.goal > 0, min(c.goal, k.goal), k.goal);
