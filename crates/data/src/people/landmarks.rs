//! Landmarks of frames as CSV, and the lines between them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::DataError;

/// Landmarks of one frame, `[x, y]` in pixels from its upper left corner; `None` where a point is not seen.
pub(crate) type Points = Vec<Option<[f64; 2]>>;

/// The file of a person's landmarks.
pub(crate) const LANDMARKS: &str = "landmarks.csv";
/// The file of the lines between them.
pub(crate) const EDGES: &str = "edges.csv";

/// The colours of lines that have none of their own.
const COLOURS: [[u8; 3]; 8] = [
    [255, 255, 255],
    [255, 80, 80],
    [80, 255, 80],
    [90, 140, 255],
    [255, 220, 60],
    [255, 90, 255],
    [60, 240, 240],
    [255, 150, 40],
];

fn unfit(path: &Path, wanted: &'static str, problem: String) -> DataError {
    DataError::WrongKind { path: path.to_owned(), wanted, problem }
}

/// The cells of the lines of a CSV file that are neither empty nor begin with `#`, with their numbers from 1. A first line
/// without a number after its first cell is a heading and left out.
fn cells(path: &Path, wanted: &'static str) -> Result<Vec<(usize, Vec<String>)>, DataError> {
    let bytes = std::fs::read(path).map_err(|source| DataError::io("read", path, source))?;
    let text = String::from_utf8(bytes).map_err(|_| unfit(path, wanted, "it is no UTF-8 text".into()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line.trim()));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let split = |line: &str| line.split(',').map(|cell| cell.trim().trim_matches('"').to_owned()).collect();
    let mut rows: Vec<(usize, Vec<String>)> = lines.map(|(number, line)| (number, split(line))).collect();
    let is_heading =
        |row: &[String]| row.iter().skip(1).all(|cell| !cell.is_empty() && cell.parse::<f64>().is_err());
    if rows.first().is_some_and(|(_, row)| row.len() > 1 && is_heading(row)) {
        rows.remove(0);
    }
    Ok(rows)
}

/// The landmarks of a person's frames by the frames' names.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) path: PathBuf,
    rows: BTreeMap<String, Points>,
    /// The names in the order of the file.
    names: Vec<String>,
    /// Points of each frame.
    points: usize,
}

/// What such a file is used as.
const AS_LANDMARKS: &str = "landmarks (lines of frame,x,y,x,y... in pixels)";

impl Table {
    /// The landmarks in `path`: a line for each frame with its name, then x and y of every point in pixels; both are empty
    /// where a point is not seen.
    ///
    /// # Errors
    /// If a line has another form or another number of points, or a frame has two.
    pub(crate) fn read(path: &Path) -> Result<Self, DataError> {
        let (mut rows, mut names, mut points) = (BTreeMap::new(), Vec::new(), None);
        for (line, row) in cells(path, AS_LANDMARKS)? {
            let wrong = |problem: String| unfit(path, AS_LANDMARKS, format!("line {line} {problem}"));
            let Some((name, values)) = row.split_first() else { continue };
            let pairs = values.chunks_exact(2);
            if values.is_empty() || !pairs.remainder().is_empty() {
                return Err(wrong(format!(
                    "has {} numbers after the name, and x and y of each point are needed",
                    values.len()
                )));
            }
            let found = pairs.map(|pair| {
                point(pair).ok_or_else(|| wrong(format!("has `{}` in place of a point", pair.join(","))))
            });
            let found: Points = found.collect::<Result<_, _>>()?;
            let expected = *points.get_or_insert(found.len());
            if found.len() != expected {
                return Err(wrong(format!("has {} points, the lines before it {expected}", found.len())));
            }
            names.push(name.clone());
            if rows.insert(name.clone(), found).is_some() {
                return Err(wrong(format!("is another one for `{name}`")));
            }
        }
        match points {
            None => Err(unfit(path, AS_LANDMARKS, "it has no line with points".into())),
            Some(points) => Ok(Self { path: path.to_owned(), rows, names, points }),
        }
    }

    /// Points of each frame.
    pub(crate) fn points(&self) -> usize {
        self.points
    }

    /// The names of frames in the order of the file.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// The landmarks of the frame called `name`, with its ending or without.
    pub(crate) fn of(&self, name: &str) -> Option<&Points> {
        let stem = || self.rows.get(Path::new(name).with_extension("").to_str()?);
        self.rows.get(name).or_else(stem)
    }
}

/// A point that is seen or not; none where it is neither.
fn point(pair: &[String]) -> Option<Option<[f64; 2]>> {
    let [x, y] = pair else { return None };
    if x.is_empty() && y.is_empty() {
        return Some(None);
    }
    let number = |text: &String| text.parse::<f64>().ok().filter(|value| value.is_finite());
    Some(Some([number(x)?, number(y)?]))
}

/// A line between two landmarks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) ends: [usize; 2],
    pub(crate) colour: [u8; 3],
}

/// What such a file is used as.
const AS_EDGES: &str = "lines between landmarks (lines of from,to or from,to,#rrggbb, points counted from 0)";

/// The lines in `path` between `points` landmarks. Those without a colour have one for each connected figure.
///
/// # Errors
/// If a line has another form, or there is no such point.
pub(crate) fn read_edges(path: &Path, points: usize) -> Result<Vec<Edge>, DataError> {
    let (mut ends, mut given) = (Vec::new(), Vec::new());
    for (line, row) in cells(path, AS_EDGES)? {
        let wrong = |problem: String| unfit(path, AS_EDGES, format!("line {line} {problem}"));
        let [from, to, colour @ ..] = row.as_slice() else {
            return Err(wrong("has no two points".into()));
        };
        let place = |text: &String| {
            let found = text
                .parse::<usize>()
                .map_err(|_| wrong(format!("has `{text}` in place of a point's number")))?;
            if found < points {
                Ok(found)
            } else {
                Err(wrong(format!("names point {found}; there are {points}, counted from 0")))
            }
        };
        ends.push([place(from)?, place(to)?]);
        given.push(match colour {
            [] => None,
            [text] => Some(hex(text).ok_or_else(|| wrong(format!("has `{text}` in place of a colour")))?),
            [_, ..] => return Err(wrong("has more than two points and a colour".into())),
        });
    }
    let colours = by_figure(&ends, points);
    let with_colour = ends.into_iter().zip(given).zip(colours);
    Ok(with_colour.map(|((ends, given), own)| Edge { ends, colour: given.unwrap_or(own) }).collect())
}

fn hex(text: &str) -> Option<[u8; 3]> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
    let level = |place: usize| u8::from_str_radix(digits.get(place..place + 2)?, 16).ok();
    Some([level(0)?, level(2)?, level(4)?])
}

/// A colour for each line: the same for lines that hang together.
fn by_figure(ends: &[[usize; 2]], points: usize) -> Vec<[u8; 3]> {
    let mut figure: Vec<usize> = (0..points).collect();
    for &[from, to] in ends {
        let (Some(&one), Some(&other)) = (figure.get(from), figure.get(to)) else { continue };
        figure.iter_mut().filter(|own| **own == other).for_each(|own| *own = one);
    }
    let mut seen: Vec<usize> = Vec::new();
    let colour = |[from, _]: &[usize; 2]| {
        let own = figure.get(*from).copied().unwrap_or_default();
        let place = seen.iter().position(|of| *of == own).unwrap_or_else(|| {
            seen.push(own);
            seen.len() - 1
        });
        COLOURS.get(place % COLOURS.len()).copied().unwrap_or([255; 3])
    };
    ends.iter().map(colour).collect()
}

/// The figures of the 68 landmarks of the iBUG 300-W annotation, from and to a point, and whether they are closed.
const FIGURES_OF_68: [(usize, usize, bool); 9] = [
    (0, 16, false),
    (17, 21, false),
    (22, 26, false),
    (27, 30, false),
    (31, 35, false),
    (36, 41, true),
    (42, 47, true),
    (48, 59, true),
    (60, 67, true),
];

/// The lines of `points` landmarks for which no file gives any: those of a face for 68, none for other numbers.
pub(crate) fn usual_edges(points: usize) -> Vec<Edge> {
    if points != 68 {
        return Vec::new();
    }
    let mut ends = Vec::new();
    for (first, last, closed) in FIGURES_OF_68 {
        ends.extend((first..last).map(|from| [from, from + 1]));
        ends.extend(closed.then_some([last, first]));
    }
    let colours = by_figure(&ends, points);
    ends.into_iter().zip(colours).map(|(ends, colour)| Edge { ends, colour }).collect()
}

/// The lines for landmarks in `folder`: those of the file there, of the one in the folder around it, or the usual ones.
///
/// # Errors
/// As [`read_edges`].
pub(crate) fn edges_for(folder: &Path, points: usize) -> Result<Vec<Edge>, DataError> {
    let around = folder.parent().map(|around| around.join(EDGES));
    let found = [Some(folder.join(EDGES)), around].into_iter().flatten().find(|path| path.is_file());
    found.map_or_else(|| Ok(usual_edges(points)), |path| read_edges(&path, points))
}
