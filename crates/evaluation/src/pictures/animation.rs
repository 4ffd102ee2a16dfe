//! Looping GIF animations.

use std::path::Path;

use gif::{Encoder, Frame, Repeat};

use super::picture::{Picture, PictureError};
use brigand_data::files::{FileError, step_files, write_atomically};

/// Hundredths of a second, GIF's unit of time.
const SECOND: usize = 100;
/// Browsers play frames shorter than this at a tenth of a second instead.
const SHORTEST_DELAY: usize = 4;

/// What a GIF animation may cost and how long it lasts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AnimationStyle {
    /// Most frames kept; of more, evenly spaced ones are chosen, the first and the last among them.
    pub most_frames: usize,
    /// Longest side in pixels; larger frames are made smaller by a whole number.
    pub longest_side: usize,
    /// Seconds the frames before the last take together; a frame takes between 0.04 s and 0.5 s.
    pub seconds: f64,
    /// Seconds the last frame is held before the animation begins again.
    pub hold: f64,
}

impl Default for AnimationStyle {
    fn default() -> Self {
        AnimationStyle { most_frames: 60, longest_side: 560, seconds: 5.0, hold: 2.0 }
    }
}

/// The bytes of a GIF that shows `frames` in order, over and over. Grey frames keep every grey value
/// exactly; colour frames get a palette of 256 colours each. The same frames give the same bytes.
///
/// # Errors
/// [`PictureError::Shape`] when there is no frame or their sizes differ.
pub fn animate(frames: &[Picture], style: AnimationStyle) -> Result<Vec<u8>, PictureError> {
    let kept: Vec<Picture> = evenly_chosen(frames.len(), style.most_frames)
        .into_iter()
        .filter_map(|index| frames.get(index))
        .map(|frame| frame.shrunk_to(style.longest_side))
        .collect();
    encode(&kept, style)
}

/// Rebuilds the animation `target` from the pictures `step-<number>.png` in `folder`, in order of
/// their step. A folder without any leaves `target` alone.
///
/// # Errors
/// [`PictureError`] when a picture cannot be read, their sizes differ, or `target` cannot be written.
pub fn animate_step_files(folder: &Path, target: &Path, style: AnimationStyle) -> Result<(), PictureError> {
    let files = step_files(folder, "png")?;
    let mut kept = Vec::new();
    for index in evenly_chosen(files.len(), style.most_frames) {
        if let Some((_, path)) = files.get(index) {
            kept.push(Picture::read_png(path)?.shrunk_to(style.longest_side));
        }
    }
    if kept.is_empty() {
        return Ok(());
    }
    let bytes = encode(&kept, style)?;
    write_atomically(target, &bytes).map_err(|reason: FileError| reason.into())
}

/// At most `most` of the indices `0..count`, evenly spaced, the first and the last among them (of one,
/// the last).
fn evenly_chosen(count: usize, most: usize) -> Vec<usize> {
    match (count, most.max(1)) {
        (0, _) => Vec::new(),
        (count, 1) => vec![count - 1],
        (count, most) if count <= most => (0..count).collect(),
        (count, most) => (0..most).map(|i| (i * (count - 1) + (most - 1) / 2) / (most - 1)).collect(),
    }
}

/// Hundredths of a second for each frame.
fn delays(frames: usize, style: AnimationStyle) -> Vec<u16> {
    let whole = (style.seconds.max(0.0) * SECOND as f64) as usize;
    let each = (whole / frames.saturating_sub(1).max(1)).clamp(SHORTEST_DELAY, SECOND / 2);
    let hold = ((style.hold.max(0.0) * SECOND as f64) as usize).max(each);
    let mut delays = vec![u16::try_from(each).unwrap_or(u16::MAX); frames];
    if let Some(last) = delays.last_mut() {
        *last = u16::try_from(hold).unwrap_or(u16::MAX);
    }
    delays
}

fn encode(frames: &[Picture], style: AnimationStyle) -> Result<Vec<u8>, PictureError> {
    let Some(first) = frames.first() else {
        return Err(PictureError::Shape("an animation needs at least one frame".to_owned()));
    };
    let (width, height) = (first.width(), first.height());
    if let Some(other) = frames.iter().find(|other| (other.width(), other.height()) != (width, height)) {
        return Err(PictureError::Shape(format!(
            "frames of {width}x{height} and {}x{} do not make one animation",
            other.width(),
            other.height()
        )));
    }
    let failed = |reason: String| PictureError::Encoding { format: "GIF", width, height, reason };
    let gif_width = u16::try_from(width).map_err(|reason| failed(reason.to_string()))?;
    let gif_height = u16::try_from(height).map_err(|reason| failed(reason.to_string()))?;
    let greys: Vec<u8> = (0..=u8::MAX).flat_map(|grey| [grey; 3]).collect();
    let mut encoder = Encoder::new(Vec::new(), gif_width, gif_height, &greys)
        .map_err(|reason| failed(reason.to_string()))?;
    encoder.set_repeat(Repeat::Infinite).map_err(|reason| failed(reason.to_string()))?;
    for (picture, delay) in frames.iter().zip(delays(frames.len(), style)) {
        let mut frame = if picture.channels() == 3 {
            Frame::from_rgb_speed(gif_width, gif_height, picture.pixels(), 10)
        } else {
            Frame::from_indexed_pixels(gif_width, gif_height, picture.pixels(), None)
        };
        frame.delay = delay;
        encoder.write_frame(&frame).map_err(|reason| failed(reason.to_string()))?;
    }
    encoder.into_inner().map_err(|reason| failed(reason.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use brigand_data::files::step_file_name;

    /// Every frame of a GIF as RGBA, with its delay.
    fn decode(bytes: &[u8]) -> (Vec<(Vec<u8>, u16)>, Repeat) {
        let mut options = gif::DecodeOptions::new();
        options.set_color_output(gif::ColorOutput::RGBA);
        let mut decoder = options.read_info(bytes).unwrap();
        let mut frames = Vec::new();
        while let Some(frame) = decoder.read_next_frame().unwrap() {
            frames.push((frame.buffer.to_vec(), frame.delay));
        }
        (frames, decoder.repeat())
    }

    fn ramp(shift: u8, channels: usize) -> Picture {
        let pixels = (0..256 * channels).map(|i| (i / channels) as u8 ^ shift).collect();
        Picture::new(16, 16, channels, pixels).unwrap()
    }

    #[test]
    fn grey_frames_come_back_exactly_and_loop_forever() {
        let frames: Vec<Picture> = (0..5).map(|shift| ramp(shift, 1)).collect();
        let (decoded, repeat) = decode(&animate(&frames, AnimationStyle::default()).unwrap());
        assert_eq!(repeat, Repeat::Infinite);
        assert_eq!(decoded.iter().map(|(_, delay)| *delay).collect::<Vec<_>>(), [50, 50, 50, 50, 200]);
        for ((rgba, _), frame) in decoded.iter().zip(&frames) {
            let greys: Vec<u8> = rgba.iter().step_by(4).copied().collect();
            assert_eq!(greys, frame.pixels());
        }
    }

    #[test]
    fn colours_within_a_palette_come_back_exactly() {
        let mut pixels = vec![10_u8; 16 * 16 * 3];
        pixels[..3].copy_from_slice(&[255, 0, 255]);
        let frame = Picture::new(16, 16, 3, pixels).unwrap();
        let (decoded, _) = decode(&animate(&[frame, ramp(0, 1)], AnimationStyle::default()).unwrap());
        assert_eq!(decoded.len(), 2);
        assert_eq!(decoded[0].0[..8], [255, 0, 255, 255, 10, 10, 10, 255]);
        assert_eq!(decoded[1].0[4..8], [1, 1, 1, 255]);
    }

    #[test]
    fn step_files_become_frames_in_order_of_step() {
        let folder = tempfile::tempdir().unwrap();
        for step in [100_u64, 0, 20] {
            let picture = Picture::filled(4, 4, &[step as u8]).unwrap();
            picture.save_png(&folder.path().join(step_file_name(step, "png"))).unwrap();
        }
        let target = folder.path().join("samples.gif");
        animate_step_files(folder.path(), &target, AnimationStyle::default()).unwrap();
        let (decoded, _) = decode(&std::fs::read(&target).unwrap());
        assert_eq!(decoded.iter().map(|(rgba, _)| rgba[0]).collect::<Vec<_>>(), [0, 20, 100]);
    }

    #[test]
    fn long_runs_are_thinned_evenly_and_last_a_few_seconds() {
        let chosen = evenly_chosen(1000, 60);
        assert_eq!((chosen.len(), chosen.first(), chosen.last()), (60, Some(&0), Some(&999)));
        assert!(chosen.windows(2).all(|pair| (16..=18).contains(&(pair[1] - pair[0]))));
        assert_eq!(evenly_chosen(3, 60), [0, 1, 2]);
        assert_eq!(evenly_chosen(7, 1), [6]);
        assert!(evenly_chosen(0, 60).is_empty());
        let total: u32 = delays(60, AnimationStyle::default()).into_iter().map(u32::from).sum();
        assert_eq!(total, 59 * 8 + 200);
    }

    #[test]
    fn no_frames_or_different_sizes_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.gif");
        animate_step_files(folder.path(), &target, AnimationStyle::default()).unwrap();
        assert!(!target.exists());
        assert!(animate(&[], AnimationStyle::default()).is_err());
        let frames = [Picture::filled(2, 2, &[0]).unwrap(), Picture::filled(3, 2, &[0]).unwrap()];
        assert!(animate(&frames, AnimationStyle::default()).is_err());
    }
}
