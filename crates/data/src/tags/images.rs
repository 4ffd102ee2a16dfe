//! Images of a table that gives each of them labels.

use std::path::Path;

use super::{TagTable, Tags};
use crate::dataset::Dataset;
use crate::folder::{Readable, read_images, square_images};
use crate::notes::Notes;
use crate::options::Options;

/// The images of the table `path` and their labels. Images are fitted to the size as those of any folder. Images that cannot be
/// read, and labels that only one image has, are left out and noted.
///
/// # Errors
/// If the table cannot be read, names an image that does not exist, or no image or label remains.
pub(crate) fn load_tagged(path: &Path, options: &Options) -> Result<(Dataset, Tags), brigand_core::Error> {
    let table = TagTable::read(path)?;
    let Readable { images, are_read, unreadable } = read_images((path, &table.images), Vec::new(), options)?;
    let (tags, rare_labels) = table.tags(path, &are_read)?;
    let notes = Notes { unreadable, rare_labels, ..Notes::default() };
    let name = format!("tags:{}", path.display());
    Ok((square_images(&name, &images, None, options)?.with_notes(notes), tags))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run_data::MorePart;

    #[test]
    fn images_keep_their_labels_where_others_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        for (name, level) in [("a.png", 10), ("c.png", 30)] {
            image::RgbImage::from_pixel(4, 4, image::Rgb([level, 0, 0])).save(place(name)).unwrap();
        }
        std::fs::write(place("b.png"), b"no image").unwrap();
        std::fs::write(place("t.csv"), "a.png,red|one\nb.png,one\nc.png,red\n").unwrap();
        let options = Options { size: Some(4), ..Options::default() };
        let (images, tags) = load_tagged(&place("t.csv"), &options).unwrap();
        assert_eq!((images.len(), tags.fingerprint().classes), (2, vec!["red".to_owned()]));
        let notes = images.notes();
        assert_eq!((notes.unreadable.len(), notes.rare_labels.as_slice()), (1, &["one".to_owned()][..]));
        let sentences = notes.sentences().join("\n");
        assert!(sentences.contains("1 label of a single image left out: one"), "{sentences}");
    }
}
