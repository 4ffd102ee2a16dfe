//! How the program ends when it does not succeed.

use std::error::Error;
use std::io;

/// Exit code for every error but wrong usage, which is 2.
pub(crate) const FAILED: u8 = 1;
/// Exit code after Ctrl-C, as shells have it.
pub(crate) const INTERRUPTED: u8 = 130;

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The library refused.
    Library(brigand::Error),
    /// It was stopped on request; a message was printed already.
    Interrupted,
    /// Standard output cannot be written.
    Output(io::Error),
    /// The library refused in the middle of something; the second line says how things stand now.
    Midway(brigand::Error, String),
}

impl<E: Into<brigand::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Library(error.into())
    }
}

/// The message with those of its causes that it does not contain already, on one line.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let reason = inner.to_string();
        if !text.contains(&reason) {
            text = format!("{text}: {reason}");
        }
        cause = inner.source();
    }
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Link(&'static str, Option<Box<Link>>);

    impl std::fmt::Display for Link {
        fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str(self.0)
        }
    }

    impl Error for Link {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|inner| inner as _)
        }
    }

    #[test]
    fn causes_are_told_once_and_on_one_line() {
        let cause = Link("line one\n  line two", Some(Box::new(Link("disk full", None))));
        assert_eq!(with_causes(&Link("a", Some(Box::new(cause)))), "a: line one; line two: disk full");
        let chain = Link("cannot write: disk full", Some(Box::new(Link("disk full", None))));
        assert_eq!(with_causes(&chain), "cannot write: disk full");
    }
}
