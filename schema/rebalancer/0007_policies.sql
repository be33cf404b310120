-- Policies: where replicas of a chunk may be, and how many there should be.

-- Id 0 is always there; its goal is the settings' default_goal, written at each start. Rules on
-- labels are kept as they are written: "disk = ssd, not exists tier".
CREATE TABLE policy (
  policy_id INTEGER PRIMARY KEY CHECK (policy_id BETWEEN 0 AND 255),
  name      TEXT    NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 63),
  goal      INTEGER NOT NULL CHECK (goal BETWEEN 1 AND 16),
  spread    TEXT    NOT NULL CHECK (spread IN ('host', 'rack', 'zone')),
  required  TEXT    NOT NULL,
  preferred TEXT    NOT NULL
) STRICT;
INSERT INTO policy VALUES (0, 'default', 3, 'host', '', '');

-- Servers that the label rule of a policy refuses: what `required` makes of `server.labels`.
CREATE TABLE policy_refusal (
  policy_id INTEGER NOT NULL REFERENCES policy,
  server_id INTEGER NOT NULL REFERENCES server,
  PRIMARY KEY (policy_id, server_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX policy_refusal_by_server ON policy_refusal (server_id);

-- Most chunks have the default one.
ALTER TABLE chunk ADD COLUMN policy INTEGER NOT NULL DEFAULT 0;
CREATE INDEX chunk_by_policy ON chunk (policy) WHERE policy <> 0;
ALTER TABLE file ADD COLUMN policy INTEGER NOT NULL DEFAULT 0;

CREATE TRIGGER policy_of_a_chunk_is_there BEFORE UPDATE OF policy ON chunk
WHEN NOT EXISTS (SELECT 1 FROM policy WHERE policy_id = NEW.policy)
BEGIN SELECT RAISE(ABORT, 'a chunk''s policy must be there'); END;
CREATE TRIGGER policy_in_use_stays BEFORE DELETE ON policy
WHEN OLD.policy_id = 0
     OR EXISTS (SELECT 1 FROM chunk WHERE policy = OLD.policy_id AND policy <> 0)
BEGIN SELECT RAISE(ABORT, 'a policy that chunks have stays'); END;

CREATE VIEW policies AS
SELECT p.policy_id, p.name, p.goal, p.spread, p.required, p.preferred,
       (SELECT count(*) FROM policy_refusal f WHERE f.policy_id = p.policy_id) AS servers_refused,
       (SELECT count(*) FROM chunk c WHERE c.policy = p.policy_id AND c.life <> 2) AS chunks
FROM policy p;

CREATE VIEW chunk_policy AS
SELECT c.chunk_id, p.name AS policy FROM chunk c JOIN policy p ON p.policy_id = c.policy;

-- How replicas lie, against what the policy asks: of those that count, how many are one too many in
-- a failure domain of the size that is to be different for each, and how many are on servers that
-- the policy refuses.
CREATE VIEW chunk_placement AS
SELECT chunk_id, policy, spread, count(domain) AS replicas, count(DISTINCT domain) AS domains,
       count(domain) - count(DISTINCT domain) AS crowded, sum(is_refused) AS refused
FROM (SELECT c.chunk_id, p.name AS policy, p.spread,
             CASE p.spread
               WHEN 'host' THEN s.location
               WHEN 'zone' THEN substr(s.location, 1, instr(s.location || '/', '/') - 1)
               ELSE coalesce(nullif(rtrim(rtrim(s.location, replace(s.location, '/', '')), '/'), ''),
                             s.location) END AS domain,
             EXISTS (SELECT 1 FROM policy_refusal f WHERE f.policy_id = c.policy
                     AND f.server_id = s.server_id) AS is_refused
      FROM chunk c JOIN policy p ON p.policy_id = c.policy
      LEFT JOIN replica r ON r.chunk_id = c.chunk_id AND r.state = 0
      LEFT JOIN server s ON s.server_id = r.server_id AND s.liveness <> 'dead'
      WHERE c.life = 1)
GROUP BY chunk_id;

-- Chunks that have enough replicas, but not where their policy wants them, and why they stay there.
CREATE VIEW misreplicated AS
SELECT p.chunk_id, p.policy, p.replicas, p.crowded, p.refused,
       coalesce(a.why, iif(EXISTS (SELECT 1 FROM outbox JOIN command c USING (command_id)
                                   WHERE c.chunk_id = p.chunk_id AND c.kind = 0),
                           'being copied', 'waiting for its turn')) AS why,
       a.since_ms
FROM chunk_placement p LEFT JOIN set_aside a USING (chunk_id)
WHERE p.crowded > 0 OR p.refused > 0;
