//! `rasterize SIDE FROM TO`: draws every SVG file of the folder `FROM` that the standard input names, a line each, on white, as a
//! PNG file of `SIDE` x `SIDE` pixels in the folder `TO`.

use std::error::Error;
use std::path::PathBuf;

use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{Options, Tree};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [side, from, to] = arguments.as_slice() else {
        return Err("give SIDE FROM TO, and names of SVG files on the standard input".into());
    };
    let (side, from, to): (u32, PathBuf, PathBuf) = (side.parse()?, from.into(), to.into());
    std::fs::create_dir_all(&to)?;
    for name in std::io::stdin().lines() {
        let name = name?;
        let path = from.join(&name);
        let failed = |reason: String| format!("{}: {reason}", path.display());
        let svg = std::fs::read(&path).map_err(|error| failed(error.to_string()))?;
        let tree = Tree::from_data(&svg, &Options::default()).map_err(|error| failed(error.to_string()))?;
        let mut image = Pixmap::new(side, side).ok_or("SIDE must be at least 1")?;
        image.fill(Color::WHITE);
        let size = tree.size();
        let (across, down) = (side as f32 / size.width(), side as f32 / size.height());
        resvg::render(&tree, Transform::from_scale(across, down), &mut image.as_mut());
        image.save_png(to.join(&name).with_extension("png"))?;
    }
    Ok(())
}
