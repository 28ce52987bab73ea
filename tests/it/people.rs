//! People who type on their phones, through a real terminal and the real binary: what each of their texts does, and what
//! is texted back. How any text is read is a table in `route::reply`; here a few rows of it go all the way.

mod forged;
mod scene;
mod typed;
