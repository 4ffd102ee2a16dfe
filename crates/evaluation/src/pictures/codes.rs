//! Where an encoder puts samples: codes in the plane, coloured by class.

use super::marks::{Ink, Mark, Shape};
use super::panels::{Panel, Sheet};
use super::picture::{Picture, PictureError};
use super::scatter::{pairs, with_missing};

const SIDE: u32 = 560;
/// Height of a title line and of each line of the legend, about.
const LINE: u32 = 21;
/// Names of this many classes stand beside each other in the legend, about.
const NAMES_IN_A_LINE: usize = 10;
/// Points of a class drawn before the next class has its turn, so that none hides the others.
const TURN: usize = 20;

/// Draws `codes` `[n, 2]` with the same unit on both axes and `caption` above, coloured by their class where `labels`
/// are given; the legend names the classes. Codes that are no finite numbers are counted in the caption.
///
/// # Errors
/// [`PictureError::Shape`] when the numbers do not pair up, no pair is finite, or there are not as many labels as
/// codes.
pub fn code_scatter(
    codes: &[f32],
    labels: Option<&[u32]>,
    classes: &[String],
    caption: &str,
) -> Result<Picture, PictureError> {
    let points = pairs(codes)?;
    if let Some(labels) = labels
        && labels.len() != points.len()
    {
        return Err(PictureError::Shape(format!("{} labels for {} codes", labels.len(), points.len())));
    }
    let seen: Vec<((f64, f64), usize)> = points
        .iter()
        .enumerate()
        .filter(|(_, (x, y))| x.is_finite() && y.is_finite())
        .map(|(at, &point)| {
            (point, labels.and_then(|labels| labels.get(at)).map_or(0, |&label| label as usize))
        })
        .collect();
    let (x, y) = axes(&seen).ok_or_else(|| PictureError::Shape("no finite code to draw".to_owned()))?;
    let names: &[String] = if labels.is_some() { classes } else { &[] };
    let title = with_missing(caption, points.len() - seen.len());
    let marks = marks(&seen, names);
    let lines = 1 + names.len().div_ceil(NAMES_IN_A_LINE) as u32;
    let panel = Panel { title, x, y, marks, ..Panel::default() };
    Sheet { title: String::new(), panels: vec![panel], columns: 1, size: (SIDE, SIDE + LINE * lines) }.draw()
}

/// Both axes: as long, and with a little room beyond the farthest points.
fn axes(points: &[((f64, f64), usize)]) -> Option<((f64, f64), (f64, f64))> {
    let range = |values: &mut dyn Iterator<Item = f64>| {
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
    };
    let x = range(&mut points.iter().map(|(point, _)| point.0));
    let y = range(&mut points.iter().map(|(point, _)| point.1));
    let widest = (x.1 - x.0).max(y.1 - y.0);
    let reach = if widest > 0.0 { 0.53 * widest } else { 1.0 };
    let around = |(low, high): (f64, f64)| {
        let middle = f64::midpoint(low, high);
        (middle - reach, middle + reach)
    };
    widest.is_finite().then(|| (around(x), around(y)))
}

/// The points of the classes in turns; the first turn carries the names.
fn marks(points: &[((f64, f64), usize)], names: &[String]) -> Vec<Mark> {
    let classes = points.iter().map(|&(_, class)| class + 1).max().unwrap_or(0).max(names.len());
    let mut of_class = vec![Vec::new(); classes];
    for &(point, class) in points {
        if let Some(own) = of_class.get_mut(class) {
            own.push(point);
        }
    }
    let turns = of_class.iter().map(|own| own.len().div_ceil(TURN)).max().unwrap_or(0);
    let mut marks = Vec::new();
    for turn in 0..turns {
        for (class, own) in of_class.iter().enumerate() {
            let points: Vec<(f64, f64)> = own.iter().skip(turn * TURN).take(TURN).copied().collect();
            let label = names.get(class).filter(|_| turn == 0).cloned().unwrap_or_default();
            if !points.is_empty() || !label.is_empty() {
                marks.push(Mark::named(
                    label,
                    Ink::Class { index: class, of: classes },
                    Shape::Dots(points, 2),
                ));
            }
        }
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|class| class.to_string()).collect()
    }

    /// Pixels whose colour is neither grey nor white.
    fn coloured(picture: &Picture) -> usize {
        let vivid = |p: &[u8]| p.iter().max().unwrap() - p.iter().min().unwrap() > 90;
        picture.pixels().chunks_exact(3).filter(|p| vivid(p)).count()
    }

    #[test]
    fn every_class_has_its_colour_and_its_name() {
        let codes = [0.0, 0.0, 1.0, 1.0, 0.0, 1.0];
        let plain = code_scatter(&codes, None, &[], "codes").unwrap();
        let labelled = code_scatter(&codes, Some(&[0, 1, 2]), &names(3), "codes").unwrap();
        assert!((15..200).contains(&coloured(&plain)), "{}", coloured(&plain));
        assert!(coloured(&labelled) > coloured(&plain) + 50, "{}", coloured(&labelled));
        let other = code_scatter(&codes, Some(&[0, 2, 1]), &names(3), "codes").unwrap();
        assert_ne!(labelled, other);
    }

    #[test]
    fn no_class_hides_the_others() {
        let points: Vec<((f64, f64), usize)> = (0..100).map(|at| ((0.0, 0.0), at % 2)).collect();
        let marks = marks(&points, &names(2));
        let classes: Vec<Ink> = marks.iter().map(|mark| mark.ink).collect();
        assert_eq!(marks.len(), 6);
        assert_eq!(classes[0], classes[2]);
        assert_ne!(classes[0], classes[1]);
        assert_eq!(marks.iter().filter(|mark| !mark.label.is_empty()).count(), 2);
    }

    #[test]
    fn what_is_no_number_is_counted_and_bad_shapes_are_refused() {
        let codes = [0.0, 0.0, f32::NAN, 1.0];
        assert_ne!(
            code_scatter(&codes, None, &[], "codes").unwrap(),
            code_scatter(&codes[..2], None, &[], "codes").unwrap()
        );
        let refusal = |codes: &[f32], labels: Option<&[u32]>| {
            code_scatter(codes, labels, &[], "").unwrap_err().to_string()
        };
        assert!(refusal(&[1.0, 2.0, 3.0], None).contains("3 numbers"));
        assert!(refusal(&[f32::NAN, 2.0], None).contains("no finite code"));
        assert!(refusal(&[1.0, 2.0], Some(&[0, 1])).contains("2 labels for 1 codes"));
    }
}
