//! Claim: GANs of text learn which lines a grammar has, without losing their variety; the policy gradient of SeqGAN makes
//! more lines valid than the maximum likelihood that it begins with; and a run folder is enough to write new lines.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use crate::support::{assert_resumes_exactly, recipe, refusal, session, trained};

use brigand::data::text::grammar;
use brigand::evaluation::sequences::SequenceScores;
use brigand::measurements::HELD_OUT_NLL;
use brigand::random::Stream;
use brigand::session::Session;
use brigand::training::{Prepared, Training, load_run};
use candle_core::Device;

const SHORT: &str =
    "training.seed=1 training.steps=600 held_out.every=600 generator.hidden=48 discriminator.width=48";

const CONTINUOUS: &str =
    "training.seed=1 training.steps=400 held_out.every=400 generator.width=32 discriminator.width=32";

/// Steps of the generator by maximum likelihood.
const PRETRAINED: u64 = 30;
const POLICY: &str = "training.seed=1 training.steps=200 held_out.every=200 phases.likelihood=0.15 \
                      phases.discriminator=0.15";

fn valid_lines(session: &Session) -> (f64, usize) {
    let sampler = session.system().as_sequence_sampler().unwrap();
    let sequences = sampler.sequences(500, &mut Stream::new(7, "test", 0)).unwrap();
    let lines: Vec<String> = sequences.iter().map(|tokens| sampler.text(tokens)).collect();
    let valid = lines.iter().filter(|line| grammar::is_valid(line)).count();
    let different: std::collections::BTreeSet<&String> = lines.iter().collect();
    (valid as f64 / lines.len() as f64, different.len())
}

fn assert_learned(system: &str, words: &str) {
    let untrained = valid_lines(&session(system, words).unwrap());
    let (valid, different) = valid_lines(&trained(system, words));
    assert!(untrained.0 < 0.15, "{system}: {untrained:?}");
    assert!(valid > 0.5, "{system}: {valid}");
    assert!(different > 100, "{system}: {different}");
}

#[test]
fn lines_become_valid_and_stay_different() {
    assert_learned("text-gumbel", SHORT);
}

#[test]
fn lines_of_continuous_outputs_become_valid_and_stay_different() {
    assert_learned("text-wgan", CONTINUOUS);
}

/// Nats of a token of the grammar: the entropy of a line over its mean number of tokens, with the end.
fn entropy() -> f64 {
    (6f64.ln() + 2.5 * 4f64.ln()) / 7.0
}

#[test]
fn the_language_model_comes_near_the_entropy_of_the_grammar() {
    let words = "training.seed=1 training.steps=300 held_out.every=100";
    let mut session = session("text-mle", words).unwrap();
    let before = session.advance_to(100).unwrap()[HELD_OUT_NLL];
    let after = session.advance_to(300).unwrap()[HELD_OUT_NLL];
    let (valid, different) = valid_lines(&session);
    println!("{before} then {after} nats, at best {}; valid {valid}, different {different}", entropy());
    assert!(after < before && (0.98 * entropy()..1.05 * entropy()).contains(&after), "{after}");
    assert!(valid > 0.85 && different > 100, "{valid} {different}");
}

/// The share of valid lines after maximum likelihood and after the policy gradient, and the different ones of 500.
fn before_and_after(words: &str) -> (f64, f64, usize) {
    let mut session = session("seqgan", &format!("{POLICY} {words}")).unwrap();
    session.advance_to(PRETRAINED).unwrap();
    let (before, _) = valid_lines(&session);
    session.advance_to(session.span().steps).unwrap();
    let (after, different) = valid_lines(&session);
    (before, after, different)
}

#[test]
fn rewards_make_more_lines_valid_than_likelihood_did() {
    let (before, after, different) = before_and_after("");
    println!("valid {before}, then {after}, different {different} of 500");
    assert!(before < 0.6 && after > before + 0.2, "{before} {after}");
    assert!(different > 100, "{different}");
    // With rewards of a discriminator that does not learn they do not.
    let (same, without, _) = before_and_after("optimizer.discriminator.learning_rate=1e-9");
    println!("valid {same}, then {without} with a discriminator that does not learn");
    assert!(same == before && without < before + 0.1, "{same} {without}");
}

#[test]
fn seqgan_resumes_exactly_in_every_phase() {
    let words =
        "training.steps=6 training.batch=8 held_out.every=0 phases.likelihood=0.34 phases.discriminator=0.33";
    assert_resumes_exactly("seqgan", words, 1..6);
}

/// What a run of the random LSTM's lines reports: the data is likelier than lines of an untrained model, and training brings
/// them nearer.
#[test]
fn the_oracle_measures_generated_lines() {
    let at = |step: u64| {
        let words = format!("data.source=oracle:20 training.seed=1 held_out.every={step}");
        session("text-mle", &words).unwrap().advance_to(step).unwrap()
    };
    let (before, after) = (at(1), at(200));
    println!("{before:?} {after:?}");
    let (data, first, last) = (after["oracle_nll_data"], before["oracle_nll"], after["oracle_nll"]);
    assert!(first > data + 0.5 && last < first - 0.3 && last > data - 0.1, "{first} {last} {data}");
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
    let left_out = prepared.notes().sentences();
    assert!(left_out.len() == 1 && left_out[0].contains("lines.txt: 1 of 61 lines"), "{left_out:?}");
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
    assert!(refusal("text-gumbel", "data.length=5").contains("11 tokens"));
    assert!(refusal("text-wgan", "generator.width=0").contains("generator.width is 0"));
    assert!(refusal("text-mle", "generator.embedding=0").contains("generator.embedding is 0"));
    assert!(refusal("text-mle", "gradient_norm=0").contains("gradient_norm is 0"));
    assert!(refusal("seqgan", "rollouts=0").contains("rollouts is 0"));
    assert!(refusal("seqgan", "phases.likelihood=0.95").contains("give at most 1"));
    assert!(refusal("seqgan", "discriminator.filters=[]").contains("filters is empty"));
    assert!(refusal("seqgan", "discriminator.dropout=1").contains("dropout rate"));
    assert!(refusal("text-mle", "data.source=oracle:5").contains("from 12 to 20000"));
    assert!(refusal("gan", "data.source=grammar").contains("needs images or points"));
}
