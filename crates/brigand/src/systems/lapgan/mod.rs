//! `lapgan`: a generator of small images, and for each doubling of their size a generator of the detail that the enlarged
//! smaller image lacks (Denton et al. 2015, arXiv:1506.05751). Each size has its own discriminator and its own loss, and no
//! gradient passes from one size to another: in every step all of them learn from the pyramid of one real batch.

mod levels;
mod recipe;

use brigand_autograd::Variable;
use brigand_core::batch::{Batch, IMAGES};
use brigand_core::capability::{Content, Direction, Exhibit, Sampler, Sampling, Showing, Translator};
use brigand_core::latent::{CLASS, Distribution, LatentPart, LatentRecipe, LatentSpace};
use brigand_core::modules::Statistics;
use brigand_core::players::Turn;
use brigand_core::random::Stream;
use brigand_core::recipe::{Family, Length, Make, Row};
use brigand_core::system::{Parts, System};
use brigand_core::{Error, Result, Setup, parts};

use levels::{DetailLevel, SmallestLevel};
pub use recipe::{DetailRecipe, LapganRecipe, SmallestRecipe};

/// The name of the part of latents that is the planes of noise for detail, from the smallest to the largest.
pub const DETAIL: &str = "detail";
/// Samples whose sizes are shown, and samples in a row of the picture.
const SHOWN: (usize, usize) = (24, 4);

const UPSCALE: Direction = Direction { name: "upscale", from: IMAGES, to: IMAGES };

/// Its row of the registry.
pub const ROW: Row = Row {
    name: "lapgan",
    family: Family::Images,
    summary: "Laplacian pyramid of conditional GANs: small images first, then the detail of each larger size",
    paper: "Denton et al. 2015, arXiv:1506.05751",
    data: "digits",
    length: |_| Length { steps: 3000, batch: 64 },
    make: Make::of::<LapganRecipe>(),
};

/// The players of all sizes in training.
struct Lapgan {
    sampling: Sampling,
    recipe: LapganRecipe,
    channels: usize,
    /// Height and width, from the smallest to the largest.
    sizes: Vec<[usize; 2]>,
    smallest: SmallestLevel,
    details: Vec<DetailLevel>,
}

/// The parts of latents.
struct Split {
    /// `[batch, latent.size]`.
    noise: Variable,
    /// For each doubling `[batch, 1, height, width]`.
    planes: Vec<Variable>,
    /// `[batch, classes]`, where there are classes.
    class: Option<Variable>,
}

impl Lapgan {
    fn new(recipe: &LapganRecipe, setup: &Setup) -> Result<Self> {
        let [channels, height, width] = setup.schema.image(IMAGES)?;
        let sizes = recipe.pyramid.sizes([height, width])?;
        // One class is none to choose.
        let shares = setup.schema.class_counts();
        let shares = if shares.len() > 1 { shares.to_vec() } else { Vec::new() };
        let classes = shares.len();
        let mut latents = vec![recipe.latent.part()];
        let Some(([rows, columns], larger)) = sizes.split_first() else {
            return Err(Error::Internal("a pyramid without sizes".into()));
        };
        let pixels = larger.iter().map(|[rows, columns]| rows * columns).sum();
        let planes = LatentRecipe { size: pixels, ..recipe.latent };
        latents.push(LatentPart { name: DETAIL, ..planes.part() });
        if classes > 0 {
            latents.push(LatentPart { name: CLASS, distribution: Distribution::Category { shares } });
        }
        let level = |[rows, columns]: &[usize; 2]| {
            DetailLevel::new(recipe, ([channels, *rows, *columns], classes), setup)
        };
        Ok(Self {
            sampling: Sampling::new(LatentSpace::new(latents), setup)?,
            recipe: recipe.clone(),
            channels,
            smallest: SmallestLevel::new(recipe, ([channels, *rows, *columns], classes), setup)?,
            details: larger.iter().map(level).collect::<Result<_>>()?,
            sizes,
        })
    }

    /// The parts of `latents`.
    fn split(&self, latents: &Variable) -> Result<Split> {
        self.sampling.space.check(latents)?;
        let (mut start, batch) = (self.recipe.latent.size, latents.shape()[0]);
        let mut planes = Vec::with_capacity(self.details.len());
        for [rows, columns] in self.sizes.iter().skip(1) {
            planes.push(latents.narrow(1, start, rows * columns)?.reshape(&[batch, 1, *rows, *columns])?);
            start += rows * columns;
        }
        let class = match self.sampling.space.classes() {
            0 => None,
            classes => Some(latents.narrow(1, start, classes)?),
        };
        Ok(Split { noise: latents.narrow(1, 0, self.recipe.latent.size)?, planes, class })
    }

    /// The samples of `latents` at every size, from the smallest to the largest.
    fn all_sizes(&self, latents: &Variable, statistics: &mut Statistics<'_>) -> Result<Vec<Variable>> {
        let Split { noise, planes, class } = self.split(latents)?;
        let mut images = vec![self.smallest.sample(&noise, class.as_ref(), statistics)?];
        self.enlarge(&mut images, 0, &planes, class.as_ref())?;
        Ok(images)
    }

    /// Adds to the last of `images`, which is of size number `from`, those of every larger size.
    fn enlarge(
        &self,
        images: &mut Vec<Variable>,
        from: usize,
        planes: &[Variable],
        class: Option<&Variable>,
    ) -> Result<()> {
        for (level, plane) in self.details.iter().zip(planes).skip(from) {
            if let Some(smaller) = images.last() {
                let enlarged = self.recipe.pyramid.double(smaller)?;
                images.push(level.sample(&enlarged, plane, class)?);
            }
        }
        Ok(())
    }

    /// One-hot classes of a batch, where there are classes.
    fn classes_of(&self, batch: &Batch) -> Result<Option<Variable>> {
        match self.sampling.space.classes() {
            0 => Ok(None),
            classes => self.sampling.place.one_hot(batch.required_labels()?, classes).map(Some),
        }
    }

    /// `classes` with some rows zeroed: of images whose class the networks of detail do not get.
    fn some_withheld(&self, classes: &Variable, stream: &mut Stream) -> Result<Variable> {
        let count = classes.shape()[0];
        let share = self.recipe.detail.unknown_class;
        let draws = stream.uniform(count, 0.0, 1.0).into_iter();
        let kept = draws.map(|draw| if f64::from(draw) < share { 0.0 } else { 1.0 }).collect();
        Ok(classes.mul(&self.sampling.place.numbers(kept, &[count, 1])?)?)
    }

    /// `images` of one of the smaller sizes at the largest size. The noise of their detail is always the same.
    fn upscale(&self, images: &Variable, class: Option<&Variable>) -> Result<Variable> {
        let (batch, channels, height, width) = images.dims4("upscaling")?;
        let smaller = self.sizes.len() - 1;
        let found = self.sizes.iter().take(smaller).position(|size| *size == [height, width]);
        let Some(from) = found.filter(|_| channels == self.channels) else {
            let sizes = self.sizes.iter().take(smaller).map(|[rows, columns]| format!("{columns}x{rows}"));
            return Err(Error::Request(format!(
                "images of {width}x{height} in {channels} channels cannot be upscaled; this run upscales images of {} in \
                 {} channels",
                sizes.collect::<Vec<_>>().join(" or "),
                self.channels
            )));
        };
        let latents = self.latents(batch, &mut Stream::new(0, "upscale", 0))?;
        let mut sizes = vec![images.clone()];
        self.enlarge(&mut sizes, from, &self.split(&latents)?.planes, class)?;
        sizes.pop().ok_or_else(|| Error::Internal("upscaling gave no images".into()))
    }

    /// Images enlarged to the largest size by repeating pixels.
    fn repeated(&self, images: &Variable) -> Result<Variable> {
        let [height, width] = self.sizes.last().copied().unwrap_or_default();
        Ok(images.resize_nearest(height, width)?)
    }
}

/// The images of several kinds in turns: the first of each, the second of each...
fn in_turns(kinds: &[Variable], count: usize) -> Result<Variable> {
    let mut shown = Vec::with_capacity(count * kinds.len());
    for number in 0..count {
        for kind in kinds {
            shown.push(kind.narrow(0, number, 1)?);
        }
    }
    Ok(Variable::concatenate(&shown.iter().collect::<Vec<_>>(), 0)?)
}

impl System for Lapgan {
    fn parts(&mut self) -> Parts<'_> {
        parts!(self, smallest, details)
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let draw = turn.only_draw();
        let batch = turn.batch(draw)?;
        let classes = self.classes_of(&batch)?;
        let pyramid = self.recipe.pyramid.take_apart(batch.numbers(IMAGES)?, self.details.len())?;
        self.smallest.learn(turn, draw, &pyramid.smallest, classes.as_ref())?;
        let known = classes.map(|classes| self.some_withheld(&classes, &mut draw.stream("unknown class")));
        let known = known.transpose()?;
        for (level, band) in self.details.iter_mut().zip(&pyramid.bands) {
            level.learn(turn, draw, band, known.as_ref())?;
        }
        Ok(())
    }

    /// Samples at every size, from the smallest to the largest; and real images, each between its smallest size and what is
    /// made of that.
    fn show(&self, showing: &Showing<'_>) -> Result<Vec<Exhibit>> {
        let count = showing.count.min(SHOWN.0);
        let latents = self.latents(count, &mut showing.stream("sizes"))?;
        let sizes = self.all_sizes(&latents, &mut Statistics::Stored)?;
        let sizes: Vec<Variable> = sizes.iter().map(|images| self.repeated(images)).collect::<Result<_>>()?;
        let columns = SHOWN.1.min(count) * sizes.len();
        let chain = Content::Images { images: in_turns(&sizes, count)?, columns };
        let real = showing.examples.numbers(IMAGES)?;
        let smallest = self.recipe.pyramid.take_apart(real, self.details.len())?.smallest;
        let class = showing.examples.labels().filter(|_| self.sampling.space.classes() > 0);
        let class = class
            .map(|labels| self.sampling.place.one_hot(labels, self.sampling.space.classes()))
            .transpose()?;
        let upscaled = self.upscale(&smallest, class.as_ref())?;
        let (kinds, count) = ([self.repeated(&smallest)?, upscaled, real.clone()], real.shape()[0]);
        let columns = SHOWN.1.min(count) * kinds.len();
        let upscaled = Content::Images { images: in_turns(&kinds, count)?, columns };
        let series = [("sizes", chain), (UPSCALE.name, upscaled)].into_iter();
        Ok(series.map(|(series, content)| Exhibit { series: series.to_owned(), content }).collect())
    }

    fn as_sampler(&self) -> Option<&dyn Sampler> {
        Some(self)
    }

    fn as_translator(&self) -> Option<&dyn Translator> {
        Some(self)
    }
}

impl Sampler for Lapgan {
    fn sampling(&self) -> &Sampling {
        &self.sampling
    }

    fn generate_with(&self, latents: &Variable, statistics: &mut Statistics<'_>) -> Result<Variable> {
        let largest = self.all_sizes(latents, statistics)?.pop();
        largest.ok_or_else(|| Error::Internal("a pyramid without sizes".into()))
    }
}

/// From images of one of the smaller sizes to the largest size.
impl Translator for Lapgan {
    fn directions(&self) -> &[Direction] {
        &[UPSCALE]
    }

    fn channels(&self, _: &Direction) -> usize {
        self.channels
    }

    fn translate(&self, direction: &Direction, batch: &Batch) -> Result<Variable> {
        let images = batch.numbers(direction.from)?;
        let class = match (self.sampling.space.classes(), batch.labels()) {
            (0, _) => None,
            (classes, Some(labels)) => Some(self.sampling.place.one_hot(labels, classes)?),
            // As the classes that are withheld in training.
            (classes, None) => {
                let count = images.shape()[0];
                Some(self.sampling.place.numbers(vec![0.0; count * classes], &[count, classes])?)
            }
        };
        self.upscale(images, class.as_ref())
    }
}
