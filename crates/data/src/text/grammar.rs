//! The arithmetic grammar `S -> x | S+S | S-S | S*S | S/S` (Kusner and Hernández-Lobato 2016, arXiv:1611.04051), whose
//! lines can be checked.

use brigand_core::random::Stream;

/// Its symbols.
pub const SYMBOLS: [char; 5] = ['x', '+', '-', '*', '/'];
/// Lines of the embedded data.
pub const LINES: usize = 6000;
/// Tokens of a sequence: room for the longest line and its end.
pub const LENGTH: usize = 12;
/// Most operands of a drawn line, so that it has at most 11 symbols.
const MOST_OPERANDS: usize = 6;

/// `count` lines of the grammar: 1 to 6 operands, all numbers of them equally likely, and between two operands each of
/// the four operators equally likely. There are 1,365 different lines.
pub fn draw(count: usize, stream: &mut Stream) -> Vec<String> {
    let line = |_| {
        let operands = 1 + stream.index(MOST_OPERANDS);
        let mut line = String::from("x");
        for _ in 1..operands {
            line.push(SYMBOLS.get(1 + stream.index(4)).copied().unwrap_or('+'));
            line.push('x');
        }
        line
    };
    (0..count).map(line).collect()
}

/// Whether the grammar has this line: operands and operators in turn, with an operand at both ends.
pub fn is_valid(line: &str) -> bool {
    let mut symbols = 0;
    for symbol in line.chars() {
        let fits = if symbols % 2 == 0 { symbol == 'x' } else { matches!(symbol, '+' | '-' | '*' | '/') };
        if !fits {
            return false;
        }
        symbols += 1;
    }
    symbols % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_lines_are_valid_and_broken_ones_are_not() {
        let lines = draw(2000, &mut Stream::new(1, "test", 0));
        assert!(lines.iter().all(|line| is_valid(line) && line.len() <= 11));
        for broken in ["", "+", "x+", "+x", "xx", "x++x", "x+x-", "y", "x x"] {
            assert!(!is_valid(broken), "{broken}");
        }
        for operands in 1..=MOST_OPERANDS {
            let share = lines.iter().filter(|line| line.len() == 2 * operands - 1).count() as f64 / 2000.0;
            assert!((share - 1.0 / 6.0).abs() < 0.04, "{operands}: {share}");
        }
    }
}
