-- Exceptions: that one agent is spared what a policy says, for a reason, by somebody's word, and until then.
CREATE TABLE policy_exception (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    agent TEXT NOT NULL,
    server TEXT,
    reason TEXT NOT NULL,
    owner TEXT NOT NULL,
    added_at BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    cause TEXT,
    ended_at BIGINT
);
CREATE INDEX policy_exception_newest ON policy_exception (added_at, id);
CREATE INDEX policy_exception_standing ON policy_exception (agent) WHERE ended_at IS NULL;
CREATE INDEX policy_exception_owner ON policy_exception (owner) WHERE ended_at IS NULL;
