//! What one principal may see of what a server lists.

pub mod list_filter;
pub mod omitted;
pub mod viewer;
