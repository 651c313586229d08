//! What a block ended, before anybody has written it down.
//!
//! A block is one short row, whatever it covers; writing down each end that it means takes as long as there are ends.
//! So a grant or an elevation that is read is over from the moment of the block, also when its row still says
//! otherwise, and it stays over when the block is lifted. The rows follow in pages: `block_ends`.

use model::Timestamp;

/// Since when a grant `g` of an agent `a` is stopped for good; `NULL` when it is not.
///
/// A block on a server, a tool or everything pauses a grant; one on whom it names ends it.
macro_rules! grant_ended_by_block {
    () => {
        "(SELECT MIN(b.since) FROM block b WHERE
             (b.kind = 'agent' AND b.name = g.agent AND b.since >= g.created_at)
          OR (b.kind = 'client' AND b.name = a.client AND b.since >= g.created_at)
          OR (b.kind = 'person' AND b.name = g.person AND b.since >= g.created_at)
          OR (b.kind = 'person' AND b.name = a.owner AND b.since >= g.created_at))"
    };
}
pub(crate) use grant_ended_by_block;

/// Since when an elevation `e` is stopped for good; `NULL` when it is not.
///
/// Whatever covers it ends it, and so does a block on anybody who approved it: whoever had their session may have
/// approved for anybody.
macro_rules! elevation_ended_by_block {
    () => {
        "(SELECT MIN(b.since) FROM agent_grant g JOIN agent a ON a.id = g.agent JOIN block b ON
             (b.kind = 'all' AND b.name = '' AND b.since >= e.requested_at)
          OR (b.kind = 'server' AND b.name = g.server AND b.since >= e.requested_at)
          OR (b.kind = 'tool' AND b.name = e.scope AND b.since >= e.requested_at)
          OR (b.kind = 'agent' AND b.name = g.agent AND b.since >= e.requested_at)
          OR (b.kind = 'client' AND b.name = a.client AND b.since >= e.requested_at)
          OR (b.kind = 'person' AND b.name = g.person AND b.since >= e.requested_at)
          OR (b.kind = 'person' AND b.name = a.owner AND b.since >= e.requested_at)
          OR (b.kind = 'person' AND b.name = e.decided_by AND b.since >= e.decided_at)
          OR (b.kind = 'person' AND b.since >= e.decided_at AND EXISTS (SELECT 1 FROM elevation_approver v
              WHERE v.elevation = e.id AND v.person = b.name))
          WHERE g.id = e.grant_id)"
    };
}
pub(crate) use elevation_ended_by_block;

/// The later of two ends is no end: what a block stopped is over since then.
pub(crate) fn earlier(ended_at: Option<Timestamp>, stopped: Option<Timestamp>) -> Option<Timestamp> {
    match (ended_at, stopped) {
        (Some(ended), Some(stopped)) => Some(ended.min(stopped)),
        (ended, stopped) => ended.or(stopped),
    }
}
