//! One agent's day. Every step checks what it says before it says it.

use anyhow::{Context, Result, bail, ensure};
use client::{Answer, Discovery, TokenOutcome, TokenRequest, call, credentials, discovery};
use crypto::AgentKey;
use governance::orders;
use model::{Actor, Elevation, Id, Target};
use net::WebClient;
use privilege::Decider;
use serde_json::{Value, json};

use super::setup::{AGENT, APPROVER, OWNER};
use crate::{
    node::Node,
    output::{line, paint},
};

const SCOPE: &str = "tickets.delete_ticket";
const REASON: &str = "A duplicate, closed by both sides";

/// Discovery, token, low call, refused high call, step-up, approval, call, end, refused again,
/// revocation, and the record of it all.
pub async fn walk(demo: &Node, key: &AgentKey) -> Result<()> {
    line(paint("1", "One agent's day"));
    lift_old_blocks(demo).await?;
    let mut agent =
        Agent { web: WebClient::new(None)?, demo, key, discovery: None, token: None, ticket: String::new() };
    agent.discovers().await.context("discovery")?;
    agent.gets_a_token().await.context("the first token")?;
    agent.lists_tools().await.context("tools/list")?;
    agent.makes_a_low_call().await.context("a low call")?;
    agent.is_refused_a_high_call().await.context("a refused high call")?;
    let elevation = agent.asks_for_more().await.context("the step-up")?;
    agent.is_not_approved_by_its_owner(&elevation).await.context("separation of duty")?;
    agent.is_approved_by_another(&elevation).await.context("the approval")?;
    agent.makes_the_high_call().await.context("the approved call")?;
    agent.is_refused_again().await.context("the end of the elevation")?;
    agent.is_revoked().await.context("the kill switch")?;
    agent.leaves_a_record().await.context("the audit")?;
    Ok(())
}

fn step(title: &str, what: impl AsRef<str>) {
    line(format!("  {} {title:<12} {}", paint("32", "✓"), what.as_ref()));
}

/// A demo that ran before ended with its agent revoked.
async fn lift_old_blocks(demo: &Node) -> Result<()> {
    let target = Target::Agent(AGENT.parse()?);
    let stands = demo.store.blocks().iter().any(|block| block.target == target && block.lifted_at.is_none());
    if stands {
        orders::restore(&demo.store, &target, Actor::Operator, "a new demo begins").await?;
        // What was issued within the second of a revocation stays dead.
        let lifted = demo.store.now();
        while demo.store.now().seconds() <= lifted.seconds() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
    Ok(())
}

struct Agent<'a> {
    web: WebClient,
    demo: &'a Node,
    key: &'a AgentKey,
    discovery: Option<Discovery>,
    token: Option<String>,
    /// The ticket it wants to delete.
    ticket: String,
}

impl Agent<'_> {
    fn endpoint(&self) -> Result<String> {
        let server = self.demo.config.servers.keys().next().context("no server")?;
        Ok(self.demo.config.public_url.resource(server))
    }

    fn discovered(&self) -> Result<&Discovery> {
        self.discovery.as_ref().context("nothing was discovered")
    }

    async fn asks(&self, method: &str, call: Option<(&str, Value)>) -> Result<Answer> {
        Ok(call::request(&self.web, &self.endpoint()?, self.token.as_deref(), method, call).await?)
    }

    async fn deletes_the_ticket(&self) -> Result<Answer> {
        self.asks("tools/call", Some(("delete_ticket", json!({"id": self.ticket})))).await
    }

    async fn token_for(&self, scope: Option<&str>) -> Result<TokenOutcome> {
        let request = TokenRequest { client_id: AGENT, scope, reason: Some(REASON) };
        Ok(credentials::request_token(&self.web, self.discovered()?, self.key, request, self.demo.store.now()).await?)
    }

    async fn discovers(&mut self) -> Result<()> {
        let found = discovery::discover(&self.web, &self.endpoint()?).await?;
        step("discovery", format!("401 → resource metadata → authorization server {}", found.issuer));
        self.discovery = Some(found);
        Ok(())
    }

    async fn gets_a_token(&mut self) -> Result<()> {
        match self.token_for(None).await? {
            TokenOutcome::Granted { access_token, scope, expires_in } => {
                step(
                    "token",
                    format!("signed with its own key, it gets `{scope}` for {expires_in} s, for this one server"),
                );
                self.token = Some(access_token);
                Ok(())
            }
            other => bail!("expected a token, got {}", outcome(&other)),
        }
    }

    async fn lists_tools(&self) -> Result<()> {
        let Answer::Result(result) = self.asks("tools/list", None).await? else { bail!("tools/list was not answered") };
        let tools = result["tools"].as_array().context("no tools")?;
        let in_state = |state: &str| -> Vec<&str> {
            let marked = tools.iter().filter(|tool| tool["_meta"]["io.portcullis/access"]["state"] == state);
            marked.filter_map(|tool| tool["name"].as_str()).collect()
        };
        let (usable, step_up) = (in_state("usable"), in_state("step_up"));
        ensure!(usable.contains(&"list_tickets"), "list_tickets should be usable now");
        ensure!(step_up.contains(&"delete_ticket"), "delete_ticket should be usable after step-up");
        step("tools/list", format!("usable now: {}; after step-up: {}", usable.join(", "), step_up.join(", ")));
        Ok(())
    }

    async fn makes_a_low_call(&mut self) -> Result<()> {
        match self.asks("tools/call", Some(("list_tickets", json!({})))).await? {
            Answer::Result(result) if result["isError"] != true => {
                let tickets = result["structuredContent"]["tickets"].as_array().context("no list of tickets")?;
                let last = tickets.last().context("no tickets")?;
                self.ticket = last["id"].as_str().context("a ticket without an id")?.to_owned();
                step(
                    "low call",
                    format!(
                        "list_tickets is answered: {} tickets; {} looks like a duplicate",
                        tickets.len(),
                        self.ticket
                    ),
                );
                Ok(())
            }
            other => bail!("list_tickets was not answered: {other:?}"),
        }
    }

    async fn is_refused_a_high_call(&self) -> Result<()> {
        match self.deletes_the_ticket().await? {
            Answer::StepUp(challenge) if challenge.scope() == Some(SCOPE) => {
                step("high call", format!("delete_ticket is refused: 403 insufficient_scope, needs `{SCOPE}`"));
                Ok(())
            }
            other => bail!("delete_ticket was not refused for want of {SCOPE}: {other:?}"),
        }
    }

    async fn asks_for_more(&self) -> Result<Id<Elevation>> {
        match self.token_for(Some(SCOPE)).await? {
            TokenOutcome::Pending { elevation_id, .. } => {
                step("step-up", format!("it asks for the scope; request {elevation_id} waits for a person"));
                Ok(elevation_id.parse()?)
            }
            other => bail!("expected authorization_pending, got {}", outcome(&other)),
        }
    }

    async fn is_not_approved_by_its_owner(&self, elevation: &Id<Elevation>) -> Result<()> {
        match self.approved_by(OWNER, elevation).await {
            Err(refusal) => {
                step("not by Ada", format!("she owns the agent: {refusal}"));
                Ok(())
            }
            Ok(()) => bail!("the owner could approve her own agent"),
        }
    }

    async fn is_approved_by_another(&self, elevation: &Id<Elevation>) -> Result<()> {
        self.approved_by(APPROVER, elevation).await?;
        let lasts = self.demo.config.elevation.approval_lasts;
        let uses = self.demo.config.elevation.approval_uses;
        step("approval", format!("Bob approves it: {lasts}, {uses} call(s)"));
        Ok(())
    }

    async fn approved_by(&self, person: &str, elevation: &Id<Elevation>) -> Result<()> {
        let person = self.demo.store.person(&person.parse()?).await?.context("no such person")?;
        orders::approve(
            &self.demo.store,
            elevation,
            &Decider::at_the_command_line(person, self.demo.policies.clone()),
            None,
        )
        .await?;
        Ok(())
    }

    async fn makes_the_high_call(&mut self) -> Result<()> {
        let TokenOutcome::Granted { access_token, scope, .. } = self.token_for(Some(SCOPE)).await? else {
            bail!("no token after the approval");
        };
        self.token = Some(access_token);
        match self.deletes_the_ticket().await? {
            Answer::Result(result) if result["isError"] != true => {
                step("the call", format!("with `{scope}`, delete_ticket is answered"));
                Ok(())
            }
            other => bail!("delete_ticket was not answered after the approval: {other:?}"),
        }
    }

    async fn is_refused_again(&self) -> Result<()> {
        match self.deletes_the_ticket().await? {
            Answer::StepUp(_) => {
                step("the end", "used up: the same call with the same token is refused again");
                Ok(())
            }
            other => bail!("the elevation did not end: {other:?}"),
        }
    }

    async fn is_revoked(&self) -> Result<()> {
        let target = Target::Agent(AGENT.parse()?);
        orders::revoke(&self.demo.store, &target, Actor::Operator, "the demo's kill switch").await?;
        match self.asks("tools/call", Some(("list_tickets", json!({})))).await? {
            Answer::Challenged(_) => {}
            other => bail!("a revoked agent was answered: {other:?}"),
        }
        ensure!(
            !matches!(self.token_for(None).await?, TokenOutcome::Granted { .. }),
            "a revoked agent got a new token"
        );
        step("revocation", "`revoke agent`: its next call is refused, and no new token is issued");
        Ok(())
    }

    async fn leaves_a_record(&self) -> Result<()> {
        let config = &self.demo.config;
        let verified = store::verify(&config.store, &config.data_dir, Default::default()).await?;
        if let Some(contradiction) = verified.contradictions.first() {
            bail!("the database is not what the log says: {contradiction}");
        }
        let report = verified.report;
        step(
            "audit",
            format!("{} records, each call with who, what and why; verified from the first to the last", report.size),
        );
        Ok(())
    }
}

/// What the token endpoint said, without the token.
fn outcome(outcome: &TokenOutcome) -> String {
    match outcome {
        TokenOutcome::Granted { scope, .. } => format!("a token for `{scope}`"),
        TokenOutcome::Pending { elevation_id, .. } => format!("authorization_pending ({elevation_id})"),
        TokenOutcome::Refused { error, description } => format!("{error}: {description}"),
    }
}
