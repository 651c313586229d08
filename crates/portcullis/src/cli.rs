//! The command line, as `--help` shows it.

mod agent;
mod duty;
mod elevation;
mod exception;
mod notify;
mod task;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use model::ExceptionName;

use crate::output::Form;

pub use agent::Agent;
pub use duty::Duty;
pub use elevation::Elevation;
pub use exception::Exception;
pub use notify::Notify;
pub use task::Task;

/// Authorization and governance for AI agents that use tools over MCP.
#[derive(Parser)]
#[command(name = "portcullis", version, about, max_term_width = 100)]
pub struct Cli {
    /// The configuration file.
    #[arg(long, short, global = true, env = "PORTCULLIS_CONFIG", default_value = "portcullis.yaml")]
    pub config: PathBuf,
    /// Print JSON on standard output, and nothing else there; an error is {"error": …}.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// How it answers.
    pub fn form(&self) -> Form {
        if self.json { Form::Json } else { Form::Text }
    }
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Serve: authorization server, gateway and console on one address.
    Serve,
    /// Serve a bundled sample server and show one agent's day, step by step.
    Demo(Demo),
    /// Write a configuration: connects to your servers, lists their tools, proposes tiers.
    Init(Init),
    /// Say what is wrong, or loud, before the doors open, and what the next start would change. Changes nothing.
    Check(Check),
    /// People: list, add with an enrolment link, disable.
    #[command(subcommand)]
    Person(Person),
    /// Agents: who they are, whose, what for; suspend, resume, retire.
    #[command(subcommand)]
    Agent(Agent),
    /// Protected servers and their rules.
    #[command(subcommand)]
    Server(Server),
    /// Tools as the servers list them, with their tiers.
    #[command(subcommand)]
    Tool(Tool),
    /// Standing permissions.
    #[command(subcommand)]
    Grant(Grant),
    /// Privilege above the baseline: list, approve, deny, end.
    #[command(subcommand)]
    Elevation(Elevation),
    /// Named pieces of work, with which privilege ends: open, list, show, end.
    #[command(subcommand)]
    Task(Task),
    /// Who outside is told of approvals and ends: how that stands, and a try.
    #[command(subcommand)]
    Notify(Notify),
    /// Approving in the name of another person: delegate, list, end.
    #[command(subcommand)]
    Duty(Duty),
    /// Exceptions from policies: add, list, end.
    #[command(subcommand)]
    Exception(Exception),
    /// The kill switch. Returns once every node refuses.
    Revoke(Kill),
    /// Lift a revocation. What was issued before it stays dead.
    Restore(Kill),
    /// The store: bring it up to date after an upgrade.
    #[command(subcommand)]
    Store(Store),
    /// The clock: go on from it, after one that ran ahead made changes.
    #[command(subcommand)]
    Clock(Clock),
    /// The keys that sign access tokens: list, rotate.
    #[command(subcommand)]
    Key(Key),
    /// What is revoked now, since when and why.
    Revoked,
    /// Policies: check them.
    #[command(subcommand)]
    Policy(Policy),
    /// The audit log: read, verify, prove, export.
    #[command(subcommand)]
    Audit(Audit),
    /// Print the JSON Schema of the configuration file, or of the records of the audit log.
    Schema {
        /// Of the records of the audit log.
        #[arg(long)]
        events: bool,
        /// Print the manual instead, as Markdown.
        #[arg(long)]
        markdown: bool,
    },
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// `store …`
#[derive(Subcommand)]
pub enum Store {
    /// Bring the tables up to date. Stop the nodes and take a backup first.
    Migrate,
}

/// `clock …`
#[derive(Subcommand)]
pub enum Clock {
    /// Take this machine's clock for right, although changes are later. Stop every node first. What was given later than
    /// now ends, and so do all access tokens, elevations and sessions.
    Accept {
        /// Why; kept in the audit log.
        #[arg(long)]
        reason: String,
    },
}

/// `demo`
#[derive(Args)]
pub struct Demo {
    /// End after the tour; status 0 only if every step did what it says.
    #[arg(long)]
    pub exit: bool,
    /// The port to listen on; 0 takes any free one.
    #[arg(long, default_value_t = 8420)]
    pub port: u16,
    /// Where the demo keeps its state.
    #[arg(long, default_value = "./portcullis-data")]
    pub data: PathBuf,
}

/// `init`
#[derive(Args)]
pub struct Init {
    /// A JSON file with `mcpServers` (Claude, Cursor) or `servers` (VS Code) to import.
    #[arg(long)]
    pub import: Option<PathBuf>,
    /// A server to protect, as NAME=URL; may be repeated.
    #[arg(long = "server", value_name = "NAME=URL")]
    pub servers: Vec<String>,
    /// A header that a server wants, by reference: NAME='Authorization: Bearer ${env:TOKEN}'; may be repeated.
    #[arg(long = "header", value_name = "NAME=HEADER: VALUE")]
    pub headers: Vec<String>,
    /// A client that people will use, such as claude-code, vscode or cursor; may be repeated. Asked for when left out.
    #[arg(long = "client", value_name = "NAME")]
    pub clients: Vec<String>,
    /// The URL people and agents will use.
    #[arg(long, default_value = "http://localhost:8420")]
    pub public_url: String,
    /// Add the servers to the file that is there; nothing else in it changes.
    #[arg(long, conflicts_with = "force")]
    pub add: bool,
    /// Replace the file if it exists.
    #[arg(long)]
    pub force: bool,
}

/// `check`
#[derive(Args)]
pub struct Check {
    /// Say instead why this client would fail here: claude, claude-code, chatgpt, codex, vscode, cursor, goose, zed or
    /// opencode; may be repeated.
    #[arg(long = "client", value_name = "NAME")]
    pub clients: Vec<String>,
}

/// `person`
#[derive(Subcommand)]
pub enum Person {
    /// Everybody.
    List,
    /// Add a person and print a one-time link with which they set their password.
    Add {
        /// The login name.
        name: String,
        /// The name on pages.
        #[arg(long)]
        display_name: Option<String>,
        /// approver, auditor or admin; may be repeated.
        #[arg(long = "role")]
        roles: Vec<String>,
    },
    /// Print a new one-time link with which a person sets a password: the old one lapsed, or they forgot it. Older links
    /// of theirs are void.
    Link {
        /// The login name.
        name: String,
    },
    /// Give a person the roles that are named, and no others.
    Role {
        /// The login name.
        name: String,
        /// approver, auditor or admin; may be repeated. None takes them all away.
        #[arg(long = "role")]
        roles: Vec<String>,
    },
    /// Disable a person: no login, and nothing acts for them. Same as `revoke person`.
    Disable {
        /// The login name.
        name: String,
        /// Why; kept in the audit.
        #[arg(long)]
        reason: String,
    },
}

/// `server`
#[derive(Subcommand)]
pub enum Server {
    /// The servers of the configuration, with their MCP URLs.
    List,
    /// One server: its rules, and the tools it lists now.
    Show {
        /// The server.
        name: String,
    },
}

/// `tool`
#[derive(Subcommand)]
pub enum Tool {
    /// Every tool that the servers list now, with its tier, scope and groups.
    List {
        /// Only what is in this group: `server.group`.
        #[arg(long)]
        group: Option<String>,
    },
    /// What is held because nobody has accepted what is said of it: tools, prompts, templates, resources, words of servers.
    Held,
    /// What a tool says of itself, what to look at in it, and what is different from what was accepted.
    Show {
        /// `server.tool`, `server:prompt/NAME`, `server:template/URI-TEMPLATE`, `server:uri/URI`, `server:instructions` or
        /// `server:server_info`.
        tool: String,
    },
    /// Accept what a tool says of itself. Until then it is held.
    Accept {
        /// As `tool held` names it: `server.tool`, `server:prompt/NAME`, `server:instructions`. With --new, `*` stands for any run of characters.
        tool: String,
        /// The digest of what you looked at, as `tool show` says it; its first eight digits are enough.
        #[arg(long, required_unless_present = "new", conflicts_with = "new")]
        definition: Option<String>,
        /// All that are new and have nothing to look at, as `tool held` shows them. What changed is accepted one by one.
        #[arg(long)]
        new: bool,
    },
    /// Propose rules for what the servers list now and no rule names; a person reads them before they go into the file.
    Propose,
}

/// `grant`
#[derive(Subcommand)]
pub enum Grant {
    /// Live grants.
    List,
    /// End a grant. Same as `revoke grant`.
    Revoke {
        /// The grant.
        id: String,
        /// Why; kept in the audit.
        #[arg(long)]
        reason: String,
    },
}

/// `key`
#[derive(Subcommand)]
pub enum Key {
    /// Every signing key, and what it is good for now.
    List,
    /// Make a new key. It is published at once, signs after ten minutes, and the old one is believed until its last
    /// token is over.
    Rotate {
        /// The old key is in other hands: the new one signs at once, and every access token issued before is dead.
        #[arg(long)]
        compromised: bool,
    },
}

/// What the kill switch covers.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TargetKind {
    /// One agent.
    Agent,
    /// Everything that acts for, or is owned by, one person.
    Person,
    /// Every agent that presents one client.
    Client,
    /// One grant.
    Grant,
    /// One login of one copy of a client; its grant stands.
    Installation,
    /// Every call to one server.
    Server,
    /// Every call of one tool, written server.tool.
    Tool,
    /// Everything.
    All,
}

/// `revoke` and `restore`
#[derive(Args)]
pub struct Kill {
    /// What kind of thing.
    pub kind: TargetKind,
    /// Which one; nothing for `all`.
    pub name: Option<String>,
    /// Why; kept in the audit.
    #[arg(long)]
    pub reason: String,
}

/// `policy`
#[derive(Subcommand)]
pub enum Policy {
    /// Parse and validate the built-in pack and your policies.
    Check,
    /// Print the built-in pack and your policies as they are evaluated, or those of an earlier decision.
    Show {
        /// Those of that digest, as records name it (`policy`), or its first digits.
        #[arg(long, value_name = "DIGEST")]
        version: Option<String>,
    },
    /// Print the schema that policies are written against: what a policy can see.
    Schema,
    /// Say what the policies decide of a call, with whatever the agent could hold: which of them, and what would have to be
    /// true.
    Explain {
        /// The agent, as `agent list` shows it.
        agent: String,
        /// `server.tool`.
        tool: String,
        /// The arguments that it is called with, as a JSON object. Without them, those count that allow the most.
        #[arg(long, value_name = "JSON")]
        input: Option<String>,
        /// As if this exception held, and none but those that are named. Without any, those count that hold now.
        #[arg(long = "exception", value_name = "NAME")]
        exceptions: Vec<ExceptionName>,
    },
    /// Hold the policies against the tables in the `*.test.yaml` files beside them.
    Test {
        /// Other files of tables.
        files: Vec<PathBuf>,
    },
}

/// `audit`
#[derive(Subcommand)]
pub enum Audit {
    /// The latest records. With --json each is a line of JSON.
    Tail {
        /// How many.
        #[arg(long, short = 'n', default_value_t = 20)]
        lines: u32,
    },
    /// Check the whole log offline: finds any edited, removed, reordered or truncated record.
    Verify {
        /// Check this exported log instead, against `--key`: needs no configuration and no database.
        #[arg(long, value_name = "DIRECTORY")]
        export: Option<PathBuf>,
        /// A checkpoint saved earlier or elsewhere, to find a log that was cut or rewritten as a whole.
        #[arg(long)]
        witness: Option<PathBuf>,
        /// The verifier key, as text or as a file, kept elsewhere since the first start; otherwise the `audit.vkey`
        /// of the data directory is believed.
        #[arg(long, value_name = "FILE_OR_TEXT")]
        key: Option<String>,
    },
    /// What was allowed after the end of an elevation or a task: recomputed from the log, and never anything.
    Residue,
    /// Check a proof that `audit prove` printed: needs no configuration and no database.
    VerifyProof {
        /// The file with the proof.
        file: PathBuf,
        /// The verifier key, as text or as a file; otherwise the one in the proof is believed, which proves less.
        #[arg(long, value_name = "FILE_OR_TEXT")]
        key: Option<String>,
    },
    /// Print the inclusion proof of one record, checked against the current checkpoint: always JSON.
    Prove {
        /// The record's index.
        index: u64,
    },
    /// Write the log in the C2SP tlog-tiles layout, with checkpoint and verifier key.
    Export {
        /// An empty or absent directory.
        directory: PathBuf,
    },
}
