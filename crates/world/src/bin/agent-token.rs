//! An autonomous agent without a program around it, for benches and scripts.
//!
//! `agent-token key FILE` makes a key pair, keeps it in FILE and prints the public JWK.
//! `agent-token token FILE CLIENT_ID MCP_URL` discovers the rest and prints an access token.

#![allow(clippy::print_stdout, reason = "what it prints is its result")]

use anyhow::{Context as _, bail};
use client::{TokenOutcome, TokenRequest};
use model::{Clock as _, SystemClock};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["key", file] => {
            let key = crypto::AgentKey::generate();
            std::fs::write(file, key.to_pkcs8_pem().as_bytes()).with_context(|| file.to_owned())?;
            println!("{}", key.public_jwk());
        }
        ["token", file, client_id, url] => println!("{}", granted(file, client_id, url).await?),
        _ => bail!("usage: agent-token key FILE | agent-token token FILE CLIENT_ID MCP_URL"),
    }
    Ok(())
}

async fn granted(file: &str, client_id: &str, url: &str) -> anyhow::Result<String> {
    net::install_crypto_provider();
    let key = crypto::AgentKey::from_pkcs8_pem(&std::fs::read_to_string(file)?)?;
    let web = net::WebClient::new(None)?;
    let discovery = client::discovery::discover(&web, url).await?;
    let request = TokenRequest { client_id, scope: None, reason: None };
    match client::credentials::request_token(&web, &discovery, &key, request, SystemClock.now()).await? {
        TokenOutcome::Granted { access_token, .. } => Ok(access_token),
        other => bail!("no token: {other:?}"),
    }
}
