//! Drives the official Rust SDK (`rmcp`) from JSON lines.
//!
//! The first argument is JSON: url, client_id, redirect_uri, era. Each line on stdin is a command,
//! each line on stdout an answer. In between, `{"authorize": URL}` asks for a browser and waits for
//! `{"callback": URL}`. The SDK leaves two decisions to every application, and they are made here as
//! its manual says: a challenge at connect starts an authorization, and `insufficient_scope` on a
//! call asks its `AuthorizationManager` for a scope upgrade before the call is tried once more.

use anyhow::{Context as _, Result, bail};
use rmcp::{
    ClientLifecycleMode, ClientServiceExt as _, RoleClient,
    model::{CallToolRequestParams, ClientConfig, JsonObject, ProtocolVersion},
    service::RunningService,
    transport::{
        AuthClient, StreamableHttpClientTransport,
        auth::{AuthorizationCallback, AuthorizationRequest, OAuthState, WWWAuthenticateParams},
        streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines, Stdin};
use url::Url;

#[derive(Deserialize)]
struct Setup {
    url: String,
    client_id: String,
    redirect_uri: String,
    era: String,
}

type Client = RunningService<RoleClient, ClientConfig>;
type Transport = AuthClient<reqwest::Client>;

struct Driver {
    setup: Setup,
    lines: Lines<BufReader<Stdin>>,
    connected: Option<(Client, Transport)>,
}

#[tokio::main]
async fn main() -> Result<()> {
    net::install_crypto_provider();
    let setup = serde_json::from_str(&std::env::args().nth(1).context("the first argument is the setup")?)?;
    let mut driver = Driver { setup, lines: BufReader::new(tokio::io::stdin()).lines(), connected: None };
    while let Some(command) = driver.hear().await? {
        let answer = match driver.obey(&command).await {
            Ok(answer) => json!({"ok": answer}),
            Err(error) => json!({"error": format!("{error:#}"), "kind": kind(&error)}),
        };
        say(&answer).await?;
    }
    Ok(())
}

impl Driver {
    async fn hear(&mut self) -> Result<Option<Value>> {
        Ok(self.lines.next_line().await?.map(|line| serde_json::from_str(&line)).transpose()?)
    }

    async fn obey(&mut self, command: &Value) -> Result<Value> {
        match command["do"].as_str() {
            Some("connect") => self.connect().await,
            Some("list") => Ok(json!({"tools": self.client()?.list_all_tools().await?})),
            Some("call") => self.call(command).await,
            _ => bail!("unknown command {command}"),
        }
    }

    async fn connect(&mut self) -> Result<Value> {
        let plain = StreamableHttpClientTransport::with_client(reqwest::Client::new(), self.endpoint());
        let challenge = match ClientConfig::default().serve_with_lifecycle(plain, self.lifecycle()).await {
            Ok(_) => bail!("the server let an unauthenticated client in"),
            Err(error) => error.auth_challenge().map(str::to_owned).ok_or(error)?,
        };
        let mut state = OAuthState::new(&self.setup.url, None).await?;
        let request = AuthorizationRequest::new(&self.setup.redirect_uri)
            .with_client_metadata_url(&self.setup.client_id)
            .with_challenge(challenge);
        state.start_authorization(request).await?;
        let callback = self.browse(state.get_authorization_url().await?).await?;
        state.handle_callback_url(&callback).await?;

        let manager = state.into_authorization_manager().context("not authorized")?;
        let transport = AuthClient::new(reqwest::Client::new(), manager);
        let channel = StreamableHttpClientTransport::with_client(transport.clone(), self.endpoint());
        let client = ClientConfig::default().serve_with_lifecycle(channel, self.lifecycle()).await?;
        let protocol = client.peer().peer_info().map(|server| server.protocol_version.to_string());
        self.connected = Some((client, transport));
        Ok(json!({"protocol": protocol}))
    }

    async fn call(&mut self, command: &Value) -> Result<Value> {
        let error = match self.call_once(command).await {
            Ok(result) => return Ok(result),
            Err(error) => error,
        };
        let challenge = error.downcast_ref::<rmcp::ServiceError>().and_then(|error| error.auth_challenge());
        let Some(challenge) = challenge else { return Err(error) };
        let challenge = WWWAuthenticateParams::parse(challenge, &Url::parse(&self.setup.url)?);
        let Some(scope) = challenge.scope.clone().filter(|_| challenge.is_insufficient_scope()) else {
            return Err(error);
        };
        let manager = self.connected.as_ref().context("not connected")?.1.auth_manager.clone();
        let url = manager.lock().await.request_scope_upgrade(&scope).await?;
        let callback = AuthorizationCallback::from_redirect_url(&self.browse(url).await?)?;
        let manager = manager.lock().await;
        let issuer = callback.issuer.as_deref();
        manager.exchange_code_for_token_with_issuer(&callback.code, &callback.csrf_token, issuer).await?;
        drop(manager);
        self.call_once(command).await
    }

    async fn call_once(&self, command: &Value) -> Result<Value> {
        let name = command["name"].as_str().context("no tool name")?.to_owned();
        let arguments: JsonObject = serde_json::from_value(command["arguments"].clone())?;
        let result = self.client()?.call_tool(CallToolRequestParams::new(name).with_arguments(arguments)).await?;
        Ok(serde_json::to_value(result)?)
    }

    async fn browse(&mut self, url: String) -> Result<String> {
        say(&json!({"authorize": url})).await?;
        let answer = self.hear().await?.context("no browser answered")?;
        let callback = answer["callback"].as_str().context("no callback")?;
        let query = Url::parse(callback)?;
        if let Some((_, error)) = query.query_pairs().find(|(name, _)| name == "error") {
            bail!("the authorization server answered {error}");
        }
        Ok(callback.to_owned())
    }

    fn client(&self) -> Result<&Client> {
        Ok(&self.connected.as_ref().context("not connected")?.0)
    }

    fn endpoint(&self) -> StreamableHttpClientTransportConfig {
        StreamableHttpClientTransportConfig::with_uri(self.setup.url.as_str())
    }

    fn lifecycle(&self) -> ClientLifecycleMode {
        match self.setup.era.as_str() {
            "2025-11-25" => ClientLifecycleMode::Initialize,
            _ => ClientLifecycleMode::Auto {
                preferred_versions: vec![ProtocolVersion::V_2026_07_28],
                legacy_version: None,
            },
        }
    }
}

fn kind(error: &anyhow::Error) -> &'static str {
    match error.downcast_ref::<rmcp::ServiceError>() {
        Some(_) => "ServiceError",
        None => "Error",
    }
}

async fn say(line: &Value) -> Result<()> {
    let mut stdout = tokio::io::stdout();
    stdout.write_all(format!("{line}\n").as_bytes()).await?;
    Ok(stdout.flush().await?)
}
