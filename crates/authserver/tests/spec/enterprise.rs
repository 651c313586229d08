//! The word of an identity provider: what it opens, and everything it does not.
//!
//! Spec: MCP extension enterprise-managed-authorization; draft-ietf-oauth-identity-assertion-authz-grant.

use crypto::AgentKey;
use http::Request;
use model::{Actor, AgentState, Target};
use net::FetchRules;
use serde_json::{Value, json};

use crate::{client_metadata::Vendor, world::*};

const IDP: &str = "https://idp.acme.test";
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// An installation that trusts Acme's identity provider; `portal` is a client with a key, and Ada is `00u1` there.
struct Enterprise {
    world: World,
    idp: AgentKey,
    portal: AgentKey,
    number: std::cell::Cell<u32>,
}

impl Enterprise {
    async fn start() -> Self {
        Self::of(|_| {}, "").await
    }

    async fn of(change: impl FnOnce(&mut Value), policies: &str) -> Self {
        Self::fetching(FetchRules::default(), change, policies).await
    }

    async fn fetching(rules: FetchRules, change: impl FnOnce(&mut Value), policies: &str) -> Self {
        let (idp, portal) = (AgentKey::generate(), AgentKey::generate());
        let (jwks, key) = (json!({"keys": [idp.public_jwk()]}), portal.public_jwk());
        let declare = |config: &mut Value| {
            config["trusted_idps"] = json!({"acme": {"issuer": IDP, "jwks": jwks}});
            config["people"]["ada"]["identities"] = json!({"acme": "00u1"});
            config["clients"]["registered"]["portal"] =
                json!({"name": "Portal", "redirect_uris": [CALLBACK], "auth": "private_key_jwt", "public_key": key});
            change(config);
        };
        let world = World::of(declare, rules, policies).await;
        Self { world, idp, portal, number: std::cell::Cell::new(0) }
    }

    fn claims(&self, change: Value) -> Value {
        self.number.set(self.number.get() + 1);
        let now = self.world.store.now().seconds();
        let mut claims = json!({
            "iss": IDP, "sub": "00u1", "aud": ISSUER, "client_id": "portal", "iat": now, "exp": now + 120,
            "jti": format!("jag-{}", self.number.get()), "resource": RESOURCE, "scope": "tickets:low",
        });
        for (name, value) in change.as_object().unwrap() {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
                value => claims[name] = value.clone(),
            }
        }
        claims
    }

    fn says(&self, change: Value) -> String {
        self.idp.sign_claims("oauth-id-jag+jwt", &self.claims(change)).unwrap()
    }

    fn request(&self, assertion: &str, more: &[(&str, &str)]) -> Request<axum::body::Body> {
        let proof = self.portal.sign_assertion("portal", ISSUER, self.world.store.now()).unwrap();
        let mut fields = vec![
            ("grant_type", JWT_BEARER),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &proof),
            ("assertion", assertion),
        ];
        fields.extend_from_slice(more);
        post("/oauth/token").body(axum::body::Body::from(encode(&fields))).unwrap()
    }

    async fn exchange(&self, assertion: &str, more: &[(&str, &str)]) -> Reply {
        self.world.send(self.request(assertion, more)).await
    }

    async fn cause(&self) -> Value {
        self.world.last_record().await["cause"].clone()
    }
}

/// Spec: draft-ietf-oauth-identity-assertion-authz-grant §4.4.2, §4.4.3 (no refresh token), §7.2
/// Field: E4
#[tokio::test]
async fn the_word_of_a_trusted_provider_is_worth_one_short_token_for_that_person_and_nobody_is_asked() {
    let acme = Enterprise::start().await;
    let token = acme.exchange(&acme.says(json!({})), &[]).await.granted();
    assert_eq!((&token["token_type"], &token["scope"]), (&json!("Bearer"), &json!("tickets:low")));
    assert!(token.get("refresh_token").is_none(), "{token}");
    let claims = claims(&token);
    assert_eq!(
        (&claims["sub"], &claims["client_id"], &claims["aud"]),
        (&json!("person:ada"), &json!("portal"), &json!(RESOURCE))
    );
    let issued = acme.world.last_record().await;
    assert_eq!(
        (&issued["grant_type"], &issued["idp"], &issued["assertion"]),
        (&json!(JWT_BEARER), &json!("acme"), &json!("jag-1"))
    );
    assert_eq!(acme.world.events(3).await, ["agent_registered", "grant_made", "token_issued"]);
    // The next one is for the same agent, under the same grant.
    let again =
        acme.exchange(&acme.says(json!({})), &[("scope", "tickets:low"), ("resource", RESOURCE)]).await.granted();
    assert_eq!(super::world::claims(&again)["agent_id"], claims["agent_id"]);
    assert_eq!(acme.world.grants().await.len(), 1);
    let document = acme.world.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(
        document["authorization_grant_profiles_supported"],
        json!(["urn:ietf:params:oauth:grant-profile:id-jag"])
    );
    assert!(document["grant_types_supported"].as_array().unwrap().contains(&json!(JWT_BEARER)));
    assert!(!document.to_string().contains("idp.acme.test"), "whom we trust is nobody's business");
}

#[tokio::test]
async fn without_a_trusted_provider_there_is_no_such_grant_type() {
    let world = World::start().await;
    let document = world.get("/.well-known/oauth-authorization-server").await.json();
    assert!(
        !document.to_string().contains("jwt-bearer")
            && document.get("authorization_grant_profiles_supported").is_none()
    );
    let refused = world.token(&[("grant_type", JWT_BEARER), ("client_id", "desk"), ("assertion", "a.b.c")]).await;
    refused.refused(400, "unsupported_grant_type");
}

/// Spec: draft-ietf-oauth-identity-assertion-authz-grant §4.4.1; MCP extension enterprise-managed-authorization §7.4, §7.6.2
/// Field: E2
#[tokio::test]
async fn a_word_that_is_for_others_about_nobody_or_of_nobody_is_refused_and_the_record_says_which() {
    let acme = Enterprise::start().await;
    for (change, code, cause) in [
        (json!({"iss": "https://idp.evil.test"}), "invalid_grant", "unknown_provider"),
        (json!({"iss": ISSUER}), "invalid_grant", "unknown_provider"),
        (json!({"iss": format!("{ISSUER}/idp")}), "invalid_grant", "unknown_provider"),
        (json!({"aud": "https://other.test"}), "invalid_grant", "id_jag"),
        (json!({"aud": [ISSUER, "https://other.test"]}), "invalid_grant", "id_jag"),
        (json!({"client_id": "desk"}), "invalid_grant", "id_jag"),
        (json!({"sub": "00u2"}), "invalid_grant", "unknown_subject"),
        (json!({"sub": "ada", "email": "ada@acme.test"}), "invalid_grant", "unknown_subject"),
        (json!({"tenant": "other"}), "invalid_grant", "other_tenant"),
        (json!({"resource": "https://other.test/mcp/tickets"}), "invalid_grant", "other_resource"),
        (json!({"resource": null}), "invalid_target", "resource"),
        (json!({"scope": "files:low"}), "invalid_scope", "scope"),
        (json!({"scope": "nonsense"}), "invalid_scope", "scope"),
        (json!({"authorization_details": [{"type": "mcp_tool_call"}]}), "invalid_grant", "id_jag"),
    ] {
        acme.exchange(&acme.says(change.clone()), &[]).await.refused(400, code);
        assert_eq!(acme.cause().await, cause, "{change}");
    }
    acme.exchange(&acme.says(json!({})), &[("resource", "https://gw.test/mcp/files")])
        .await
        .refused(400, "invalid_target");
    acme.exchange(&acme.says(json!({})), &[("scope", "tickets:medium")]).await.refused(400, "invalid_scope");
    acme.exchange("nonsense", &[]).await.refused(400, "invalid_grant");
    let forged = AgentKey::generate().sign_claims("oauth-id-jag+jwt", &acme.claims(json!({}))).unwrap();
    acme.exchange(&forged, &[]).await.refused(400, "invalid_grant");
    // An ID token of the same provider, with all the same claims.
    let id_token = acme.idp.sign_claims("JWT", &acme.claims(json!({}))).unwrap();
    acme.exchange(&id_token, &[]).await.refused(400, "invalid_grant");
    assert!(acme.world.grants().await.is_empty());
    assert!(!acme.world.log().await.contains(&forged), "no assertion is ever in the log");
}

/// Spec: MCP extension enterprise-managed-authorization §7.4.2
/// Field: E1
#[tokio::test]
async fn a_word_is_taken_once_also_by_two_nodes_at_once() {
    let acme = Enterprise::start().await;
    let word = acme.says(json!({}));
    acme.exchange(&word, &[]).await.granted();
    acme.exchange(&word, &[]).await.refused(400, "invalid_grant");
    assert_eq!(acme.cause().await, "id_jag_replayed");
    let word = acme.says(json!({}));
    let requests = (0..8).map(|_| acme.request(&word, &[])).collect();
    let answers = acme.world.send_at_once(requests).await;
    assert_eq!(answers.iter().filter(|(status, _)| status.is_success()).count(), 1);
    // What a refused request showed was not used up: it may be asked for less.
    let word = acme.says(json!({}));
    acme.exchange(&word, &[("scope", "tickets:medium")]).await.refused(400, "invalid_scope");
    acme.exchange(&word, &[]).await.granted();
    let old = acme.says(json!({}));
    acme.world.advance(121);
    acme.exchange(&old, &[]).await.refused(400, "invalid_grant");
}

/// Spec: draft-ietf-oauth-identity-assertion-authz-grant §8.1; MCP extension enterprise-managed-authorization §7.7
/// Field: E5
#[tokio::test]
async fn a_client_that_proves_nothing_gets_nothing_for_it_and_an_agent_of_its_own_neither() {
    let acme = Enterprise::start().await;
    let word = acme.says(json!({"client_id": "desk"}));
    let public = [("grant_type", JWT_BEARER), ("client_id", "desk"), ("assertion", word.as_str())];
    acme.world.token(&public).await.refused(400, "unauthorized_client");
    let word = acme.says(json!({"client_id": "nightly"}));
    let nightly = acme.world.as_agent(&[("grant_type", JWT_BEARER), ("assertion", &word)]).await;
    assert!(nightly.status.is_client_error(), "{}", nightly.body);
    let without = acme.exchange("", &[]).await;
    assert!(without.status.is_client_error(), "{}", without.body);
    assert!(acme.world.grants().await.is_empty());
}

/// What the provider allows is the most, and what policy here gives is the rest of it: medium and high are elevations of their own.
///
/// Spec: MCP extension enterprise-managed-authorization §7.2.1
#[tokio::test]
async fn the_provider_does_not_say_yes_in_the_place_of_the_person_or_an_approver() {
    let acme = Enterprise::start().await;
    let all = "tickets:low tickets:medium tickets.delete_ticket";
    let token = acme.exchange(&acme.says(json!({"scope": all})), &[]).await.granted();
    assert_eq!(token["scope"], "tickets:low");
    assert!(acme.world.elevations().await.is_empty(), "and nobody was asked");
    let silent = acme.exchange(&acme.says(json!({"scope": null})), &[]).await.granted();
    assert_eq!(silent["scope"], "tickets:low");
    let none = Enterprise::of(|_| {}, r#"@id("none") forbid (principal, action == Action::"issue", resource);"#).await;
    none.exchange(&none.says(json!({})), &[]).await.refused(400, "invalid_scope");
    assert_eq!(none.world.last_record().await["policies"], json!(["none"]));
}

/// Spec: draft-ietf-oauth-identity-assertion-authz-grant §8.6 (`cnf`), RFC 9449 §5
#[tokio::test]
async fn a_word_that_is_bound_to_a_key_takes_the_proof_of_that_key_and_so_does_the_token() {
    let acme = Enterprise::of(|config| config["tokens"] = json!({"dpop_nonce": "off"}), "").await;
    let key = AgentKey::generate();
    let bound = || acme.says(json!({"cnf": {"jkt": key.thumbprint().to_string()}}));
    acme.exchange(&bound(), &[]).await.refused(400, "invalid_dpop_proof");
    let proving = async |key: &AgentKey, word: &str| {
        let claims = json!({"htm": "POST", "htu": format!("{ISSUER}/oauth/token"), "jti": crypto::Opaque::mint("p").expose(), "iat": acme.world.store.now().seconds()});
        let mut request = acme.request(word, &[]);
        request.headers_mut().insert("dpop", key.sign_proof_claims(&claims).unwrap().parse().unwrap());
        acme.world.send(request).await
    };
    proving(&AgentKey::generate(), &bound()).await.refused(400, "invalid_grant");
    let token = proving(&key, &bound()).await.granted();
    assert_eq!(token["token_type"], "DPoP");
    assert_eq!(claims(&token)["cnf"]["jkt"], key.thumbprint().to_string());
}

/// Who is stopped here is stopped, whatever the provider says.
#[tokio::test]
async fn the_kill_switch_a_disabled_person_and_a_suspended_agent_win_over_the_provider() {
    let acme = Enterprise::start().await;
    let token = acme.exchange(&acme.says(json!({})), &[]).await.granted();
    let agent = claims(&token)["agent_id"].as_str().unwrap().to_owned();
    acme.world.block(Target::Person("ada".parse().unwrap())).await;
    acme.exchange(&acme.says(json!({})), &[]).await.refused(400, "invalid_grant");
    assert_eq!(acme.cause().await, "blocked");
    let other = Enterprise::start().await;
    other.exchange(&other.says(json!({})), &[]).await.granted();
    set_state(&other.world, &agent, AgentState::Suspended).await;
    other.exchange(&other.says(json!({})), &[]).await.refused(400, "invalid_grant");
    assert_eq!(other.cause().await, "agent_not_active");
}

async fn set_state(world: &World, agent: &str, state: AgentState) {
    let id: model::Id<model::Agent> = agent.parse().unwrap();
    world
        .store
        .write::<_, privilege::Refused, _>(move |tx| {
            Box::pin(async move {
                let event = privilege::agent::set_state(tx, id, state, Actor::Operator).await?;
                Ok(store::Commit::with(event, ()))
            })
        })
        .await
        .unwrap();
}

/// Nobody goes around the provider: not by consent, not by what consent gave before.
#[tokio::test]
async fn a_server_of_the_enterprise_takes_no_consent_no_code_and_no_refresh() {
    let acme = Enterprise::start().await;
    let proven = [("client_id", "portal")];
    let code = acme.world.browser().code(&link("tickets:low", &[])).await;
    let token = acme.world.redeem(&code).await.granted();
    let code = acme.world.browser().code(&link("tickets:low", &[])).await;
    let closed = acme
        .world
        .configured(|config| {
            config.servers.get_mut(&"tickets".parse().unwrap()).unwrap().enterprise_only = true;
        })
        .await;
    let fields =
        [("grant_type", "authorization_code"), ("client_id", "desk"), ("code", &code), ("code_verifier", VERIFIER)];
    let redeem = post("/oauth/token").body(axum::body::Body::from(encode(&fields))).unwrap();
    for request in [redeem, refresh_request("desk", &refresh_of(&token), &[])] {
        closed.send(request).await.refused(400, "invalid_grant");
        assert_eq!(acme.cause().await, "enterprise_only");
    }
    closed.send(acme.request(&acme.says(json!({})), &[])).await.granted();
    closed.store.close().await;
    let only = Enterprise::of(|config| config["servers"]["tickets"]["enterprise_only"] = json!(true), "").await;
    let mut browser = only.world.signed_in("ada").await;
    browser.get(&link("tickets:low", &[])).await.sent_back("access_denied");
    browser.get(&link("tickets:low", &proven)).await.sent_back("access_denied");
    only.exchange(&only.says(json!({})), &[]).await.granted();
    // An agent that acts for itself is the operator's own, and declared.
    only.world.as_agent(&[]).await.granted();
}

/// Spec: draft-ietf-oauth-identity-assertion-authz-grant §6 (tenants)
#[tokio::test]
async fn tenants_of_one_issuer_are_trusted_each_by_itself() {
    let acme = Enterprise::of(
        |config| {
            let jwks = config["trusted_idps"]["acme"]["jwks"].clone();
            config["trusted_idps"] = json!({
                "acme-eu": {"issuer": IDP, "jwks": jwks, "tenant": "eu"}, "acme-us": {"issuer": IDP, "jwks": jwks, "tenant": "us"},
            });
            config["people"]["ada"]["identities"] = json!({"acme-eu": "00u1"});
            config["people"]["bob"]["identities"] = json!({"acme-us": "00u1"});
        },
        "",
    )
    .await;
    for (tenant, person) in [("eu", "ada"), ("us", "bob")] {
        let token = acme.exchange(&acme.says(json!({"tenant": tenant})), &[]).await.granted();
        assert_eq!(claims(&token)["sub"], format!("person:{person}"));
    }
    acme.exchange(&acme.says(json!({"tenant": "asia"})), &[]).await.refused(400, "invalid_grant");
    acme.exchange(&acme.says(json!({})), &[]).await.refused(400, "invalid_grant");
}

/// A key that the provider has only just begun to use is found; one that it took back is believed for a while and no longer; and
/// while its keys can not be read, those that were read stand in for an hour.
///
/// Spec: MCP extension enterprise-managed-authorization §7.4.1
/// Field: E6, E7
#[tokio::test]
async fn the_keys_of_a_provider_are_read_where_it_publishes_them() {
    let vendor = Vendor::start().await;
    let uri = vendor.url.replace("client.json", "keys.json");
    let declare = |config: &mut Value| config["trusted_idps"] = json!({"acme": {"issuer": IDP, "jwks_uri": uri}});
    let mut acme = Enterprise::fetching(vendor.rules.clone(), declare, "").await;
    vendor.answers(200, 503);
    acme.exchange(&acme.says(json!({})), &[]).await.refused(503, "temporarily_unavailable");
    let publish = |keys: &[&AgentKey]| {
        let keys: Vec<Value> = keys.iter().map(|key| key.public_jwk()).collect();
        vendor.change("served_keys", json!({"keys": keys}));
    };
    vendor.answers(200, 200);
    publish(&[&acme.idp]);
    acme.exchange(&acme.says(json!({})), &[]).await.granted();
    let old = std::mem::replace(&mut acme.idp, AgentKey::generate());
    publish(&[&acme.idp]);
    acme.world.advance(31);
    acme.exchange(&acme.says(json!({})), &[]).await.granted();
    let late = old.sign_claims("oauth-id-jag+jwt", &acme.claims(json!({}))).unwrap();
    acme.exchange(&late, &[]).await.refused(400, "invalid_grant");
    vendor.answers(200, 503);
    acme.world.advance(59 * 60);
    acme.exchange(&acme.says(json!({})), &[]).await.granted();
    acme.world.advance(2 * 60);
    acme.exchange(&acme.says(json!({})), &[]).await.refused(503, "temporarily_unavailable");
}
