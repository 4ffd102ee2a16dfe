//! Names beside the rows of a grid.

use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::canvas::{INK, drawn, px, text};
use super::grid::GAP;
use super::picture::{Picture, PictureError};

/// Height of a name, where rows are not lower.
const SIZE: usize = 13;
/// Pixels that the name of a class takes at most.
const CLASS_WIDTH: usize = 150;
/// Pixels that a caption takes at most.
const CAPTION_WIDTH: usize = 340;
/// From one line of a name to the next, in pixels.
const LINE: usize = 15;
/// Characters of a line of which there is never room for more: the rest is not measured.
const MOST_CHARACTERS: usize = 400;
/// What stands between the entries of a list.
const SEPARATOR: &str = ", ";
/// Pixels on both sides of the names.
const MARGIN: usize = 6;

/// What the rows of a grid are called.
#[derive(Clone, Copy, Debug)]
pub enum Names<'a> {
    /// Classes: they take as much width as the widest needs, up to 150 pixels.
    Classes(&'a [String]),
    /// Captions, which may change from picture to picture: they always take the same width, 340 pixels.
    Captions(&'a [String]),
}

/// A picture of [`image_grid`](super::image_grid) with `rows` rows, and a name on the left of each; rows beyond the names
/// have none. A name may have several lines, which share the height of the row. Those that are wider than there is room go on below;
/// what there is no room for is left out, with `…` in its place, and with the number of entries that are left out where the line is a
/// list with commas. Words that are wider than there is room are cut.
///
/// # Errors
/// [`PictureError::Shape`] when a grid of so many rows has another height.
pub fn with_row_names(grid: &Picture, rows: usize, names: Names<'_>) -> Result<Picture, PictureError> {
    let (names, widest, always_whole) = match names {
        Names::Classes(names) => (names, CLASS_WIDTH, false),
        Names::Captions(names) => (names, CAPTION_WIDTH, true),
    };
    let height = grid.height();
    if rows == 0 || !height.saturating_sub(GAP).is_multiple_of(rows) {
        return Err(PictureError::Shape(format!("a picture {height} high is no grid of {rows} rows")));
    }
    let pitch = (height - GAP) / rows;
    let size = SIZE.min(pitch) as u32;
    let canvas = (widest + 2 * MARGIN, height);
    let column = drawn((canvas.0 as u32, height as u32), "row names", |area| {
        let style = text(size, INK).pos(Pos::new(HPos::Right, VPos::Center));
        for (row, name) in names.iter().take(rows).enumerate() {
            let middle = (GAP + row * pitch + (pitch - GAP) / 2) as i32;
            let fits = |line: &str| Ok(area.estimate_text_size(line, &style)?.0 <= px(widest as i32) as u32);
            let lines = in_room(name, (pitch / LINE).max(1), &fits)?;
            for (number, line) in lines.iter().enumerate() {
                let below = (LINE * number) as i32 - (LINE * (lines.len() - 1) / 2) as i32;
                area.draw_text(line, &style, (px((canvas.0 - MARGIN) as i32), px(middle + below)))?;
            }
        }
        Ok(())
    })?;
    beside(&column, grid, always_whole)
}

/// The lines of a name, wrapped, in `room` lines: those that are longer than their share of it are shortened, the last ones left out
/// where there are more than `room`.
fn in_room<E>(name: &str, room: usize, fits: &impl Fn(&str) -> Result<bool, E>) -> Result<Vec<String>, E> {
    let given: Vec<&str> = name.lines().take(room).collect();
    let (mut lines, mut left) = (Vec::new(), room);
    for (number, line) in given.iter().enumerate() {
        let share = left / (given.len() - number);
        let own = shortened(line, share, fits)?;
        left -= own.len();
        lines.extend(own);
    }
    Ok(lines)
}

/// A line, wrapped, in at most `room` lines: as many of its entries, or of its words where it has no commas, as there is room for
/// before `…`.
fn shortened<E>(line: &str, room: usize, fits: &impl Fn(&str) -> Result<bool, E>) -> Result<Vec<String>, E> {
    let separator = if line.contains(SEPARATOR) { SEPARATOR } else { " " };
    let entries: Vec<&str> = line.split(separator).collect();
    let first = |count: usize| {
        let text = entries.get(..count).unwrap_or(&entries).join(separator);
        match (entries.len() - count.min(entries.len()), separator) {
            (0, _) => text,
            (more, SEPARATOR) => format!("{text} … and {more} more"),
            (_, _) => format!("{text} …"),
        }
    };
    // What there is never room for is not measured.
    let measured: String = line.chars().take(MOST_CHARACTERS).collect();
    let mut count = match measured.len() == line.len() {
        true => entries.len(),
        false => measured.split(separator).count(),
    };
    let mut lines = wrapped(&first(count), fits)?;
    while lines.len() > room && count > 1 {
        count -= 1;
        lines = wrapped(&first(count), fits)?;
    }
    lines.truncate(room);
    Ok(lines)
}

/// The words of a line on as many lines as they need. A word that does not fit is cut.
fn wrapped<E>(line: &str, fits: &impl Fn(&str) -> Result<bool, E>) -> Result<Vec<String>, E> {
    let mut lines: Vec<String> = Vec::new();
    for word in line.split(' ') {
        let joined = lines.last().map(|last| format!("{last} {word}"));
        match (joined, lines.last_mut()) {
            (Some(joined), Some(last)) if fits(&joined)? => *last = joined,
            _ => {
                let mut word = word.to_owned();
                while !fits(&word)? && word.pop().is_some() {}
                lines.push(word);
            }
        }
    }
    Ok(lines)
}

/// `column`, without its empty left side unless it is `whole`, then `grid`, both as high as each other.
fn beside(column: &Picture, grid: &Picture, whole: bool) -> Result<Picture, PictureError> {
    let lines = || column.pixels().chunks_exact(3 * column.width());
    let first_inked = |line: &[u8]| line.chunks_exact(3).position(|pixel| pixel != [u8::MAX; 3]);
    let inked = lines().filter_map(first_inked).min();
    let left = match (whole, inked) {
        (true, _) => 0,
        (false, Some(left)) => left.saturating_sub(MARGIN),
        (false, None) => return Ok(grid.clone()),
    };
    let channels = grid.channels();
    let mut pixels = Vec::new();
    for (names, tiles) in lines().zip(grid.pixels().chunks_exact(channels * grid.width())) {
        // A grey grid stays grey: green is near the luma.
        let names = names.chunks_exact(3).skip(left);
        match channels {
            1 => pixels.extend(names.filter_map(|pixel| pixel.get(1))),
            _ => pixels.extend(names.flatten()),
        }
        pixels.extend_from_slice(tiles);
    }
    let width = column.width() - left + grid.width();
    Picture::new(width, grid.height(), channels, pixels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pictures::{Grid, image_grid};

    fn named(channels: usize, names: &[&str]) -> (Picture, Picture) {
        let layout = Grid { columns: Some(2), scale: None };
        let values = vec![0.0; 6 * channels * 64];
        let grid = image_grid(&values, [6, channels, 8, 8], layout).unwrap();
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        (with_row_names(&grid, 3, Names::Classes(&names)).unwrap(), grid)
    }

    /// Rows of the picture with ink left of the grid.
    fn inked(named: &Picture, grid: &Picture) -> Vec<usize> {
        let left = named.width() - grid.width();
        let dark = |x, y| named.pixel(x, y).unwrap()[0] < 128;
        (0..named.height()).filter(|&y| (0..left).any(|x| dark(x, y))).collect()
    }

    #[test]
    fn each_name_stands_beside_the_middle_of_its_row() {
        for channels in [1, 3] {
            let (picture, grid) = named(channels, &["dog", "aeroplane", "cat"]);
            assert_eq!((picture.height(), picture.channels()), (grid.height(), channels));
            let left = picture.width() - grid.width();
            assert!((50..100).contains(&left), "{left}");
            for (x, y) in [(0, 0), (20, 20), (grid.width() - 1, grid.height() - 1)] {
                assert_eq!(picture.pixel(left + x, y), grid.pixel(x, y));
            }
            // Rows of 40 pixels begin at 2, 44 and 86.
            let rows = inked(&picture, &grid);
            for top in [2, 44, 86] {
                let own: Vec<usize> =
                    rows.iter().copied().filter(|row| (top..top + 40).contains(row)).collect();
                let middle = (own[0] + own[own.len() - 1]) / 2;
                assert!(middle.abs_diff(top + 20) <= 4 && own.len() >= 6, "{own:?}");
            }
        }
    }

    #[test]
    fn words_go_on_below_where_they_do_not_fit() {
        let fits = |line: &str| Ok::<_, ()>(line.len() <= 8);
        assert_eq!(wrapped("red disc, blue square", &fits).unwrap(), ["red", "disc,", "blue", "square"]);
        assert_eq!(wrapped("a red immeasurable b", &fits).unwrap(), ["a red", "immeasur", "b"]);
        assert_eq!(wrapped("", &fits).unwrap(), [""]);
    }

    #[test]
    fn long_lists_end_with_the_number_of_what_is_left_out() {
        let fits = |line: &str| Ok::<_, ()>(line.chars().count() <= 16);
        let in_room = |name: &str, room| in_room(name, room, &fits).unwrap();
        let list = |count: usize| (0..count).map(|n| format!("label{n}")).collect::<Vec<_>>().join(", ");
        assert_eq!(in_room("true: a, b\nfound: a", 2), ["true: a, b", "found: a"]);
        assert_eq!(in_room(&list(4), 2), ["label0, label1,", "label2, label3"]);
        assert_eq!(in_room(&list(9), 3), ["label0, label1,", "label2, label3 …", "and 5 more"]);
        // The second line has its share, and what the first one leaves.
        let both = format!("true: {}\nfound: {}", list(30), list(2));
        assert_eq!(in_room(&both, 4), ["true: label0 …", "and 29 more", "found: label0,", "label1"]);
        let both = format!("true: x\nfound: {}", list(3));
        assert_eq!(in_room(&both, 3), ["true: x", "found: label0,", "label1, label2"]);
        let many = in_room(&list(5000), 4).join(" ");
        assert!(many.ends_with("… and 4994 more"), "{many}");
        // Captions are no lists, and a name may have more lines than a row.
        assert_eq!(in_room("a small red circle on a table", 2), ["a small red", "circle on a …"]);
        assert_eq!(in_room("a\nb\nc", 2), ["a", "b"]);
        assert_eq!(in_room("", 2), [""; 0]);
    }

    #[test]
    fn long_names_are_cut_and_missing_ones_left_out() {
        let (picture, grid) = named(3, &["a class with a name that is longer than all the images", "b"]);
        assert!((140..=170).contains(&(picture.width() - grid.width())), "{}", picture.width());
        assert!(inked(&picture, &grid).iter().all(|&row| row < 84));
        let (picture, grid) = named(3, &[]);
        assert_eq!(picture, grid);
        assert!(
            with_row_names(&grid, 5, Names::Classes(&[])).is_err()
                && with_row_names(&grid, 0, Names::Classes(&[])).is_err()
        );
        // Captions take the same width, whatever they are.
        let widths = ["a", "a small red circle"].map(|caption| {
            let names = [caption.to_owned()];
            with_row_names(&grid, 3, Names::Captions(&names)).unwrap().width() - grid.width()
        });
        assert_eq!(widths, [CAPTION_WIDTH + 2 * MARGIN; 2]);
    }
}
