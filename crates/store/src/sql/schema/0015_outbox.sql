-- Messages for receivers outside, each put here by the transaction that caused it. `pace` is what it is told once in a while
-- of, `first_due_at` when it may be sent first, `due_at` when it is tried next.
CREATE TABLE outbox (
    id TEXT PRIMARY KEY,
    receiver TEXT NOT NULL,
    kind TEXT NOT NULL,
    pace TEXT,
    body TEXT NOT NULL,
    state TEXT NOT NULL,
    first_due_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    lease TEXT,
    leased_until BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    said TEXT,
    ended_at BIGINT
);
CREATE INDEX outbox_due ON outbox (receiver, due_at) WHERE state = 'waiting';
CREATE INDEX outbox_pace ON outbox (receiver, pace, first_due_at) WHERE pace IS NOT NULL;
CREATE INDEX outbox_ended ON outbox (ended_at) WHERE state <> 'waiting';
-- Receivers that said that they want no more, and since when one that fails has failed.
CREATE TABLE receiver (
    name TEXT PRIMARY KEY,
    off_since BIGINT,
    failing_since BIGINT,
    delivered_at BIGINT
);
