//! The order in which people put names: numbers inside them by their size.

use std::cmp::Ordering;

/// `2` before `10`, `a2b` before `a10`; letters by their code points. Names that differ only in leading zeros are in
/// the order of their bytes, so that no two names are equal.
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let (one, other) = match (left.chars().next(), right.chars().next()) {
            (Some(one), Some(other)) => (one, other),
            (one, other) => return one.is_some().cmp(&other.is_some()).then_with(|| a.cmp(b)),
        };
        let order = if one.is_ascii_digit() && other.is_ascii_digit() {
            let (number, rest) = split_number(left);
            let (other_number, other_rest) = split_number(right);
            (left, right) = (rest, other_rest);
            // Without leading zeros the longer number is the larger.
            number.len().cmp(&other_number.len()).then_with(|| number.cmp(other_number))
        } else {
            (left, right) = (&left[one.len_utf8()..], &right[other.len_utf8()..]);
            one.cmp(&other)
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// The digits that `text` begins with, without leading zeros, and what follows them.
fn split_number(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    (digits.trim_start_matches('0'), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_ordered_by_their_size() {
        let ordered = [
            "", "0", "1", "2", "010", "10", "11", "a", "a1b", "a2", "a2b", "a10", "a10b", "b", "\u{e9}9",
            "\u{e9}10",
        ];
        for (place, name) in ordered.iter().enumerate() {
            for (other_place, other) in ordered.iter().enumerate() {
                assert_eq!(compare(name, other), place.cmp(&other_place), "{name} {other}");
            }
        }
        let long = format!("{}1", "9".repeat(40));
        assert_eq!(compare(&long, &"9".repeat(40)), Ordering::Greater);
    }
}
