-- The revocation epoch is a value that never comes again: a number that can be restored is taken for another state.
-- The newest row counts; older ones say which acknowledgements are of this history.
CREATE TABLE epoch (value BIGINT PRIMARY KEY, stamp TEXT NOT NULL UNIQUE, log_size BIGINT NOT NULL);
INSERT INTO epoch (value, stamp, log_size)
SELECT value, 'first', COALESCE((SELECT size FROM audit_head), 0) FROM counter WHERE name = 'epoch';
DROP TABLE counter;

-- What each node acts on, written durably: its lease and its acknowledgement in one.
DROP TABLE node;
CREATE TABLE node (
    name TEXT PRIMARY KEY,
    boot TEXT NOT NULL,
    stamp TEXT NOT NULL,
    log_size BIGINT NOT NULL,
    seen_at BIGINT NOT NULL
);

-- The latest time of any change: time does not go back, whichever node's clock does.
ALTER TABLE audit_head ADD COLUMN changed_at BIGINT NOT NULL DEFAULT 0;

-- Is everything written down that the block ended? What a block ends is refused by the block itself from its first moment.
ALTER TABLE block ADD COLUMN written BIGINT NOT NULL DEFAULT 1 CHECK (written IN (0, 1));
CREATE INDEX block_unwritten ON block (since) WHERE written = 0;
CREATE INDEX agent_client ON agent (client, id);
CREATE INDEX agent_owner ON agent (owner, id);
CREATE INDEX agent_grant_person ON agent_grant (person) WHERE ended_at IS NULL;
CREATE INDEX agent_grant_ended ON agent_grant (ended_at) WHERE ended_at IS NOT NULL;
