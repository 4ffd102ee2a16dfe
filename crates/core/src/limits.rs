//! Limits of numbers in recipes: each check refuses a value with its key and says what to give.

use std::fmt::Display;
use std::ops::RangeInclusive;

use crate::error::{Error, Result};

/// Refuses weights and deviations, given with their keys, that are negative or not finite.
///
/// # Errors
/// [`Error::Recipe`], naming the first of them.
pub fn at_least_zero(values: &[(&str, f64)]) -> Result<()> {
    match values.iter().find(|(_, value)| !(*value >= 0.0 && value.is_finite())) {
        Some((key, value)) => Err(Error::Recipe(format!("{key} is {value}; give 0 or more"))),
        None => Ok(()),
    }
}

/// Refuses a number outside of `range`, given with its key.
///
/// # Errors
/// [`Error::Recipe`], naming it.
pub fn within<T: PartialOrd + Display>(key: &str, value: T, range: RangeInclusive<T>) -> Result<()> {
    match range.contains(&value) {
        true => Ok(()),
        false => Err(Error::Recipe(format!("{key} is {value}; give {} to {}", range.start(), range.end()))),
    }
}

/// Refuses a number that is not above 0, given with its key and an example of one that is.
///
/// # Errors
/// [`Error::Recipe`], naming it.
pub fn above_zero(key: &str, value: f64, example: f64) -> Result<()> {
    match value > 0.0 && value.is_finite() {
        true => Ok(()),
        false => {
            Err(Error::Recipe(format!("{key} is {value}; give a number above 0, for example {example}")))
        }
    }
}

/// Refuses a number of 0, given with its key.
///
/// # Errors
/// [`Error::Recipe`], naming it.
pub fn at_least_one(key: &str, value: usize) -> Result<()> {
    match value {
        0 => Err(Error::Recipe(format!("{key} is 0; give at least 1"))),
        _ => Ok(()),
    }
}
