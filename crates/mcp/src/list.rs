//! What is left of a list of which some items have two readings: one bad item must not take the others away.

use crate::json::{self, Strict, array};

/// The members of a result that are lists.
pub const MEMBERS: [&str; 4] = ["tools", "prompts", "resources", "resourceTemplates"];

/// A message without the items that two parsers could read differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salvaged {
    /// What is left. Outside of its list it may still have two readings: it has to be [checked](json::check).
    pub message: Vec<u8>,
    /// The member that is the list.
    pub list: String,
    /// What the items that were taken out call themselves; empty where they do not.
    pub taken_out: Vec<String>,
}

/// Takes out of a list what is not strict. `None` when the message is no JSON, or holds no list.
pub fn salvage(message: &[u8]) -> Option<Salvaged> {
    let text = std::str::from_utf8(message).ok()?;
    let result = json::grammar(message).ok()?.member("result")?;
    let (name, list) = result.members()?.into_iter().find(|(name, _)| MEMBERS.contains(&name.as_ref()))?;
    let is_strict = |item: &Strict<'_>| json::check(item.as_str().as_bytes()).is_ok();
    let (good, bad): (Vec<_>, Vec<_>) = list.elements()?.into_iter().partition(is_strict);
    let start = list.as_str().as_ptr() as usize - text.as_ptr() as usize;
    let (before, after) = (text.get(..start)?, text.get(start + list.as_str().len()..)?);
    let list = array(good.into_iter().map(|item| item.as_str().into()));
    let called = |item: Strict<'_>| item.member("name").and_then(Strict::string).unwrap_or_default().into_owned();
    Some(Salvaged {
        message: [before.as_bytes(), &list, after.as_bytes()].concat(),
        list: name.into_owned(),
        taken_out: bad.into_iter().map(called).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Field: G10
    #[test]
    fn an_item_with_two_readings_is_taken_out_and_the_rest_stays_as_it_came() {
        let page = r#"{"id":1, "result":{"tools":[ {"name":"a"}, {"name":"b","x":1,"x":2}, {"x":1,"x":1} ],"nextCursor":"n"}}"#;
        let salvaged = salvage(page.as_bytes()).unwrap();
        assert_eq!(salvaged.message, br#"{"id":1, "result":{"tools":[{"name":"a"}],"nextCursor":"n"}}"#);
        assert_eq!((salvaged.list.as_str(), salvaged.taken_out.len()), ("tools", 2));
        assert_eq!(salvaged.taken_out[0], "b");
    }

    #[test]
    fn what_is_no_list_is_not_salvaged() {
        for none in ["{", "{} x", r#"{"result":{}}"#, r#"{"result":{"tools":{}}}"#, r#"{"tools":[]}"#] {
            assert_eq!(salvage(none.as_bytes()), None, "{none}");
        }
    }
}
