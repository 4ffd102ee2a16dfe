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

/// Writes a message to standard error, [fit to be shown](shown). Errors of a closed one are ignored.
pub(crate) fn tell(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", shown(text));
}

/// The most characters of a name in a message, and how many of its beginning and end are left where it has more.
const LONGEST_NAME: usize = 200;
const ENDS: (usize, usize) = (150, 40);

/// A message that may hold names of files and texts of any kind: control characters, which could change what a terminal shows, are
/// written out, and names (what stands in backticks, or without a space or a `/`) of more than 200 characters are shortened.
pub(crate) fn shown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for symbol in text.chars() {
        match symbol {
            '\n' | '\t' => escaped.push(symbol),
            // The second and third kind change the direction of what follows.
            symbol
                if symbol.is_control()
                    || matches!(symbol, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
            {
                escaped.extend(symbol.escape_default());
            }
            _ => escaped.push(symbol),
        }
    }
    let parts: Vec<&str> = escaped.split('`').collect();
    let shown = parts.iter().enumerate().map(|(number, part)| {
        // A backtick that is not closed quotes nothing.
        match number % 2 == 1 && number + 1 < parts.len() {
            true => shortened(part),
            false => {
                let ends = |symbol: char| symbol.is_whitespace() || std::path::is_separator(symbol);
                part.split_inclusive(ends).map(shortened).collect()
            }
        }
    });
    shown.collect::<Vec<_>>().join("`")
}

/// The beginning and the end of a name that is longer than [`LONGEST_NAME`].
fn shortened(name: &str) -> String {
    let count = name.chars().count();
    if count <= LONGEST_NAME {
        return name.to_owned();
    }
    let beginning = name.chars().take(ENDS.0);
    beginning.chain(['…']).chain(name.chars().skip(count - ENDS.1)).collect()
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
    fn control_characters_are_written_out_and_long_names_shortened() {
        assert_eq!(shown("a\u{1b}[2Jb\r.png\n\tкруг"), "a\\u{1b}[2Jb\\r.png\n\tкруг");
        assert_eq!(shown("a\u{202e}gnp.exe"), "a\\u{202e}gnp.exe");
        let long = "x".repeat(1000);
        let short = format!("{}…{}", "x".repeat(150), "x".repeat(35));
        assert_eq!(
            shown(&format!("skipped: dir/{long}.png (torn)")),
            format!("skipped: dir/{short}.png (torn)")
        );
        let caption = "red ".repeat(100);
        let quoted = shown(&format!("`{caption}`: the vocabulary lacks `red`; and {}", "word ".repeat(100)));
        assert!(quoted.starts_with("`red red") && quoted.contains("…") && quoted.len() < 800, "{quoted}");
        assert!(quoted.ends_with(&format!("`: the vocabulary lacks `red`; and {}", "word ".repeat(100))));
        // A path of many names is whole.
        let path = "folder/".repeat(60);
        assert_eq!(shown(&path), path);
    }

    #[test]
    fn only_what_a_shell_would_take_apart_is_quoted() {
        assert_eq!(quoted("runs/gan-1"), "runs/gan-1");
        assert_eq!(quoted("my runs/it's"), r"'my runs/it'\''s'");
    }
}
