//! Who there is, and what they may do: the records that `audit verify` compares the table of people with.

use model::{Actor, Event, EventName, Person};

/// The record of a person who was added or changed: all that the log has to know to notice another change of the row.
pub fn person_changed(person: &Person, actor: Actor, change: &str) -> Event {
    let roles: Vec<&str> = person.roles.iter().map(|role| role.as_str()).collect();
    Event::new(EventName::PersonChanged, actor)
        .with("person", &person.id)
        .with("roles", roles.join(" "))
        .with("disabled", if person.disabled { "yes" } else { "no" })
        .with("change", change)
}
