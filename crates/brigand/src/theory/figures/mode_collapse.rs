//! The ring of eight Gaussians under several systems: which modes they find and which they lose.

use brigand_core::Place;
use brigand_core::session::{Session, Span};

use super::{FigureOutput, Plate};
use crate::data::{self, Spec};
use crate::error::{Error, Result};
use crate::evaluation::{Features, ModeCoverage};
use crate::pictures::{Picture, Scatter};
use crate::recipe::{Changes, Recipe};
use crate::registry;

/// Each of them as registered, but for the length.
const SYSTEMS: [&str; 4] = ["gan", "unrolled", "pacgan", "wgan-gp"];
const STEPS: u64 = 2500;
const LOOKS: [u64; 5] = [0, 400, 1000, 1700, STEPS];
const SAMPLES: usize = 2500;
/// Longest side of a panel in pixels.
const SIDE: usize = 270;

/// The densities of one system at the looks, and at the last one the modes it covers and its high-quality share.
fn recorded(name: &str) -> Result<(Vec<Picture>, usize, f64)> {
    let words = ["data.source=ring8".to_owned(), format!("training.steps={STEPS}")];
    let changes = Changes { file: None, assignments: words.to_vec() };
    let recipe = Recipe::resolve(registry::find(name)?, &changes)?;
    let data = data::open(&recipe.common.data.source.parse::<Spec>()?, &data::Options::default())?;
    let missing = || Error::Request("the ring has no modes".into());
    let points = data.dataset.as_deref().ok_or_else(missing)?;
    let modes = points.modes().cloned().ok_or_else(missing)?;
    let indices: Vec<usize> = (0..2000).collect();
    let plane = Scatter::new(&points.get(&indices)?.values)?;
    let training = recipe.common.training;
    let span = Span { steps: STEPS, batch: training.batch, seed: training.seed };
    let mut session = Session::new(recipe.system.as_ref(), data.boxed_sources(), span, &Place::cpu())?;
    let (mut pictures, mut covered, mut quality) = (Vec::new(), 0, 0.0);
    for step in 0..=STEPS {
        if LOOKS.contains(&step) {
            let samples = session.system().sampler()?.sample(SAMPLES, 1)?.to_vec_f32()?;
            let coverage = ModeCoverage::of(&Features::new(samples.clone(), 2)?, &modes)?;
            (covered, quality) = (coverage.covered(1), coverage.high_quality.mean());
            let caption = format!("{name}, step {step}: {covered} modes");
            pictures.push(plane.draw_density(&samples, &caption)?.shrunk_to(SIDE));
        }
        if step < STEPS {
            session.advance()?;
        }
    }
    Ok((pictures, covered, quality))
}

pub(super) fn show() -> Result<FigureOutput> {
    let (mut panels, mut numbers) = (Vec::new(), Vec::new());
    for name in SYSTEMS {
        let (pictures, covered, quality) = recorded(name)?;
        panels.extend(pictures);
        numbers.push((format!("{name}: modes covered"), covered as f64));
        numbers.push((format!("{name}: share within three deviations"), quality));
    }
    let text = "Eight narrow normals lie on a circle; each row is a system, each column the density of its \
                generator at a step of the training. A mode counts as covered when at least one of 2,500 samples lies within \
                three standard deviations of its centre. The plain GAN, with \
                the usual step size, moves between modes; its samples are still scattered \
                here, and later converge to a few of the modes. The unrolled GAN's generator loss uses the discriminator five \
                steps ahead; PacGAN's discriminator scores two samples together, so that low variety \
                can be detected; WGAN-GP's critic has a gradient everywhere, and its generator \
                covers the ring early and becomes sharp late. The steps are few here; docs/modes.md has the table \
                of full runs."
        .to_owned();
    let sheet = Picture::mosaic(&panels, LOOKS.len())?;
    Ok(FigureOutput { plates: vec![Plate::still("mode-collapse", &sheet)?], text, numbers })
}
