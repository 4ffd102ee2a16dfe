//! The better the discriminator, the worse its gradient (Arjovsky and Bottou 2017, arXiv:1701.04862).

use super::digits::Digits;
use super::training::{FigureCritic, FigureGenerator, length, mlp};
use super::{FigureOutput, Plate};
use crate::error::Result;
use crate::objectives::{Objective, Wasserstein};
use crate::penalties::Penalty;
use crate::pictures::{Ink, Mark, Panel, Shape, Sheet};
use brigand_core::latent::{LatentRecipe, Prior};
use brigand_core::networks::Hidden;
use brigand_core::players::OptimizerRecipe;

const BATCH: usize = 64;
/// Updates of the discriminator, and how many lie between two measurements.
const UPDATES: u64 = 600;
const EVERY: u64 = 10;
/// How long the generators were trained before.
const TRAINED: [u64; 2] = [0, 1000];

/// Logarithms (base 10) of the generator's gradient norm over the updates of a critic, one line for each objective
/// of the generator.
type Norms = Vec<Vec<(f64, f64)>>;

/// A generator after some steps of ordinary training.
fn generator(digits: &Digits, steps: u64) -> Result<FigureGenerator> {
    let layers = mlp(&[128, 128], Hidden::LeakyRelu);
    let latent = LatentRecipe { size: 16, prior: Prior::Normal };
    let optimizer = OptimizerRecipe::adam(5e-4, 0.5, 0.999);
    let mut generator = FigureGenerator::new(&layers, digits.shape()?, latent, optimizer, 3)?;
    let mut critic = FigureCritic::new(
        &layers,
        digits.shape()?,
        (Objective::NON_SATURATING, Penalty::None {}),
        optimizer,
        3,
    )?;
    for step in 0..steps {
        let fake = generator.batch(BATCH, step)?;
        critic.learn(&digits.batch(BATCH, step)?, &fake)?;
        generator.learn(&mut critic, BATCH)?;
    }
    Ok(generator)
}

/// A fresh critic is trained against the generator, which stands still while its gradients are measured.
fn norms(
    digits: &Digits,
    generator: &mut FigureGenerator,
    rule: (Objective, Penalty),
    measured: &[Objective],
) -> Result<Norms> {
    let optimizer = OptimizerRecipe::adam(1e-3, 0.5, 0.9);
    let mut critic =
        FigureCritic::new(&mlp(&[128, 128], Hidden::LeakyRelu), digits.shape()?, rule, optimizer, 4)?;
    let mut lines = vec![Vec::new(); measured.len()];
    for update in 0..=UPDATES {
        if update % EVERY == 0 {
            for (line, objective) in lines.iter_mut().zip(measured) {
                let norm = length(&generator.gradients(&mut critic, *objective, BATCH)?)?;
                line.push((update as f64, norm.log10()));
            }
        }
        let draw = 1_000_000 + update;
        let fake = generator.batch(BATCH, draw)?;
        critic.learn(&digits.batch(BATCH, draw)?, &fake)?;
    }
    Ok(lines)
}

pub(super) fn show() -> Result<FigureOutput> {
    let names = ["ln(1 − D)", "−ln D", "Wasserstein, with penalty"];
    let digits = Digits::new()?;
    let (mut panels, mut numbers) = (Vec::new(), Vec::new());
    for steps in TRAINED {
        let mut generator = generator(&digits, steps)?;
        let losses = [Objective::MINIMAX, Objective::NON_SATURATING];
        let mut lines = norms(&digits, &mut generator, (Objective::MINIMAX, Penalty::None {}), &losses)?;
        let critic = Objective::Wasserstein(Wasserstein {});
        lines.extend(norms(&digits, &mut generator, (critic, Penalty::WGAN_GP), &[critic])?);
        for (name, line) in names.iter().zip(&lines) {
            for (when, point) in [("first", line.first()), ("last", line.last())] {
                let value = point.map_or(f64::NAN, |(_, log)| 10_f64.powf(*log));
                numbers.push((format!("{name}, generator of {steps} steps, {when}"), value));
            }
        }
        panels.push(panel(steps, &names, lines));
    }
    let sheet = Sheet {
        title: "Gradient norm of the generator while the discriminator is trained".to_owned(),
        panels,
        columns: 2,
        size: (900, 480),
    };
    let value = |index: usize| numbers.get(index).map_or(f64::NAN, |(_, value): &(String, f64)| *value);
    let text = format!(
        "A generator of 8x8 digits is kept fixed and a new discriminator is trained against it. Under ln(1 - D) \
         its gradient shrinks by orders of magnitude ({:.0e} to {:.0e} for the untrained generator): a perfect \
         discriminator gives no gradient. Under -ln D it does not vanish but grows a hundredfold ({:.1} to {:.1}): \
         the size of the generator's steps is hard to control. The gradient from a Wasserstein critic converges within a few updates ({:.1} at the end) and stays: \
         such a critic can be trained to the optimum. On the right the same for a generator that was trained for {} steps before: \
         the discriminator is less confident on a few samples, which dominate the gradient of ln(1 - D), so its norm varies.",
        value(0),
        value(1),
        value(2),
        value(3),
        value(5),
        TRAINED[1]
    );
    Ok(FigureOutput { plates: vec![Plate::still("gradient-norms", &sheet.draw()?)?], text, numbers })
}

fn panel(steps: u64, names: &[&str; 3], lines: Norms) -> Panel {
    let finite = || lines.iter().flatten().map(|(_, log)| *log).filter(|log| log.is_finite());
    let (low, high) = finite().fold((0.0_f64, 0.0_f64), |(low, high), log| (low.min(log), high.max(log)));
    let inks = [Ink::Hue(1), Ink::Hue(0), Ink::Hue(2)];
    let mark =
        |((name, ink), line): ((&&str, Ink), Vec<(f64, f64)>)| Mark::named(*name, ink, Shape::Line(line));
    Panel {
        title: if steps == 0 {
            "untrained generator".to_owned()
        } else {
            format!("generator after {steps} steps")
        },
        x_label: "updates of the discriminator".to_owned(),
        y_label: "log10 of the gradient's norm".to_owned(),
        x: (0.0, UPDATES as f64),
        y: (low.floor(), high.ceil()),
        marks: names.iter().zip(inks).zip(lines).map(mark).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::number;
    use super::*;

    #[test]
    fn only_the_saturating_gradient_vanishes() {
        let shown = show().unwrap();
        let of = |name: &str, when: &str| number(&shown, &format!("{name}, generator of 0 steps, {when}"));
        assert!(of("ln(1 − D)", "last") < 0.01 * of("ln(1 − D)", "first"), "{:?}", shown.numbers);
        assert!(of("−ln D", "last") > 10.0 * of("−ln D", "first"), "{:?}", shown.numbers);
        let critic = of("Wasserstein, with penalty", "last") / of("Wasserstein, with penalty", "first");
        assert!((0.5..5.0).contains(&critic), "{:?}", shown.numbers);
    }
}
