-- What operators say of a server: "disk=ssd,tier=hot", by key; empty if nothing. Keys and values have
-- none of , = " and \ in them, so that they can be taken apart as below.
ALTER TABLE server ADD COLUMN labels TEXT NOT NULL DEFAULT '';

CREATE VIEW server_labels AS
SELECT s.server_id, l.key, l.value
FROM server s,
     json_each('{"' || replace(replace(s.labels, '=', '":"'), ',', '","') || '"}') l
WHERE s.labels <> '';
