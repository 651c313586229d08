//! Deleting what is long over, so that the tables do not grow with time.

use model::{Installation, Span, Timestamp};
use sqlx::{AnyConnection, query};

use crate::error::StoreError;

/// How long an expired code or refresh token is remembered, so that its return is still seen for what it is.
const REMEMBERED: Span = Span::from_minutes(24 * 60);

/// How long a client's metadata document is kept that nobody asks for any more.
const DOCUMENT_KEPT: Span = Span::from_minutes(90 * 24 * 60);

/// How long the arguments of a call are kept that somebody asked for: so long the next one is shown beside it.
const ARGUMENTS_KEPT: Span = Span::from_minutes(30 * 24 * 60);

/// How long it is remembered what became of a message.
const MESSAGE_KEPT: Span = Span::from_minutes(7 * 24 * 60);

/// Deletes expired rows. The log keeps what happened; these rows say only what may still happen.
pub(crate) async fn delete(connection: &mut AnyConnection, now: Timestamp) -> Result<(), StoreError> {
    let before = |span: Span| now.micros() - span.seconds() as i64 * 1_000_000;
    for (sql, before) in [
        ("DELETE FROM session WHERE not_after <= $1", now.micros()),
        ("DELETE FROM enrolment WHERE not_after <= $1", now.micros()),
        ("DELETE FROM flow WHERE not_after <= $1", now.micros()),
        ("DELETE FROM used_once WHERE not_after <= $1", now.micros()),
        ("DELETE FROM asked_call WHERE requested_at IS NULL AND not_after <= $1", now.micros()),
        ("DELETE FROM asked_call WHERE not_after <= $1", before(ARGUMENTS_KEPT)),
        ("DELETE FROM code WHERE not_after <= $1", before(REMEMBERED)),
        ("DELETE FROM refresh_token WHERE not_after <= $1", before(REMEMBERED)),
        ("DELETE FROM installation WHERE not_after <= $1", before(REMEMBERED)),
        // Nothing that could be told again is kept for longer than it may be.
        ("UPDATE refresh_token SET nonce = NULL WHERE nonce IS NOT NULL AND reuse_until <= $1", now.micros()),
        ("DELETE FROM outbox WHERE state <> 'waiting' AND ended_at <= $1", before(MESSAGE_KEPT)),
        ("DELETE FROM block WHERE kind = 'installation' AND since <= $1", before(Installation::BLOCKED_FOR)),
        // As long as there is an agent that presents it, it says who that is.
        (
            "DELETE FROM client WHERE fetched_at <= $1
             AND NOT EXISTS (SELECT 1 FROM agent WHERE agent.client = client.id)",
            before(DOCUMENT_KEPT),
        ),
    ] {
        query(sql).bind(before).execute(&mut *connection).await?;
    }
    Ok(())
}
