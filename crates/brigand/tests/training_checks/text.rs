//! Claim: a GAN whose choices are relaxed learns which lines a grammar has, without losing their variety, and its run
//! folder is enough to write new ones.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use crate::support::{recipe, refusal, session, trained};

use brigand::data::text::grammar;
use brigand::evaluation::sequences::SequenceScores;
use brigand::random::Stream;
use brigand::session::Session;
use brigand::training::{Prepared, Training, load_run};
use candle_core::Device;

const SHORT: &str =
    "training.seed=1 training.steps=600 held_out.every=600 generator.hidden=48 discriminator.width=48";

fn valid_lines(session: &Session) -> (f64, usize) {
    let sampler = session.system().as_sequence_sampler().unwrap();
    let sequences = sampler.sequences(500, &mut Stream::new(7, "test", 0)).unwrap();
    let lines: Vec<String> = sequences.iter().map(|tokens| sampler.text(tokens)).collect();
    let valid = lines.iter().filter(|line| grammar::is_valid(line)).count();
    let different: std::collections::BTreeSet<&String> = lines.iter().collect();
    (valid as f64 / lines.len() as f64, different.len())
}

#[test]
fn lines_become_valid_and_stay_different() {
    let untrained = valid_lines(&session("text-gumbel", SHORT).unwrap());
    let (valid, different) = valid_lines(&trained("text-gumbel", SHORT));
    println!("valid {valid} (untrained {}), different {different} of 500", untrained.0);
    assert!(untrained.0 < 0.15, "{untrained:?}");
    assert!(valid > 0.5, "{valid}");
    assert!(different > 100, "{different}");
}

/// What lines of the same distribution score: no generator can be expected to do better.
#[test]
fn the_data_itself_hardly_diverges() {
    for seed in 1..4 {
        let lines = |purpose: &str, count: usize| {
            let lines = grammar::draw(count, &mut Stream::new(seed, purpose, 0));
            let number =
                |symbol| grammar::SYMBOLS.iter().position(|other| *other == symbol).unwrap() as u32 + 1;
            let tokens = |line: &String| line.chars().map(number).chain([0]).collect::<Vec<u32>>();
            lines.iter().map(tokens).collect::<Vec<_>>()
        };
        let scores = SequenceScores::of(&lines("first", 500), &lines("second", 1000));
        println!("{scores:?}");
        assert!(scores.divergences.iter().all(|value| *value < 0.03) && scores.different > 0.4, "{scores:?}");
    }
}

#[test]
fn a_run_on_a_file_samples_without_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("lines.txt"), folder.path().join("run"));
    let lines: String = (0..60).map(|line| format!("жук {} 早上\n", line % 7)).collect();
    std::fs::write(&file, lines + &"long ".repeat(20)).unwrap();
    let words = format!(
        "data.source=lines:{} data.tokens=words data.length=4 training.steps=2 training.batch=8 held_out.every=1",
        file.display()
    );
    let prepared = Prepared::new(recipe("text-gumbel", &words).unwrap(), &Device::Cpu).unwrap();
    assert!(prepared.skipped()[0].reason.starts_with("1 of 61 lines"), "{:?}", prepared.skipped());
    let mut training = Training::start(prepared, Some(&out)).unwrap();
    training.run(&false.into(), &mut |_| {}).unwrap();
    std::fs::remove_file(&file).unwrap();
    let (_, system, _) = load_run(&out, &Device::Cpu).unwrap();
    let sampler = system.as_sequence_sampler().unwrap();
    assert_eq!(sampler.vocabulary().len(), 10);
    let sequences = sampler.sequences(50, &mut Stream::new(1, "test", 0)).unwrap();
    let text = sampler.text(&sequences.concat().into_iter().filter(|token| *token > 0).collect::<Vec<_>>());
    assert!(text.contains("жук") && text.contains(' '), "{text}");
    assert!(sampler.sequences(0, &mut Stream::new(1, "test", 0)).is_err());
}

#[test]
fn impossible_values_are_refused() {
    assert!(refusal("text-gumbel", "data.source=digits").contains("needs `tokens`"));
    assert!(refusal("text-gumbel", "relaxation.first=0").contains("relaxation.first is 0"));
    assert!(refusal("text-gumbel", "discriminator_steps=0").contains("discriminator_steps is 0"));
    assert!(refusal("text-gumbel", "data.length=5").contains("11 symbols"));
    assert!(refusal("gan", "data.source=grammar").contains("needs images or points"));
}
