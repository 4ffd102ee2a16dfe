//! Claims: a system of scales learned from one picture makes the picture again of its fixed noise, makes other images with the
//! picture's patches, also of other sizes, and goes on from any step of any scale as if it had not stopped.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use crate::support::{assert_resumes_exactly, refusal, session, trained};
use brigand::batch::Batch;
use brigand::capability::ScaleSampler;
use brigand::evaluation::extractors::Extractor;
use brigand::evaluation::{DataSamples, Request, Side, evaluate, find_metric};
use brigand::random::Stream;
use brigand::session::Session;
use brigand::systems::singan::{RECONSTRUCTION_ERROR, SCALE};
use brigand::training::{generated_samples, load_data};
use brigand_autograd::Variable;

/// Three scales of a picture of 32 pixels.
const SMALL: &str = "data.size=32 training.steps=4000";

fn scales(session: &Session) -> &dyn ScaleSampler {
    session.system().as_scale_sampler().unwrap()
}

fn picture(words: &str) -> Variable {
    let data = load_data(&crate::support::recipe("singan", words).unwrap()).unwrap();
    let batch = data.get(&[0]).unwrap();
    Variable::from_slice(&batch.values, &batch.shape).unwrap()
}

fn rmse(a: &Variable, b: &Variable) -> f64 {
    a.sub(b).unwrap().square().unwrap().mean_all().unwrap().scalar().unwrap().sqrt()
}

/// The single-image Fréchet distance of samples, that of shuffled pixels, and the samples' diversity.
fn scores(session: &Session, words: &str) -> [f64; 3] {
    let data = load_data(&crate::support::recipe("singan", words).unwrap()).unwrap();
    let (real, generated) =
        (DataSamples::new(data, None), generated_samples(session.system(), "a run", 50, 0).unwrap());
    let (extractor, metrics) = (Extractor::pixels(), [find_metric("sifid").unwrap()]);
    let request =
        Request { metrics: &metrics, extractor: &extractor, seed: 0, train: None, train_classifier: None };
    let found = evaluate(&request, Side::Samples(&real), Side::Samples(&generated), &mut |_| {}).unwrap();
    let value = |name: &str| found.scores.iter().find(|score| score.protocol.metric == name).unwrap().value;
    ["sifid", "sifid-of-shuffled-pixels", "pixel-diversity"].map(value)
}

#[test]
fn samples_have_the_pictures_patches_and_the_fixed_noise_gives_the_picture() {
    let session = trained("singan", SMALL);
    let real = picture(SMALL);
    let rebuilt = session.system().reconstruct(&Batch::of(real.clone())).unwrap().unwrap();
    let error = rmse(&rebuilt, &real);
    let [distance, shuffled, diversity] = scores(&session, SMALL);
    println!("rmse {error:.4} sifid {distance:.4} of {shuffled:.4} diversity {diversity:.3}");
    assert!(error <= 0.08, "reconstruction {error}");
    // The aim, 0.3 of it, is met on a photograph (0.21) and not on these stones (0.77 to 0.84).
    assert!(distance < shuffled, "sifid {distance}, of shuffled pixels {shuffled}");
    assert!((0.1..=1.2).contains(&diversity), "diversity {diversity}");
    // Without the discriminators nothing but the noise's path to the picture is learned.
    let still = trained("singan", &format!("{SMALL} optimizer.discriminator.learning_rate=1e-9"));
    let [blind, ..] = scores(&still, SMALL);
    println!("sifid without discriminators {blind:.4}");
    assert!(blind > 2.0 * distance, "sifid {distance}, without discriminators {blind}");
    other_sizes(&session, &real);
}

/// A wide sample has left and right halves of the picture's kind; from the finest scale on a sample is nearly the picture.
fn other_sizes(session: &Session, real: &Variable) {
    let (scales, stream) = (scales(session), || Stream::new(3, "a test", 0));
    let wide = scales.sample_of_size([32, 64], 0, 2, &mut stream()).unwrap();
    assert_eq!(wide.shape(), [2, 3, 32, 64]);
    let mean = |of: &Variable| of.mean_all().unwrap().scalar().unwrap();
    for start in [0, 32] {
        let half = wide.narrow(3, start, 32).unwrap();
        assert!((mean(&half) - mean(real)).abs() < 0.15, "{} {}", mean(&half), mean(real));
    }
    let error = |start| rmse(&scales.sample_of_size([32, 32], start, 1, &mut stream()).unwrap(), real);
    let (new, fine) = (error(0), error(2));
    println!("{new:.3} from the coarsest scale, {fine:.3} from the finest; means {:.3}", mean(real));
    assert!(fine < 0.5 * new, "{fine} from the finest scale, {new} from the coarsest");
    // A given image keeps its layout and takes the picture's textures: the picture itself stays what it is.
    let given = scales.refine(real, 2, &mut stream()).unwrap();
    assert!(given.shape() == real.shape() && rmse(&given, real) < 0.5 * new);
    assert_eq!(scales.enlarge(real, 2.5, &mut stream()).unwrap().shape(), [1, 3, 80, 80]);
    let walk = scales.walk(4, 0, &mut stream()).unwrap();
    let frame = |number: usize| walk.narrow(0, number, 1).unwrap();
    assert!(rmse(&frame(0), &frame(1)) < new && rmse(&frame(0), &frame(3)) > 0.0);
}

#[test]
fn every_step_trains_one_scale_and_a_new_one_starts_from_the_last() {
    let words = "data.size=32 training.steps=9 networks.width=4";
    let mut session = session("singan", words).unwrap();
    let mut saved = vec![session.save().unwrap()];
    for step in 0..9_u64 {
        let report = session.advance().unwrap().read(session.step()).unwrap();
        assert_eq!(report[SCALE], (step / 3) as f64);
        assert!(report[RECONSTRUCTION_ERROR].is_finite());
        saved.push(session.save().unwrap());
    }
    let weights = |state: &brigand::state::State, network: &str, scale: usize| -> Vec<f32> {
        let name = format!("{network}.{scale}.scale{scale}.layer1.weight");
        state.tensors[&name].flatten_all().unwrap().to_vec1().unwrap()
    };
    for network in ["generators", "discriminators"] {
        for scale in 0..3 {
            for (step, pair) in saved.windows(2).enumerate() {
                let moved = weights(&pair[0], network, scale) != weights(&pair[1], network, scale);
                assert_eq!(moved, step / 3 == scale, "{network} {scale} at step {step}");
            }
        }
        // One step from the scale before is nearer to it than to first values of its own.
        let apart = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f32>();
        let (own, last) = (weights(&saved[4], network, 1), weights(&saved[3], network, 0));
        assert!(apart(&own, &last) < 0.2 * apart(&own, &weights(&saved[3], network, 1)), "{network}");
    }
    let amplitudes: Vec<f32> = saved[9].tensors["progress.amplitudes"].to_vec1().unwrap();
    assert!(amplitudes[0] == 1.0 && amplitudes[1..].iter().all(|&of| of > 0.0 && of < 0.1), "{amplitudes:?}");
}

#[test]
fn it_resumes_in_the_middle_of_every_scale_and_where_one_begins() {
    assert_resumes_exactly("singan", "data.size=32 training.steps=6 networks.width=4", 0..6);
}

#[test]
fn what_cannot_be_done_is_refused() {
    let message = refusal("singan", "data.size=16");
    assert!(
        message.contains("16x16, too small for two scales") && message.contains("data.size"),
        "{message}"
    );
    assert!(refusal("singan", "data.source=digits").contains("image:FILE"));
    assert!(
        refusal("singan", "training.batch=4").contains("singan --data image:FILE`, with training.batch=1")
    );
    assert!(refusal("singan", "training.steps=3").contains("4 scales"));
    assert!(refusal("singan", "pyramid.smallest=8 pyramid.factor=0.5").contains("patches of 11x11"));
    assert!(refusal("dcgan", "data.source=stones training.batch=1").contains("picture"));
    let session = trained("singan", "data.size=32 training.steps=3 networks.width=4");
    let (scales, stream) = (scales(&session), &mut Stream::new(0, "a test", 0));
    let image = picture("data.size=32");
    let message = |made: brigand::Result<Variable>| made.err().unwrap().to_string();
    let missing = message(scales.sample_of_size([32, 32], 3, 1, stream));
    assert!(missing.contains("no scale 3; give 0 (the coarsest) to 2"), "{missing}");
    assert!(message(scales.sample_of_size([2, 32], 0, 1, stream)).contains("32x2 cannot be made"));
    assert!(message(scales.sample_of_size([32, 99_999], 0, 1, stream)).contains("4096"));
    assert!(message(scales.refine(&image, 0, stream)).contains("give 1 to 2"));
    assert!(message(scales.refine(&image, 7, stream)).contains("no scale 7"));
    assert!(message(scales.enlarge(&image, 0.5, stream)).contains("more than 1"));
    assert!(message(scales.enlarge(&image, 1000.0, stream)).contains("too large"));
    let grey = image.narrow(1, 0, 1).unwrap();
    assert!(message(scales.refine(&grey, 1, stream)).contains("1 channels"));
    let other = Batch::of(image.scale(0.5).unwrap());
    assert!(
        message(session.system().as_reconstructor().unwrap().reconstruct(&other)).contains("no other one")
    );
}
