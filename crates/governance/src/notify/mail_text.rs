//! A message as people read it in their mail: what happened in a line, its facts, and where to look.
//!
//! It is made of the very message that others get signed, so it says no more than that, and nothing in it is worth anything to
//! whoever reads it besides.

use std::fmt::Write;

use model::MessageKind;
use serde_json::Value;

/// One mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailText {
    /// In one line.
    pub subject: String,
    /// Plain text.
    pub text: String,
}

impl MailText {
    /// Of the body of a message.
    pub fn of(id: &str, body: &str) -> Self {
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let kind = body["type"].as_str().and_then(|kind| kind.parse::<MessageKind>().ok());
        let data = &body["data"];
        let of = |name: &str| data[name].as_str().unwrap_or("?");
        let (subject, to_do) = match kind {
            Some(MessageKind::ApprovalRequested) => (
                format!("{} asks for {}", of("agent"), of("scope")),
                "Decide on it there. Do not approve what nobody told you of.",
            ),
            Some(MessageKind::ApprovalDecided) => (
                match of("decision") {
                    "one_of_several" => {
                        format!("{} approved {}; others have to as well", of("decided_by"), of("scope"))
                    }
                    decision => format!("{} {decision} {} for {}", of("decided_by"), of("scope"), of("agent")),
                },
                "What was decided is there, and can be ended there.",
            ),
            Some(MessageKind::ElevationEnded) => {
                (format!("{} is over", of("scope")), "What was done with it is there.")
            }
            Some(MessageKind::TaskProposedComplete) => {
                (format!("{} says that its task is complete", of("agent")), "Confirm it there.")
            }
            Some(MessageKind::AgentStopped) => {
                (format!("{} was {}", of("agent"), of("state")), "What it did and held is there.")
            }
            Some(MessageKind::DefinitionHeld) => (
                format!("{} offers something that nobody has accepted", of("server")),
                "It is held until somebody has looked at it there.",
            ),
            Some(MessageKind::CredentialReplayed) => (
                "A credential was in two hands, and what it was for has ended".to_owned(),
                "Look there at who used it, and from where.",
            ),
            Some(MessageKind::Revoked) => {
                (format!("The kill switch was turned: {} {}", of("target"), of("name")), "What it covers is there.")
            }
            Some(MessageKind::Test) | None => {
                ("A try of an operator".to_owned(), "Nothing has to be done: messages arrive.")
            }
        };
        let mut text = format!("{subject}\n\n");
        for (name, value) in data.as_object().into_iter().flatten() {
            if let (Some(value), false) = (value.as_str(), name == "link") {
                let _ = writeln!(text, "  {name}: {value}");
            }
        }
        let at = body["timestamp"].as_str().unwrap_or_default();
        let _ = write!(text, "  at: {at}\n\n{to_do}\n\n  {}\n\n-- \nThe link needs a login. {id}\n", of("link"));
        Self { subject: format!("[Portcullis] {subject}"), text }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_mail_says_what_happened_where_to_look_and_nothing_of_how_to_decide_without_a_login() {
        let data = json!({"elevation": "elv_1", "agent": "bot@ada", "scope": "tickets.delete_ticket", "tier": "high",
            "may_act": {"role": "approver"}, "link": "https://gw.test/console/approvals/elv_1"});
        let body = json!({"type": "approval_requested", "timestamp": "2026-11-28T01:00:00Z", "data": data}).to_string();
        let mail = MailText::of("msg_1", &body);
        assert_eq!(mail.subject, "[Portcullis] bot@ada asks for tickets.delete_ticket");
        for part in ["  tier: high\n", "  https://gw.test/console/approvals/elv_1\n", "needs a login. msg_1"] {
            assert!(mail.text.contains(part), "{part}: {}", mail.text);
        }
        assert!(!mail.text.contains("may_act"), "{}", mail.text);
    }

    /// Each kind has words of its own, and what is missing is a question mark and no failure.
    #[test]
    fn every_kind_of_message_has_a_subject() {
        let mut seen = std::collections::BTreeSet::new();
        let kinds = "approval_requested approval_decided elevation_ended task_proposed_complete agent_stopped definition_held \
                     credential_replayed revoked test";
        for kind in kinds.split(' ') {
            assert!(kind.parse::<MessageKind>().is_ok(), "{kind}");
            let body = json!({"type": kind, "timestamp": "t", "data": {"link": "l"}}).to_string();
            let mail = MailText::of("msg_1", &body);
            assert!(seen.insert(mail.subject.clone()), "{}", mail.subject);
            assert!(!mail.subject.contains('\n'));
        }
        assert!(MailText::of("msg_1", "nonsense").subject.contains("A try"));
    }
}
