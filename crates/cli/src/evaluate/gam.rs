//! `brigand evaluate --gam`: two runs against each other.

use std::path::Path;

use brigand::evaluation::{Errors, MOST_UNEQUAL, Ratio, Samples, significant};
use brigand::hardware::Device;
use brigand::training::{Contender, Which, load_run_at, tournament};
use serde_json::{Value, json};

use super::COUNT;
use crate::console::{self, grouped};
use crate::failure::Failure;

/// What decides how the tournament is played.
pub(super) struct Rules {
    /// Samples of each kind, at most.
    pub(super) count: Option<u32>,
    /// Decides which samples are drawn.
    pub(super) seed: u64,
    /// Which checkpoint of the runs.
    pub(super) which: Which,
    /// Print JSON.
    pub(super) json: bool,
}

/// Plays the tournament and prints both ratios and who won.
pub(super) fn play(first: &Path, second: &Path, rules: &Rules, device: &Device) -> Result<(), Failure> {
    let load = |path: &Path| load_run_at(path, rules.which, device);
    let ((first_recipe, first_system, _), (second_recipe, second_system, _)) = (load(first)?, load(second)?);
    let names = [first, second].map(|path| path.display().to_string());
    let [first_name, second_name] = &names;
    let first = Contender { name: first_name, recipe: &first_recipe, system: first_system.as_ref() };
    let second = Contender { name: second_name, recipe: &second_recipe, system: second_system.as_ref() };
    let most = rules.count.map_or(COUNT, |count| count as usize);
    let (found, real) = tournament([&first, &second], most, rules.seed)?;
    let (source, outcome) = (real.source(), found.outcome());
    let (test, samples) = (found.test_ratio(), found.sample_ratio());
    if rules.json {
        let ratio = |ratio: Option<Ratio>| {
            ratio.map_or(
                Value::Null,
                |ratio| json!({ "value": ratio.value, "interval": [ratio.low, ratio.high] }),
            )
        };
        return console::print_json(&json!({
            "first": first_name,
            "second": second_name,
            "real": { "name": source.name, "split": source.split, "count": real.count() },
            "seed": rules.seed,
            "error_on_real": found.real.map(|errors| errors.rate()),
            "error_on_generated": found.generated.map(|errors| errors.rate()),
            "r_test": ratio(test),
            "r_samples": ratio(samples),
            "outcome": outcome.to_string(),
        }));
    }
    let errors = |errors: Errors| {
        format!("{} ({} of {})", significant(errors.rate()), grouped(errors.wrong), grouped(errors.of))
    };
    let ratio = |ratio: Option<Ratio>| {
        ratio.map_or_else(
            || "none".to_owned(),
            |of| {
                let (value, low, high) = (significant(of.value), significant(of.low), significant(of.high));
                format!("{value} (95%: {low} to {high})")
            },
        )
    };
    let split = source.split.as_deref().map_or_else(String::new, |split| format!(" {split}"));
    let [on_real_first, on_real_second] = found.real;
    let [on_second, on_first] = found.generated;
    console::print_table(&[
        vec!["ERROR OF".into(), first_name.clone(), second_name.clone(), "FIRST / SECOND".into()],
        vec![
            format!("on {}{split}", source.name),
            errors(on_real_first),
            errors(on_real_second),
            format!("r_test {}", ratio(test)),
        ],
        vec![
            "on the other's samples".into(),
            errors(on_second),
            errors(on_first),
            format!("r_samples {}", ratio(samples)),
        ],
    ])?;
    console::print(&format!(
        "{outcome}\nThe first wins if r_samples < 1, the second if r_samples > 1, if 1 is outside of its interval and r_test is \
         between {} and {MOST_UNEQUAL}; all else is a tie.\n",
        1.0 / MOST_UNEQUAL
    ))
}
