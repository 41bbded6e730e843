//! The page `crates/pow-web/explorer.html` in a real browser: it says what the verifier says here,
//! word for word.

mod browser;
mod layout;
mod long;
mod looks;
mod safety;
mod session;
mod verdicts;

pub use browser::missing;

tests! { mod verdicts, safety, looks, long, layout, session }
