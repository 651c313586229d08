//! Whether policies hold against what there is: the schema, and the arguments of the tools that were accepted.
//!
//! Each policy is held against the requests that it can match and no others. Ten thousand tools times ten thousand policies
//! would take minutes, so what looks at no arguments is held against no tool's, and what looks at those of many tools at once
//! is held against each *different* type once.
//!
//! Cedar's warnings are errors here: a policy that can never match, or that hides characters, is not what its author meant.
//! Of a policy about many tools it is none that nothing has its arguments yet.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
};

use cedar_policy::{
    ActionConstraint, EntityUid, Policy, PolicyId, PolicySet, ResourceConstraint, ValidationError, ValidationMode,
    ValidationWarning, Validator,
};
use miette::Diagnostic;
use serde_json::Value;

use crate::{
    Accepted, Directory, InputType, PolicyError, PolicyFile,
    load::Loaded,
    schema::{self, Action},
    words::{self, CALL, is_built_in},
};

/// A policy that looks at arguments which nobody has accepted yet. Whether it means what it says is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unchecked {
    /// Its id.
    pub policy: String,
    /// Its file.
    pub file: String,
    /// The line where it begins to speak of them, from 1.
    pub line: usize,
    /// The tool that has no accepted definition; `None`, when it is about many and fits none.
    pub tool: Option<String>,
}

impl fmt::Display for Unchecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { policy, file, line, tool } = self;
        match tool {
            Some(tool) => write!(
                f,
                "{file}:{line}: what policy `{policy}` says of the arguments of `{tool}` is not checked yet: its definition \
                 is not accepted"
            ),
            None => write!(
                f,
                "{file}:{line}: what policy `{policy}` says of arguments is not checked yet: no tool that is accepted has them"
            ),
        }
    }
}

/// So many policies are held against one schema: it has an action for each tool that they name, and each of them is held
/// against all of these.
const AT_ONCE: usize = 16;

/// What a policy can be about.
enum About {
    /// One of these tools; `true`, when nothing else can be.
    Tools(BTreeSet<String>, bool),
    /// Whatever a server, or one group of its tools, has.
    Within(Within),
    /// Whatever there is.
    Everything,
}

/// What holds several tools.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Within {
    /// A server, by its name.
    Server(String),
    /// A group: `tickets.exports`.
    Group(String),
}

impl Within {
    fn of(name: &EntityUid) -> Self {
        let id = name.id().unescaped().to_owned();
        if *name.type_name() == *words::TOOL_GROUP { Self::Group(id) } else { Self::Server(id) }
    }

    fn has(&self, tool: &str, directory: &Directory) -> bool {
        match self {
            Self::Server(server) => server_of(tool) == server,
            Self::Group(group) => directory.is_in_group(group, tool),
        }
    }
}

/// Holds all of them against what there is.
pub(crate) fn all(
    files: &[PolicyFile],
    loaded: &[Loaded],
    accepted: &Accepted,
    directory: &Directory,
) -> Result<Vec<Unchecked>, PolicyError> {
    let checks = Checks { files };
    for one in loaded {
        checks.names(one, directory)?;
    }
    let (looking, others): (Vec<&Loaded>, Vec<&Loaded>) = loaded.iter().partition(|one| one.by_input.is_some());
    let (naming, plain): (Vec<&Loaded>, Vec<&Loaded>) =
        others.into_iter().partition(|one| tools_of(&one.actions).next().is_some());
    checks.hold(&plain, &Validator::new(schema::of([])?), Never::IsWrong)?;
    let nothing = InputType::default();
    // Those that are about one tool and look at nothing it takes say the same of every tool.
    let (alike, naming): (Vec<&Loaded>, Vec<&Loaded>) = naming.into_iter().partition(|one| one_tool(one).is_some());
    let alike = if stand_for_all(&alike, &nothing) { Vec::new() } else { alike };
    for some in alike.iter().chain(&naming).copied().collect::<Vec<_>>().chunks(AT_ONCE) {
        let tools: BTreeSet<&str> = some.iter().flat_map(|one| tools_of(&one.actions)).collect();
        let schema = schema::of(tools.into_iter().map(|tool| (tool, Some(&nothing))))?;
        checks.hold(some, &Validator::new(schema), Never::IsWrong)?;
    }
    // And those that look at the same arguments, of every tool that takes these.
    let mut by_type: BTreeMap<&InputType, Vec<&Loaded>> = BTreeMap::new();
    for one in &looking {
        if let Some(input) = one_tool(one).and_then(|tool| accepted.0.get(tool)) {
            by_type.entry(input).or_default().push(one);
        }
    }
    by_type.retain(|input, some| stand_for_all(some, input));
    let held: BTreeSet<&PolicyId> = by_type.values().flatten().map(|one| one.policy.id()).collect();
    let mut unchecked = Vec::new();
    let mut by_scope: BTreeMap<Option<Within>, Vec<&Loaded>> = BTreeMap::new();
    for one in looking.into_iter().filter(|one| !held.contains(one.policy.id())) {
        match about(&one.policy, directory) {
            About::Tools(tools, nothing_else) => {
                unchecked.extend(checks.of_tools(one, &tools, nothing_else, accepted)?);
            }
            About::Within(within) => by_scope.entry(Some(within)).or_default().push(one),
            About::Everything => by_scope.entry(None).or_default().push(one),
        }
    }
    for (within, some) in by_scope {
        unchecked.extend(checks.of_many(&some, (within.as_ref(), directory), accepted)?);
    }
    Ok(unchecked)
}

/// Would each of them still hold, if a tool took this?
pub(crate) fn with(
    files: &[PolicyFile],
    loaded: &[Loaded],
    directory: &Directory,
    (tool, input): (&str, &InputType),
) -> Result<(), PolicyError> {
    let checks = Checks { files };
    for one in loaded.iter().filter(|one| one.by_input.is_some()) {
        let never = match about(&one.policy, directory) {
            About::Tools(tools, _) if tools.contains(tool) && tools.len() == 1 => Never::IsWrong,
            About::Tools(tools, _) if tools.contains(tool) => Never::IsFine,
            About::Within(within) if within.has(tool, directory) => Never::IsFine,
            About::Everything => Never::IsFine,
            About::Tools(..) | About::Within(_) => continue,
        };
        let mentioned = tools_of(&one.actions).filter(|other| *other != tool).map(|other| (other, None));
        let schema = schema::of_these_alone(distinct(mentioned.chain([(tool, Some(input))])))?;
        checks.hold(&[one], &Validator::new(schema), never).map_err(|error| error.about(tool))?;
    }
    Ok(())
}

/// For whoever wrote a policy about agents and any action.
const PEOPLE_TOO: &str = " (whoever approves is a principal, too: write `principal is Agent`, or name the actions)";

/// What it means that a policy never matches.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Never {
    IsWrong,
    IsFine,
}

struct Checks<'f> {
    files: &'f [PolicyFile],
}

impl Checks<'_> {
    fn file(&self, one: &Loaded) -> &PolicyFile {
        &self.files[one.file]
    }

    /// What it calls things, as far as Cedar could not know that it never matches.
    fn names(&self, one: &Loaded, directory: &Directory) -> Result<(), PolicyError> {
        let wrong = |word: &str, why: String| Err(one.error(self.file(one), word, why));
        for tool in tools_of(&one.actions) {
            let server = server_of(tool);
            if server.parse().is_ok_and(|server| directory.is_unpinned(&server)) {
                return wrong(
                    &format!("\"{tool}\""),
                    format!(
                        "the definitions of `{server}` are not pinned, so its tools have no actions of their own: write \
                         `action == Action::\"call_unlisted\"` and `resource == Tool::\"{tool}\"`"
                    ),
                );
            }
        }
        if let Some(group) = unknown_group(&one.json, directory) {
            let all = directory.tool_groups().iter().map(|group| format!("`{group}`")).collect::<Vec<_>>().join(", ");
            let there = if all.is_empty() { "no server has any".to_owned() } else { format!("there are {all}") };
            return wrong(
                &format!("\"{group}\""),
                format!("`{group}` is no group of tools in the configuration (`servers.*.groups`): {there}"),
            );
        }
        let About::Tools(tools, true) = of_action(&one.policy) else { return Ok(()) };
        let fits = |tool: &String| match one.policy.resource_constraint() {
            ResourceConstraint::Eq(name) => name.id().unescaped() == tool,
            ResourceConstraint::In(name) | ResourceConstraint::IsIn(_, name) => {
                Within::of(&name).has(tool, directory) || name.id().unescaped() == tool
            }
            ResourceConstraint::Any | ResourceConstraint::Is(_) => true,
        };
        if tools.iter().any(fits) {
            return Ok(());
        }
        wrong("resource", "it never matches: the action is one of another tool than the resource".to_owned())
    }

    /// One that is about these tools.
    fn of_tools(
        &self,
        one: &Loaded,
        tools: &BTreeSet<String>,
        nothing_else: bool,
        accepted: &Accepted,
    ) -> Result<Vec<Unchecked>, PolicyError> {
        let known = |tool: &str| tools.contains(tool).then(|| accepted.0.get(tool)).flatten();
        let missing = tools.iter().filter(|tool| !accepted.0.contains_key(*tool));
        let missing: Vec<_> = missing.map(|tool| self.unchecked(one, Some(tool.clone()))).collect();
        if missing.len() == tools.len() && nothing_else {
            return Ok(missing);
        }
        let named = tools_of(&one.actions).chain(tools.iter().map(String::as_str));
        let actions = distinct(named.map(|tool| (tool, known(tool))));
        let schema = if nothing_else { schema::of_these_alone(actions)? } else { schema::of(actions)? };
        let never = if missing.is_empty() { Never::IsWrong } else { Never::IsFine };
        self.hold(&[one], &Validator::new(schema), never)?;
        Ok(missing)
    }

    /// Those that are about whatever is `within` something, or anything.
    fn of_many(
        &self,
        some: &[&Loaded],
        (within, directory): (Option<&Within>, &Directory),
        accepted: &Accepted,
    ) -> Result<Vec<Unchecked>, PolicyError> {
        let mut types: BTreeMap<&InputType, &str> = BTreeMap::new();
        for (tool, input) in &accepted.0 {
            if within.is_none_or(|within| within.has(tool, directory)) {
                types.entry(input).or_insert(tool);
            }
        }
        let mentioned: BTreeSet<&str> = some.iter().flat_map(|one| tools_of(&one.actions)).collect();
        let typed = types.iter().map(|(input, tool)| (*tool, Some(*input)));
        let all = distinct(mentioned.iter().map(|tool| (*tool, None)).chain(typed.clone()));
        let everything = Validator::new(schema::of(all)?);
        let never = match self.hold(some, &everything, Never::IsFine) {
            Ok(never) => never,
            Err(error) => {
                // Which tool it was, Cedar does not say.
                for (tool, input) in typed {
                    let mentioned = mentioned.iter().map(|tool| (*tool, None));
                    let alone = schema::of_these_alone(distinct(mentioned.chain([(tool, input)])))?;
                    self.hold(some, &Validator::new(alone), Never::IsFine).map_err(|error| error.about(tool))?;
                }
                return Err(error);
            }
        };
        // Those that match nothing yet are told, and wait for the tool that has what they name.
        let waits = some.iter().filter(|one| never.contains(one.policy.id()));
        Ok(waits.map(|one| self.unchecked(one, None)).collect())
    }

    fn unchecked(&self, one: &Loaded, tool: Option<String>) -> Unchecked {
        let file = self.file(one);
        let at = one.error(file, "context", String::new());
        Unchecked { policy: one.policy.id().to_string(), file: file.name.clone(), line: at.line, tool }
    }

    /// Holds them against a schema, and says which of them never match. The first finding counts.
    fn hold(&self, some: &[&Loaded], validator: &Validator, never: Never) -> Result<BTreeSet<PolicyId>, PolicyError> {
        let mut set = PolicySet::new();
        let mut origins: HashMap<&PolicyId, (&PolicyFile, bool)> = HashMap::new();
        for one in some {
            let file = self.file(one);
            origins.insert(one.policy.id(), (file, one.policy.action_constraint() == ActionConstraint::Any));
            let failed = |why: &dyn Diagnostic| PolicyError::from_diagnostic(&file.name, &file.text, why);
            set.add(one.policy.clone()).map_err(|error| failed(&error))?;
        }
        let result = validator.validate(&set, ValidationMode::Strict);
        let errors = result.validation_errors().map(|error| {
            // It has no place of its own and only follows from another finding, when there is one.
            let follows = matches!(error, ValidationError::InvalidActionApplication(_));
            (follows, error.policy_id(), error as &dyn Diagnostic)
        });
        let counts = |warning: &&ValidationWarning| {
            never == Never::IsWrong || !matches!(warning, ValidationWarning::ImpossiblePolicy(_))
        };
        let warnings = result
            .validation_warnings()
            .filter(counts)
            .map(|warning| (true, warning.policy_id(), warning as &dyn Diagnostic));
        let findings = errors.chain(warnings).map(|(follows, id, finding)| match origins.get(id) {
            Some((file, any)) => {
                let mut error = PolicyError::from_diagnostic(&file.name, &file.text, finding).without_policy(id);
                if *any && error.message.contains("`Person`") {
                    error.message += PEOPLE_TOO;
                }
                (follows, error)
            }
            None => (follows, PolicyError::at(id.as_ref(), "", 0, finding.to_string())),
        });
        let order = |(follows, error): &(bool, PolicyError)| (*follows, error.file.clone(), error.line, error.column);
        if let Some((_, first)) = findings.min_by_key(order) {
            return Err(first);
        }
        let impossible = result.validation_warnings().filter_map(|warning| match warning {
            ValidationWarning::ImpossiblePolicy(_) => Some(warning.policy_id().clone()),
            _ => None,
        });
        Ok(impossible.collect())
    }
}

/// The one tool that it speaks of, when that is its action.
fn one_tool(one: &Loaded) -> Option<&str> {
    let mut tools = tools_of(&one.actions);
    let tool = tools.next().filter(|tool| tools.all(|other| other == *tool))?;
    matches!(one.policy.action_constraint(), ActionConstraint::Eq(name) if name.id().unescaped() == tool)
        .then_some(tool)
}

/// Do all of them hold, with one tool that takes `input` in the place of that which each is about? Then each holds. When not,
/// they have to be asked one by one, because what was put in their place stands nowhere in their files.
fn stand_for_all(some: &[&Loaded], input: &InputType) -> bool {
    let mut set = PolicySet::new();
    for one in some {
        let (Some(tool), mut json) = (one_tool(one), one.json.clone()) else { return false };
        rename(&mut json, tool);
        let renamed = Policy::from_json(Some(one.policy.id().clone()), json);
        if !renamed.is_ok_and(|renamed| set.add(renamed).is_ok()) {
            return false;
        }
    }
    // One by one they say what is wrong with it.
    let Ok(schema) = schema::of_these_alone([(ANY_TOOL, Some(input))]) else { return false };
    let result = Validator::new(schema).validate(&set, ValidationMode::Strict);
    result.validation_errors().next().is_none() && result.validation_warnings().next().is_none()
}

/// Puts [`ANY_TOOL`] in the place of the action `tool`.
fn rename(json: &mut Value, tool: &str) {
    match json {
        Value::Object(members) => {
            let is_it = members.get("type").is_some_and(|kind| kind == "Action");
            if is_it && members.get("id").is_some_and(|id| id == tool) {
                members.insert("id".into(), ANY_TOOL.into());
            }
            members.values_mut().for_each(|inner| rename(inner, tool));
        }
        Value::Array(elements) => elements.iter_mut().for_each(|inner| rename(inner, tool)),
        _ => {}
    }
}

/// What stands for a tool. No server has this name.
const ANY_TOOL: &str = "Any.tool";

/// What the policy can be about, by its scope.
fn about(policy: &Policy, directory: &Directory) -> About {
    let is_tool = |name: &EntityUid| *name.type_name() == *words::TOOL;
    match (of_action(policy), policy.resource_constraint()) {
        (About::Tools(tools, nothing_else), _) => About::Tools(tools, nothing_else),
        (of_action, ResourceConstraint::Eq(name)) if is_tool(&name) => {
            let tool = name.id().unescaped();
            let is_pinned = server_of(tool).parse().is_ok_and(|server| !directory.is_unpinned(&server));
            // What is no tool but a prompt or a resource has no arguments, and neither has one that is not pinned.
            if is_pinned && is_tools_name(tool) { About::Tools([tool.to_owned()].into(), true) } else { of_action }
        }
        (_, ResourceConstraint::In(name) | ResourceConstraint::IsIn(_, name)) => About::Within(Within::of(&name)),
        (of_action, _) => of_action,
    }
}

/// What it can be about by its action alone.
fn of_action(policy: &Policy) -> About {
    let named = match policy.action_constraint() {
        ActionConstraint::Any => return About::Everything,
        ActionConstraint::Eq(name) => vec![name],
        ActionConstraint::In(names) if names.contains(&CALL) => return About::Everything,
        ActionConstraint::In(names) => names,
    };
    let names: Vec<String> = named.iter().map(|name| name.id().unescaped().to_owned()).collect();
    let tools: BTreeSet<String> = tools_of(&names).map(str::to_owned).collect();
    let nothing_else = tools.len() == names.len();
    if tools.is_empty() { About::Everything } else { About::Tools(tools, nothing_else) }
}

/// Those of these actions that are tools'.
fn tools_of(actions: &[String]) -> impl Iterator<Item = &str> {
    actions.iter().map(String::as_str).filter(|name| !is_built_in(name) && is_tools_name(name))
}

/// Is it the name of a tool with its server: `tickets.delete_ticket`?
fn is_tools_name(name: &str) -> bool {
    name.split_once('.')
        .is_some_and(|(server, tool)| model::server::is_server_name(server) && tool.parse::<model::ToolName>().is_ok())
}

fn server_of(tool: &str) -> &str {
    tool.split(['.', ':']).next().unwrap_or_default()
}

/// A group of tools that it names anywhere, and that is none.
fn unknown_group<'j>(json: &'j Value, directory: &Directory) -> Option<&'j str> {
    match json {
        Value::Object(members) => {
            let is_group = members.get("type").is_some_and(|kind| *kind == *TOOL_GROUP);
            let named = members.get("id").and_then(Value::as_str).filter(|_| is_group);
            let unknown = named.filter(|group| !directory.has_tool_group(group));
            unknown.or_else(|| members.values().find_map(|inner| unknown_group(inner, directory)))
        }
        Value::Array(elements) => elements.iter().find_map(|inner| unknown_group(inner, directory)),
        _ => None,
    }
}

/// The name of the type of groups of tools.
const TOOL_GROUP: &str = "ToolGroup";

/// Each action once; with a type, where one of them has one.
fn distinct<'a>(actions: impl Iterator<Item = Action<'a>>) -> BTreeMap<&'a str, Option<&'a InputType>> {
    let mut all = BTreeMap::new();
    for (name, input) in actions {
        let known: &mut Option<&InputType> = all.entry(name).or_default();
        *known = input.or(*known);
    }
    all
}
