//! The words of Portcullis and the rules that need nothing but words.
//!
//! No IO, no async, no cryptography lives here. Every other crate depends on
//! this one, so a type belongs here when two ranks above must agree on it.
//! Start with [`scope`] and [`decision`]: the rest of the product moves values
//! of those two files around.

pub mod agent;
pub mod asked_call;
pub mod block;
pub mod bounded_cache;
pub mod call_target;
mod catalogue_name;
pub mod claims;
pub mod client;
pub mod clock;
pub mod config;
pub mod decision;
pub mod definition;
pub mod duty;
pub mod elevation;
pub mod error_code;
pub mod event;
pub mod exception;
pub mod grant;
pub mod hosts;
pub mod id;
pub mod installation;
pub mod loopback;
pub mod message;
pub mod metadata_domains;
pub mod outage;
pub mod person;
pub mod quorum;
pub mod resource;
mod resource_rule;
pub mod sampling;
pub mod scope;
pub mod secret;
pub mod server;
pub mod shown;
pub mod standing;
pub mod target_uri;
pub mod task;
mod text_enum;
pub mod thumbprint;
pub mod tier;
pub mod version;
mod words;

pub use agent::{Agent, AgentKind, AgentState};
pub use asked_call::{AskedCall, ExactCall, Latitude, OtherCall, ThisCall};
pub use block::{Block, Target, TargetKind};
pub use bounded_cache::BoundedCache;
pub use call_target::{CallTarget, Class, HeldFor};
pub use claims::{AccessClaims, Confirmation, Subject};
pub use client::{Assurance, AuthMethod, Client, ClientId, GrantType};
pub use clock::{Clock, ManualClock, Span, SystemClock, Timestamp};
pub use decision::{ApprovalQuestion, Authority, Decision, DenyReason, Question, StepUp};
pub use definition::{ListKind, Pin, Sighting};
pub use duty::{Duty, DutyEnd};
pub use elevation::{Approval, Decided, Elevation, ElevationState, EndsWith, Stage};
pub use error_code::ErrorCode;
pub use event::{Actor, Event};
pub use exception::{Exception, ExceptionEnd, ExceptionName, Exceptions};
pub use grant::Grant;
pub use hosts::{Hosts, UnknownHost};
pub use id::Id;
pub use installation::Installation;
pub use message::{Message, MessageKind};
pub use outage::{Outages, Over};
pub use person::{Group, Person, Role};
pub use quorum::{Quorum, Yes};
pub use sampling::{Pace, Sampling};
pub use scope::{Scope, ScopeSet};
pub use secret::Secret;
pub use server::{Server, ToolName, ToolPattern, ToolRules};
pub use shown::shown;
pub use standing::{NotStanding, Standing};
pub use target_uri::TargetUri;
pub use task::{Task, TaskEnd, TaskStage, TaskState};
pub use thumbprint::Thumbprint;
pub use tier::Tier;
pub use version::{Version, VersionKind};
