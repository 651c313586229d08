//! The way to a server and back.

pub mod keep_alive;
pub mod respond;
pub mod send;
pub mod send_error;
pub mod stream;
