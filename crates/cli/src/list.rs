//! `brigand list`: the systems.

use brigand::systems::registry;
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
        let entry = |entry: &brigand::systems::Entry| {
            json!({
                "name": entry.name,
                "family": entry.family.to_string(),
                "summary": entry.summary,
                "paper": entry.paper,
                "data": entry.data,
            })
        };
        return console::print_json(&registry().map(entry).collect());
    }
    let header = ["SYSTEM", "FAMILY", "WHAT IT IS", "PAPER"].map(str::to_owned).to_vec();
    let rows = registry().map(|entry| {
        vec![
            entry.name.to_owned(),
            entry.family.to_string(),
            entry.summary.to_owned(),
            entry.paper.to_owned(),
        ]
    });
    console::print_table(&std::iter::once(header).chain(rows).collect::<Vec<_>>())
}
