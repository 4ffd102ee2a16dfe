//! Classes by name, and grids that show them all.

use super::grid::{LatentGrid, to_rows};
use crate::error::{Error, Result};
use crate::random::Stream;
use brigand_core::capability::Sampler;
use brigand_core::latent::{CLASS, LatentSpace};

/// Class names in an error message.
const NAMED: usize = 30;

/// The number of the class called `text` among `names`, or whose number `text` is.
///
/// # Errors
/// If latents of this space have no class, or there is no such class; then the message lists them.
pub fn find_class(names: &[String], space: &LatentSpace, text: &str) -> Result<u32> {
    let (range, _) = space.category(CLASS)?;
    if let Some(number) = names.iter().position(|name| name == text) {
        return Ok(number as u32);
    }
    match text.parse::<u32>() {
        Ok(number) if (number as usize) < range.len() => Ok(number),
        _ => {
            let mut known: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
            if names.len() > NAMED {
                known.push("...");
            }
            Err(Error::Request(format!(
                "there is no class `{text}`; there are {} (numbers from 0 to {} do too)",
                known.join(", "),
                range.len().saturating_sub(1)
            )))
        }
    }
}

/// Every value of the category called `name` in a row of its own (the first `most` of them), the same other
/// coordinates down a column.
///
/// # Errors
/// If the system's latents have no such category.
pub fn category_grid(
    sampler: &dyn Sampler,
    name: &str,
    most: usize,
    columns: usize,
    seed: u64,
) -> Result<LatentGrid> {
    let space = sampler.space();
    let values = space.category(name)?.0.len().min(most);
    let drawn = sampler.latents(columns, &mut Stream::new(seed, "category-grid", 0))?;
    let mut rows = Vec::with_capacity(values * columns);
    for value in 0..values {
        rows.extend(to_rows(&space.with_category(&drawn, name, &vec![value as u32; columns])?)?);
    }
    LatentGrid::new(&rows, columns, &sampler.place().device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use brigand_core::latent::{Distribution, LatentPart, LatentRecipe, Prior};

    fn space() -> LatentSpace {
        LatentSpace::new(vec![
            LatentRecipe { size: 2, prior: Prior::Normal }.part(),
            LatentPart { name: CLASS, distribution: Distribution::Category { shares: vec![1.0; 3] } },
        ])
    }

    #[test]
    fn classes_have_names_and_numbers() {
        let names = ["cat", "2", "dog"].map(str::to_owned);
        let found = |text: &str| find_class(&names, &space(), text).map_err(|error| error.to_string());
        assert_eq!((found("dog"), found("0"), found("1")), (Ok(2), Ok(0), Ok(1)));
        // A name goes before a number.
        assert_eq!(found("2"), Ok(1));
        for wrong in ["3", "-1", "cow", ""] {
            let message = found(wrong).unwrap_err();
            assert!(message.contains(&format!("`{wrong}`")) && message.contains("cat, 2, dog"), "{message}");
        }
    }

    #[test]
    fn without_classes_nothing_can_be_asked_for() {
        let space = LatentSpace::new(vec![LatentRecipe { size: 2, prior: Prior::Normal }.part()]);
        let message = find_class(&[], &space, "0").unwrap_err().to_string();
        assert!(message.contains("brigand train cgan"), "{message}");
    }
}
