//! The life of an elevation: opened, decided, used, ended.

pub mod decide;
pub mod end;
pub mod open;
pub mod uses;
