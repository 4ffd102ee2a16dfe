//! Claim: residual blocks `x + alpha f(x)` train in networks of 32 blocks without any normalisation; where the branch counts
//! fully and starts at its usual size, the same networks do not start.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::sync::LazyLock;

use crate::support::sample_quality::{Classifier, Quality};
use crate::support::session;
use brigand::data::{Options, Spec, load};

static CLASSIFIER: LazyLock<Classifier> = LazyLock::new(|| {
    let digits = load(&"digits".parse::<Spec>().unwrap(), &Options::default()).unwrap();
    Classifier::train(&digits, digits.len(), 3000)
});

/// 16 blocks at each of two sizes.
const DEEP: &str = "generator.width=8 generator.widest=2 generator.blocks=16 discriminator.width=8 discriminator.widest=2 \
    discriminator.blocks=16 training.steps=700 training.batch=32";
const PLAIN: &str = "generator.alpha=1 generator.initialization.kind=glorot discriminator.alpha=1 \
    discriminator.initialization.kind=glorot";

fn after(words: &str) -> Result<Quality, String> {
    let mut session = session("resnet-gan", words).unwrap();
    session.advance_to(700).map_err(|error| error.to_string())?;
    Ok(CLASSIFIER.quality(&session.system().sampler().unwrap().sample(500, 1).unwrap()))
}

#[test]
fn scaled_blocks_train_without_normalisation_and_plain_ones_do_not_start() {
    let scaled = after(DEEP).unwrap();
    let plain = after(&format!("{DEEP} {PLAIN}"));
    println!("scaled {scaled:?}, plain {plain:?}");
    assert!(scaled.classes >= 8 && scaled.confidence >= 0.6, "{scaled:?}");
    assert!(plain.is_err() || plain.is_ok_and(|plain| plain.classes <= 4));
}
