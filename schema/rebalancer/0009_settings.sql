-- The settings with which the rebalancer runs, or last ran, written at its start.
CREATE TABLE setting (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL,
  given INTEGER NOT NULL CHECK (given IN (0, 1))  -- by its file or command line; else the default
) STRICT, WITHOUT ROWID;

CREATE VIEW settings AS SELECT key, value, given FROM setting;
