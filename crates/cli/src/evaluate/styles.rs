//! `brigand evaluate` of a run that brings lines of text to another style: the style that is found in held-out lines, and what is
//! kept of them, beside what simple rules reach.

use brigand::capability::LineTranslator;
use brigand::data::Spec;
use brigand::data::styles::read_lines;
use brigand::evaluation::{StyleClassifier, TransferScores, Transferred};
use brigand::hardware::Device;
use brigand::recipe::Recipe;
use brigand::systems::text_style::{HeldOutStyles, StyleReference};
use serde_json::json;

use super::{AUTOMATIC, Arguments, held_out_feed, refuse_options_of_sets, refused};
use crate::console;
use crate::failure::Failure;

/// Measures `translator` on the lines of `--real`, or on those that its run holds out, and prints the scores.
pub(super) fn measure(
    translator: &dyn LineTranslator,
    arguments: &Arguments,
    (recipe, step): (&Recipe, u64),
    device: &Device,
) -> Result<(), Failure> {
    let also = [
        (arguments.count.is_some(), "--count"),
        (arguments.background.is_some(), "--background"),
        (arguments.features != AUTOMATIC, "--features"),
    ];
    refuse_options_of_sets(arguments, &also, "lines in two styles")?;
    let (feed, _) = held_out_feed(recipe, arguments, device)?;
    let mut reference = StyleReference::of(&translator.lines(), &feed)?;
    if let Some(given) = &arguments.classifier {
        let Spec::Styles(which) = given.parse::<Spec>()? else {
            return Err(refused(&format!(
                "--classifier is {given}; give unpaired-lines:NEGATIVE,POSITIVE, lines that the run was not trained on"
            )));
        };
        let [first, second] = read_lines(&which, recipe.common.data.tokens.unwrap_or_default())?;
        reference = reference.with_classifier(StyleClassifier::of([&first, &second]));
    }
    let made = HeldOutStyles::of(translator, &feed)?;
    let copied: Vec<Transferred> =
        made.lines.iter().map(|line| Transferred { made: line.source.clone(), ..line.clone() }).collect();
    let replaced = reference.replaced(&made.lines);
    let mut rows = Vec::new();
    for (name, lines) in [("transferred", &made.lines), ("copied", &copied), ("marks replaced", &replaced)] {
        for (to, style) in translator.styles().into_iter().enumerate() {
            let own: Vec<Transferred> = lines.iter().filter(|line| line.to == to).cloned().collect();
            rows.push((name, style, own.len(), reference.scores(&own)));
        }
        rows.push((name, "both", lines.len(), reference.scores(lines)));
    }
    print(&rows, made.back_kept, (arguments.json, step))
}

fn print(
    rows: &[(&str, &str, usize, TransferScores)],
    back_kept: f64,
    (as_json, step): (bool, u64),
) -> Result<(), Failure> {
    if as_json {
        let rows: Vec<_> = rows
            .iter()
            .map(|(name, to, lines, scores)| {
                json!({
                    "made": name,
                    "to": to,
                    "lines": lines,
                    "style": scores.style,
                    "content_kept": scores.content,
                    "partners": scores.partners,
                })
            })
            .collect();
        return console::print_json(&json!({ "step": step, "back_kept": back_kept, "scores": rows }));
    }
    let exact = rows.iter().any(|(.., scores)| scores.partners.is_some());
    let header = ["LINES ARE", "TO", "LINES", "STYLE FOUND", "CONTENT KEPT", "PARTNERS"];
    let columns = if exact { header.len() } else { header.len() - 1 };
    let mut table = vec![header.map(str::to_owned).to_vec()];
    table.extend(rows.iter().map(|(name, to, lines, scores)| {
        let share = |value: f64| format!("{value:.3}");
        let partners = scores.partners.map_or_else(String::new, share);
        vec![
            (*name).to_owned(),
            (*to).to_owned(),
            console::grouped(*lines as u64),
            share(scores.style),
            share(scores.content),
            partners,
        ]
    }));
    table.iter_mut().for_each(|row| row.truncate(columns));
    console::print_table(&table)?;
    console::print(&format!("{back_kept:.3} of the tokens are the same after a translation and back"))
}
