-- Exact calls that were refused for want of an approval. The arguments are sealed; they can be deleted, and what the log says
-- of them stays true.
CREATE TABLE asked_call (
    id TEXT PRIMARY KEY,
    grant_id TEXT NOT NULL,
    task TEXT,
    scope TEXT NOT NULL,
    definition TEXT,
    arguments TEXT NOT NULL,
    salt TEXT NOT NULL,
    installation TEXT,
    asked_at BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    requested_at BIGINT,
    sealed BYTEA NOT NULL
);
CREATE INDEX asked_call_grant ON asked_call (grant_id, not_after);
CREATE INDEX asked_call_end ON asked_call (not_after);
-- The one call that an elevation is good for, as JSON; NULL when it is good for any call of its scope.
ALTER TABLE elevation ADD COLUMN exact_call TEXT;
