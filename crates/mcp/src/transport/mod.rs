//! How messages travel.

pub mod http;
