//! Lists on pages: which part was asked for, and the link to the next.

use std::str::FromStr;

use axum::response::Response;
use http::StatusCode;
use oauth::Form;
use web::problem;

/// Rows on a page.
pub const ON_A_PAGE: u32 = 50;

/// What of a list was asked for: everything after the place that the query names in `field`.
///
/// # Errors
/// The page that says that the address is not one of ours.
pub fn after<C: FromStr>(query: Option<&str>, field: &str) -> Result<Option<C>, Response> {
    let form = Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let Some(place) = form.value(field) else { return Ok(None) };
    place.parse().map(Some).map_err(|_| {
        problem(
            StatusCode::BAD_REQUEST,
            "No such part of the list",
            "The address names a place in the list that was never one.",
            "Open the list again from its beginning.",
            None,
        )
    })
}

/// The address of the next part.
pub fn next<C: ToString>(path: &str, field: &str, place: Option<C>) -> Option<String> {
    let place = place?.to_string();
    let query = form_urlencoded::Serializer::new(String::new()).append_pair(field, &place).finish();
    Some(format!("{path}?{query}"))
}

#[cfg(test)]
mod tests {
    use model::Agent;

    use super::*;

    #[test]
    fn the_next_part_is_what_its_address_asks_for() {
        let agent: model::Id<Agent> = "claude-code@ada".parse().unwrap();
        let address = next("/console/agents", "after", Some(agent.clone())).unwrap();
        let (path, query) = address.split_once('?').unwrap();
        assert_eq!(path, "/console/agents");
        assert_eq!(after::<model::Id<Agent>>(Some(query), "after").unwrap(), Some(agent));
        assert_eq!(after::<model::Id<Agent>>(None, "after").unwrap(), None);
        assert!(after::<model::Id<Agent>>(Some("after=no+name"), "after").is_err());
        assert_eq!(next("/console/agents", "after", None::<u8>), None);
    }
}
