//! A set of policies, and what it says to a question.

use std::fmt;

use cedar_policy::PolicySet;
use model::{BoundedCache, CallTarget, Decision, DenyReason, Question, Scope, StepUp};
use serde_json::json;

use crate::{
    PolicyError, PolicyFile,
    evaluate::{Answer, Scene},
    load::{self, DEFAULT, SCHEMA},
    slices::Slices,
};

/// The built-in policies and the operator's own, ready to decide.
///
/// Immutable: a changed file makes another value, which a reader swaps in as a whole.
pub struct Policies {
    texts: Vec<PolicyFile>,
    fingerprint: String,
    all: PolicySet,
    slices: Slices,
    answers: BoundedCache<Question, Decision>,
}

impl Policies {
    /// The built-in policies alone.
    pub fn built_in() -> Self {
        Self::load(&[]).expect("the built-in policies hold against the built-in schema")
    }

    /// The built-in policies together with `extra`.
    ///
    /// Fails at the first text that does not parse, does not hold against the schema, or can not
    /// mean what it says, such as a policy that never matches.
    pub fn load(extra: &[PolicyFile]) -> Result<Self, PolicyError> {
        let mut texts = vec![PolicyFile { name: "built-in".into(), text: DEFAULT.into() }];
        texts.extend_from_slice(extra);
        let all = load::load(&texts)?;
        let slices = Slices::of(&all);
        Ok(Self { fingerprint: fingerprint(&texts), texts, all, slices, answers: BoundedCache::of(ANSWERS) })
    }

    /// What the policies say to `question`: go ahead, step up first, or no.
    ///
    /// When what the agent holds is not enough, the least authority that would be enough is what
    /// it is told to ask for. A denial that no authority cures is final.
    pub fn decide(&self, question: &Question) -> Decision {
        // There is nothing to forget: a question holds all that an answer depends on, and other policies are another value.
        if let Some(answer) = self.answers.find(question) {
            return answer;
        }
        let answer = self.decide_anew(question);
        self.answers.keep(question.clone(), answer.clone());
        answer
    }

    /// As [`Self::decide`], without the table of earlier answers. For explaining and for replay.
    pub fn decide_anew(&self, question: &Question) -> Decision {
        let Ok(scene) = Scene::of(question) else { return failed() };
        self.climb(question, &scene, &self.slices.about(scene.names()))
    }

    /// As [`Self::decide_anew`], with every policy instead of those that can matter. Slow: it is
    /// there so that tests and replays can hold the fast way against it.
    pub fn decide_by_all(&self, question: &Question) -> Decision {
        let Ok(scene) = Scene::of(question) else { return failed() };
        self.climb(question, &scene, &self.all)
    }

    /// Hex digest of the schema and every text: the version of the policies in the audit.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Every file, the built-in one first.
    pub fn texts(&self) -> &[PolicyFile] {
        &self.texts
    }

    /// Schema and files as one JSON text, from which the [fingerprint](Self::fingerprint) can be made again.
    pub fn to_json(&self) -> String {
        let files: Vec<_> =
            self.texts.iter().map(|file| json!({"file": file.file_name(), "text": file.text})).collect();
        json!({"schema": SCHEMA, "files": files}).to_string()
    }

    /// The schema that policies are written against, in Cedar's schema syntax.
    pub fn schema_text() -> &'static str {
        SCHEMA
    }

    fn climb(&self, question: &Question, scene: &Scene, policies: &PolicySet) -> Decision {
        let mut refused_by = match scene.ask(policies, question.authority) {
            Answer::Permitted(policies) => return Decision::Allow { policies },
            Answer::Refused(by) => by,
            Answer::Failed => return failed(),
        };
        for by in STEPS.into_iter().filter(|by| by.authority() > question.authority) {
            match scene.ask(policies, by.authority()) {
                Answer::Permitted(mut policies) => {
                    // Scopes name tools. Nobody can be asked for more than the protocol itself.
                    let CallTarget::Tool(tool, class) = &question.target else { break };
                    let scope = Scope::needed(&question.server, tool, class.tier());
                    policies.splice(0..0, refused_by);
                    return Decision::StepUp { scope, by, policies };
                }
                Answer::Refused(by) => refused_by = by,
                Answer::Failed => return failed(),
            }
        }
        let reason = match (question.target.held().is_some(), refused_by.is_empty()) {
            (true, false) => DenyReason::Held,
            (false, false) => DenyReason::Forbidden,
            (_, true) => DenyReason::NotPermitted,
        };
        Decision::Deny { reason, policies: refused_by }
    }
}

impl fmt::Debug for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policies").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

/// Cedar skips what it can not evaluate, even a `forbid`; to us an error is never a yes.
fn failed() -> Decision {
    Decision::Deny { reason: DenyReason::EvaluationError, policies: Vec::new() }
}

/// Lengths go in too, so that no text can pass for the end of one file and the start of the next. Folders do not: nodes may
/// have their files in different places.
fn fingerprint(texts: &[PolicyFile]) -> String {
    let mut digest = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    for text in [SCHEMA].into_iter().chain(texts.iter().flat_map(|file| [file.file_name(), file.text.as_str()])) {
        digest.update(&(text.len() as u64).to_be_bytes());
        digest.update(text.as_bytes());
    }
    digest.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What may be held beyond the standing grant, least first.
const STEPS: [StepUp; 2] = [StepUp::Consent, StepUp::Approval];

/// Answers kept: about 10 MB when all are different.
const ANSWERS: usize = 32 * 1024;
