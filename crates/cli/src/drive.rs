//! `brigand translate RUN --drive`: a person in the poses of landmarks, as a run of talking heads draws them.

use std::path::{Path, PathBuf};

use brigand::Place;
use brigand::batch::{Batch, Feed};
use brigand::capability::Reenactor;
use brigand::data::people::{Driving, PeopleSpec};
use brigand::data::{Options, RunData, Spec, open};
use brigand::files::write_atomically;
use brigand::pictures::{AnimationStyle, Picture, animate, single_image};
use brigand::recipe::{DataRecipe, Recipe};
use brigand::training::load_reenactor;
use brigand::{Error, system::System};

use crate::console;
use crate::data::warn;
use crate::failure::Failure;
use crate::hardware::Hardware;

/// Frames that are made at once.
const AT_ONCE: usize = 64;
/// The moving picture of all frames.
const ANIMATION: &str = "driven.gif";

/// What is asked for.
pub(crate) struct Request<'a> {
    pub(crate) run: &'a Path,
    pub(crate) person: Option<&'a Path>,
    pub(crate) drive: &'a Path,
    pub(crate) out: &'a Path,
    pub(crate) hardware: &'a Hardware,
}

pub(crate) fn run(request: &Request<'_>) -> Result<(), Failure> {
    let device = request.hardware.open()?;
    let (recipe, system) = load_reenactor(request.run, &device)?;
    let reenactor = as_reenactor(system.as_ref())?;
    let (place, [channels, size, _]) = (Place::on(&device), reenactor.frame());
    let person =
        request.person.map(|folder| person(folder, &recipe.common.data, size, &place)).transpose()?;
    let driving = Driving::read(request.drive, size, frame_size(request, &recipe)?)?;
    let targets = targets(&driving, request)?;
    let poses = driving.names.len();
    let drawings = place.numbers(driving.drawings, &[poses, 3, size, size])?;
    let mut frames = Vec::with_capacity(poses);
    for first in (0..poses).step_by(AT_ONCE) {
        let some = drawings.narrow(0, first, AT_ONCE.min(poses - first)).map_err(Error::from)?;
        let made = reenactor.drive(person.as_ref(), &some)?.to_vec_f32().map_err(Error::from)?;
        for frame in made.chunks(channels * size * size) {
            frames.push(single_image(frame, [channels, size, size])?);
        }
    }
    save(&frames, &targets, request.out)
}

fn save(frames: &[Picture], targets: &[PathBuf], out: &Path) -> Result<(), Failure> {
    for (frame, target) in frames.iter().zip(targets) {
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder).map_err(|error| {
                Error::Request(format!("cannot make the folder {}: {error}", folder.display()))
            })?;
        }
        frame.save_png(target)?;
    }
    let animation = out.join(ANIMATION);
    write_atomically(&animation, &animate(frames, AnimationStyle::default())?)?;
    let noun = if frames.len() == 1 { "frame" } else { "frames" };
    console::print(&format!("{} {noun} in {}, all in {}", frames.len(), out.display(), animation.display()))
}

fn as_reenactor(system: &dyn System) -> Result<&dyn Reenactor, Failure> {
    let none = || Error::Internal("a loaded run of people draws none".into());
    Ok(system.as_reenactor().ok_or_else(none)?)
}

/// The frames and landmark drawings of the person in `folder`, read as those that the run was trained on.
fn person(folder: &Path, data: &DataRecipe, size: usize, place: &Place) -> Result<Batch, Failure> {
    let options = Options {
        size: Some(size),
        channels: Some(data.channels).filter(|&channels| channels > 0),
        background: data.background.unwrap_or_default(),
        ..Options::default()
    };
    let data: RunData = open(&Spec::People(PeopleSpec::One(folder.to_owned())), &options)?;
    warn(&data.notes);
    let feed = Feed::new(data.boxed_sources(), 1, 0, place)?;
    Ok(feed.samples(&(0..feed.count()).collect::<Vec<_>>())?)
}

/// The size of frames where those of the driving landmarks are not beside them: that of the frames of the person who is drawn.
fn frame_size(request: &Request<'_>, recipe: &Recipe) -> Result<Option<[u32; 2]>, Failure> {
    if request.drive.is_dir() {
        return Ok(None);
    }
    let folder = match (request.person, recipe.common.data.source.parse::<Spec>()?) {
        (Some(folder), _) => folder.to_owned(),
        (None, Spec::People(PeopleSpec::One(folder))) if folder.is_dir() => folder,
        (None, _) => return Ok(None),
    };
    Ok(Some(Driving::frame_size(&folder)?))
}

/// The file of each frame, refusing to write over what is read.
fn targets(driving: &Driving, request: &Request<'_>) -> Result<Vec<PathBuf>, Failure> {
    let folders = [Some(request.drive), request.drive.parent(), request.person];
    let read: Vec<PathBuf> =
        folders.into_iter().flatten().filter_map(|path| path.canonicalize().ok()).collect();
    if request.out.canonicalize().is_ok_and(|out| read.contains(&out)) {
        return Err(Error::Request(format!(
            "{} has frames or landmarks that are read; give another folder for --out",
            request.out.display()
        ))
        .into());
    }
    let mut targets: Vec<PathBuf> = Vec::with_capacity(driving.names.len());
    for name in &driving.names {
        let plain: PathBuf = Path::new(name)
            .components()
            .filter(|part| matches!(part, std::path::Component::Normal(_)))
            .collect();
        let target = request.out.join(plain).with_extension("png");
        if targets.contains(&target) || target.file_stem().is_none() {
            return Err(Error::Request(format!(
                "`{name}` of {} has the name of another frame but for its ending, or none; rename it",
                request.drive.display()
            ))
            .into());
        }
        targets.push(target);
    }
    Ok(targets)
}
