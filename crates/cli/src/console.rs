//! Standard output for results, standard error for messages.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use serde_json::Value;

use crate::failure::Failure;

/// Writes a result, `text` and a line feed, to standard output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    writeln!(output, "{text}").and_then(|()| output.flush()).map_err(Failure::Output)
}

/// Writes a result for a script.
pub(crate) fn print_json(value: &Value) -> Result<(), Failure> {
    print(&format!("{value:#}"))
}

/// Writes rows as a table whose columns are as wide as their widest entry.
pub(crate) fn print_table(rows: &[Vec<String>]) -> Result<(), Failure> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let length = |row: &Vec<String>, column: usize| row.get(column).map_or(0, |entry| entry.chars().count());
    let widths: Vec<usize> =
        (0..columns).map(|column| rows.iter().map(|row| length(row, column)).max().unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let entries: Vec<String> =
            row.iter().zip(&widths).map(|(entry, &width)| format!("{entry:width$}")).collect();
        entries.join("  ").trim_end().to_owned()
    };
    print(&rows.iter().map(line).collect::<Vec<_>>().join("\n"))
}

/// Writes a message to standard error. Errors of a closed one are ignored.
pub(crate) fn tell(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether standard error is a terminal.
pub(crate) fn is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// The command line that runs this program with `arguments`, to be copied. It names the program as it was called,
/// so that it also works where it is not installed.
pub(crate) fn command_line(arguments: &str, path: &Path) -> String {
    let program = std::env::args().next().unwrap_or_else(|| "brigand".to_owned());
    format!("{} {arguments} {}", quoted(&program), quoted(&path.display().to_string()))
}

/// In single quotes when a shell would take the text apart.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+:=,@%".contains(c) || (cfg!(windows) && c == '\\');
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// A whole number with commas between thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        let shown = [0, 999, 1000, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn only_what_a_shell_would_take_apart_is_quoted() {
        assert_eq!(quoted("runs/gan-1"), "runs/gan-1");
        assert_eq!(quoted("my runs/it's"), r"'my runs/it'\''s'");
    }
}
