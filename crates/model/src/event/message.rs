//! Messages to receivers outside: what could not be told.

use schemars::JsonSchema;
use serde::Serialize;
use serde_with::skip_serializing_none;

/// Messages were given up: their receiver did not take them for too long.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MessagesGivenUp {
    /// The name of the receiver.
    pub receiver: String,
    /// The `webhook-id` of the message that was tried last.
    pub message: String,
    /// How many were given up, that one among them.
    pub messages: u64,
    /// How often that one was tried.
    pub attempts: u32,
    /// What came back the last time.
    pub said: String,
}

/// A receiver gets no more messages, or gets them again.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ReceiverSwitched {
    /// The name of the receiver.
    pub receiver: String,
    /// Whether it gets messages from now on.
    pub is_on: bool,
    /// How many messages that waited for it are given up.
    pub messages: u64,
}
