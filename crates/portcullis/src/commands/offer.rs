//! What a server offers, as the gate would read it: the same reader, the same strictness.
//!
//! An item that two parsers could read differently, and a name that can not be a tool's, exist for nobody behind the
//! gate. So they are named here, with the reason, and no rule is proposed for them.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use catalogue::Listed;
use client::{Extent, Listing};
use mcp::{
    json,
    list::{List, salvage},
};
use model::{Secret, ToolName, config::ServerConfig};
use serde_json::Value;

/// Something that is listed and can never be used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Among what.
    pub list: List,
    /// What it is called.
    pub name: String,
    /// Why nobody can use it.
    pub why: String,
}

/// All that a server offers.
#[derive(Clone, Debug, Default)]
pub struct Offer {
    /// Its tools.
    pub tools: Vec<Listed>,
    /// Its prompts.
    pub prompts: Vec<Listed>,
    /// The URIs of its resources, with their names.
    pub resources: Vec<(String, String)>,
    /// The URIs of its templates, with their names.
    pub templates: Vec<(String, String)>,
    /// What is listed and can not be used.
    pub left_out: Vec<LeftOut>,
    /// Which lists were not followed to their end, and why.
    pub endless: Vec<String>,
}

/// Asks a server of the configuration, with its own credentials.
pub async fn of(server: &ServerConfig, extent: Extent) -> Result<Offer> {
    let ca = match &server.ca_file {
        None => None,
        Some(file) => Some(std::fs::read(file).with_context(|| format!("ca_file {} can not be read", file.display()))?),
    };
    at(server.url.as_str(), &server.headers, ca.as_deref(), extent).await
}

/// Asks the server at `url`.
pub async fn at(url: &str, headers: &BTreeMap<String, Secret>, ca: Option<&[u8]>, extent: Extent) -> Result<Offer> {
    let web = net::WebClient::new(ca)?;
    read(&client::list(&web, url, headers, extent).await?)
}

/// What the gate lets through of these lists.
pub fn read(listing: &Listing) -> Result<Offer> {
    let endless = listing.endless.iter().map(|(list, why)| format!("{} {why}", list.method())).collect();
    let mut offer = Offer { endless, ..Offer::default() };
    for page in &listing.tools {
        offer.tools.extend(named(page, List::Tools, &mut offer.left_out)?);
    }
    for page in &listing.prompts {
        offer.prompts.extend(named(page, List::Prompts, &mut offer.left_out)?);
    }
    for page in &listing.resources {
        let items = items(page, List::Resources, &mut offer.left_out)?;
        offer.resources.extend(items.iter().filter_map(|item| located(item, List::Resources)));
    }
    for page in &listing.templates {
        let items = items(page, List::Templates, &mut offer.left_out)?;
        offer.templates.extend(items.iter().filter_map(|item| located(item, List::Templates)));
    }
    Ok(offer)
}

fn named(page: &[u8], list: List, left_out: &mut Vec<LeftOut>) -> Result<Vec<Listed>> {
    let mut found = Vec::new();
    for item in items(page, list, left_out)? {
        let listed = Listed::of(&item);
        match unusable(&listed.name) {
            Some(why) => left_out.push(LeftOut { list, name: listed.name, why }),
            None => found.push(listed),
        }
    }
    Ok(found)
}

fn located(item: &Value, list: List) -> Option<(String, String)> {
    Some((item[list.named_by()].as_str()?.to_owned(), item["name"].as_str().unwrap_or_default().to_owned()))
}

/// Why no call of that name can pass the gate, if so.
fn unusable(name: &str) -> Option<String> {
    name.parse::<ToolName>().err().map(|rule| format!("no call of it passes the gate, whatever the rules say: {rule}"))
}

/// The items of a list that have one reading.
fn items(page: &[u8], list: List, left_out: &mut Vec<LeftOut>) -> Result<Vec<Value>> {
    const TWO_READINGS: &str = "two parsers could read it differently, so the gate leaves it out; the server has to list \
                                it as strict JSON";
    let salvaged;
    let strict = match json::check(page) {
        Ok(_) => page,
        Err(why) => {
            if json::grammar(page).is_err() {
                bail!("its {list} are answered with what is {why}: the gate refuses the whole list");
            }
            salvaged = salvage(page).with_context(|| format!("its {list} are no list"))?;
            for name in &salvaged.taken_out {
                let name = name.chars().filter(|c| !c.is_control()).take(128).collect();
                left_out.push(LeftOut { list, name, why: TWO_READINGS.into() });
            }
            if json::check(&salvaged.message).is_err() {
                bail!(
                    "the answer with its {list} has two readings outside of the list: the gate refuses it as a whole"
                );
            }
            &salvaged.message
        }
    };
    let mut message: Value = serde_json::from_slice(strict)?;
    match message["result"][list.member()].take() {
        Value::Array(items) => Ok(items),
        _ => bail!("its {list} are no list"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tools(page: &str) -> Result<Offer> {
        read(&Listing { tools: vec![page.as_bytes().to_vec()], ..Listing::default() })
    }

    /// Field: G10
    #[test]
    fn a_tool_that_the_gate_leaves_out_is_named_and_the_others_are_there() {
        let page = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[
            {"name":"get_x","description":"reads"},
            {"name":"twice","description":"a","description":"b"},
            {"name":"drop\u0000y","x\u0001":1},
            {"name":"get_y","annotations":{"readOnlyHint":true,"title":"Y"},"inputSchema":{"properties":{"url":{}}}}]}}"#;
        let offer = tools(page).unwrap();
        let names: Vec<_> = offer.tools.iter().map(|tool| tool.name.as_str()).collect();
        assert_eq!(names, ["get_x", "get_y"]);
        assert_eq!(offer.tools[1].hints, [("readOnlyHint", true)]);
        assert_eq!(offer.tools[1].arguments, ["url"]);
        let left: Vec<_> = offer.left_out.iter().map(|out| out.name.as_str()).collect();
        assert_eq!(left, ["twice", "dropy"]);
        assert!(offer.left_out.iter().all(|out| out.why.contains("two parsers")));
    }

    /// Field: G10
    #[test]
    fn a_list_that_the_gate_refuses_as_a_whole_is_no_list_here() {
        for page in [
            r#"{"jsonrpc":"2.0","id":1,"id":2,"result":{"tools":[{"name":"get_x"}]}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"get_x"}]}} trailing"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{"tools":{}}}"#,
            "{",
        ] {
            assert!(tools(page).is_err(), "{page}");
        }
    }

    /// Field: G11
    #[test]
    fn a_name_that_no_call_can_have_is_left_out_with_the_reason() {
        let page = r#"{"result":{"tools":[{"name":"get file"},{"name":"ns:get"},{"name":""},{},{"name":"ns/get.x"}]}}"#;
        let offer = tools(page).unwrap();
        assert_eq!(offer.tools.len(), 1);
        let left: Vec<_> = offer.left_out.iter().map(|out| out.name.as_str()).collect();
        assert_eq!(left, ["get file", "ns:get", "", ""]);
        for out in &offer.left_out {
            assert!(out.why.contains("whatever the rules say") && out.why.contains("A-Z"), "{}", out.why);
        }
    }
}
