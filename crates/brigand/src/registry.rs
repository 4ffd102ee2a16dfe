//! The one table of systems.

use brigand_core::recipe::Row;

use crate::error::{Error, Result};
use crate::systems;

/// All systems, in the order in which a reader meets them.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    systems::rows()
}

/// The system called `name`.
///
/// # Errors
/// If there is none, naming those that are called alike.
pub fn find(name: &str) -> Result<&'static Row> {
    rows().find(|row| row.name == name).ok_or_else(|| {
        let mut near: Vec<&str> = rows().map(|row| row.name).collect();
        near.sort_by(|a, b| strsim::jaro_winkler(b, name).total_cmp(&strsim::jaro_winkler(a, name)));
        near.truncate(3);
        Error::Recipe(format!(
            "no system is called `{name}`; nearest: {} (`brigand list` shows all)",
            near.join(", ")
        ))
    })
}
