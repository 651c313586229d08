//! The six tools, and what an assistant is told about them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rmcp::{
    Json, ServerHandler,
    handler::server::{router::tool::ToolRouter, wrapper::Parameters},
    model::{Implementation, ServerCapabilities, ServerConfig},
    tool, tool_handler, tool_router,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::desk::{Customer, Desk, Priority, Status, Ticket, plain_number};

/// The help desk behind its tools. Clones share one desk.
#[derive(Clone)]
pub(crate) struct Tickets {
    desk: Arc<Mutex<Desk>>,
    tool_router: ToolRouter<Self>,
}

#[derive(Deserialize, JsonSchema)]
struct One {
    /// The ticket, for example `T-1042`.
    id: String,
}

#[derive(Deserialize, JsonSchema)]
struct Which {
    /// Only tickets in this status.
    #[serde(default)]
    status: Option<Status>,
    /// Only tickets of this customer, for example `C-3`.
    #[serde(default)]
    customer: Option<String>,
    /// Only tickets whose subject or body contains this text, in any case.
    #[serde(default)]
    text: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
struct New {
    /// One line that says what is wrong.
    subject: String,
    /// The whole story.
    body: String,
    /// Who asks, for example `C-3`.
    customer: String,
    /// How soon somebody should look; `normal` when left out.
    #[serde(default)]
    priority: Option<Priority>,
}

#[derive(Deserialize, JsonSchema)]
struct Change {
    /// The ticket, for example `T-1042`.
    id: String,
    /// The new status.
    #[serde(default)]
    status: Option<Status>,
    /// The new priority.
    #[serde(default)]
    priority: Option<Priority>,
    /// Who works on it from now on.
    #[serde(default)]
    assignee: Option<String>,
    /// A note for colleagues; customers do not see it.
    #[serde(default)]
    note: Option<String>,
}

/// A ticket in a list.
#[derive(Serialize, JsonSchema)]
struct Summary {
    id: String,
    subject: String,
    customer: String,
    status: Status,
    priority: Priority,
    assignee: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Summaries {
    /// The tickets, oldest first.
    tickets: Vec<Summary>,
}

#[derive(Serialize, JsonSchema)]
struct Deleted {
    /// The ticket that no longer exists.
    deleted: String,
    /// How many tickets are left.
    #[schemars(transform = plain_number)]
    remaining: usize,
}

#[derive(Serialize, JsonSchema)]
struct Customers {
    /// All customers with contact and revenue.
    customers: Vec<Customer>,
}

#[tool_router]
impl Tickets {
    pub(crate) fn new() -> Self {
        Self { desk: Arc::new(Mutex::new(Desk::opened())), tool_router: Self::tool_router() }
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[tool(
        description = "Read one support ticket: subject, full text, customer, status, priority, assignee and internal notes.",
        annotations(title = "Read a ticket", read_only_hint = true, open_world_hint = false)
    )]
    async fn get_ticket(&self, Parameters(One { id }): Parameters<One>) -> Result<Json<Ticket>, String> {
        self.desk().tickets.get(&id).cloned().map(Json).ok_or_else(|| unknown(&id))
    }

    #[tool(
        description = "List support tickets, optionally only those in a status, of a customer, or containing a text. Use get_ticket for the full text.",
        annotations(title = "List tickets", read_only_hint = true, open_world_hint = false)
    )]
    async fn list_tickets(&self, Parameters(which): Parameters<Which>) -> Json<Summaries> {
        let desk = self.desk();
        Json(Summaries { tickets: desk.tickets.values().filter(|ticket| which.matches(ticket)).map(summary).collect() })
    }

    #[tool(
        description = "File a new support ticket on behalf of a customer. Answers the ticket with its number.",
        annotations(
            title = "File a ticket",
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = false,
            open_world_hint = false
        )
    )]
    async fn create_ticket(&self, Parameters(new): Parameters<New>) -> Result<Json<Ticket>, String> {
        let mut desk = self.desk();
        desk.knows(&new.customer)?;
        Ok(Json(desk.file(new.subject, new.body, new.customer, new.priority.unwrap_or(Priority::Normal))))
    }

    #[tool(
        description = "Change status, priority or assignee of a support ticket, or add an internal note. Only what is given changes.",
        annotations(
            title = "Change a ticket",
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = false,
            open_world_hint = false
        )
    )]
    async fn update_ticket(&self, Parameters(change): Parameters<Change>) -> Result<Json<Ticket>, String> {
        let mut desk = self.desk();
        let ticket = desk.tickets.get_mut(&change.id).ok_or_else(|| unknown(&change.id))?;
        ticket.status = change.status.unwrap_or(ticket.status);
        ticket.priority = change.priority.unwrap_or(ticket.priority);
        ticket.assignee = change.assignee.or(ticket.assignee.take());
        ticket.notes.extend(change.note);
        Ok(Json(ticket.clone()))
    }

    #[tool(
        description = "Delete a support ticket for good, with its history. There is no way back.",
        annotations(
            title = "Delete a ticket",
            read_only_hint = false,
            destructive_hint = true,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn delete_ticket(&self, Parameters(One { id }): Parameters<One>) -> Result<Json<Deleted>, String> {
        let mut desk = self.desk();
        match desk.tickets.remove(&id) {
            Some(gone) => Ok(Json(Deleted { deleted: gone.id, remaining: desk.tickets.len() })),
            None => Err(unknown(&id)),
        }
    }

    #[tool(
        description = "Export all customers with contact names, mail addresses, phone numbers and yearly revenue.",
        annotations(title = "Export all customers", read_only_hint = true, open_world_hint = false)
    )]
    async fn export_customers(&self) -> Json<Customers> {
        Json(Customers { customers: self.desk().customers.clone() })
    }
}

#[tool_handler(router = self.tool_router)]
impl ServerHandler for Tickets {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("tickets", env!("CARGO_PKG_VERSION")).with_title("Acme help desk"))
            .with_instructions(
                "The support tickets and customers of Acme. Find tickets with list_tickets, read one with get_ticket. \
                 Deleting a ticket and exporting customers cannot be undone: ask the person first.",
            )
    }
}

impl Which {
    fn matches(&self, ticket: &Ticket) -> bool {
        let text = self.text.as_ref().map(|text| text.to_lowercase());
        self.status.is_none_or(|status| status == ticket.status)
            && self.customer.as_ref().is_none_or(|customer| *customer == ticket.customer)
            && text.is_none_or(|text| {
                ticket.subject.to_lowercase().contains(&text) || ticket.body.to_lowercase().contains(&text)
            })
    }
}

fn summary(ticket: &Ticket) -> Summary {
    Summary {
        id: ticket.id.clone(),
        subject: ticket.subject.clone(),
        customer: ticket.customer.clone(),
        status: ticket.status,
        priority: ticket.priority,
        assignee: ticket.assignee.clone(),
    }
}

fn unknown(id: &str) -> String {
    format!("there is no ticket `{id}`; list_tickets shows which there are")
}
