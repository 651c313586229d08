//! The help desk itself: tickets and customers in memory.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a ticket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// Nobody has answered yet.
    Open,
    /// Waiting for the customer.
    Pending,
    /// Done.
    Resolved,
}

/// How soon somebody should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Priority {
    /// When there is time.
    Low,
    /// Today.
    Normal,
    /// Now.
    Urgent,
}

/// One request for help.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Ticket {
    /// For example `T-1042`.
    pub(crate) id: String,
    /// One line that says what is wrong.
    pub(crate) subject: String,
    /// What the customer wrote.
    pub(crate) body: String,
    /// Who asked, for example `C-7`.
    pub(crate) customer: String,
    /// Where it stands.
    pub(crate) status: Status,
    /// How soon somebody should look.
    pub(crate) priority: Priority,
    /// Who works on it.
    pub(crate) assignee: Option<String>,
    /// What colleagues noted, oldest first.
    pub(crate) notes: Vec<String>,
}

/// One customer, with data that must not leave the house without a reason.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Customer {
    /// For example `C-7`.
    pub(crate) id: String,
    /// The company.
    pub(crate) company: String,
    /// Whom to talk to.
    pub(crate) contact: String,
    /// The contact's mail address.
    pub(crate) email: String,
    /// The contact's phone number.
    pub(crate) phone: String,
    /// What they pay a year, in euros.
    #[schemars(transform = plain_number)]
    pub(crate) revenue_eur: u32,
}

/// Takes away the format `uint32`, which some validators complain that they do not know.
pub(crate) fn plain_number(schema: &mut schemars::Schema) {
    schema.remove("format");
}

/// All tickets and customers.
pub(crate) struct Desk {
    pub(crate) tickets: BTreeMap<String, Ticket>,
    pub(crate) customers: Vec<Customer>,
    next: u32,
}

impl Desk {
    /// The desk as it is on the morning of the demo.
    pub(crate) fn opened() -> Self {
        let tickets = TICKETS.iter().map(|line| line.ticket()).map(|ticket| (ticket.id.clone(), ticket)).collect();
        let customers = CUSTOMERS.iter().map(customer).collect();
        Self { tickets, customers, next: 1051 }
    }

    /// Files a new ticket and gives it the next number.
    pub(crate) fn file(&mut self, subject: String, body: String, customer: String, priority: Priority) -> Ticket {
        let id = format!("T-{}", self.next);
        self.next += 1;
        let ticket = Ticket {
            id: id.clone(),
            subject,
            body,
            customer,
            status: Open,
            priority,
            assignee: None,
            notes: Vec::new(),
        };
        self.tickets.insert(id, ticket.clone());
        ticket
    }

    /// Is there such a customer?
    pub(crate) fn knows(&self, customer: &str) -> Result<(), String> {
        match self.customers.iter().any(|known| known.id == customer) {
            true => Ok(()),
            false => Err(format!("there is no customer `{customer}`; they run from C-1 to C-{}", self.customers.len())),
        }
    }
}

struct Line(u32, &'static str, Status, Priority, Option<&'static str>, &'static str, &'static str);

impl Line {
    fn ticket(&self) -> Ticket {
        let Self(number, customer, status, priority, assignee, subject, body) = self;
        Ticket {
            id: format!("T-{number}"),
            subject: (*subject).to_owned(),
            body: (*body).to_owned(),
            customer: (*customer).to_owned(),
            status: *status,
            priority: *priority,
            assignee: assignee.map(str::to_owned),
            notes: Vec::new(),
        }
    }
}

fn customer(&(id, company, contact, email, phone, revenue_eur): &(&str, &str, &str, &str, &str, u32)) -> Customer {
    let [id, company, contact, email, phone] = [id, company, contact, email, phone].map(str::to_owned);
    Customer { id, company, contact, email, phone, revenue_eur }
}

use Priority::{Low, Normal, Urgent};
use Status::{Open, Pending, Resolved};

#[rustfmt::skip]
const TICKETS: [Line; 10] = [
    Line(1041, "C-1", Resolved, Low, Some("ines"), "Logo on invoices is blurry",
        "Since the redesign our logo prints with soft edges. Not urgent, but our accountant keeps mentioning it."),
    Line(1042, "C-3", Open, Urgent, Some("ines"), "Checkout fails with error 502",
        "Every second order fails at the payment step since 09:40. Customers are calling us. Please hurry!"),
    Line(1043, "C-2", Pending, Normal, Some("tomas"), "Export to CSV loses umlauts",
        "Müller becomes M?ller when we open the export in our spreadsheet. Which encoding do you write?"),
    Line(1044, "C-5", Open, Normal, None, "Add a second administrator",
        "Our office manager Ottilie should be able to invite colleagues. How do we do that?"),
    Line(1045, "C-4", Open, Low, None, "Dark mode for the dashboard",
        "The night shift would be grateful."),
    Line(1046, "C-3", Open, Normal, Some("tomas"), "Webhook arrives twice",
        "We see order.created two times with the same id about once an hour."),
    Line(1047, "C-6", Pending, Urgent, Some("ines"), "Locked out after phone change",
        "Our only administrator has a new phone and the authenticator is gone."),
    Line(1048, "C-1", Open, Normal, None, "Duplicate of T-1044, please delete",
        "Sorry, I filed this under the wrong account. It can go."),
    Line(1049, "C-2", Resolved, Normal, Some("tomas"), "Date picker starts on Sunday",
        "Here the week starts on Monday."),
    Line(1050, "C-7", Open, Low, None, "Where are your servers?",
        "Our data protection officer needs the list of countries for her register."),
];

#[rustfmt::skip]
const CUSTOMERS: [(&str, &str, &str, &str, &str, u32); 7] = [
    ("C-1", "Harbour Books",       "Edda Lindqvist",   "edda@harbour-books.example",   "+46 8 5550 101",  4_800),
    ("C-2", "Bäckerei Morgenrot",  "Jonas Müller",     "jonas@morgenrot.example",      "+49 30 5550 102", 2_400),
    ("C-3", "Velo Nord",           "Signe Aaberg",     "signe@velonord.example",       "+45 5550 1103",  36_000),
    ("C-4", "Night Owl Logistics", "Priya Raman",      "priya@nightowl.example",       "+44 20 5550 104", 18_500),
    ("C-5", "Atelier Zinnober",    "Ottilie Krämer",   "ottilie@zinnober.example",     "+43 1 5550 105",  1_200),
    ("C-6", "Puente Legal",        "Mateo Ibáñez",     "mateo@puentelegal.example",    "+34 91 5550 106", 9_900),
    ("C-7", "Clinique du Lac",     "Hélène Rochat",    "helene@cliniquedulac.example", "+41 21 5550 107", 52_000),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ticket_belongs_to_a_customer() {
        let desk = Desk::opened();
        assert_eq!(desk.tickets.len(), TICKETS.len());
        for ticket in desk.tickets.values() {
            desk.knows(&ticket.customer).unwrap();
        }
    }

    #[test]
    fn a_new_ticket_takes_no_number_that_was_used() {
        let mut desk = Desk::opened();
        let first = desk.file("a".into(), "b".into(), "C-1".into(), Low);
        desk.tickets.remove(&first.id);
        let second = desk.file("a".into(), "b".into(), "C-1".into(), Low);
        assert_ne!(first.id, second.id);
    }
}
