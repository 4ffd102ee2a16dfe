//! `brigand list`: the systems.

use brigand::recipe::Row;
use brigand::registry::rows;
use serde_json::json;

use crate::console;
use crate::failure::Failure;

/// Show the systems that can be trained.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.json {
        let entry = |row: &Row| {
            json!({
                "name": row.name,
                "family": row.family.to_string(),
                "summary": row.summary,
                "paper": row.paper,
                "data": row.data,
            })
        };
        return console::print_json(&rows().map(entry).collect());
    }
    let header = ["SYSTEM", "FAMILY", "WHAT IT IS", "PAPER"].map(str::to_owned).to_vec();
    let rows = rows().map(|row| {
        vec![row.name.to_owned(), row.family.to_string(), row.summary.to_owned(), row.paper.to_owned()]
    });
    console::print_table(&std::iter::once(header).chain(rows).collect::<Vec<_>>())
}
