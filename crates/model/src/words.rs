//! What a server says of itself.

use crate::text_enum;

/// What a server says of itself to whoever asks, and what a model may read of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// `instructions`: how its tools are to be used.
    Instructions,
    /// `serverInfo`: its name, title and description.
    ServerInfo,
}

text_enum!(Words { Instructions => "instructions", ServerInfo => "server_info" });
