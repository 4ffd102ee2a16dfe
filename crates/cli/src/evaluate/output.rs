//! Scores as tables and as JSON.

use std::path::Path;

use brigand::evaluation::{
    Evaluation, EvaluationFile, IntervalKind, Score, compare as compare_evaluations, significant,
};
use serde_json::json;

use crate::console::{self, grouped};
use crate::failure::Failure;

/// Prints the scores; warnings go to standard error.
pub(super) fn show(evaluation: &Evaluation, json: bool) -> Result<(), Failure> {
    for (warning, scores) in warnings(&evaluation.scores) {
        console::tell(&format!("warning: {}: {warning}", scores.join(", ")));
    }
    if json {
        let file = EvaluationFile::new(vec![evaluation.clone()]);
        return console::print_json(&json!(file));
    }
    let header =
        ["METRIC", "VALUE", "INTERVAL", "", "FEATURES", "GENERATED", "REAL"].map(str::to_owned).to_vec();
    let rows: Vec<Vec<String>> = std::iter::once(header).chain(evaluation.scores.iter().map(row)).collect();
    console::print_table(&rows)
}

/// Every warning once, in their order, with the scores that have it.
fn warnings(scores: &[Score]) -> Vec<(&str, Vec<&str>)> {
    let mut found: Vec<(&str, Vec<&str>)> = Vec::new();
    for score in scores {
        let name = score.protocol.metric.as_str();
        for warning in &score.warnings {
            match found.iter_mut().find(|(other, _)| other == warning) {
                Some((_, names)) => names.push(name),
                None => found.push((warning, vec![name])),
            }
        }
    }
    found
}

fn row(score: &Score) -> Vec<String> {
    let setting = &score.protocol.setting;
    let (interval, kind) = score.interval.as_ref().map_or(("none".to_owned(), ""), |interval| {
        let kind = match interval.kind {
            IntervalKind::Bootstrap { .. } => "95% bootstrap",
            IntervalKind::Jackknife { .. } => "95% jackknife",
            IntervalKind::Deviation { .. } => "1 sd of parts",
        };
        (format!("{} to {}", significant(interval.low), significant(interval.high)), kind)
    });
    let hash = setting.extractor.sha256.as_deref().and_then(|hash| hash.get(..8)).unwrap_or_default();
    let count = |count: Option<u64>| count.map_or_else(|| "?".to_owned(), grouped);
    let split = setting.real.split.as_deref().unwrap_or_default();
    vec![
        score.protocol.metric.clone(),
        significant(score.value),
        interval,
        kind.to_owned(),
        format!("{} {hash}", setting.extractor.name).trim_end().to_owned(),
        count(setting.generated),
        format!("{} of {} {split}", count(setting.real.count), setting.real.name).trim_end().to_owned(),
    ]
}

/// Compares the last evaluations of two files.
pub(super) fn compare(first: &Path, second: &Path, json: bool) -> Result<(), Failure> {
    let last = |path: &Path| -> Result<Evaluation, Failure> {
        let none = || super::refused(&format!("{} holds no evaluation", path.display()));
        EvaluationFile::read(path)?.evaluations.pop().ok_or_else(none)
    };
    let found = compare_evaluations(&last(first)?, &last(second)?)?;
    if json {
        let entry = |found: &brigand::evaluation::Comparison| {
            json!({
                "metric": found.metric,
                "first": found.first.value,
                "second": found.second.value,
                "difference": found.difference,
                "intervals_apart": found.apart(),
            })
        };
        return console::print_json(&found.iter().map(entry).collect());
    }
    let header = ["METRIC", "FIRST", "SECOND", "DIFFERENCE", "INTERVALS"].map(str::to_owned).to_vec();
    let rows = found.iter().map(|found| {
        let intervals = match found.apart() {
            Some(true) => "apart",
            Some(false) => "overlap: the difference may be chance",
            None => "unknown",
        };
        vec![
            found.metric.clone(),
            significant(found.first.value),
            significant(found.second.value),
            significant(found.difference),
            intervals.to_owned(),
        ]
    });
    console::print_table(&std::iter::once(header).chain(rows).collect::<Vec<_>>())
}
