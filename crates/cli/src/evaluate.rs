//! `brigand evaluate`: how good samples are, as scores with the protocol of their measurement.

mod captions;
mod gam;
mod output;
mod pairs;
mod sources;
mod storing;
mod styles;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use brigand::Place;
use brigand::batch::Feed;
use brigand::data::{Background, Spec};
use brigand::evaluation::extractors::Extractor;
use brigand::evaluation::{
    Available, Evaluation, METRICS, Measured, MetricRow, Need, Request, Samples, Shapes, Side, ValueRange,
    evaluate, find_metric, read_reference, write_reference,
};
use brigand::recipe::Recipe;
use brigand::training::{Which, choose_extractor, load_run_at, open_data, open_held_out, train_classifier};

use crate::console;
use crate::data::warn;
use crate::failure::Failure;
use crate::hardware::Hardware;
use crate::progress::Parts;
use sources::{Given, Opened};
use storing::Storing;

const EXAMPLES: &str = "\
Examples:
  brigand evaluate runs/gan-1
  brigand evaluate runs/dcgan-1 --metrics fid,is,memorisation --features classifier:runs/classifier --out report
  brigand evaluate --real folder:photos --fake folder:generated --features inception:pt_inception-2015-12-05-6726825d.pth
  brigand evaluate --real mnist:test --fake mnist:train --metrics fid --save-stats mnist.safetensors
  brigand evaluate --real mnist.npz --fake new.npy --metrics fid --range 0..1
  brigand evaluate runs/dcgan-1 --metrics path-length
  brigand evaluate --real mnist:test --fake folder:generated --metrics cas
  brigand evaluate --compare runs/gan-1/evaluation.json runs/gan-2/evaluation.json
  brigand evaluate --gam runs/gran-1 runs/dcgan-1
  brigand evaluate runs/text-style-1 --classifier unpaired-lines:bad.txt,good.txt    lines in two styles, by other lines
  brigand evaluate runs/text-to-image-1 --retrieval    images of captions: which are nearest to their own one
  brigand evaluate runs/cyclegan-1 --real pairs:photos,drawings    a translator: its errors on pairs

A SPEC is data (`brigand data list`; `:train` or `:test` after the name chooses the part), a .npy file of images or of
points, the folder of a run, statistics (.npz, .safetensors) for fid, or features made before.";

/// The examples and every metric with what it measures.
fn after_help() -> String {
    let width = METRICS.iter().map(|metric| metric.name.len()).max().unwrap_or(0);
    let line = |metric: &MetricRow| format!("  {:width$}  {}", metric.name, metric.summary);
    let lines: Vec<String> = METRICS.iter().map(line).collect();
    format!("{EXAMPLES}\n\nMetrics:\n{}", lines.join("\n"))
}

/// The features that are chosen where nobody chooses.
const AUTOMATIC: &str = "auto";
/// Samples of either side unless --count says otherwise.
const COUNT: usize = 10_000;
/// Generated images that are compared with one real image, unless --count says otherwise.
const BESIDE_ONE: usize = 50;

/// Measure samples with FID and other metrics: those of a run, or any set compared with another.
#[derive(clap::Args)]
#[command(after_help = after_help())]
pub(crate) struct Arguments {
    /// Folder of the run; its samples are compared with the test part of its data, or with its data
    #[arg(required_unless_present_any = ["fake", "compare", "gam"], conflicts_with_all = ["fake", "compare", "gam"])]
    run: Option<PathBuf>,
    /// The real samples
    #[arg(long, value_name = "SPEC", required_unless_present_any = ["run", "compare", "gam"])]
    real: Option<String>,
    /// The samples to be measured
    #[arg(long, value_name = "SPEC", requires = "real")]
    fake: Option<String>,
    /// What to measure, with commas between [default: all that the samples allow, but for slow ones]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    metrics: Vec<String>,
    /// Features in which samples are compared: classifier (of the embedded digits), classifier:RUN, inception:FILE, efficientnet:FILE, pixels, given
    #[arg(long, value_name = "WHAT", default_value = AUTOMATIC)]
    features: String,
    /// Lines in two styles that the classifier of styles is made from, for runs of text-style [default: those that the run was
    /// trained on]
    #[arg(long, value_name = "SPEC", requires = "run")]
    classifier: Option<String>,
    /// How many images of held-out captions are nearer to their caption than to nine others, in the run's own encoders, instead of
    /// metrics (runs of text-to-image and stackgan)
    #[arg(long, requires = "run")]
    retrieval: bool,
    /// Samples of either side, but for features, which are taken whole [default: as many as there are real ones, at
    /// most 10000; 50 beside one image; with --retrieval of each caption, 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    count: Option<u32>,
    /// Decides which samples a run generates, and which subsets and resamples are drawn
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Side to which images of data are scaled (their centre square); without it they are taken as they are stored
    #[arg(long, value_name = "PIXELS")]
    size: Option<usize>,
    /// Compare all images in grey (1) or in colour (3) [default: as they are]
    #[arg(long, value_name = "1|3")]
    channels: Option<usize>,
    /// What lies under the transparent parts of a folder's images: white, black, grey or #rrggbb [default: that of the
    /// run, or else white]
    #[arg(long, value_name = "COLOUR")]
    background: Option<Background>,
    /// Black and white of the images in .npy files: 0..1, 0..255 or -1..1 [default: -1..1, where a value is below 0]
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    range: Option<ValueRange>,
    /// Measure the run's checkpoint with the best score instead of its newest (runs with evaluation.every)
    #[arg(long)]
    best: bool,
    /// Keep the statistics of the real samples in FILE.safetensors or FILE.npz, to be given to --real
    #[arg(long, value_name = "FILE")]
    save_stats: Option<PathBuf>,
    /// Folder for evaluation.json and, with memorisation, a picture of the nearest pairs
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Compare two files of evaluations, the last one of each
    #[arg(long, value_names = ["A.json", "B.json"], num_args = 2)]
    compare: Vec<PathBuf>,
    /// Let two runs compete: the errors of each discriminator on held-out data and on the other generator's samples
    #[arg(long, value_names = ["RUN", "RUN"], num_args = 2, conflicts_with_all = ["real", "fake", "compare", "metrics", "features", "size", "channels", "range", "save_stats", "out"])]
    gam: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    hardware: Hardware,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if let [first, second] = arguments.compare.as_slice() {
        return output::compare(first, second, arguments.json);
    }
    let chosen: Vec<&MetricRow> =
        arguments.metrics.iter().map(|name| find_metric(name.trim())).collect::<Result<_, _>>()?;
    let device = arguments.hardware.open()?;
    let which = if arguments.best { Which::Best } else { Which::Newest };
    if let [first, second] = arguments.gam.as_slice() {
        let rules = gam::Rules { count: arguments.count, seed: arguments.seed, which, json: arguments.json };
        return gam::play(first, second, &rules, &device);
    }
    let parse = |text: &str| Given::parse(text, &arguments.features, arguments.range, which, &device);
    let generated = match &arguments.run {
        Some(run) => {
            let (recipe, system, step) = load_run_at(run, which, &device)?;
            if arguments.retrieval {
                return captions::measure(system.as_ref(), arguments, (&recipe, step), &device);
            }
            if let Some(translator) = system.as_line_translator() {
                return styles::measure(translator, arguments, (&recipe, step), &device);
            }
            if let Some(given) = &arguments.classifier {
                return Err(refused(&format!(
                    "--classifier {given} is for runs of lines in two styles; leave it out"
                )));
            }
            if let (Some(translator), None) = (system.as_translator(), system.as_sampler()) {
                return pairs::measure(translator, arguments, (&recipe, step), &device);
            }
            Given::of_run(run, (recipe, system, step))
        }
        None => parse(arguments.fake.as_deref().unwrap_or_default())?,
    };
    let real = match &arguments.real {
        Some(real) => parse(real)?,
        None => generated.own_data()?,
    };
    let mut notices = Notices::default();
    let of_a_run = || [&generated, &real].into_iter().find_map(Given::background);
    let reading = sources::Reading {
        size: arguments.size,
        channels: arguments.channels,
        background: arguments.background.or_else(of_a_run).unwrap_or_default(),
        seed: arguments.seed,
    };
    let most = arguments.count.map_or(COUNT, |count| count as usize);
    let mut real_set = real.open(reading, most, &mut notices)?;
    let fitting = match (arguments.count, real_set.count()) {
        (Some(_), _) | (None, None) => most,
        (None, Some(1)) => BESIDE_ONE,
        (None, Some(count)) => count.min(most),
    };
    let mut generated_set = generated.open(reading, fitting, &mut notices)?;
    let (extractor, notice) =
        extractor(arguments, [&real, &generated], [&real_set, &generated_set], &device)?;
    if !extractor.resizes() {
        if let Some(size) = real.size_beside(&real_set, &generated, &generated_set, &mut notices) {
            real_set = real.open(sources::Reading { size, ..reading }, most, &mut notices)?;
        } else if let Some(size) = generated.size_beside(&generated_set, &real, &real_set, &mut notices) {
            generated_set = generated.open(sources::Reading { size, ..reading }, fitting, &mut notices)?;
        }
    }
    let metrics = if chosen.is_empty() { usual(&extractor, &real_set, &generated_set) } else { chosen };
    let storing = Storing::check(arguments, &metrics)?;
    if let Some(notice) = notice.filter(|_| metrics.iter().any(|metric| metric.uses_extractor())) {
        notices.tell(&format!("note: {notice}"));
    }
    let wanted = metrics.iter().any(|metric| metric.needs(Need::TrainingSamples));
    let train = if wanted && arguments.real.is_none() { generated.training_data()? } else { None };
    let train = train.as_ref().map(|samples| samples as &dyn Samples);
    let request = Request {
        metrics: &metrics,
        extractor: &extractor,
        seed: arguments.seed,
        train,
        train_classifier: Some(train_classifier),
    };
    let measured = measure(&request, &real, &real_set, &generated_set)?;
    let evaluation = Evaluation {
        generated: generated.name().to_owned(),
        step: generated.step(),
        scores: measured.scores.clone(),
    };
    // Scores that took long to measure are shown even where they cannot be kept.
    let stored = storing.store(&measured, &evaluation, train, [&real_set, &generated_set]);
    output::show(&evaluation, arguments.json)?;
    stored
}

/// Messages to the user, each printed once.
#[derive(Default)]
struct Notices(BTreeSet<String>);

impl Notices {
    fn tell(&mut self, text: &str) {
        if self.0.insert(text.to_owned()) {
            console::tell(text);
        }
    }
}

/// The feature extractor, and a notice about an automatic choice.
fn extractor(
    arguments: &Arguments,
    given: [&Given; 2],
    sets: [&Opened<'_>; 2],
    device: &brigand::hardware::Device,
) -> Result<(Extractor, Option<&'static str>), Failure> {
    let Some(samples) = sets.iter().find_map(|set| set.samples()) else {
        return Ok((Extractor::given(), None));
    };
    let spec = given.iter().find_map(|given| given.spec().filter(|spec| *spec == Spec::Digits));
    let shape = match samples.shapes() {
        Shapes::One(shape) => shape,
        Shapes::Several { channels, most: [height, width], .. } => vec![channels, height, width],
    };
    Ok(choose_extractor(&arguments.features, spec.as_ref(), &shape, device)?)
}

/// The usual metrics that these samples allow.
fn usual(extractor: &Extractor, real: &Opened<'_>, generated: &Opened<'_>) -> Vec<&'static MetricRow> {
    let available = Available::of(real.side(), generated.side(), extractor, true);
    METRICS.iter().filter(|metric| metric.usual && metric.lacks(&available).is_none()).collect()
}

/// Measures, with the statistics of published data kept from one time to the next.
fn measure(
    request: &Request<'_>,
    real: &Given,
    real_set: &Opened<'_>,
    generated: &Opened<'_>,
) -> Result<Measured, Failure> {
    let progress = Parts::new();
    let mut observe = |done| progress.advance(&done);
    let statistics_suffice = request.metrics.iter().all(|metric| metric.needs == [Need::Moments]);
    let kept = real_set
        .samples()
        .filter(|_| statistics_suffice)
        .and_then(|samples| real.kept(samples, request.extractor, request.seed));
    let known = kept.as_ref().and_then(|path| {
        let reference = read_reference(path).ok()?;
        let origin = reference.origin.as_ref()?;
        let identity = request.extractor.identity();
        let same = origin.extractor.sha256 == identity.sha256
            && origin.extractor.resizing == identity.preparation
            && real_set.samples().is_some_and(|samples| samples.source() == origin.source);
        same.then_some(reference)
    });
    let side = known.as_ref().map_or_else(|| real_set.side(), |reference| Side::Statistics(reference, ""));
    let measured = evaluate(request, side, generated.side(), &mut observe);
    progress.end();
    let measured = measured?;
    if let (Some(path), Some(reference), None) = (kept, &measured.reference, known) {
        // A cache that cannot be written costs time, nothing else.
        let _ = write_reference(&path, reference);
    }
    Ok(measured)
}

/// The data of a run with the samples that it holds out, or with those of `--real` in their place; and whether these are apart from
/// its data, as a sixth of that is not.
fn held_out_feed(
    recipe: &Recipe,
    arguments: &Arguments,
    device: &brigand::hardware::Device,
) -> Result<(Feed, bool), Failure> {
    let mut recipe = recipe.clone();
    if let Some(given) = &arguments.real {
        recipe.common.data.held_out = Some(given.clone());
    }
    let data = open_data(&recipe)?;
    warn(&data.notes);
    let held_out = open_held_out(&recipe)?;
    warn(&held_out.notes);
    let are_apart = held_out.sources.iter().any(Option::is_some);
    let mut feed = Feed::new(data.boxed_sources(), 1, recipe.common.training.seed, &Place::on(device))?;
    feed.hold_out(held_out.sources)?;
    Ok((feed, are_apart))
}

/// Refuses the options for sets of samples, and those of `also` that are given, for a run of which `what` is measured instead.
fn refuse_options_of_sets(arguments: &Arguments, also: &[(bool, &str)], what: &str) -> Result<(), Failure> {
    let of_sets = [
        (!arguments.metrics.is_empty(), "--metrics"),
        (arguments.save_stats.is_some(), "--save-stats"),
        (arguments.out.is_some(), "--out"),
        (arguments.size.is_some(), "--size"),
        (arguments.channels.is_some(), "--channels"),
        (arguments.range.is_some(), "--range"),
    ];
    match of_sets.iter().chain(also).find(|(given, _)| *given) {
        Some((_, option)) => Err(refused(&format!(
            "{option} does not apply to {what}, which this run is measured on; leave it out"
        ))),
        None => Ok(()),
    }
}

fn refused(reason: &str) -> Failure {
    brigand::Error::Request(reason.to_owned()).into()
}

/// Whether the path ends so, in any case.
fn ends_in(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending))
}
