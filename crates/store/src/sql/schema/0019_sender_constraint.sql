-- The thumbprint of the key that a code or a refresh token is bound to; none where it is bound to no key.
ALTER TABLE code ADD COLUMN jkt TEXT;
ALTER TABLE refresh_token ADD COLUMN jkt TEXT;
