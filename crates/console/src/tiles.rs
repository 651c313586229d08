//! `/audit/log/…`: the log for machines.
//!
//! The checkpoint is public: it commits us to the log and tells nothing about it. Tiles and records are
//! for auditors, because records name people and agents, and the hash of a guessed record would tell
//! whether the guess is right.
//!
//! Spec: C2SP tlog-tiles.

use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::get,
};
use http::{HeaderValue, StatusCode, header};
use web::{FormTargets, harden};

use crate::{
    access::{As, Reads},
    context::{Answer, Shared},
    failure::{not_found, store_failed},
};

/// Where it is.
pub(crate) fn routes() -> Router<Shared> {
    Router::new().route("/audit/log/checkpoint", get(checkpoint)).route("/audit/log/tile/{*path}", get(tile))
}

/// `GET /audit/log/checkpoint`
pub async fn checkpoint(State(console): State<Shared>) -> Answer {
    let note = console.store.checkpoint().await.map_err(store_failed)?;
    Ok(bytes(note.into_bytes(), "text/plain; charset=utf-8"))
}

/// `GET /audit/log/tile/{level}/{index}` and `GET /audit/log/tile/entries/{index}`, full or `.p/{width}`
pub async fn tile(State(console): State<Shared>, _: As<Reads>, Path(path): Path<String>) -> Answer {
    let store = &console.store;
    let missing = || not_found("tile", &path);
    match Tile::parse(&path).ok_or_else(missing)? {
        Tile::Hashes { level, index, width } => {
            let tile = store.tile(level, index).await.map_err(store_failed)?.ok_or_else(missing)?;
            let wanted = usize::from(width) * 32;
            let hashes = tile.get(..wanted).ok_or_else(missing)?;
            Ok(bytes(hashes.to_vec(), "application/octet-stream"))
        }
        Tile::Records { index, width } => {
            let bundle = store.bundle(index).await.map_err(store_failed)?.ok_or_else(missing)?;
            let records = audit::decode_bundle(&bundle).map_err(|error| web::fault("log_unreadable", &error))?;
            let records = records.get(..usize::from(width)).ok_or_else(missing)?;
            Ok(bytes(audit::encode_bundle(records), "application/octet-stream"))
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Tile {
    Hashes { level: u8, index: u64, width: u16 },
    Records { index: u64, width: u16 },
}

impl Tile {
    /// From a path as `audit` writes it, and only in that one spelling.
    fn parse(path: &str) -> Option<Self> {
        let (kind, rest) = path.split_once('/')?;
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, Some(width.parse().ok().filter(|w| (1..audit::TILE_WIDTH).contains(w))?)),
            None => (rest, None),
        };
        let digits: String = number.split('/').map(|group| group.trim_start_matches('x')).collect();
        let index: u64 = digits.parse().ok()?;
        let (tile, spelled) = match kind {
            "entries" => {
                let width_or_full = width.unwrap_or(audit::TILE_WIDTH);
                (Self::Records { index, width: width_or_full }, audit::bundle_path(index, width))
            }
            _ => {
                let level = kind.parse().ok().filter(|level| *level < 64)?;
                let width_or_full = width.unwrap_or(audit::TILE_WIDTH);
                (Self::Hashes { level, index, width: width_or_full }, audit::tile_path(level, index, width))
            }
        };
        (spelled.strip_prefix("tile/") == Some(path)).then_some(tile)
    }
}

fn bytes(content: Vec<u8>, media_type: &'static str) -> Response {
    let mut response = Response::new(content.into());
    *response.status_mut() = StatusCode::OK;
    harden(response.headers_mut(), FormTargets::Us);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spec: C2SP tlog-tiles
    #[test]
    fn a_tile_is_found_under_its_one_name() {
        let hashes = |level, index, width| Some(Tile::Hashes { level, index, width });
        assert_eq!(Tile::parse("0/000"), hashes(0, 0, 256));
        assert_eq!(Tile::parse("2/x001/x234/067.p/7"), hashes(2, 1_234_067, 7));
        assert_eq!(Tile::parse("entries/001.p/255"), Some(Tile::Records { index: 1, width: 255 }));
    }

    #[test]
    fn other_spellings_and_nonsense_are_no_tile() {
        for path in [
            "0",
            "0/0",
            "0/00",
            "0/0001",
            "64/000",
            "x/000",
            "0/000.p/0",
            "0/000.p/256",
            "0/x000/001",
            "0/001/002",
            "0/+01",
            "entries/../x",
            "00/000",
        ] {
            assert_eq!(Tile::parse(path), None, "{path}");
        }
    }
}
