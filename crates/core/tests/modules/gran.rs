//! GRAN's generator: one step is DCGAN's, further ones add increments that depend on those before.

use brigand_autograd::Variable;
use brigand_core::batch::SampleShape;
use brigand_core::modules::Network;
use brigand_core::networks::{
    DcganRecipe, DiscriminatorOptions, Generator, GeneratorNormalization, GeneratorOptions, GranRecipe,
    NetworkRecipe, StepNoise,
};

use crate::support::{double, normal_double, setup};

const IMAGE: SampleShape = SampleShape::Image { channels: 1, height: 8, width: 8 };
const LATENT: usize = 6;

fn gran(steps: usize, noise: StepNoise) -> NetworkRecipe {
    NetworkRecipe::Gran(GranRecipe { width: 4, steps, noise })
}

fn built(recipe: &NetworkRecipe, logits: bool) -> Network<Generator> {
    let options = GeneratorOptions { logits, ..GeneratorOptions::new(LATENT, IMAGE) };
    recipe.generator("generator", &setup(double()), options).unwrap()
}

fn canvases(network: &Network<Generator>, latents: &Variable) -> Vec<Vec<f64>> {
    let made = network.evaluate(None, |generator, pass| generator.canvases(pass, latents)).unwrap();
    made.iter().map(|canvas| canvas.to_vec().unwrap()).collect()
}

fn apart(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn one_step_is_a_dcgan_generator_behind_a_layer() {
    let one = built(&gran(1, StepNoise::Shared), false);
    let dcgan = NetworkRecipe::Dcgan(DcganRecipe { width: 4, ..DcganRecipe::default() });
    let dcgan = built(&dcgan, true);
    let weights = one.parameters().weights();
    let named = weights.names().iter().zip(weights.values());
    let (inner, outer): (Vec<_>, Vec<_>) = named.partition(|(name, _)| name.starts_with("decoder."));
    let names: Vec<String> =
        inner.iter().map(|(name, _)| name.trim_start_matches("decoder.").replace("step0.", "")).collect();
    assert_eq!(names, dcgan.parameters().weights().names());
    let values: Vec<Variable> = inner.into_iter().map(|(_, value)| value.clone()).collect();
    let given = dcgan.parameters().weights().with_values(values).unwrap();
    let latents = normal_double(&[3, LATENT], 1);
    // Running statistics start as mean 0 and variance 1.
    assert_eq!(outer[0].0, "layer0.weight");
    let entered = latents.linear(outer[0].1, None).unwrap().scale(1.0 / (1.0 + 1e-5_f64).sqrt()).unwrap();
    let entered = entered.tanh().unwrap();
    let logits = dcgan.evaluate(Some(&given), |g, pass| g.forward(pass, &entered, None)).unwrap();
    let wanted = logits.scale(0.5).unwrap().tanh().unwrap().to_vec().unwrap();
    let found = one.evaluate(None, |g, pass| g.forward(pass, &latents, None)).unwrap();
    assert!(apart(&found.to_vec().unwrap(), &wanted) < 1e-12);
    assert!(canvases(&dcgan, &latents).is_empty());
}

#[test]
fn each_step_reads_the_increment_before_it() {
    let network = built(&gran(3, StepNoise::Fresh), true);
    let latents = normal_double(&[2, LATENT], 1);
    let steps = canvases(&network, &latents);
    assert_eq!(steps.len(), 3);
    let last = network.evaluate(None, |g, pass| g.forward(pass, &latents, None)).unwrap();
    assert_eq!(steps[2], last.to_vec().unwrap());
    // Other noise of one step changes nothing before it.
    let changed = |step: usize| {
        let mut parts = [0, 1, 2].map(|part| latents.narrow(1, 2 * part, 2).unwrap());
        parts[step] = normal_double(&[2, 2], 9);
        let changed = Variable::concatenate(&parts.iter().collect::<Vec<_>>(), 1).unwrap();
        canvases(&network, &changed)
    };
    for step in 0..3 {
        let found = changed(step);
        for other in 0..3 {
            assert_eq!(apart(&found[other], &steps[other]) > 0.0, other >= step, "{step} {other}");
        }
    }
    // The second increment depends on the first one's noise only through the code of the first increment.
    let increment = |steps: &[Vec<f64>]| -> Vec<f64> {
        steps[1].iter().zip(&steps[0]).map(|(after, before)| after - before).collect()
    };
    let of_all = increment(&steps);
    let size = of_all.iter().fold(0.0, |size: f64, value| size.max(value.abs()));
    let share = apart(&increment(&changed(0)), &of_all) / size;
    // First weights are small, and so is what the code adds; rounding is 1e-16.
    assert!(share > 1e-9, "{share} of {size}");
}

/// Steps that differ in nothing add the same increment again and again.
#[test]
fn increments_add_up() {
    let network = built(&gran(3, StepNoise::Shared), true);
    let weights = network.parameters().weights();
    let names = weights.names();
    let place = |name: &str| names.iter().position(|other| other == name).unwrap();
    let made_equal = |name: &String| {
        let of_first = ["step1", "step2"].iter().fold(name.clone(), |name, step| name.replace(step, "step0"));
        let value = &weights.values()[place(&of_first)];
        // Codes are 0 in every step, as in the first.
        let is_scale_of_code = name.starts_with("code.") && name.ends_with("scale");
        if is_scale_of_code { value.scale(0.0).unwrap() } else { value.clone() }
    };
    let equal = weights.with_values(names.iter().map(made_equal).collect()).unwrap();
    let latents = normal_double(&[2, LATENT], 3);
    let made = network.evaluate(Some(&equal), |g, pass| g.canvases(pass, &latents)).unwrap();
    let made: Vec<Vec<f64>> = made.iter().map(|canvas| canvas.to_vec().unwrap()).collect();
    let times = |factor: f64| -> Vec<f64> { made[0].iter().map(|value| factor * value).collect() };
    assert!(made[0].iter().any(|value| value.abs() > 1e-6));
    assert!(apart(&made[1], &times(2.0)) < 1e-12 && apart(&made[2], &times(3.0)) < 1e-12);
}

#[test]
fn images_stay_in_their_range_and_shared_noise_serves_all_steps() {
    let network = built(&gran(3, StepNoise::Shared), false);
    let latents = normal_double(&[4, LATENT], 2).scale(50.0).unwrap();
    for canvas in canvases(&network, &latents) {
        assert!(canvas.iter().all(|value| value.abs() <= 1.0));
    }
}

#[test]
fn what_no_generator_in_steps_can_be_is_refused() {
    let refusal = |recipe: &NetworkRecipe, options| {
        recipe.generator("generator", &setup(double()), options).err().unwrap().to_string()
    };
    let options = || GeneratorOptions::new(LATENT, IMAGE);
    assert!(refusal(&gran(0, StepNoise::Shared), options()).contains("are 0"));
    assert!(refusal(&gran(65, StepNoise::Shared), options()).contains("1 to 64"));
    assert!(refusal(&gran(4, StepNoise::Fresh), options()).contains("divided among 4 steps"));
    let points = GeneratorOptions::new(LATENT, SampleShape::Points { dimensions: 2 });
    assert!(refusal(&gran(2, StepNoise::Shared), points).contains("needs images"));
    let by_class = GeneratorNormalization::ByClass { classes: 3 };
    let by_class = GeneratorOptions { normalization: by_class, ..options() };
    assert!(refusal(&gran(2, StepNoise::Shared), by_class).contains("condition.generator=latent"));
    let as_discriminator = gran(2, StepNoise::Shared).discriminator(
        "discriminator",
        &setup(double()),
        IMAGE,
        DiscriminatorOptions::default(),
    );
    assert!(as_discriminator.err().unwrap().to_string().contains("can only be a generator"));
}
