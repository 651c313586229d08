-- What one authorization gave to one copy of a client. The family of a refresh token is the id of its installation.
CREATE TABLE installation (
    id TEXT PRIMARY KEY,
    grant_id TEXT NOT NULL,
    client TEXT NOT NULL,
    person TEXT,
    since BIGINT NOT NULL,
    last_refresh BIGINT,
    not_after BIGINT NOT NULL,
    hard_end BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX installation_grant ON installation (grant_id, since);
CREATE INDEX installation_person ON installation (person, since);
CREATE INDEX installation_end ON installation (not_after);

-- Families from before this version live on, until their grant ends or nobody uses them.
INSERT INTO installation (id, grant_id, client, person, since, not_after, hard_end)
SELECT r.family, g.id, MIN(r.client), g.person,
    CASE WHEN MIN(r.issued_at) = 0 THEN g.created_at ELSE MIN(r.issued_at) END,
    MAX(r.not_after), g.not_after
FROM refresh_token r JOIN agent_grant g ON g.id = r.grant_id
WHERE r.family NOT IN (SELECT family FROM refresh_token WHERE state = 'ended')
GROUP BY r.family, g.id, g.person, g.created_at, g.not_after;

ALTER TABLE code ADD COLUMN installation TEXT NOT NULL DEFAULT '';
UPDATE code SET installation = 'ins_' || substr(digest, 1, 32);
CREATE INDEX code_installation ON code (installation);

-- How a refresh token was used. The nonce is kept only while the answer may be asked for again.
ALTER TABLE refresh_token ADD COLUMN rotated_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE refresh_token ADD COLUMN reuse_until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE refresh_token ADD COLUMN nonce TEXT;
ALTER TABLE refresh_token ADD COLUMN answer_until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE refresh_token ADD COLUMN answer_scopes TEXT NOT NULL DEFAULT '';
ALTER TABLE refresh_token ADD COLUMN used_by TEXT NOT NULL DEFAULT '';
ALTER TABLE refresh_token ADD COLUMN used_from TEXT NOT NULL DEFAULT '';
ALTER TABLE refresh_token ADD COLUMN repeats BIGINT NOT NULL DEFAULT 0;
CREATE INDEX refresh_token_nonce ON refresh_token (family) WHERE nonce IS NOT NULL;
