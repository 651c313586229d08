-- When a signing key begins to sign, and when it is not believed any more. Those from before sign since ever.
ALTER TABLE signing_key ADD COLUMN signs_from BIGINT NOT NULL DEFAULT 0;
ALTER TABLE signing_key ADD COLUMN gone_at BIGINT;
