-- One text for SQLite and PostgreSQL. Times are microseconds, digests are hex, yes is 1 and no is 0.

CREATE TABLE counter (name TEXT PRIMARY KEY, value BIGINT NOT NULL);
INSERT INTO counter (name, value) VALUES ('epoch', 1);

CREATE TABLE node (name TEXT PRIMARY KEY, epoch BIGINT NOT NULL, seen_at BIGINT NOT NULL);

-- Private keys, sealed with the master key.
CREATE TABLE signing_key (
    name TEXT PRIMARY KEY,
    purpose TEXT NOT NULL CHECK (purpose IN ('access', 'log')),
    sealed BYTEA NOT NULL,
    made_at BIGINT NOT NULL
);

-- The log: one row, one row per commit, one row per full tile.
CREATE TABLE audit_head (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    size BIGINT NOT NULL,
    frontier BYTEA NOT NULL,
    checkpoint TEXT NOT NULL
);
CREATE TABLE audit_batch (
    first_seq BIGINT PRIMARY KEY,
    count BIGINT NOT NULL,
    entries BYTEA NOT NULL,
    hashes BYTEA NOT NULL
);
CREATE TABLE audit_tile (
    level BIGINT NOT NULL,
    idx BIGINT NOT NULL,
    root BYTEA NOT NULL,
    hashes BYTEA NOT NULL,
    PRIMARY KEY (level, idx)
);

CREATE TABLE person (
    id TEXT PRIMARY KEY,
    display_name TEXT NOT NULL,
    roles TEXT NOT NULL,
    disabled BIGINT NOT NULL CHECK (disabled IN (0, 1)),
    password_phc TEXT
);
-- What the configuration file declared at the last start, so that what is taken out of it is noticed.
CREATE TABLE declared (kind TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (kind, name));
CREATE TABLE enrolment (digest TEXT PRIMARY KEY, person TEXT NOT NULL UNIQUE, not_after BIGINT NOT NULL);
CREATE TABLE session (
    digest TEXT PRIMARY KEY,
    person TEXT NOT NULL,
    logged_in_at BIGINT NOT NULL,
    not_after BIGINT NOT NULL
);
CREATE INDEX session_person ON session (person);

CREATE TABLE client (
    id TEXT PRIMARY KEY,
    client TEXT NOT NULL,
    document_digest TEXT NOT NULL,
    fetched_at BIGINT NOT NULL,
    fresh_until BIGINT NOT NULL
);

CREATE TABLE agent (
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    owner TEXT NOT NULL,
    purpose TEXT NOT NULL,
    kind TEXT NOT NULL,
    client TEXT NOT NULL,
    assurance TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX agent_delegated ON agent (client, owner) WHERE kind = 'delegated';

CREATE TABLE agent_grant (
    id TEXT PRIMARY KEY,
    agent TEXT NOT NULL,
    person TEXT,
    server TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE UNIQUE INDEX agent_grant_live ON agent_grant (agent, server) WHERE ended_at IS NULL;
CREATE INDEX agent_grant_agent ON agent_grant (agent, created_at);

CREATE TABLE elevation (
    id TEXT PRIMARY KEY,
    grant_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    step_up TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    requested_at BIGINT NOT NULL,
    decide_before BIGINT NOT NULL,
    decided_by TEXT,
    decided_at BIGINT,
    lasts BIGINT NOT NULL,
    not_after BIGINT,
    max_uses BIGINT NOT NULL,
    uses BIGINT NOT NULL
);
CREATE INDEX elevation_grant ON elevation (grant_id, state);
CREATE INDEX elevation_newest ON elevation (requested_at);
CREATE INDEX elevation_waiting ON elevation (decide_before) WHERE state = 'requested';
CREATE INDEX elevation_active ON elevation (not_after) WHERE state = 'active';

CREATE TABLE flow (digest TEXT PRIMARY KEY, browser TEXT NOT NULL, request TEXT NOT NULL, not_after BIGINT NOT NULL);

CREATE TABLE code (
    digest TEXT PRIMARY KEY,
    client TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    challenge TEXT NOT NULL,
    grant_id TEXT NOT NULL,
    scopes TEXT NOT NULL,
    resource TEXT NOT NULL,
    auth_time BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    used BIGINT NOT NULL CHECK (used IN (0, 1))
);
CREATE INDEX code_grant ON code (grant_id);

CREATE TABLE refresh_token (
    digest TEXT PRIMARY KEY,
    family TEXT NOT NULL,
    client TEXT NOT NULL,
    grant_id TEXT NOT NULL,
    scopes TEXT NOT NULL,
    resource TEXT NOT NULL,
    not_after BIGINT NOT NULL,
    state TEXT NOT NULL
);
CREATE INDEX refresh_token_family ON refresh_token (family);
CREATE INDEX refresh_token_grant ON refresh_token (grant_id);

CREATE TABLE used_once (kind TEXT NOT NULL, word TEXT NOT NULL, not_after BIGINT NOT NULL, PRIMARY KEY (kind, word));

CREATE TABLE block (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    since BIGINT NOT NULL,
    reason TEXT NOT NULL,
    lifted_at BIGINT,
    PRIMARY KEY (kind, name)
);

-- For deleting what is over.
CREATE INDEX session_end ON session (not_after);
CREATE INDEX flow_end ON flow (not_after);
CREATE INDEX code_end ON code (not_after);
CREATE INDEX refresh_token_end ON refresh_token (not_after);
CREATE INDEX used_once_end ON used_once (not_after);
