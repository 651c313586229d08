//! What every HTML page shares: layout and style sheet, security headers, posted forms, cookies, protection against
//! forged posts, and the page that explains a failure.
//!
//! There is no JavaScript anywhere and no inline style. A page is made by [`Page::new`] from an askama
//! template of the caller, which holds only what goes between the header and the footer. Nothing here knows the store:
//! who is signed in is a [`Visitor`].
//!
//! It stands against forged posts, framed pages and markup in the names that strangers give themselves.

mod assets;
mod bad_page;
mod browser;
mod call_card;
mod cookies;
mod csrf;
mod form;
mod headers;
pub mod host_guard;
mod incident;
mod local_path;
mod navigation;
mod page;
mod problem;

pub use assets::{STYLESHEET_PATH, assets};
pub use bad_page::BadPage;
pub use browser::Browser;
pub use call_card::CallCard;
pub use cookies::{Cookie, Cookies};
pub use csrf::{CSRF_FIELD, Csrf, Forged, check_origin};
pub use form::{FORM_BYTES, Posted};
pub use headers::{FormTargets, harden};
pub use host_guard::HostGuard;
pub use incident::Incident;
pub use local_path::LocalPath;
pub use navigation::{AGAIN, login_again, login_first, see_other};
pub use page::{Page, Place, Visitor};
pub use problem::{fault, nowhere, only_forms, problem};
