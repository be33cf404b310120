-- Servers that are away: since when, and until when they are awaited, by meta.running_ms, since no wall
-- clock decides; NULL once they have said again what they hold. gone_excused: an operator has said that
-- it is no reason for the brake. Whether that holds follows from these, also after a restart.
ALTER TABLE server ADD COLUMN gone_running_ms INTEGER;
ALTER TABLE server ADD COLUMN gone_excused INTEGER NOT NULL DEFAULT 0 CHECK (gone_excused IN (0, 1));
ALTER TABLE server ADD COLUMN awaited_until_running_ms INTEGER;

CREATE VIEW absences AS
SELECT s.server_id, s.location, s.liveness, s.planned,
       m.running_ms - s.gone_running_ms AS gone_ms,
       max(s.awaited_until_running_ms - m.running_ms, 0) AS awaited_left_ms,
       s.gone_excused AS excused
FROM server s JOIN meta m
WHERE s.gone_running_ms IS NOT NULL;

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
         WHEN h.health = 'under_replicated'
              AND EXISTS (SELECT 1 FROM replica r JOIN server s USING (server_id)
                          WHERE r.chunk_id = h.chunk_id AND r.state = 0
                            AND s.awaited_until_running_ms > (SELECT running_ms FROM meta))
           THEN 'a server that holds it is away and awaited'
         WHEN EXISTS (SELECT 1 FROM paused_pass WHERE pass = 'repair') THEN 'repair is paused'
         ELSE 'waiting for its turn' END) AS why,
       a.since_ms
FROM chunk_health h LEFT JOIN set_aside a USING (chunk_id)
WHERE h.health IN ('lost', 'at_risk', 'under_replicated', 'over_replicated');
