//! What input the theory refuses.

/// Numbers that no divergence can be computed from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TheoryError(pub(super) String);

pub(super) type Result<T> = std::result::Result<T, TheoryError>;

/// How far the sum of a distribution may be from 1: single precision leaves about 1e-7.
const SLACK: f64 = 1e-6;

pub(super) fn refused<T>(reason: String) -> Result<T> {
    Err(TheoryError(reason))
}

impl From<TheoryError> for brigand_core::Error {
    fn from(error: TheoryError) -> Self {
        Self::other(error)
    }
}

/// Refuses an empty list and one with NaN or infinity; `what` names it.
pub(super) fn finite(what: &str, values: &[f64]) -> Result<()> {
    if values.is_empty() {
        return refused(format!("{what}: no numbers; give at least one"));
    }
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => refused(format!(
            "{what}: number {index} is {}; leave out or mend what is not finite",
            values.get(index).copied().unwrap_or(f64::NAN)
        )),
        None => Ok(()),
    }
}

/// Refuses what is no probability distribution: negative numbers, or a sum other than 1.
pub(super) fn distribution(what: &str, shares: &[f64]) -> Result<()> {
    finite(what, shares)?;
    if let Some(index) = shares.iter().position(|&share| share < 0.0) {
        return refused(format!("{what}: probability {index} is negative; give numbers of at least 0"));
    }
    let sum: f64 = shares.iter().sum();
    if (sum - 1.0).abs() > SLACK {
        return refused(format!("{what}: the probabilities sum to {sum}; divide them by their sum"));
    }
    Ok(())
}

/// Refuses two lists of different lengths.
pub(super) fn same_length(what: &str, left: usize, right: usize) -> Result<()> {
    if left == right { Ok(()) } else { refused(format!("{what}: {left} and {right} numbers do not pair up")) }
}

/// Refuses a number that is not positive and finite.
pub(super) fn positive(what: &str, value: f64) -> Result<()> {
    if value > 0.0 && value.is_finite() {
        Ok(())
    } else {
        refused(format!("{what} is {value}; give a positive number"))
    }
}
