//! Measurements of generated lines beside held-out ones, while a system of sequences trains.

use brigand_core::Result;
use brigand_core::batch::{Indices, TOKENS};
use brigand_core::capability::SequenceSampler;
use brigand_core::measurements::HELD_OUT_NLL;
use brigand_core::players::Turn;
use brigand_core::random::Stream;

use super::super::held_out::for_each_portion;
use crate::data::text::grammar;
use crate::data::text::oracle::Oracle;
use crate::evaluation::sequences::SequenceScores;

/// Lines that are generated for a measurement.
const LINES: usize = 500;
/// Held-out lines whose likelihood is computed at once.
const AT_ONCE: usize = 64;
/// Name of the share of lines that the arithmetic grammar has; reported where the tokens are its symbols.
pub(super) const VALID_LINES: &str = "valid_lines";
/// Name of the share of different lines.
const DIFFERENT_LINES: &str = "different_lines";
/// Names of the divergences of single tokens, pairs and triples from held-out lines, in bits.
const DIVERGENCES: [&str; 3] = ["token_divergence", "pair_divergence", "triple_divergence"];
/// Name of the mean BLEU of each line with all others as references.
const SELF_BLEU: &str = "self_bleu";
/// Lines whose likelihood under the oracle is taken; it varies more from line to line than the other measurements.
const ORACLE_LINES: usize = 2000;
/// Name of the mean negative log-likelihood of a token under the oracle that drew the data, in nats; reported where its words
/// are the oracle's.
const ORACLE_NLL: &str = "oracle_nll";
/// Name of the same for held-out lines: what the data itself scores.
const ORACLE_NLL_OF_DATA: &str = "oracle_nll_data";

/// The summed log-likelihood of sequences in nats, and their tokens.
type LogLikelihood<'a> = &'a dyn Fn(&Indices) -> Result<(f64, f64)>;

/// Notes how lines of `sampler`, the same draws each time, compare with all held-out ones, and how likely those are for a
/// system that has a likelihood.
///
/// # Errors
/// If the held-out lines cannot be read, or a computation fails.
pub(super) fn note_scores(
    sampler: &dyn SequenceSampler,
    likelihood: Option<LogLikelihood<'_>>,
    turn: &mut Turn<'_>,
) -> Result<()> {
    let feed = turn.feed();
    let stream = &mut Stream::new(feed.seed(), "held_out/lines", 0);
    let (mut real, mut nats, mut counted) = (Vec::new(), 0.0, 0.0);
    for_each_portion(feed, |batch| {
        let tokens = batch.indices(TOKENS)?;
        real.extend(tokens.rows()?.map(<[u32]>::to_vec));
        for lines in tokens.portions(AT_ONCE)? {
            let Some(likelihood) = likelihood else { break };
            let (sum, count) = likelihood(&lines)?;
            (nats, counted) = (nats - sum, counted + count);
        }
        Ok(())
    })?;
    let generated = sampler.sequences(LINES, stream)?;
    let scores = SequenceScores::of(&generated, &real);
    if is_arithmetic(sampler.vocabulary()) {
        let valid = generated.iter().filter(|tokens| grammar::is_valid(&sampler.text(tokens))).count();
        turn.report.note_number(VALID_LINES, valid as f64 / LINES as f64);
    }
    if let Some(oracle) = Oracle::of(sampler.vocabulary())? {
        let mut scored = generated.clone();
        scored.extend(sampler.sequences(ORACLE_LINES - LINES, stream)?);
        turn.report.note_number(ORACLE_NLL, oracle.nll(&scored)?);
        turn.report.note_number(ORACLE_NLL_OF_DATA, oracle.nll(&real)?);
    }
    if likelihood.is_some() {
        turn.report.note_number(HELD_OUT_NLL, nats / f64::max(counted, 1.0));
    }
    turn.report.note_number(DIFFERENT_LINES, scores.different);
    turn.report.note_number(SELF_BLEU, scores.self_bleu);
    for (name, value) in DIVERGENCES.into_iter().zip(scores.divergences) {
        turn.report.note_number(name, value);
    }
    Ok(())
}

/// Whether the words besides the end are the symbols of the arithmetic grammar.
fn is_arithmetic(vocabulary: &[String]) -> bool {
    let is_symbol = |word: &String| grammar::SYMBOLS.iter().any(|symbol| word.chars().eq([*symbol]));
    vocabulary.len() == grammar::SYMBOLS.len() + 1 && vocabulary.iter().skip(1).all(is_symbol)
}
