//! Lines of text as sequences of tokens.

pub mod grammar;
mod lines;

pub use lines::{Lines, Tokens, lines_of_file, lines_of_grammar};
