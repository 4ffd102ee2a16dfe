//! `brigand info SYSTEM`: its recipe with every default, its size, its paper.

use brigand::batch::Field;
use brigand::hardware::Processor;
use brigand::recipe::{Changes, Recipe};
use brigand::registry;
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
    let row = registry::find(&arguments.system)?;
    let assignments = arguments.data.iter().map(|data| format!("data.source={data}")).collect();
    let recipe = Recipe::resolve(row, &Changes { file: None, assignments })?;
    let mut prepared = Prepared::new(recipe.clone(), &Processor::Cpu.open()?)?;
    let networks = prepared.system().sizes();
    let fields: Vec<String> =
        prepared.schema().fields.iter().map(|(name, field)| format!("{name} {:?}", field.shape)).collect();
    if arguments.json {
        let count = |(name, count): &(String, usize)| (name.clone(), json!(count));
        let shape = |(name, field): (&String, &Field)| (name.clone(), json!(field.shape));
        return console::print_json(&json!({
            "name": row.name,
            "family": row.family.to_string(),
            "summary": row.summary,
            "paper": row.paper,
            "data": prepared.schema().fields.iter().map(shape).collect::<serde_json::Map<_, _>>(),
            "parameters": networks.iter().map(count).collect::<serde_json::Map<_, _>>(),
            "recipe": recipe.to_table()?,
        }));
    }
    let counts: Vec<String> =
        networks.iter().map(|(name, count)| format!("{name} {}", grouped(*count as u64))).collect();
    console::print(&format!(
        "# {}: {}\n# paper: {}\n# data: {}\n# parameters: {}\n\n{}",
        row.name,
        row.summary,
        row.paper,
        fields.join(", "),
        counts.join(", "),
        recipe.to_toml()?.trim_end(),
    ))
}
