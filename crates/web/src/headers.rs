//! The headers of every page.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Where the forms of a page may lead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FormTargets {
    /// Only to us.
    #[default]
    Us,
    /// To us, and from there anywhere: for login and consent, whose answer sends the browser on to a client.
    ///
    /// Chromium holds `form-action` against every redirect that follows a post, so naming the client's
    /// origin would break clients that redirect once more.
    Onward,
}

impl FormTargets {
    const fn policy(self) -> &'static str {
        match self {
            Self::Us => {
                "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
                 base-uri 'none'; frame-ancestors 'none'"
            }
            Self::Onward => {
                "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"
            }
        }
    }
}

/// Cuts a window off from the one that opened it, at whichever answer on its way has it.
pub(crate) const OPENER_POLICY: &str = "cross-origin-opener-policy";

/// Adds the headers that every page and every redirect between pages carries.
///
/// Spec: CSP Level 3; RFC 9700 §4.16 (clickjacking); W3C UI Security.
pub fn harden(headers: &mut HeaderMap, targets: FormTargets) {
    if targets == FormTargets::Us {
        // What leads on to a client must not cut off the window that opened it: browser clients wait there for the code.
        headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
    }
    let fixed: [(HeaderName, &'static str); 7] = [
        (header::CONTENT_SECURITY_POLICY, targets.policy()),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Field: A8
    #[test]
    fn a_page_that_hands_the_browser_back_does_not_cut_off_its_opener() {
        let opener = |targets| {
            let mut headers = HeaderMap::new();
            harden(&mut headers, targets);
            assert_eq!(headers["x-frame-options"], "DENY");
            headers.contains_key("cross-origin-opener-policy")
        };
        assert!(!opener(FormTargets::Onward) && opener(FormTargets::Us));
    }
}
