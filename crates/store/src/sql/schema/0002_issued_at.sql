-- When a code or a refresh token was issued. Of those from before it is not known: they count as older than
-- anything that could have ended them.
ALTER TABLE code ADD COLUMN issued_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE refresh_token ADD COLUMN issued_at BIGINT NOT NULL DEFAULT 0;
