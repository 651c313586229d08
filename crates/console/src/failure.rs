//! The pages that say why not.

use axum::response::Response;
use http::StatusCode;
use privilege::Refused;
use store::StoreError;
use web::{fault, problem};

pub(crate) fn store_failed(error: StoreError) -> Response {
    fault("store_failed", &error)
}

pub(crate) fn not_found(what: &str, name: &str) -> Response {
    problem(
        StatusCode::NOT_FOUND,
        &format!("No such {what}"),
        &format!("There is no {what} called “{}”.", model::shown(name, 80)),
        "Check the address, or go back to the list.",
        None,
    )
}

pub(crate) fn forbidden(happened: &str, to_do: &str) -> Response {
    problem(StatusCode::FORBIDDEN, "Not yours to open", happened, to_do, None)
}

/// The page for a refusal: a cause that a person can act on, or an incident.
pub(crate) fn refused(error: Refused) -> Response {
    use Refused as E;
    let (status, title) = match error {
        E::Store(error) => return store_failed(error),
        E::Duty(_) => (StatusCode::FORBIDDEN, "This decision is not yours"),
        E::LooksLike { .. } | E::Unchecked { .. } => (StatusCode::CONFLICT, "It can not be accepted"),
        E::UnknownElevation(_)
        | E::UnknownTask(_)
        | E::UnknownDuty(_)
        | E::UnknownException(_)
        | E::UnknownName { .. } => (StatusCode::NOT_FOUND, "There is no such thing"),
        E::NotShorter { .. }
        | E::BadTask(_)
        | E::BadDuty(_)
        | E::BadException(_)
        | E::NumberMissing
        | E::WrongNumber { .. }
        | E::NoReason => (StatusCode::BAD_REQUEST, "That does not work"),
        E::AlreadyDecided { .. }
        | E::DefinitionMoved { .. }
        | E::ToolChanged { .. }
        | E::DefinitionAccepted { .. }
        | E::Lapsed(_)
        | E::AlreadyOver(_)
        | E::TaskOver(_)
        | E::DutyOver(_)
        | E::DutyStands(_)
        | E::ExceptionOver(_)
        | E::ExceptionStands(_)
        | E::OwnerStopped(_)
        | E::TooManyTasks(_)
        | E::GrantEnded(_)
        | E::AgentNotActive { .. }
        | E::Blocked(_)
        | E::NotRevoked { .. }
        | E::GrantIsFinal
        | E::InstallationEnded(_)
        | E::InstallationIsFinal
        | E::Retired(_)
        | E::ClockIsRight { .. }
        | E::PersonExists(_)
        | E::PersonStopped(_)
        | E::KeyReplaced { .. }
        | E::BreaksPolicy { .. }
        | E::NoLatitude(_)
        | E::EligibleAlready { .. }
        | E::SponsorAlready { .. }
        | E::Declared { .. }
        | E::Unchanged { .. } => (StatusCode::CONFLICT, "Nothing was changed"),
    };
    let to_do = error.to_do().unwrap_or_else(|| "go back and look at where things stand now".to_owned());
    problem(status, title, &sentence(&error.happened()), &sentence(&to_do), None)
}

/// A message of ours as a sentence on a page: a capital, a full stop, and quotes instead of backticks.
pub(crate) fn sentence(text: &str) -> String {
    let mut open = false;
    let mut said: String = text
        .chars()
        .map(|c| {
            open ^= c == '`';
            match c {
                '`' if open => '“',
                '`' => '”',
                other => other,
            }
        })
        .collect();
    if let Some(first) = said.get(..1) {
        said = first.to_uppercase() + &said[1..];
    }
    said + "."
}
