//! The header that carries a proof, read in one way.
//!
//! Spec: RFC 9449 §4.1, §4.3 (1).

use crypto::{PresentedProof, ProofError};
use http::HeaderMap;

/// Its name.
pub const DPOP: &str = "dpop";

/// By which a server gives a nonce. Spec: RFC 9449 §8
pub const DPOP_NONCE: &str = "dpop-nonce";

/// The proof of a request, of which nothing is known yet; `None` when there is none.
///
/// Spec: RFC 9449 §4.3 (1) ("not more than one")
///
/// # Errors
/// [`ProofError::Several`], or [`ProofError::Malformed`] for what can be no proof, such as two with a comma between.
pub fn proof(headers: &HeaderMap) -> Result<Option<PresentedProof>, ProofError> {
    let mut values = headers.get_all(DPOP).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(ProofError::Several);
    }
    let text = value.to_str().map_err(|_| ProofError::Malformed)?;
    PresentedProof::new(text).map(Some)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    /// Spec: RFC 9449 §4.3 (1)
    #[test]
    fn there_is_one_proof_or_none() {
        let read = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(DPOP, HeaderValue::from_static(value));
            }
            proof(&headers).map(|proof| proof.is_some())
        };
        assert_eq!(read(&[]), Ok(false));
        assert_eq!(read(&["a.b.c"]), Ok(true));
        assert_eq!(read(&["a.b.c", "a.b.c"]), Err(ProofError::Several));
        assert_eq!(read(&["a.b.c, a.b.c"]), Err(ProofError::Malformed));
        assert_eq!(read(&[""]), Err(ProofError::Malformed));
    }
}
