//! What a failure of the database means to whoever runs it, and what to do about it.
//!
//! What the driver says is for whoever knows the driver; a sentence for everybody else comes before it.
//!
//! Spec: SQLite result codes, PostgreSQL appendix A (SQLSTATE).

use std::fmt;

/// A failure of the database, by what can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    DiskFull,
    NotWritable,
    Standby,
    NotOpened,
    DiskFailed,
    Damaged,
    Held,
    WrongPassword,
    NoDatabase,
    NoRight,
    NoMoreConnections,
    Restarting,
    Unreachable,
    NoTls,
    NoAddress,
    Refused,
}

impl Fault {
    pub(crate) fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(refusal) => refusal.code().map_or(Self::Refused, |code| Self::of_code(&code)),
            sqlx::Error::Io(_) => Self::Unreachable,
            sqlx::Error::Tls(_) => Self::NoTls,
            sqlx::Error::Configuration(_) => Self::NoAddress,
            _ => Self::Refused,
        }
    }

    /// SQLSTATE has five characters, and SQLite's codes have at most four digits.
    fn of_code(code: &str) -> Self {
        match code {
            "53100" => Self::DiskFull,
            "25006" => Self::Standby,
            "28000" | "28P01" => Self::WrongPassword,
            "3D000" => Self::NoDatabase,
            "42501" => Self::NoRight,
            "53300" => Self::NoMoreConnections,
            "25P03" | "40001" | "40P01" | "55P03" | "57014" => Self::Held,
            "57P01" | "57P02" | "57P03" => Self::Restarting,
            state if state.len() == 5 && state.starts_with("08") => Self::Unreachable,
            state if state.len() == 5 => Self::Refused,
            // The primary result code is in the low byte.
            code => match code.parse::<i64>().map(|code| code & 0xff) {
                Ok(3 | 14 | 23) => Self::NotOpened,
                Ok(5 | 6) => Self::Held,
                Ok(8) => Self::NotWritable,
                Ok(10) => Self::DiskFailed,
                Ok(11 | 26) => Self::Damaged,
                Ok(13) => Self::DiskFull,
                _ => Self::Refused,
            },
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::DiskFull => "the disk of the database is full; make room on it",
            Self::NotWritable => {
                "the database can not be written; let the user that runs this write to its file and folder, and look \
                 whether its disk is mounted read-only"
            }
            Self::Standby => "the database server takes no changes; name the primary in `store`, and not a standby",
            Self::NotOpened => {
                "the database file can not be opened; let the user that runs this read and write it and its folder"
            }
            Self::DiskFailed => {
                "the disk failed under the database; look at the log of the system, and copy the database before anything \
                 else is done"
            }
            Self::Damaged => {
                "the database file is damaged; stop every node, keep a copy of it, and restore the newest backup"
            }
            Self::Held => "another process held up the database for too long; try again, and look what holds it",
            Self::WrongPassword => "the database server refuses the user or the password; correct them in `store`",
            Self::NoDatabase => "the database server has no database of that name; create it, or correct `store`",
            Self::NoRight => "the database user lacks a right; make it the owner of the tables",
            Self::NoMoreConnections => {
                "the database server takes no more connections; raise its `max_connections`, or stop something else"
            }
            Self::Restarting => "the database server is starting or stopping; try again in a moment",
            Self::Unreachable => {
                "the database server can not be reached; look whether it runs, and whether host and port in `store` are \
                 right"
            }
            Self::NoTls => {
                "no safe connection to the database server could be made; look at its certificate, and at `sslmode` in \
                 `store`"
            }
            Self::NoAddress => "`store` is no address of a database; correct it",
            Self::Refused => "the database refused a statement, which is a fault in this program or in its tables",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_of_either_database_says_what_to_do() {
        for (code, fault) in [
            ("13", Fault::DiskFull),
            ("53100", Fault::DiskFull),
            ("8", Fault::NotWritable),
            ("1032", Fault::NotWritable),
            ("25006", Fault::Standby),
            ("14", Fault::NotOpened),
            ("1038", Fault::NotOpened),
            ("522", Fault::DiskFailed),
            ("11", Fault::Damaged),
            ("26", Fault::Damaged),
            ("5", Fault::Held),
            ("55P03", Fault::Held),
            ("28P01", Fault::WrongPassword),
            ("3D000", Fault::NoDatabase),
            ("42501", Fault::NoRight),
            ("53300", Fault::NoMoreConnections),
            ("57P01", Fault::Restarting),
            ("08006", Fault::Unreachable),
            ("1", Fault::Refused),
            ("23505", Fault::Refused),
            ("?", Fault::Refused),
        ] {
            assert_eq!(Fault::of_code(code), fault, "{code}");
        }
    }
}
