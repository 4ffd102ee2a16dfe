//! Images changed by chance each time they are trained on, so that few of them go further: enlarged and cut to their size at a
//! random place, and flipped.

use brigand_core::batch::{HostBatch, HostField, Kind, Schema, Source};
use brigand_core::random::Stream;
use brigand_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// How training images are changed by chance. Measurements and pictures have them as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augmentation {
    /// Height that images are enlarged to (and their width by the same factor) before a random part of their own size is cut
    /// out; 0 leaves them whole.
    pub enlarged: usize,
    /// Whether every second image, by chance, is mirrored.
    pub flip: bool,
}

impl Augmentation {
    /// Whether it changes anything.
    pub fn is_active(&self) -> bool {
        self.enlarged > 0 || self.flip
    }
}

/// A source whose images are changed by chance. All images and label maps of a sample are changed alike, so that pairs stay
/// pairs.
pub struct Augmented<S> {
    source: S,
    augmentation: Augmentation,
}

/// What is done to a sample.
struct Change {
    flipped: bool,
    /// Height and width before the cut, and the cut's place.
    enlarged: [usize; 2],
    offset: [usize; 2],
}

impl<S: Source> Augmented<S> {
    /// The source with its images changed.
    ///
    /// # Errors
    /// If it has no images, or their size is not smaller than what they are to be enlarged to.
    pub fn new(source: S, augmentation: Augmentation) -> Result<Self> {
        let schema = source.schema();
        if schema.fields.values().any(|field| field.kind == Kind::Frames {}) {
            return Err(Error::Recipe(
                "data.augment cannot change frames of people, whose landmarks would stay; leave it out"
                    .into(),
            ));
        }
        let mut sizes =
            schema.fields.values().filter(|field| is_image(&field.kind)).map(|field| &field.shape);
        let Some(first) = sizes.next() else {
            return Err(Error::Recipe(
                "data.augment changes images, and this data has none; leave it out".into(),
            ));
        };
        if let Some(other) = sizes.find(|size| size.get(1..) != first.get(1..)) {
            return Err(Error::Recipe(format!(
                "data.augment changes the images of a sample alike, and these have shapes {first:?} and {other:?}; set \
                 data.size, which fits all"
            )));
        }
        let (height, enlarged) = (first.get(1).copied().unwrap_or(0), augmentation.enlarged);
        if enlarged > 0 && !(height + 1..=2 * height).contains(&enlarged) {
            return Err(Error::Recipe(format!(
                "data.augment.enlarged is {enlarged}, and the images are {height} pixels high; give {} to {}, or 0 to leave \
                 them whole",
                height + 1,
                2 * height
            )));
        }
        Ok(Self { source, augmentation })
    }

    /// What happens to a sample of this height and width.
    fn change(&self, [height, width]: [usize; 2], stream: &mut Stream) -> Change {
        let enlarged = match self.augmentation.enlarged {
            0 => [height, width],
            enlarged => [enlarged, (width * enlarged + height / 2) / height.max(1)],
        };
        let [down, across] = [enlarged[0] - height.min(enlarged[0]), enlarged[1] - width.min(enlarged[1])];
        // As many draws whatever is asked for.
        let (offset, flipped) = ([stream.index(down + 1), stream.index(across + 1)], stream.index(2) == 1);
        Change { flipped: flipped && self.augmentation.flip, enlarged, offset }
    }
}

/// Whether a field has height and width.
fn is_image(kind: &Kind) -> bool {
    match kind {
        Kind::Image {} | Kind::LabelMap { .. } => true,
        Kind::Frames {}
        | Kind::Points {}
        | Kind::Class { .. }
        | Kind::Tags { .. }
        | Kind::Tokens { .. }
        | Kind::Spectrogram { .. }
        | Kind::Features { .. }
        | Kind::Number {}
        | Kind::Audio { .. } => false,
    }
}

impl Change {
    /// The place in an original of `size` pixels that pixel `at` shows along an axis.
    fn place(&self, axis: usize, at: usize, size: usize) -> f32 {
        let at = if axis == 1 && self.flipped { size - 1 - at } else { at };
        let factor = size as f32 / self.enlarged[axis].max(1) as f32;
        ((at + self.offset[axis]) as f32 + 0.5) * factor - 0.5
    }

    /// A channel `[height, width]` after the change: between pixels by linear interpolation, or of `nearest` ones.
    fn apply(&self, plane: &[f32], [height, width]: [usize; 2], nearest: bool) -> Vec<f32> {
        let around = |place: f32, size: usize| {
            let place = place.clamp(0.0, (size - 1) as f32);
            let low = if nearest { place.round() } else { place.floor() };
            (low as usize, (low as usize + 1).min(size - 1), if nearest { 0.0 } else { place - low })
        };
        let columns: Vec<_> = (0..width).map(|x| around(self.place(1, x, width), width)).collect();
        let mut changed = Vec::with_capacity(plane.len());
        for y in 0..height {
            let (top, bottom, down) = around(self.place(0, y, height), height);
            let pixel = |row: usize, column: usize| plane.get(row * width + column).copied().unwrap_or(0.0);
            changed.extend(columns.iter().map(|&(left, right, across)| {
                let row = |row| pixel(row, left) + across * (pixel(row, right) - pixel(row, left));
                let upper = row(top);
                if down == 0.0 { upper } else { upper + down * (row(bottom) - upper) }
            }));
        }
        changed
    }
}

impl<S: Source> Source for Augmented<S> {
    fn count(&self) -> usize {
        self.source.count()
    }

    fn schema(&self) -> Schema {
        self.source.schema()
    }

    fn get(&self, numbers: &[usize], stream: &mut Stream) -> Result<HostBatch> {
        let mut batch = self.source.get(numbers, stream)?;
        let mut changes: Vec<Change> = Vec::with_capacity(numbers.len());
        let schema = self.source.schema();
        for (name, field) in &schema.fields {
            let [_, height, width] = field.shape[..] else { continue };
            let Some(HostField::Numbers(values, _)) = batch.get_mut(name.as_str()) else { continue };
            if !is_image(&field.kind) {
                continue;
            }
            while changes.len() < numbers.len() {
                changes.push(self.change([height, width], stream));
            }
            let (sample, plane) = (field.shape.iter().product::<usize>().max(1), (height * width).max(1));
            let nearest = matches!(field.kind, Kind::LabelMap { .. });
            let mut changed = Vec::with_capacity(values.len());
            for (values, change) in values.chunks(sample).zip(&changes) {
                for plane in values.chunks(plane) {
                    changed.extend(change.apply(plane, [height, width], nearest));
                }
            }
            *values = changed;
        }
        Ok(batch)
    }

    fn get_plain(&self, numbers: &[usize], stream: &mut Stream) -> Result<HostBatch> {
        self.source.get_plain(numbers, stream)
    }

    fn labels(&self, numbers: &[usize]) -> Result<Option<Vec<u32>>> {
        self.source.labels(numbers)
    }
}

#[cfg(test)]
mod tests {
    use brigand_core::batch::{IMAGES, LABEL_MAP, MemorySource, NumberKey, SECOND};

    use super::*;

    const SIDE: usize = 8;

    /// Twenty samples of a ramp to the right, its negative, and a map of two halves.
    fn source() -> MemorySource {
        let ramp = |at: usize| (at % SIDE) as f32;
        let values =
            |of: fn(f32) -> f32| -> Vec<f32> { (0..20 * SIDE * SIDE).map(|at| of(ramp(at))).collect() };
        type Values = fn(f32) -> f32;
        let fields: [(NumberKey, Kind, Values); 3] = [
            (IMAGES, Kind::Image {}, |level| level),
            (SECOND, Kind::Image {}, |level| -level),
            (LABEL_MAP, Kind::LabelMap { labels: Vec::new() }, |level| if level < 4.0 { 0.0 } else { 1.0 }),
        ];
        let (mut schema, mut batch) = (Schema::default(), HostBatch::new());
        for (key, kind, of) in fields {
            schema = schema.with(key.0, kind, &[1, SIDE, SIDE]);
            batch.insert(key.0, HostField::Numbers(values(of), vec![20, 1, SIDE, SIDE]));
        }
        MemorySource::new(20, schema, batch).unwrap()
    }

    fn numbers(batch: &HostBatch, key: NumberKey) -> Vec<f32> {
        let Some(HostField::Numbers(values, _)) = batch.get(key.0) else { unreachable!("{}", key.0) };
        values.clone()
    }

    #[test]
    fn all_images_of_a_sample_are_changed_alike() {
        let augmented = Augmented::new(source(), Augmentation { enlarged: 11, flip: true }).unwrap();
        let all: Vec<usize> = (0..20).collect();
        let get = |step| augmented.get(&all, &mut Stream::new(1, "a test", step)).unwrap();
        let batch = get(0);
        let (first, second, map) =
            (numbers(&batch, IMAGES), numbers(&batch, SECOND), numbers(&batch, LABEL_MAP));
        assert!(first.iter().zip(&second).all(|(a, b)| (a + b).abs() < 1e-6));
        assert!(map.iter().all(|value| [0.0, 1.0].contains(value)));
        // The map's halves meet where the ramp passes their middle, up to the nearest pixel.
        assert!(
            first
                .iter()
                .zip(&map)
                .all(|(level, map)| (level - 3.5).abs() < 0.6 || (*level > 3.5) == (*map > 0.5))
        );
        let mirrored = first.chunks(SIDE * SIDE).filter(|sample| sample[0] > sample[SIDE - 1]).count();
        assert!((4..=16).contains(&mirrored), "{mirrored}");
        // Eight of eleven pixels: the ramp spans less, from different places on.
        let spans: Vec<f32> = first.chunks(SIDE).map(|row| (row[SIDE - 1] - row[0]).abs()).collect();
        assert!(spans.iter().all(|span| (4.0..5.6).contains(span)), "{spans:?}");
        assert_eq!(first, numbers(&get(0), IMAGES));
        assert_ne!(first, numbers(&get(1), IMAGES));
        let plain = augmented.get_plain(&all, &mut Stream::new(1, "a test", 0)).unwrap();
        assert_eq!(
            numbers(&plain, IMAGES),
            numbers(&source().get(&all, &mut Stream::new(0, "", 0)).unwrap(), IMAGES)
        );
    }

    #[test]
    fn a_flip_alone_keeps_every_pixel() {
        let augmented = Augmented::new(source(), Augmentation { enlarged: 0, flip: true }).unwrap();
        let batch = augmented.get(&[0, 1, 2, 3, 4, 5], &mut Stream::new(2, "a test", 0)).unwrap();
        let ramp: Vec<f32> = (0..SIDE).map(|at| at as f32).collect();
        let mirrored: Vec<f32> = ramp.iter().rev().copied().collect();
        assert!(numbers(&batch, IMAGES).chunks(SIDE).all(|row| row == ramp || row == mirrored));
    }

    #[test]
    fn what_cannot_be_cut_is_refused() {
        let refused = |enlarged| {
            Augmented::new(source(), Augmentation { enlarged, flip: false }).err().unwrap().to_string()
        };
        assert!(refused(8).contains("give 9 to 16") && refused(17).contains("is 17"));
        let points = MemorySource::new(
            1,
            Schema::default().with("points", Kind::Points {}, &[2]),
            HostBatch::from([("points", HostField::Numbers(vec![0.0; 2], vec![1, 2]))]),
        );
        let active = Augmentation { enlarged: 0, flip: true };
        let message = Augmented::new(points.unwrap(), active).err().unwrap().to_string();
        assert!(message.contains("has none"), "{message}");
    }
}
