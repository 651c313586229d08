-- Tasks: named pieces of work; elevations belong to them and end with them. `idle` is in seconds, 0 for none.
CREATE TABLE task (
    id TEXT PRIMARY KEY,
    agent TEXT NOT NULL,
    person TEXT,
    grant_id TEXT,
    purpose TEXT NOT NULL,
    digest TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    deadline BIGINT NOT NULL,
    idle BIGINT NOT NULL,
    max_uses BIGINT,
    uses BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    cause TEXT,
    ended_at BIGINT
);
CREATE INDEX task_newest ON task (opened_at, id);
CREATE INDEX task_standing ON task (agent) WHERE state <> 'ended';
CREATE INDEX task_grant ON task (grant_id) WHERE state <> 'ended';
ALTER TABLE elevation ADD COLUMN task TEXT;
ALTER TABLE elevation ADD COLUMN idle BIGINT NOT NULL DEFAULT 0;
ALTER TABLE elevation ADD COLUMN idle_until BIGINT;
CREATE INDEX elevation_task ON elevation (task) WHERE task IS NOT NULL;
CREATE INDEX elevation_idle ON elevation (idle_until) WHERE state = 'active';
