//! `brigand info SYSTEM`: its recipe with every default, its size, its paper.

use brigand::hardware::Processor;
use brigand::networks::Network;
use brigand::recipe::{Changes, Recipe};
use brigand::systems;
use brigand::training::Prepared;
use serde_json::json;

use crate::console::{self, grouped};
use crate::failure::Failure;

const EXAMPLES: &str = "\
What is printed is a recipe file:
  brigand info gan > mine.toml
  brigand train gan --config mine.toml";

/// Show a system's recipe with every default, its number of parameters and its paper.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Name of the system, as in `brigand list`
    system: String,
    /// Data to build it for (`brigand data list` shows what there is)
    #[arg(long, value_name = "SPEC")]
    data: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<(), Failure> {
    let entry = systems::find(&arguments.system)?;
    let assignments = arguments.data.iter().map(|data| format!("data.source={data}")).collect();
    let recipe = Recipe::resolve(entry, &Changes { file: None, assignments })?;
    let prepared = Prepared::new(recipe.clone(), &Processor::Cpu.open()?)?;
    let networks = prepared.system.networks();
    let sample = prepared.system.sample_shape().dims();
    if arguments.json {
        let count = |network: &&Network| (network.name().to_owned(), json!(network.weights.count()));
        return console::print_json(&json!({
            "name": entry.name,
            "family": entry.family.to_string(),
            "summary": entry.summary,
            "paper": entry.paper,
            "sample_shape": sample,
            "parameters": networks.iter().map(count).collect::<serde_json::Map<_, _>>(),
            "recipe": recipe.to_table()?,
        }));
    }
    let counts: Vec<String> = networks
        .iter()
        .map(|network| format!("{} {}", network.name(), grouped(network.weights.count() as u64)))
        .collect();
    console::print(&format!(
        "# {}: {}\n# paper: {}\n# parameters for samples of shape {sample:?}: {}\n\n{}",
        entry.name,
        entry.summary,
        entry.paper,
        counts.join(", "),
        recipe.to_toml()?.trim_end(),
    ))
}
