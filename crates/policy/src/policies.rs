//! A set of policies, and what it says to a question.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashSet},
    fmt,
};

use cedar_policy::{PolicyId, PolicySet, RestrictedExpression};
use model::{
    ApprovalQuestion, Authority, BoundedCache, CallTarget, Class, Decision, DenyReason, ExceptionName, Id, Question,
    Scope, Server, StepUp, ToolName, server::Kind,
};
use serde_json::json;

use crate::{
    Accepted, Arguments, Directory, InputType, PolicyError, PolicyFile, Untypable,
    evaluate::{Answer, Doing, Holding, Scene, Unaskable},
    load::{self, DEFAULT, Loaded},
    schema::{self, SCHEMA},
    slices::{Asked, Slices},
    typed::Named,
    validate::{self, Unchecked},
};

/// The built-in policies and the operator's own, ready to decide.
///
/// Immutable: a changed file makes another value, which a reader swaps in as a whole.
pub struct Policies {
    texts: Vec<PolicyFile>,
    fingerprint: String,
    directory: Directory,
    loaded: Vec<Loaded>,
    unchecked: Vec<Unchecked>,
    all: PolicySet,
    /// Those that look at arguments.
    looking: HashSet<PolicyId>,
    /// The exceptions that some of them ask for.
    exceptions: BTreeSet<ExceptionName>,
    slices: Slices,
    answers: BoundedCache<Question, Known>,
}

/// What is known of a question without arguments.
#[derive(Clone)]
enum Known {
    /// They do not matter.
    Decided(Decision),
    /// These matter.
    ByArguments {
        named: Named,
        /// What is said to those that allow the most.
        most: Decision,
    },
}

impl Policies {
    /// The built-in policies alone.
    pub fn built_in() -> Self {
        Self::load(&[]).expect("the built-in policies hold against the built-in schema")
    }

    /// The built-in policies together with `extra`, where nobody is in a group and nothing was accepted.
    ///
    /// # Errors
    /// As [`Self::load_for`].
    pub fn load(extra: &[PolicyFile]) -> Result<Self, PolicyError> {
        Self::load_for(extra, Directory::default(), &Accepted::default())
    }

    /// The built-in policies together with `extra`, for these people and servers and the tools that were accepted.
    ///
    /// # Errors
    /// The first text that does not parse, does not hold against the schema, or can not mean what it says, such as a policy
    /// that never matches.
    pub fn load_for(extra: &[PolicyFile], directory: Directory, accepted: &Accepted) -> Result<Self, PolicyError> {
        let mut texts = vec![PolicyFile { name: "built-in".into(), text: DEFAULT.into() }];
        texts.extend_from_slice(extra);
        let mut loaded = load::load(&texts)?;
        let unchecked = validate::all(&texts, &loaded, accepted, &directory)?;
        loaded.iter_mut().for_each(|one| one.json = serde_json::Value::Null);
        let mut all = PolicySet::new();
        for one in &loaded {
            all.add(one.policy.clone()).expect("ids are unique, and templates are refused");
        }
        let looking = loaded.iter().filter(|one| one.by_input.is_some()).map(|one| one.policy.id().clone()).collect();
        let exceptions = loaded.iter().flat_map(|one| &one.exceptions).cloned().collect();
        let slices = Slices::of(loaded.iter().map(|one| (&one.policy, one.by_input.as_ref())));
        let (fingerprint, answers) = (fingerprint(&texts), BoundedCache::of(ANSWERS));
        Ok(Self { texts, fingerprint, directory, loaded, unchecked, all, looking, exceptions, slices, answers })
    }

    /// What the policies say to `question`: go ahead, step up first, or no.
    ///
    /// When what the agent holds is not enough, the least authority that would be enough is what
    /// it is told to ask for. A denial that no authority cures is final.
    ///
    /// # Errors
    /// A policy looks at the arguments, and they can not be read by what was accepted. Nothing may be called with them.
    pub fn decide(&self, question: &Question, arguments: Arguments<'_>) -> Result<Decision, Untypable> {
        match self.known(question) {
            Known::Decided(decision) => Ok(decision),
            // Not kept: whoever calls chooses them, and could fill any table with what is asked once.
            Known::ByArguments { named, .. } => self.by_arguments(question, &arguments.value(&named)?),
        }
    }

    /// As [`Self::decide`], without the table of earlier answers. For explaining and for replay.
    ///
    /// # Errors
    /// As there.
    pub fn decide_anew(&self, question: &Question, arguments: Arguments<'_>) -> Result<Decision, Untypable> {
        match self.known_anew(question) {
            Known::Decided(decision) => Ok(decision),
            Known::ByArguments { named, .. } => self.by_arguments(question, &arguments.value(&named)?),
        }
    }

    /// As [`Self::decide_anew`], with every policy instead of those that can matter, and every argument. Slow: it is
    /// there so that tests and replays can hold the fast way against it.
    ///
    /// # Errors
    /// As there.
    pub fn decide_by_all(&self, question: &Question, arguments: Arguments<'_>) -> Result<Decision, Untypable> {
        let Ok(scene) = Scene::of(question, Doing::Calling, &self.directory) else { return Ok(failed(question)) };
        let looks = self.takes_arguments(question) && self.slices.looks_at(scene.names()).is_some();
        let input = if looks { Some(arguments.value(&Named::All)?) } else { None };
        Ok(self.climb(question, &scene, (&self.all, &Among::All(&self.all)), input.as_ref(), &HashSet::new()))
    }

    /// What the policies say to those arguments that allow the most: for lists, and for what is issued before there are any.
    pub fn decide_most(&self, question: &Question) -> Decision {
        match self.known(question) {
            Known::Decided(decision) | Known::ByArguments { most: decision, .. } => decision,
        }
    }

    /// As [`Self::decide_most`], with the step-up that is enough for whatever may be allowed at all: what has to be issued,
    /// so that nobody is sent for more a second time.
    pub fn decide_fully(&self, question: &Question) -> Decision {
        let most = match self.known(question) {
            Known::Decided(decision) | Known::ByArguments { most: decision @ Decision::Deny { .. }, .. } => {
                return decision;
            }
            Known::ByArguments { most, .. } => most,
        };
        let Ok(scene) = Scene::of(question, Doing::Calling, &self.directory) else { return failed(question) };
        let ask = |asked, authority| {
            let slice = self.slices.about(scene.names(), asked);
            match scene.ask(&slice, Holding::Authority(authority, None), &self.looking) {
                Answer::Permitted(policies) => Some(policies),
                Answer::Refused(_) | Answer::Failed => None,
            }
        };
        let enough = |asked, authority| {
            let policies = ask(asked, authority)?;
            let may_be_held =
                |authority| matches!(self.elevate(question, authority, &self.sliced()), Answer::Permitted(_));
            if authority == Authority::Standing || may_be_held(authority) {
                return Some(policies);
            }
            ask(asked, Authority::Standing)
        };
        let more = STEPS.into_iter().filter(|by| by.authority() > question.authority);
        // The least with which every argument is allowed; where some never are, all that can be had.
        if let Some(policies) = enough(Asked::Least, question.authority) {
            return Decision::Allow { policies };
        }
        let step = more.clone().find_map(|by| Some((by, enough(Asked::Least, by.authority())?)));
        let step = step.or_else(|| more.rev().find_map(|by| Some((by, enough(Asked::Most, by.authority())?))));
        match (step, &question.target) {
            (Some((by, policies)), CallTarget::Tool(tool, class)) => {
                Decision::StepUp { scope: Scope::needed(&question.server, tool, class.tier()), by, policies }
            }
            _ => most,
        }
    }

    /// Does the answer to `question` depend on arguments?
    pub fn depends_on_arguments(&self, question: &Question) -> bool {
        matches!(self.known(question), Known::ByArguments { .. })
    }

    /// May the agent be issued a token for the server? What the question is about besides that does not matter.
    pub fn decide_issuing(&self, question: &Question) -> Decision {
        let scene = Scene::of(question, Doing::Issued, &self.directory);
        self.yes_or_no(scene, Holding::Authority(question.authority, None))
    }

    /// May this person say yes?
    pub fn decide_approval(&self, question: &ApprovalQuestion) -> Decision {
        self.yes_or_no(Scene::of_approval(question, &self.directory), Holding::Nothing)
    }

    /// What is allowed or not, and nothing anybody holds changes that.
    fn yes_or_no(&self, scene: Result<Scene, Unaskable>, holding: Holding<'_>) -> Decision {
        let denied = |reason, policies| Decision::Deny { reason, policies };
        let Ok(scene) = scene else { return denied(DenyReason::EvaluationError, Vec::new()) };
        let slice = self.slices.about(scene.names(), Asked::Exactly);
        match scene.ask(&slice, holding, &HashSet::new()) {
            Answer::Permitted(policies) => Decision::Allow { policies },
            Answer::Refused(by) if by.is_empty() => denied(DenyReason::NotPermitted, by),
            Answer::Refused(by) => denied(DenyReason::Forbidden, by),
            Answer::Failed => denied(DenyReason::EvaluationError, Vec::new()),
        }
    }

    /// Would every policy still mean what it says, if a tool took this?
    ///
    /// # Errors
    /// The first that would not.
    pub fn fit(&self, server: &Id<Server>, tool: &ToolName, input: &InputType) -> Result<(), PolicyError> {
        if self.directory.is_unpinned(server) || !matches!(tool.kind(), Kind::Tool(_)) {
            return Ok(());
        }
        validate::with(&self.texts, &self.loaded, &self.directory, (&tool.qualified(server), input))
    }

    /// The exceptions that some policy asks for. No other is a fact of any decision.
    pub fn exceptions(&self) -> &BTreeSet<ExceptionName> {
        &self.exceptions
    }

    /// What could not be held against arguments, because nobody has accepted them yet.
    pub fn unchecked(&self) -> &[Unchecked] {
        &self.unchecked
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

    /// The schema that policies are written against, in Cedar's schema syntax, with the actions of what was accepted.
    pub fn schema_text(accepted: &Accepted) -> String {
        schema::text(SCHEMA, accepted.0.iter().map(|(tool, input)| (tool.as_str(), Some(input))))
    }

    fn known(&self, question: &Question) -> Known {
        // There is nothing to forget: a question holds all that an answer depends on, and other policies are another value.
        if let Some(known) = self.answers.find(question) {
            return known;
        }
        let known = self.known_anew(question);
        self.answers.keep(question.clone(), known.clone());
        known
    }

    fn known_anew(&self, question: &Question) -> Known {
        let Ok(scene) = Scene::of(question, Doing::Calling, &self.directory) else {
            return Known::Decided(failed(question));
        };
        let slice = |asked| self.slices.about(scene.names(), asked);
        let looks = if self.takes_arguments(question) { self.slices.looks_at(scene.names()) } else { None };
        match looks {
            None => {
                let slice = slice(Asked::Exactly);
                Known::Decided(self.climb(question, &scene, (&slice, &self.sliced()), None, &HashSet::new()))
            }
            Some(named) => {
                let most = self.climb(question, &scene, (&slice(Asked::Most), &self.sliced()), None, &self.looking);
                Known::ByArguments { named, most }
            }
        }
    }

    fn by_arguments(&self, question: &Question, input: &RestrictedExpression) -> Result<Decision, Untypable> {
        let Ok(scene) = Scene::of(question, Doing::Calling, &self.directory) else { return Ok(failed(question)) };
        let slice = self.slices.about(scene.names(), Asked::Exactly);
        Ok(self.climb(question, &scene, (&slice, &self.sliced()), Some(input), &HashSet::new()))
    }

    /// Is it about something whose arguments have a type? What is held is not called with any.
    fn takes_arguments(&self, question: &Question) -> bool {
        match &question.target {
            CallTarget::Tool(tool, Class::Rated(_)) => {
                matches!(tool.kind(), Kind::Tool(_)) && !self.directory.is_unpinned(&question.server)
            }
            CallTarget::Tool(_, Class::Held(_)) | CallTarget::Protocol => false,
        }
    }

    /// May this much be held for it?
    fn elevate(&self, question: &Question, authority: Authority, among: &Among<'_>) -> Answer {
        let Ok(scene) = Scene::of(question, Doing::Elevating, &self.directory) else { return Answer::Failed };
        let policies = match among {
            Among::All(all) => Cow::Borrowed(*all),
            Among::Those(slices) => slices.about(scene.names(), Asked::Exactly),
        };
        scene.ask(&policies, Holding::Authority(authority, None), &HashSet::new())
    }

    fn sliced(&self) -> Among<'_> {
        Among::Those(&self.slices)
    }

    fn climb(
        &self,
        question: &Question,
        scene: &Scene,
        (policies, among): (&PolicySet, &Among<'_>),
        input: Option<&RestrictedExpression>,
        may_fail: &HashSet<PolicyId>,
    ) -> Decision {
        let call = |authority| scene.ask(policies, Holding::Authority(authority, input), may_fail);
        let ask = |authority| match call(authority) {
            Answer::Permitted(by) if authority > Authority::Standing => {
                match self.elevate(question, authority, among) {
                    Answer::Permitted(_) => Answer::Permitted(by),
                    refused => match call(Authority::Standing) {
                        // Nothing has to be held for it.
                        Answer::Permitted(by) => Answer::Permitted(by),
                        Answer::Refused(_) | Answer::Failed => refused,
                    },
                }
            }
            answer => answer,
        };
        let mut refused_by = match ask(question.authority) {
            Answer::Permitted(policies) => return Decision::Allow { policies },
            Answer::Refused(by) => by,
            Answer::Failed => return failed(question),
        };
        for by in STEPS.into_iter().filter(|by| by.authority() > question.authority) {
            match ask(by.authority()) {
                Answer::Permitted(mut policies) => {
                    // Scopes name tools. Nobody can be asked for more than the protocol itself.
                    let CallTarget::Tool(tool, class) = &question.target else { break };
                    let scope = Scope::needed(&question.server, tool, class.tier());
                    policies.splice(0..0, refused_by);
                    return Decision::StepUp { scope, by, policies };
                }
                Answer::Refused(by) => refused_by = by,
                Answer::Failed => return failed(question),
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

/// Among which policies is asked.
enum Among<'p> {
    /// All.
    All(&'p PolicySet),
    /// Those that can matter.
    Those(&'p Slices),
}

impl fmt::Debug for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policies").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

/// Cedar skips what it can not evaluate, even a `forbid`; to us an error is never a yes. Of what is held no policy can see
/// the arguments, and whoever asks is told that it is held.
fn failed(question: &Question) -> Decision {
    let reason = if question.target.held().is_some() { DenyReason::Held } else { DenyReason::EvaluationError };
    Decision::Deny { reason, policies: Vec::new() }
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
