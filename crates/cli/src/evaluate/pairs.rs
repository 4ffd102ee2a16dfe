//! `brigand evaluate` of a run that translates: errors on pairs of which translations should give the one from the other.

use brigand::Place;
use brigand::batch::{IMAGES, NumberKey, PARTNER, SECOND_PARTNER, Source};
use brigand::capability::{Direction, Translator};
use brigand::evaluation::{PairErrors, PairSource, pair_errors, significant};
use brigand::hardware::Device;
use brigand::recipe::Recipe;
use brigand::training::{choose_extractor, open_data, open_held_out};
use serde_json::json;

use super::{AUTOMATIC, Arguments, COUNT, refuse_options_of_sets, refused};
use crate::console::{self, grouped};
use crate::data::warn;
use crate::failure::Failure;

/// The distance that is always measured, as it is printed.
const PIXELS: &str = "mean absolute, of [0, 1]";

/// Measures `translator` and prints its errors.
pub(super) fn measure(
    translator: &dyn Translator,
    arguments: &Arguments,
    (recipe, step): (&Recipe, u64),
    device: &Device,
) -> Result<(), Failure> {
    refuse_options_of_sets(arguments, &[], "pairs")?;
    let sources = pairs(recipe, arguments)?;
    let place = Place::on(device);
    let extractor = match arguments.features.as_str() {
        AUTOMATIC => None,
        features => Some(choose_extractor(features, None, &[3, 1, 1], device)?.0),
    };
    let mut found: Vec<(&Direction, usize, String, PairErrors)> = Vec::new();
    for direction in translator.directions() {
        let Some((source, partners)) = sources.iter().find_map(|source| {
            partners(source.as_ref(), direction).map(|partners| (source.as_ref(), partners))
        }) else {
            continue;
        };
        let count = source.count().min(arguments.count.map_or(COUNT, |count| count as usize));
        let pairs = PairSource { source, originals: direction.from, partners, count };
        for extractor in [None, extractor.as_ref()].into_iter().take(1 + usize::from(extractor.is_some())) {
            let errors = pair_errors((translator, direction), pairs, extractor, &place)?;
            let of =
                extractor.map_or_else(|| PIXELS.to_owned(), |of| format!("features of {}", of.identity()));
            found.push((direction, count, of, errors));
        }
    }
    if found.is_empty() {
        return Err(refused(&format!(
            "{} has no pairs to measure a translator on; give --real pairs:DIR_A,DIR_B, folders of images of equal names of \
             which no training image is one",
            arguments.real.as_deref().unwrap_or(&recipe.common.data.source)
        )));
    }
    print(&found, arguments, step)
}

/// What holds pairs: of the data that is asked for, or of the run's own held-out part.
fn pairs(recipe: &Recipe, arguments: &Arguments) -> Result<Vec<Box<dyn Source>>, Failure> {
    let mut recipe = recipe.clone();
    if let Some(given) = &arguments.real {
        recipe.common.data.source.clone_from(given);
    }
    if arguments.background.is_some() {
        recipe.common.data.background = arguments.background;
    }
    let held_out = open_held_out(&recipe)?;
    warn(&held_out.notes);
    let apart: Vec<Box<dyn Source>> = held_out.sources.into_iter().flatten().collect();
    if !apart.is_empty() || arguments.real.is_none() {
        return Ok(apart);
    }
    let data = open_data(&recipe)?;
    warn(&data.notes);
    Ok(data.boxed_sources())
}

/// The field of a source that has the partners of what `direction` translates, if it has both.
fn partners(source: &dyn Source, direction: &Direction) -> Option<NumberKey> {
    let fields = source.schema().fields;
    let apart = if direction.from == IMAGES { PARTNER } else { SECOND_PARTNER };
    let present = |key: &NumberKey| fields.contains_key(key.0);
    [direction.to, apart].into_iter().find(present).filter(|_| present(&direction.from))
}

fn print(
    found: &[(&Direction, usize, String, PairErrors)],
    arguments: &Arguments,
    step: u64,
) -> Result<(), Failure> {
    if arguments.json {
        let rows: Vec<_> = found
            .iter()
            .map(|(direction, count, of, errors)| {
                json!({
                    "direction": direction.name,
                    "pairs": count,
                    "distance": of,
                    "translated": errors.translated,
                    "untranslated": errors.untranslated,
                    "mean_partner": errors.mean_partner,
                })
            })
            .collect();
        return console::print_json(&json!({ "step": step, "errors": rows }));
    }
    let header = ["DIRECTION", "PAIRS", "DISTANCE", "TRANSLATED", "UNTRANSLATED", "MEAN OF PARTNERS"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    rows.extend(found.iter().map(|(direction, count, of, errors)| {
        vec![
            direction.name.to_owned(),
            grouped(*count as u64),
            of.clone(),
            significant(errors.translated),
            errors.untranslated.map_or_else(|| "none".to_owned(), significant),
            significant(errors.mean_partner),
        ]
    }));
    console::print_table(&rows)
}
