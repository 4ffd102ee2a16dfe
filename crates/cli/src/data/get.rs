//! `brigand data get NAME`: fetching a set.

use brigand::data::{Cache, Download, Spec};

use crate::console;
use crate::failure::Failure;
use crate::progress::Bytes;

const EXAMPLES: &str = "\
Examples:
  brigand data get mnist
  brigand data get mnist --mirror https://example.org/files
  brigand data get cifar10 --mirror /media/stick

Files go to the user's cache folder, or the one in BRIGAND_CACHE. What is broken off is continued
next time; what does not have the published checksum is thrown away.";

/// Fetch a set into the cache.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// mnist, fashion-mnist or cifar10
    name: String,
    /// Fetch from this address or folder instead of the set's own mirrors
    #[arg(long, value_name = "URL")]
    mirror: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Spec::Catalogue(entry) = arguments.name.parse::<Spec>()? else {
        return console::print(&format!("{} needs no download", arguments.name));
    };
    let mut bar = Bytes::new();
    let files = Download::new(Cache::standard()?, arguments.mirror.clone())
        .get(entry, &mut |progress| bar.advance(&progress));
    bar.end();
    for file in files? {
        console::print(&format!(
            "{}  {}",
            if file.fetched { "fetched" } else { "here   " },
            file.path.display()
        ))?;
    }
    Ok(())
}
