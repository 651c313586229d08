-- Who answers for what an agent is for, and whether anything above the low tier stands for it.
ALTER TABLE agent ADD COLUMN sponsor TEXT;
ALTER TABLE agent ADD COLUMN eligible_only BIGINT NOT NULL DEFAULT 0;
