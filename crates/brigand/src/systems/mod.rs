//! The named systems: each a recipe, networks of its own, one training step, and what it can do once trained.

use brigand_core::recipe::Row;

/// The rows of all of them, in the order in which a reader meets them.
pub(crate) const ROWS: [&[Row]; 0] = [];
