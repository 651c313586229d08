-- The calls of each node whose intent is in the log and whose end is not: in the row that every change reads and writes
-- anyway, so that nothing is added to a call.
ALTER TABLE audit_head ADD COLUMN open_calls BYTEA;
