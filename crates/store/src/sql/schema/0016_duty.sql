-- Approving in the name of another person, until a time; for one server, or for all.
CREATE TABLE duty (
    id TEXT PRIMARY KEY,
    from_person TEXT NOT NULL,
    to_person TEXT NOT NULL,
    server TEXT,
    since BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    cause TEXT,
    ended_at BIGINT
);
CREATE INDEX duty_from ON duty (from_person) WHERE ended_at IS NULL;
CREATE INDEX duty_to ON duty (to_person) WHERE ended_at IS NULL;
CREATE INDEX duty_newest ON duty (since, id);
