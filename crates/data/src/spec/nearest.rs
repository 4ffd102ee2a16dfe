//! Suggestions for a SPEC that is not known.

use super::Spec;
use crate::files::path_of;

/// Jaro-Winkler similarity (0 to 1) above which a name is worth suggesting.
const NEAR: f64 = 0.72;

/// What to suggest for a name that is not known.
pub(super) fn nearest(text: &str) -> String {
    if path_of(text).is_dir() {
        return format!("for a folder of images write folder:{text}");
    }
    if path_of(text).is_file() {
        let ending = path_of(text).extension().map(|ending| ending.to_string_lossy().to_lowercase());
        return match ending.as_deref() {
            Some("tsv") => {
                format!("for images with captions write captions:{text}, with sounds sounds:{text}")
            }
            Some("csv") => format!("for images with labels write tags:{text}, as captions captions:{text}"),
            Some("txt") => format!("for lines of text write lines:{text}"),
            _ => format!("for one picture write image:{text}"),
        };
    }
    let lower = text.to_lowercase();
    let mut ranked: Vec<(f64, &str)> =
        Spec::names().into_iter().map(|name| (strsim::jaro_winkler(&lower, name), name)).collect();
    ranked.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let near: Vec<&str> =
        ranked.iter().take(3).filter(|(score, _)| *score > NEAR).map(|(_, name)| *name).collect();
    match near.as_slice() {
        [] => format!("there are {}", Spec::names().join(", ")),
        near => format!("the nearest names are {}", near.join(", ")),
    }
}
