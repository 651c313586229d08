//! `requestState`: what a server hands to a client that has to call again, bound to whom it was handed and to the call.
//!
//! The server may take what comes back for its own word on who asked, for what, and what was agreed to; all agents reach
//! it through one connection. So it leaves [sealed](crate::sealing) to principal, server, method and name, and a request
//! that brings one which does not open for this very call is refused. A call that comes again is decided on anew.
//!
//! Only answers to the requests that may need input are looked at; a state in any other answer leaves as it is, and
//! can not come back.
//!
//! Spec: MCP 2026-07-28 basic/patterns/mrtr (server requirements, integrity).

use std::sync::Arc;

use bytes::Bytes;
use crypto::Digest;
use mcp::{
    json,
    jsonrpc::{Message, MethodCall},
    method::ActsOn,
    request_state::{Finder, Found},
    revision::Revision,
};

use crate::{
    principal::Principal,
    sealed::edited::Edited,
    sealed::seals::{Seals, owner},
};

const PURPOSE: &str = "request-state";

/// The state was not given to this principal for this call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForeignState;

/// Puts the state that a request brings back in the form in which its server wrote it.
pub fn bring_back(
    message: &mut Message,
    revision: &dyn Revision,
    seals: &Seals,
    principal: &Principal,
) -> Result<(), ForeignState> {
    let Some(call) = message.call() else { return Ok(()) };
    let Some(ours) = call.params().request_state() else { return Ok(()) };
    let owner = owner_of(principal, &called(call, revision).ok_or(ForeignState)?);
    let theirs = seals.open(PURPOSE, &owner, ours.as_bytes()).map_err(|_| ForeignState)?;
    message.set_request_state(&String::from_utf8(theirs).map_err(|_| ForeignState)?);
    Ok(())
}

/// Method and name, the same on the way out and on the way back. `None` for a request that never needs input.
fn called(call: &MethodCall, revision: &dyn Revision) -> Option<String> {
    let params = call.params();
    let name = match revision.method(call.method())?.acts_on {
        ActsOn::Tool | ActsOn::Prompt => params.name.as_deref()?,
        ActsOn::Resource => params.uri.as_deref()?,
        ActsOn::Server | ActsOn::Introduction | ActsOn::Completed | ActsOn::Subscribed | ActsOn::List => return None,
    };
    Some(format!("{}\n{name}", call.method()))
}

/// For whom and what.
fn owner_of(principal: &Principal, call: &str) -> Digest {
    Digest::of(&format!("{}\n{call}", owner(principal).to_hex()))
}

/// Most answers hold no state, so nothing is computed before one does.
#[derive(Debug)]
enum Owner {
    Of(Arc<Principal>, String),
    Known(Digest),
}

impl Owner {
    fn digest(&mut self) -> Digest {
        match self {
            Self::Known(digest) => *digest,
            Self::Of(principal, call) => {
                let digest = owner_of(principal, call);
                *self = Self::Known(digest);
                digest
            }
        }
    }
}

/// Seals the state in an answer, in whatever portions it comes.
#[derive(Debug)]
pub struct RequestStates {
    seals: Arc<Seals>,
    owner: Owner,
    finder: Finder,
}

impl RequestStates {
    /// For the answer to `call`, as JSON or as `events`. `None` when it never needs input.
    pub fn of(
        call: &MethodCall,
        revision: &dyn Revision,
        events: bool,
        seals: &Arc<Seals>,
        principal: &Arc<Principal>,
    ) -> Option<Self> {
        let owner = Owner::Of(principal.clone(), called(call, revision)?);
        Some(Self { seals: seals.clone(), owner, finder: Finder::new(events) })
    }

    /// The next portion, as it is passed on.
    pub fn seal(&mut self, bytes: Bytes) -> Bytes {
        let mut edited = Edited::of(bytes.clone());
        let (seals, owner) = (&self.seals, &mut self.owner);
        self.finder.look(&bytes, |part, found| match found {
            Found::Part => edited.replace(part, b""),
            Found::TooLong(literal) => {
                tracing::warn!(event = "request_state_too_long", "it leaves as it is and can not come back");
                edited.replace(part, literal);
            }
            Found::Whole(literal) => match json::check(literal).ok().and_then(json::Strict::string) {
                Some(theirs) => {
                    let ours = seals.seal(PURPOSE, &owner.digest(), theirs.as_bytes());
                    edited.replace(part, format!("\"{ours}\"").as_bytes());
                }
                None => edited.replace(part, literal),
            },
        });
        edited.done()
    }
}

#[cfg(test)]
mod tests {
    use crypto::MasterKey;
    use proptest::prelude::*;

    use super::*;

    fn states(events: bool) -> RequestStates {
        let seals = Arc::new(Seals::new(&MasterKey::from_bytes([7; 32])));
        RequestStates { seals, owner: Owner::Known(Digest::of("ada calls x")), finder: Finder::new(events) }
    }

    fn sealed(events: bool, portions: &[&[u8]]) -> String {
        let mut states = states(events);
        let out: Vec<u8> = portions.iter().flat_map(|portion| states.seal(Bytes::copy_from_slice(portion))).collect();
        String::from_utf8(out).unwrap()
    }

    /// The state in it, opened.
    fn state(text: &str) -> String {
        let data: String = text.lines().map(|line| line.strip_prefix("data:").unwrap_or(line)).collect();
        let message: serde_json::Value = serde_json::from_str(&data).unwrap();
        let ours = message["result"]["requestState"].as_str().unwrap();
        let mut states = states(false);
        let owner = states.owner.digest();
        String::from_utf8(states.seals.open(PURPOSE, &owner, ours.as_bytes()).unwrap()).unwrap()
    }

    /// Field: S7
    #[test]
    fn the_state_of_a_result_is_sealed_wherever_it_stands_and_nothing_else_is_touched() {
        for (text, theirs) in [
            (r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required","requestState":"s"}}"#, "s"),
            (r#"{"result":{"requestState" : "a\"}é\\","x":{"requestState":"no"}},"id":1}"#, "a\"}\u{e9}\\"),
            (r#"{"id":1,"x":[{"result":1}],"result":{"y":["requestState",{"z":","}],"requestState":""}}"#, ""),
            ("{\"result\":\n{\"a\":\"b:c,\",\"requestState\":\"\u{fc}\"}}", "\u{fc}"),
        ] {
            let out = sealed(false, &[text.as_bytes()]);
            assert_eq!(state(&out), theirs, "{out}");
            let ours: serde_json::Value = serde_json::from_str(&out).unwrap();
            let ours = ours["result"]["requestState"].as_str().unwrap();
            assert_eq!(out.replacen(ours, "\0", 1).split('\0').count(), 2);
            assert!(
                text.starts_with(out.split(ours).next().unwrap()) && text.ends_with(out.split(ours).nth(1).unwrap())
            );
        }
        for untouched in [
            r#"{"result":{"content":[{"requestState":"s"}],"structuredContent":{"requestState":"s"}}}"#,
            r#"{"requestState":"s","params":{"requestState":"s"},"error":{"requestState":"s"}}"#,
            r#"{"result":{"requestState":7,"x":"requestState","text":"\"requestState\":\"s\""}}"#,
            r#"{"result":["requestState","s"]}"#,
            r#"["result",{"requestState":"s"}]"#,
            "no JSON at all \"{:,",
            "",
        ] {
            assert_eq!(sealed(false, &[untouched.as_bytes()]), untouched);
        }
    }

    /// Field: S7
    #[test]
    fn the_state_in_an_event_is_sealed_and_only_messages_are_looked_at() {
        let event = "id: 1\r\ndata: {\"result\":{\r\ndata: \"requestState\":\"s\"}}\r\n\r\n";
        let out = sealed(true, &[event.as_bytes()]);
        assert!(out.starts_with("id: 1\r\ndata: {\"result\":{\r\ndata: \"requestState\":\""), "{out}");
        assert!(out.ends_with("\"}}\r\n\r\n") && !out.contains("\"s\""), "{out}");
        let again = "data:{\"method\":\"x\",\"params\":{\n\ndata:{\"result\":{\"requestState\":\"s\"}}\n\n";
        let out = sealed(true, &[again.as_bytes()]);
        assert_eq!(state(out.split("\n\n").nth(1).unwrap()), "s", "each event begins anew");
        for untouched in
            [": {\"result\":{\"requestState\":\"s\"}}\n\n", "datax: {\"result\":{\"requestState\":\"s\"}}\n\n"]
        {
            assert_eq!(sealed(true, &[untouched.as_bytes()]), untouched);
        }
    }

    /// Field: S7
    #[test]
    fn a_state_that_never_ends_is_not_held() {
        let mut states = states(false);
        let mut out = states.seal(Bytes::from_static(b"{\"result\":{\"requestState\":\"")).len();
        for _ in 0..40 {
            out += states.seal(Bytes::from(vec![b'x'; 64 * 1024])).len();
        }
        assert_eq!(out, 27 + 40 * 64 * 1024, "it leaves as it is");
    }

    proptest! {
        #[test]
        fn the_same_is_sealed_however_the_answer_is_torn(
            before in r#"[a-z{}\[\],: ]{0,6}"#,
            text in r#"([a-z]|\\"|\\\\|\\u00e9){0,12}"#,
            cuts in prop::collection::vec(0usize..140, 0..8),
            events in any::<bool>(),
        ) {
            let json = format!(r#"{{"a":"{before}","result":{{"b":["{before}"],"requestState":"{text}","c":1}}}}"#);
            let whole = if events { format!("id: 1\ndata: {json}\n\n") } else { json };
            let bytes = whole.as_bytes();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).chain([0, bytes.len()]).collect();
            cuts.sort_unstable();
            let portions: Vec<_> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            let out = sealed(events, &portions);
            let out = out.strip_prefix("id: 1\n").unwrap_or(&out);
            let expected: String = serde_json::from_str(&format!("\"{text}\"")).unwrap();
            prop_assert_eq!(state(out), expected);
        }
    }
}
