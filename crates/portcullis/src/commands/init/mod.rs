//! `init`: from the servers somebody already uses to a configuration.
//!
//! Connects to each, asks what it offers, and proposes a tier for everything. The proposal is a
//! starting point that a person reads: names are what the server says of itself.

mod add;
mod import;
pub mod render;
mod who;
mod yaml;

use std::{collections::BTreeMap, fs, path::Path, process::ExitCode};

use anyhow::{Context, Result, bail};
use client::Extent;
use model::{Secret, config::PublicUrl};
use serde_json::json;

use self::import::{Wanted, server_name};
use super::{offer, visit::Visit};
use crate::{cli, config, node, output};

/// Runs `init`.
pub async fn run(visit: &Visit, options: cli::Init) -> Result<ExitCode> {
    node::log_to_stderr("error");
    let file = &visit.file;
    if file.exists() && !options.force && !options.add {
        bail!(
            "{} exists; add a server to it with --add, name another file with --config, or replace it with --force",
            file.display()
        );
    }
    let public_url = PublicUrl::try_from(options.public_url.clone()).map_err(|why| anyhow::anyhow!(why))?;
    let wanted = wanted(&options)?;
    let who = if options.add { None } else { Some(who::Who::of(&options.clients, &public_url)?) };
    let mut servers: Vec<render::Asked> = Vec::new();
    for (name, wanted) in wanted {
        let asked = offer::at(&wanted.url, &wanted.shown, None, Extent::Everything).await;
        match &asked {
            Ok(offer) => {
                output::warn(format!("{name}: {} tools", offer.tools.len()));
                for out in &offer.left_out {
                    output::warn(format!("{name}: {} `{}`: {}", out.list, out.name, out.why));
                }
                offer.endless.iter().for_each(|endless| output::warn(format!("{name}: {endless}")));
            }
            Err(error) => {
                output::warn(format!(
                    "{name}: {error:#}; its tools are held until rules name them{}",
                    hint(&name, error)
                ));
            }
        }
        servers.push((name, wanted, asked.ok()));
    }
    if servers.iter().all(|(_, _, offer)| offer.is_none()) {
        visit.tell(&json!({"written": null}), "nothing could be listed, so nothing is written")?;
        return Ok(ExitCode::from(output::NO));
    }
    let text = match &who {
        Some(who) => render::file(&public_url, &servers, who),
        None => {
            let before = fs::read_to_string(file).with_context(|| format!("{} can not be read", file.display()))?;
            let entries: Vec<_> = servers.iter().map(|asked| (asked.0.clone(), render::server(asked))).collect();
            add::to(&before, &entries).with_context(|| file.display().to_string())?
        }
    };
    replace(file, &text).with_context(|| format!("{} can not be written", file.display()))?;
    let names: Vec<&String> = servers.iter().map(|(name, _, _)| name).collect();
    visit.tell(
        &json!({"written": file, "servers": names}),
        format!(
            "\n{0} is written. Read the proposed tiers, add your people, then:\n  portcullis check --config {0}\n  \
             portcullis serve --config {0}",
            file.display()
        ),
    )
}

/// The servers that are asked for, imported or named.
fn wanted(options: &cli::Init) -> Result<BTreeMap<String, Wanted>> {
    let mut wanted = BTreeMap::new();
    if let Some(import) = &options.import {
        let text = fs::read_to_string(import).with_context(|| format!("{} can not be read", import.display()))?;
        let imported = import::read(&text).with_context(|| import.display().to_string())?;
        imported.notes.iter().for_each(output::warn);
        wanted = imported.servers;
    }
    for server in &options.servers {
        let (name, url) = server.split_once('=').with_context(|| format!("--server {server}: write NAME=URL"))?;
        wanted.insert(server_name(name), Wanted { url: url.to_owned(), ..Wanted::default() });
    }
    for header in &options.headers {
        let (name, header, value) = written(header).context("--header")?;
        let names = wanted.keys().cloned().collect::<Vec<_>>().join(", ");
        let server = wanted.get_mut(&name).with_context(|| format!("--header: `{name}` is none of {names}"))?;
        server.headers.insert(header.clone(), value.clone());
    }
    for (name, server) in &mut wanted {
        for (header, value) in &server.headers {
            let place = format!("servers.{name}.headers.{header}");
            // Of an import the value itself is known; everything else is read from where it says.
            if !server.shown.contains_key(header) {
                let value = config::read_reference(value, Path::new("."), &place)?;
                server.shown.insert(header.clone(), Secret::new(value));
            }
        }
    }
    if wanted.is_empty() {
        bail!("name a server with --server NAME=URL, or import a file that lists some with --import FILE");
    }
    Ok(wanted)
}

/// `NAME=HEADER: VALUE`, of which the value refers to a secret and is none.
fn written(text: &str) -> Result<(String, String, String)> {
    const FORM: &str = "write NAME='HEADER: VALUE', such as crm='Authorization: Bearer ${env:CRM_TOKEN}'";
    let (name, rest) = text.split_once('=').context(FORM)?;
    let (header, value) = rest.split_once(':').context(FORM)?;
    if !value.contains("${") {
        bail!("a secret on a command line is seen by everybody on this machine; {FORM}");
    }
    Ok((name.trim().to_owned(), header.trim().to_owned(), value.trim().to_owned()))
}

fn hint(name: &str, error: &anyhow::Error) -> String {
    match error.downcast_ref::<client::ClientError>() {
        Some(client::ClientError::NeedsCredentials { .. }) => {
            let variable = name.to_uppercase().replace('-', "_");
            format!(
                "\n  --header '{name}=Authorization: Bearer ${{env:{variable}_TOKEN}}' sends what that variable holds"
            )
        }
        _ => String::new(),
    }
}

/// Writes the whole file or nothing: who reads it meanwhile reads the old one.
fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    // What a link points to is replaced, and not the link.
    let file = &fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let new = file.with_extension("yaml.new");
    fs::write(&new, text)?;
    if let Ok(old) = fs::metadata(file) {
        fs::set_permissions(&new, old.permissions())?;
    }
    fs::rename(&new, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Field: H6
    #[test]
    fn a_header_refers_to_its_secret_and_never_is_one() {
        let (name, header, value) = written("crm=Authorization: Bearer ${env:CRM_TOKEN}").unwrap();
        assert_eq!(
            (name.as_str(), header.as_str(), value.as_str()),
            ("crm", "Authorization", "Bearer ${env:CRM_TOKEN}")
        );
        for bad in ["crm=Authorization: Bearer hunter2", "crm", "crm=x", "Authorization: ${env:X}"] {
            let error = format!("{:#}", written(bad).unwrap_err());
            assert!(error.contains("${env:CRM_TOKEN}") && !error.contains("hunter2"), "{bad}: {error}");
        }
    }
}
