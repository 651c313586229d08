//! People: who they are here, and how they come in.

use schemars::JsonSchema;
use serde::Serialize;
use serde_with::skip_serializing_none;

use crate::{Id, Person, text_enum};

/// A person was added or changed.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PersonChanged {
    /// The person.
    pub person: Id<Person>,
    /// What of them.
    pub change: PersonChange,
    /// The roles they have now, separated by spaces.
    pub roles: Option<String>,
    /// Whether they may do nothing any more.
    pub disabled: Option<bool>,
    /// How many grants ended with it.
    pub grants_ended: Option<u64>,
}

/// A one-time enrolment link was made.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct EnrolmentOffered {
    /// The person.
    pub person: Id<Person>,
}

/// A person set their password through an enrolment link.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PersonEnrolled {
    /// The person.
    pub person: Id<Person>,
}

/// A person changed their password; their other sessions ended.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PasswordChanged {
    /// The person.
    pub person: Id<Person>,
    /// How many.
    pub sessions: u64,
}

/// A person logged in.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LoginSucceeded {
    /// The person.
    pub person: Id<Person>,
    /// What became of the stored hash, if anything.
    pub password: Option<StoredPassword>,
}

/// A login was refused.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LoginRefused {
    /// Who was named, when it is somebody: people type passwords into that field.
    pub person: Option<Id<Person>>,
    /// Why.
    pub cause: LoginRefusalCause,
}

/// A person logged out.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LoggedOut {
    /// The person.
    pub person: Id<Person>,
}

/// A person ended sessions of theirs in other browsers.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SessionsEnded {
    /// The person.
    pub person: Id<Person>,
    /// How many.
    pub sessions: u64,
}

/// What of a person changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PersonChange {
    /// They are new.
    Added,
    /// The configuration declares them again, after it did not.
    DeclaredAgain,
    /// They have other roles.
    Roles,
    /// The configuration has another password for them: every session ended.
    Password,
    /// They were taken out of the configuration, and may do nothing any more.
    Disabled,
}

impl PersonChange {
    /// For people who read a list of changes.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::DeclaredAgain => "declared again",
            Self::Roles => "other roles",
            Self::Password => "another password in the configuration: every session ends",
            Self::Disabled => "disabled: taken out of the configuration",
        }
    }
}

impl PersonChanged {
    /// `person`, as they are after the change: all that `audit verify` needs to notice another change of their row.
    pub fn of(person: &Person, change: PersonChange) -> Self {
        let roles: Vec<&str> = person.roles.iter().map(|role| role.as_str()).collect();
        Self {
            person: person.id.clone(),
            change,
            roles: Some(roles.join(" ")),
            disabled: Some(person.disabled),
            grants_ended: None,
        }
    }
}

/// Why a login was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoginRefusalCause {
    /// The name is longer than any.
    NameTooLong,
    /// There is nobody of that name.
    UnknownName,
    /// The password is wrong.
    WrongPassword,
    /// The present password is wrong, at a change of it.
    WrongCurrentPassword,
    /// They have no password yet.
    NoPassword,
    /// They may do nothing any more.
    Disabled,
    /// The kill switch is on them.
    Blocked,
    /// It could not be checked.
    NotChecked,
}

text_enum!(LoginRefusalCause {
    NameTooLong => "name_too_long",
    UnknownName => "unknown_name",
    WrongPassword => "wrong_password",
    WrongCurrentPassword => "wrong_current_password",
    NoPassword => "no_password",
    Disabled => "disabled",
    Blocked => "blocked",
    NotChecked => "not_checked",
});

/// What became of the stored hash of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StoredPassword {
    /// It was made anew at today's cost.
    Rehashed,
}
