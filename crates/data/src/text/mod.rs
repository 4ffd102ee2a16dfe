//! Lines of text as sequences of tokens.

pub mod grammar;
mod lines;
pub mod oracle;

pub(crate) use lines::sequences as lines_of;
pub use lines::{Lines, MOST_TOKENS, Tokens, lines_of_file, lines_of_grammar, lines_of_oracle, read_text};
pub(crate) use lines::{check_lengths, kept_lines, lines_over, numbers, vocabulary};
