-- A login may belong to a task: its code says so, and its refresh tokens.
ALTER TABLE code ADD COLUMN task TEXT;
ALTER TABLE refresh_token ADD COLUMN task TEXT;
-- The scope that a call in the task lacked last, when that was, and whether the task was that of its token (1) or named in the call (0):
-- what is consented to for it belongs to the task.
ALTER TABLE task ADD COLUMN lacked TEXT;
ALTER TABLE task ADD COLUMN lacked_at BIGINT;
ALTER TABLE task ADD COLUMN lacked_by_token BIGINT;
CREATE INDEX task_of_agent ON task (agent, opened_at, id);
