//! Recipes from words, and sessions trained from them: what most tests begin with.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests; each test file uses some"
)]

pub(crate) mod recipe_files;
pub(crate) mod sample_quality;

use brigand::Result;
use brigand::players::Measurements;
use brigand::recipe::{Changes, Recipe};
use brigand::registry;
use brigand::session::Session;
use brigand::training::Prepared;
use candle_core::Device;

/// The recipe of `system` with `words`, each an assignment. Tests run side by side, so that each computes on its own thread.
pub(crate) fn recipe(system: &str, words: &str) -> Result<Recipe> {
    brigand_kernels::pool::set_threads(1);
    let assignments = words.split_whitespace().map(str::to_owned).collect();
    Recipe::resolve(registry::find(system)?, &Changes { file: None, assignments })
}

/// `system` built for its data, untrained.
pub(crate) fn session(system: &str, words: &str) -> Result<Session> {
    Ok(Prepared::new(recipe(system, words)?, &Device::Cpu)?.into_session())
}

/// `system` after all steps of its recipe.
pub(crate) fn trained(system: &str, words: &str) -> Session {
    let mut session = session(system, words).unwrap_or_else(|error| panic!("{system}: {error}"));
    let steps = session.span().steps;
    session.advance_to(steps).unwrap_or_else(|error| panic!("{system}: {error}"));
    session
}

/// `system` built for its data, untrained, with samples held out of its batches whether it measures them or not.
pub(crate) fn session_with_held_out(system: &str, words: &str) -> Result<Session> {
    let mut session = session(system, words)?;
    session.hold_out(Vec::new())?;
    Ok(session)
}

/// Stops `system` at each of `stops`, goes on in another session, and compares it at its end with one that was never stopped.
#[track_caller]
pub(crate) fn assert_resumes_exactly(system: &str, words: &str, stops: impl IntoIterator<Item = u64>) {
    let mut whole = trained(system, words);
    let steps = whole.step();
    let (saved, wanted) = (whole.save().unwrap(), tensors(&mut whole));
    for stop in stops {
        let mut first = session(system, words).unwrap();
        first.advance_to(stop).unwrap();
        let mut second = session(system, words).unwrap();
        second.restore(first.save().unwrap(), stop).unwrap();
        second.advance_to(steps).unwrap();
        assert!(tensors(&mut second) == wanted, "{system} with {words}, stopped at {stop}");
        assert_eq!(second.save().unwrap().counters, saved.counters, "{system}, stopped at {stop}");
    }
}

/// What every step reports.
pub(crate) fn reports(session: &mut Session, steps: u64) -> Vec<Measurements> {
    (0..steps).map(|_| session.advance().unwrap().read(session.step()).unwrap()).collect()
}

/// The message of a refusal.
#[track_caller]
pub(crate) fn refusal(system: &str, words: &str) -> String {
    match session(system, words) {
        Ok(_) => panic!("{system} with {words} is not refused"),
        Err(error) => error.to_string(),
    }
}

/// All tensors of a session, by name, as bits.
pub(crate) fn tensors(session: &mut Session) -> Vec<(String, Vec<u32>)> {
    let state = session.save().unwrap();
    let bits = |tensor: &candle_core::Tensor| {
        let values = tensor.flatten_all().unwrap().to_dtype(candle_core::DType::F32).unwrap();
        values.to_vec1::<f32>().unwrap().into_iter().map(f32::to_bits).collect()
    };
    state.tensors.iter().map(|(name, tensor)| (name.clone(), bits(tensor))).collect()
}
