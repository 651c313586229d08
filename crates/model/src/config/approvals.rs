//! How many people must approve: a number for all, and for a server a table from names to numbers.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::ToolPattern;

/// How many different people must approve a request; 1 to 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Approvals(u32);

/// More people than this are not found in the minutes that a request waits.
const MOST: u32 = 5;

impl Approvals {
    /// One person is enough.
    pub const ONE: Self = Self(1);

    /// `None` when it is not 1 to 5.
    pub const fn new(number: u32) -> Option<Self> {
        if number >= 1 && number <= MOST { Some(Self(number)) } else { None }
    }

    /// The number.
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Approvals {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u32::deserialize(deserializer)?;
        Self::new(number).ok_or_else(|| D::Error::custom(format!("{number} is not allowed here: write 1 to {MOST}")))
    }
}

impl JsonSchema for Approvals {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Approvals".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "integer", "minimum": 1, "maximum": MOST})
    }
}

/// Ordered rules from names to numbers of approvals: the first match wins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApprovalRules(Vec<(ToolPattern, Approvals)>);

impl ApprovalRules {
    /// Of the first rule whose name means what is asked for; `None` when none does.
    pub fn find(&self, means: impl Fn(&ToolPattern) -> bool) -> Option<Approvals> {
        self.0.iter().find(|(pattern, _)| means(pattern)).map(|(_, approvals)| *approvals)
    }

    /// The names in it.
    pub fn names(&self) -> impl Iterator<Item = &ToolPattern> {
        self.0.iter().map(|(pattern, _)| pattern)
    }

    /// The highest number in it.
    pub fn most(&self) -> Option<Approvals> {
        self.0.iter().map(|(_, approvals)| *approvals).max()
    }
}

/// A YAML mapping in its written order.
impl<'de> Deserialize<'de> for ApprovalRules {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rules;
        impl<'de> serde::de::Visitor<'de> for Rules {
            type Value = ApprovalRules;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a mapping from names (with `*`) to how many people must approve, 1 to {MOST}")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<ApprovalRules, A::Error> {
                let mut rules = Vec::new();
                while let Some((pattern, approvals)) = map.next_entry::<String, Approvals>()? {
                    rules.push((ToolPattern::new(pattern), approvals));
                }
                Ok(ApprovalRules(rules))
            }
        }
        deserializer.deserialize_map(Rules)
    }
}

impl Serialize for ApprovalRules {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(pattern, approvals)| (pattern.as_str(), approvals)))
    }
}

impl JsonSchema for ApprovalRules {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ApprovalRules".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let number = generator.subschema_for::<Approvals>();
        schemars::json_schema!({"type": "object", "additionalProperties": number})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_fits_wins() {
        let rules: ApprovalRules = serde_json::from_str(r#"{"delete_draft":1,"delete_*":2}"#).unwrap();
        let of = |name| rules.find(|pattern| pattern.matches(name)).map(Approvals::number);
        assert_eq!((of("delete_draft"), of("delete_ticket"), of("export")), (Some(1), Some(2), None));
        assert_eq!(rules.most().map(Approvals::number), Some(2));
    }

    #[test]
    fn nobody_and_more_than_five_are_refused() {
        for wrong in [r#"{"a":0}"#, r#"{"a":6}"#, r#"{"a":"2"}"#, r#"{"a":-1}"#] {
            assert!(serde_json::from_str::<ApprovalRules>(wrong).is_err(), "{wrong}");
        }
    }
}
