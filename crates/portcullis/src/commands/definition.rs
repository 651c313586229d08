//! `tool held`, `tool show` and `tool accept`: what tools say of themselves, and what of it counts.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use governance::catalogue::{Look, look, of_entry};
use model::{Id, Pin, Server, ToolName, ToolPattern, shown::revealed};
use serde_json::json;

use super::{
    order,
    visit::{AT_A_TIME, Visit},
};
use crate::{node::order::Order, output};

/// Runs `tool held`.
pub async fn held(visit: &Visit) -> Result<ExitCode> {
    let (_, store) = visit.open().await?;
    let mut listing = output::Listing::of(visit.json, &["TOOL", "STATE", "SINCE", "DEFINITION", "LOOK AT"]);
    let mut after = None;
    loop {
        let page = store.catalogue_page(true, after.as_ref(), AT_A_TIME).await?;
        for entry in page.items {
            let look = of_entry(&store, entry).await?;
            listing.push(|| Ok(as_json(&look)), || row(&look))?;
        }
        listing.page();
        after = page.next;
        if after.is_none() {
            return Ok(listing.end());
        }
    }
}

/// Runs `tool show`.
pub async fn show(visit: &Visit, tool: &str) -> Result<ExitCode> {
    let (server, name) = parsed(tool)?;
    let (config, store) = visit.open().await?;
    let found = look(&store, &server, &name).await?;
    let look = found.with_context(|| format!("`{tool}` was never listed; `portcullis tool list` shows what is"))?;
    if visit.json {
        output::json(&as_json(&look))?;
        return Ok(output::OK);
    }
    let rules = config.servers.get(&server);
    let tier =
        rules.and_then(|rules| rules.tier(&name)).map_or("none: no rule names it".into(), |tier| tier.to_string());
    let accepted = look.entry.accepted.as_ref();
    output::sheet([
        ("tool", name.qualified(&server)),
        ("state", state(&look).to_owned()),
        ("definition", look.entry.seen.to_hex()),
        ("listed since", look.entry.seen_at.to_string()),
        ("accepted", accepted.map_or_else(|| "never".to_owned(), |it| format!("{} by {}", it.at, it.by))),
        ("tier", tier),
        ("its words suggest", look.proposed().map_or_else(|| "no tier of its own".to_owned(), |tier| tier.to_string())),
    ]);
    for note in &look.notes {
        output::line(format!("  ! {}", revealed(&note.to_string())));
    }
    if look.differences.is_empty() {
        let text = serde_json::to_string_pretty(&look.listed.value())?;
        output::line(format!("\n{}", revealed(&text)));
    }
    for one in &look.differences {
        output::line(format!("\n{}", revealed(&one.place)));
        one.before.iter().for_each(|before| lines("-", before));
        one.after.iter().for_each(|after| lines("+", after));
    }
    if look.entry.pin() != Pin::Accepted {
        let digest = &look.entry.seen.to_hex()[..SHORT];
        output::line(format!("\nIf that is right: portcullis tool accept {tool} --definition {digest}"));
    }
    Ok(output::OK)
}

/// Runs `tool accept`.
pub async fn accept(visit: &Visit, tool: &str, definition: &str) -> Result<ExitCode> {
    parsed(tool)?;
    if definition.len() < SHORT || !definition.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        bail!("`--definition` takes at least {SHORT} hexadecimal digits, as `portcullis tool show {tool}` says them");
    }
    let order = Order::AcceptDefinition { tool: tool.to_owned(), definition: definition.to_ascii_lowercase() };
    let carried = order::carry_out(visit, &order).await?;
    visit.tell(&json!({"accepted": tool}), format!("{tool} is accepted, through {}", carried.through))
}

/// Runs `tool accept --new`: what is new, fits the pattern and has nothing to look at.
pub async fn accept_new(visit: &Visit, pattern: &str) -> Result<ExitCode> {
    let fits = ToolPattern::new(pattern);
    let (_, store) = visit.open().await?;
    let (mut accepted, mut left) = (Vec::new(), Vec::new());
    let mut after = None;
    loop {
        let page = store.catalogue_page(true, after.as_ref(), AT_A_TIME).await?;
        for entry in page.items {
            let tool = entry.name.qualified(&entry.server);
            let is_new = entry.pin() == Pin::New;
            if !fits.matches(&tool) {
                continue;
            }
            let look = of_entry(&store, entry).await?;
            if !is_new || !look.notes.is_empty() {
                left.push(tool);
                continue;
            }
            let definition = look.entry.seen.to_hex();
            order::carry_out(visit, &Order::AcceptDefinition { tool: tool.clone(), definition }).await?;
            accepted.push(tool);
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if accepted.is_empty() && left.is_empty() {
        bail!("nothing that is held fits `{pattern}`; `portcullis tool held` shows what is");
    }
    if visit.json {
        output::json(&json!({"accepted": accepted, "left": left}))?;
        return Ok(output::OK);
    }
    accepted.iter().for_each(|tool| output::line(format!("{tool} is accepted")));
    left.iter().for_each(|tool| output::line(format!("{tool} is still held: look at it with `portcullis tool show`")));
    Ok(output::OK)
}

/// So many digits of a digest are enough to say which of those that one has seen.
const SHORT: usize = 8;

fn parsed(tool: &str) -> Result<(Id<Server>, ToolName)> {
    ToolName::of_qualified(tool).map_err(anyhow::Error::msg)
}

const fn state(look: &Look) -> &'static str {
    match look.entry.accepted {
        None => "held: new",
        Some(_) if look.accepted.is_some() => "held: changed",
        Some(_) => "accepted",
    }
}

fn row(look: &Look) -> Vec<String> {
    let notes: Vec<_> = look.notes.iter().map(ToString::to_string).collect();
    vec![
        look.entry.name.qualified(&look.entry.server),
        state(look).to_owned(),
        look.entry.seen_at.to_string(),
        look.entry.seen.to_hex()[..SHORT].to_owned(),
        notes.join("; "),
    ]
}

fn as_json(look: &Look) -> serde_json::Value {
    let differences: Vec<_> = look
        .differences
        .iter()
        .map(|one| json!({"place": one.place, "before": one.before, "after": one.after}))
        .collect();
    json!({
        "tool": look.entry.name.qualified(&look.entry.server),
        "state": state(look),
        "definition": look.entry.seen.to_hex(),
        "accepted": look.entry.accepted.as_ref().map(|it| json!({
            "definition": it.definition.to_hex(), "at": it.at.to_string(), "by": it.by,
        })),
        "suggests": look.proposed(),
        "notes": look.notes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "differences": differences,
        "says": look.listed.value(),
    })
}

fn lines(mark: &str, text: &str) {
    revealed(text).lines().for_each(|line| output::line(format!("  {mark} {line}")));
}
