-- The operators' views: stable names and columns, described in views.md. Readers open the file
-- read only (mode=ro); nobody but the rebalancer writes.

CREATE VIEW server_status AS
SELECT s.server_id, s.storage, s.location, s.address, s.liveness, s.planned, s.admin,
       s.capacity_bytes, s.reserve_bytes, s.free_bytes,
       coalesce(r.replicas, 0) AS replicas, coalesce(r.used_bytes, 0) AS used_bytes,
       CASE WHEN s.capacity_bytes > 0
            THEN round(1.0 * coalesce(r.used_bytes, 0) / s.capacity_bytes, 6) END AS used_share,
       (SELECT count(*) FROM outbox o WHERE o.server_id = s.server_id) AS open_commands,
       s.reported_epoch = m.epoch AS reported, s.incarnation, s.fenced_epoch, s.changed_ms
FROM server s JOIN meta m
LEFT JOIN (SELECT server_id, count(*) AS replicas, sum(size_bytes) AS used_bytes
           FROM replica JOIN chunk USING (chunk_id) GROUP BY server_id) r USING (server_id);

CREATE VIEW replica_status AS
SELECT r.chunk_id, r.server_id, r.version,
       CASE r.state WHEN 0 THEN 'valid' WHEN 1 THEN 'surplus' WHEN 2 THEN 'suspect'
                    WHEN 3 THEN 'corrupt' ELSE 'stale' END AS state,
       s.liveness, s.admin, s.reported_epoch = m.epoch AS reported,
       r.state <= 1 AND s.liveness <> 'dead' AS counts
FROM replica r JOIN server s USING (server_id) JOIN meta m;

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
            WHEN v.valid > c.goal THEN 'over_replicated'
            ELSE 'healthy' END AS health
FROM chunk c
LEFT JOIN (SELECT r.chunk_id, sum(r.state <= 1 AND s.liveness <> 'dead') AS valid,
                  sum(r.state > 1 OR s.liveness = 'dead') AS other,
                  sum(r.state <= 1 AND s.liveness <> 'dead' AND s.admin = 'in_service'
                      AND g.server_id IS NULL) AS staying
           FROM replica r JOIN server s USING (server_id)
           LEFT JOIN (SELECT DISTINCT chunk_id,
                             iif(kind = 1, command.server_id, drop_id) AS server_id
                      FROM outbox JOIN command USING (command_id)
                      WHERE kind = 1 OR drop_id IS NOT NULL) g
             ON g.chunk_id = r.chunk_id AND g.server_id = r.server_id
           GROUP BY r.chunk_id) v USING (chunk_id)
LEFT JOIN (SELECT chunk_id, count(*) AS coming FROM outbox JOIN command USING (command_id)
           WHERE kind = 0 GROUP BY chunk_id) o USING (chunk_id);

CREATE VIEW command_history AS
SELECT k.command_id, k.epoch,
       CASE k.kind WHEN 0 THEN 'replicate' WHEN 1 THEN 'delete' WHEN 2 THEN 'verify'
                   ELSE 'report' END AS kind,
       k.reason, k.chunk_id, k.version, k.size_bytes, k.server_id, k.source_id, k.drop_id,
       CASE k.state WHEN 0 THEN 'open' WHEN 1 THEN 'done' WHEN 2 THEN 'failed'
                    WHEN 3 THEN 'refused' ELSE 'superseded' END AS state,
       k.why, k.because, k.issued_ms, k.closed_ms
FROM command k;

CREATE VIEW open_commands AS
SELECT h.* FROM outbox o JOIN command_history h USING (command_id);

CREATE VIEW violations AS
SELECT h.chunk_id, h.health, h.valid_replicas, h.goal,
       coalesce(a.why, CASE
         WHEN h.health = 'over_replicated' THEN 'waiting for the evidence that a delete needs'
         WHEN h.health <> 'lost' AND h.projected_replicas >= h.goal THEN 'being copied'
         WHEN h.health = 'lost' THEN 'no valid replica on a server that lives'
         ELSE 'waiting for its turn' END) AS why,
       a.since_ms
FROM chunk_health h LEFT JOIN set_aside a USING (chunk_id)
WHERE h.health IN ('lost', 'at_risk', 'under_replicated', 'over_replicated');

CREATE VIEW files AS
SELECT f.file_id, f.name, f.size_bytes, f.goal,
       CASE f.state WHEN 0 THEN 'being_put' ELSE 'complete' END AS state,
       (SELECT count(*) FROM file_chunk c WHERE c.file_id = f.file_id) AS chunks, f.created_ms
FROM file f;

CREATE VIEW events AS SELECT event_number, at_ms, kind, subject, text FROM event;

-- Invariants: each of these is empty, always.
CREATE VIEW invariant_delete_without_evidence AS
SELECT c.command_id, c.chunk_id FROM command c JOIN chunk k USING (chunk_id)
WHERE c.kind = 1 AND c.state = 0 AND NOT (c.detail = 1 AND k.life = 2)
  AND (SELECT count(DISTINCT e.location) FROM evidence e WHERE e.command_id = c.command_id
       AND e.server_id <> c.server_id AND e.presence_age_ms <= 600000) < k.goal;
CREATE VIEW invariant_outbox_is_open_commands AS
SELECT command_id, 'open, not in the outbox' AS fault FROM command
WHERE state = 0 AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.command_id = command.command_id
                                AND o.server_id = command.server_id)
UNION ALL
SELECT o.command_id, 'in the outbox, not open' FROM outbox o JOIN command c USING (command_id)
WHERE c.state <> 0;
CREATE VIEW invariant_copy_onto_holder AS
SELECT c.command_id, c.chunk_id, c.server_id FROM command c JOIN replica r
  ON r.chunk_id = c.chunk_id AND r.server_id = c.server_id
WHERE c.kind = 0 AND c.state = 0 AND r.state <= 1 AND r.version >= c.version;
CREATE VIEW invariant_replica_ahead_of_chunk AS
SELECT r.chunk_id, r.server_id FROM replica r JOIN chunk c USING (chunk_id)
WHERE r.version > c.version OR (r.state <= 1 AND r.version <> c.version);
