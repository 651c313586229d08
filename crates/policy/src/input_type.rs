//! What a policy can name of the arguments of a tool, as a Cedar type, and its text in Cedar's schema syntax.
//!
//! Made from the *accepted* definition alone ([`crate::input_schema`]); what a server says at the moment has no type.

use std::{collections::BTreeMap, fmt};

/// The arguments of a tool: what a policy can name of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InputType(pub(crate) Record);

/// The members of an object, by name.
pub(crate) type Record = BTreeMap<String, Attribute>;

/// A member of an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Attribute {
    pub of: Type,
    /// It is always there. One that may be null is not: null is absent.
    pub is_required: bool,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Type {
    /// A text.
    String,
    /// A whole number between -2⁶³ and 2⁶³-1.
    Long,
    /// A truth value.
    Bool,
    /// A number with at most four digits after the point.
    Decimal,
    /// An array, without its order and without what comes twice.
    Set(Box<Type>),
    /// An object.
    Record(Record),
}

impl fmt::Display for InputType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_record(f, &self.0)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String => f.write_str("String"),
            Self::Long => f.write_str("Long"),
            Self::Bool => f.write_str("Bool"),
            Self::Decimal => f.write_str("decimal"),
            Self::Set(of) => write!(f, "Set<{of}>"),
            Self::Record(members) => write_record(f, members),
        }
    }
}

fn write_record(f: &mut fmt::Formatter<'_>, members: &Record) -> fmt::Result {
    f.write_str("{ ")?;
    for (at, (name, Attribute { of, is_required })) in members.iter().enumerate() {
        let (between, optional) = (if at == 0 { "" } else { ", " }, if *is_required { "" } else { "?" });
        write!(f, "{between}{}{optional}: {of}", Quoted(name))?;
    }
    f.write_str(if members.is_empty() { "}" } else { " }" })
}

/// A text as Cedar quotes it. Always quoted: a name is whatever a server chose, and no word of the language.
pub(crate) struct Quoted<'t>(pub &'t str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_debug())
    }
}
