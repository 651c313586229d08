//! What lies beside the database: the files of the data directory, and what the disk says of those of the database.

pub(crate) mod data_dir;
pub(crate) mod disk_reserve;
pub(crate) mod open_file;
pub(crate) mod permissions;
pub(crate) mod wal_size;
