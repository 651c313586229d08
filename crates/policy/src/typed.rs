//! The arguments of one call as a Cedar value, read by the type of the accepted definition.
//!
//! From the very bytes that are sent, each number by its digits. Cedar's own reading of JSON is not used: in it an object
//! `{"__entity": …}` is an entity, and an argument could say that it is whoever it likes.
//!
//! What a policy could see otherwise than the server does, is no value but an error, and the call is denied.

use std::{borrow::Cow, collections::BTreeSet, fmt};

use cedar_policy::RestrictedExpression;
use model::shown;
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{
    InputType,
    exact::Exact,
    input_type::{Attribute, Record, Type},
};

/// The arguments of a call, as far as policies may need them.
#[derive(Clone, Copy, Debug)]
pub enum Arguments<'a> {
    /// There are none that a policy could name: nothing is called, or nothing that has a definition.
    None,
    /// As they are sent (strict JSON; none at all is none), with what its accepted definition says of them.
    Sent(&'a InputType, Option<&'a [u8]>),
}

/// Why arguments can not be read by their type. It never repeats one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{what}", if .place.is_empty() { String::new() } else { format!("{}: ", .place) })]
pub struct Untypable {
    /// Where, as a JSON pointer; empty for the arguments as a whole.
    pub place: String,
    /// What is wrong there.
    pub what: &'static str,
}

/// Which arguments are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// These alone. What nobody names can not matter, and must not make a call fail.
    These(BTreeSet<String>),
    /// All: somebody looks at them as a whole.
    All,
}

/// A set of more is not read.
const ELEMENTS: usize = 4_096;

impl Untypable {
    /// Of the arguments as a whole.
    pub(crate) fn whole(what: &'static str) -> Self {
        Self { place: String::new(), what }
    }

    /// Further out.
    fn within(self, name: &str) -> Self {
        Self { place: format!("/{}{}", shown(name, 64), self.place), ..self }
    }
}

impl Arguments<'_> {
    /// As the value of `context.input`.
    pub(crate) fn value(&self, named: &Named) -> Result<RestrictedExpression, Untypable> {
        let Self::Sent(of, text) = self else {
            return Err(Untypable::whole("no accepted definition says what these arguments are"));
        };
        let text = std::str::from_utf8(text.unwrap_or(b"{}")).map_err(|_| Untypable::whole(NO_JSON))?;
        object(text, &of.0, |name| match named {
            Named::These(names) => names.contains(name),
            Named::All => true,
        })
    }
}

const NO_JSON: &str = "this is not JSON with one meaning";

fn object(text: &str, members: &Record, is_read: impl Fn(&str) -> bool) -> Result<RestrictedExpression, Untypable> {
    if !text.trim_start().starts_with('{') {
        return Err(Untypable::whole("this is not an object"));
    }
    let Members(sent) = serde_json::from_str(text).map_err(|_| Untypable::whole(NO_JSON))?;
    let mut values = Vec::new();
    for (name, Attribute { of, is_required }) in members.iter().filter(|(name, _)| is_read(name)) {
        let found = sent.iter().find(|(sent, _)| sent == name).map(|(_, value)| value.get());
        let value = match found {
            None | Some("null") if !is_required => continue,
            None => Err(Untypable::whole("this is missing")),
            Some("null") => Err(Untypable::whole("this must not be null")),
            Some(text) => value(text, of),
        };
        values.push((name.clone(), value.map_err(|why| why.within(name))?));
    }
    // INVARIANT: the names of a map are different.
    RestrictedExpression::new_record(values).map_err(|_| Untypable::whole(NO_JSON))
}

fn value(text: &str, of: &Type) -> Result<RestrictedExpression, Untypable> {
    match of {
        Type::String => {
            let text = serde_json::from_str(text).map_err(|_| Untypable::whole("this is not a string"))?;
            Ok(RestrictedExpression::new_string(text))
        }
        Type::Bool => match text {
            "true" => Ok(RestrictedExpression::new_bool(true)),
            "false" => Ok(RestrictedExpression::new_bool(false)),
            _ => Err(Untypable::whole("this is neither true nor false")),
        },
        Type::Long => {
            let number = Exact::of(text).ok_or(Untypable::whole("this is not a number"))?;
            let number = number.scaled(0).ok_or(Untypable::whole(
                "this is not a whole number between -9223372036854775808 and 9223372036854775807",
            ))?;
            Ok(RestrictedExpression::new_long(number))
        }
        Type::Decimal => {
            let number = Exact::of(text).ok_or(Untypable::whole("this is not a number"))?;
            let scaled = number.scaled(4).ok_or(Untypable::whole(
                "this number has more than four digits after the point, or is too large, and policies can not compare it",
            ))?;
            let (sign, size) = (if scaled < 0 { "-" } else { "" }, scaled.unsigned_abs());
            Ok(RestrictedExpression::new_decimal(format!("{sign}{}.{:04}", size / 10_000, size % 10_000)))
        }
        Type::Set(of) => {
            let elements: Vec<&RawValue> =
                serde_json::from_str(text).map_err(|_| Untypable::whole("this is not an array"))?;
            if elements.len() > ELEMENTS {
                return Err(Untypable::whole("this has too many elements for policies to look at"));
            }
            let all = elements.iter().enumerate();
            let all = all.map(|(at, text)| value(text.get(), of).map_err(|why| why.within(&at.to_string())));
            Ok(RestrictedExpression::new_set(all.collect::<Result<Vec<_>, _>>()?))
        }
        Type::Record(members) => object(text, members, |_| true),
    }
}

/// The members of an object, none of them twice.
struct Members<'t>(Vec<(Cow<'t, str>, &'t RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let (mut members, mut names) = (Vec::new(), BTreeSet::new());
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    if !names.insert(name.clone()) {
                        return Err(A::Error::custom("a member comes twice"));
                    }
                    members.push((Cow::Owned(name), value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}
