//! What every HTML page shares: layout and style sheet, security headers, strict forms, cookies,
//! sessions, protection against forged posts, and the page that explains a failure.
//!
//! There is no JavaScript anywhere and no inline style. A page is made by [`Page::new`] from an askama
//! template of the caller, which holds only what goes between the header and the footer.
//!
//! It stands against forged posts, framed pages and markup in the names that strangers give themselves.

mod assets;
mod browser;
mod cookies;
mod csrf;
mod form;
mod headers;
mod local;
mod page;
mod problem;
mod session;

pub use assets::{STYLESHEET_PATH, assets};
pub use browser::Browser;
pub use cookies::{Cookie, Cookies};
pub use csrf::{CSRF_FIELD, Csrf, Forged, check_origin};
pub use form::{FORM_BYTES, Form, FormError};
pub use headers::{FormTargets, harden};
pub use local::{AGAIN, LocalPath, login_again, login_first, see_other};
pub use page::{Page, Place, page};
pub use problem::{Incident, fault, nowhere, only_forms, problem};
pub use session::{FRESH_LOGIN, SignedIn, StaleLogin, signed_in};
