//! What one principal may see of what a server lists, and of what it says of itself.

pub mod introduction;
pub mod list_filter;
pub mod omitted;
pub mod viewer;
