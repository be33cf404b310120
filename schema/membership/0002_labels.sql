-- What its operator says of it: "disk=ssd,tier=hot", by key; empty if nothing.
ALTER TABLE member ADD COLUMN labels TEXT NOT NULL DEFAULT '';
