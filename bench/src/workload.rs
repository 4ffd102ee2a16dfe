//! What is trained: the same networks and updates as the peer's script.

use brigand::Place;
use brigand::session::Session;
use brigand::systems::two_player::Order;

use crate::Failure;
use crate::recipe_file::{BIGGAN, CYCLEGAN, LSTM_TEXT, PGGAN, PIX2PIX, RecipeFile, SAGAN};
use crate::two_player::{Family, TwoPlayer};

/// Networks and how they are trained.
#[derive(Debug)]
pub(crate) struct Workload {
    /// What it is called here.
    pub(crate) name: &'static str,
    /// What the peer's script calls the workload to compare it with.
    pub(crate) peer: &'static str,
    /// Parameters that our discriminator has and the peer's has not: where there is no batch norm, our
    /// DCGAN convolutions have a bias instead.
    pub(crate) extra_parameters: usize,
    /// What makes it.
    pub(crate) trained: Trained,
}

/// Where a workload's networks and updates come from.
#[derive(Debug)]
pub(crate) enum Trained {
    /// Two networks that are put together here.
    TwoPlayer(TwoPlayer),
    /// A recipe of the program.
    Recipe(RecipeFile),
}

const fn two_player(name: &'static str, of: TwoPlayer) -> Workload {
    Workload { name, peer: name, extra_parameters: 0, trained: Trained::TwoPlayer(of) }
}

const fn recipe(name: &'static str, of: RecipeFile) -> Workload {
    Workload { name, peer: name, extra_parameters: 0, trained: Trained::Recipe(of) }
}

static WORKLOADS: [Workload; 14] = [
    two_player("gan-mlp", TwoPlayer::new(Family::Mlp, 28)),
    two_player("gan-mlp-gp", TwoPlayer::new(Family::Mlp, 28).penalised()),
    two_player("dcgan-28", TwoPlayer::new(Family::Dcgan, 28)),
    two_player("dcgan-64", TwoPlayer::new(Family::Dcgan, 64)),
    Workload {
        extra_parameters: 128 + 256 + 512,
        ..two_player("dcgan-64-gp", TwoPlayer::new(Family::Dcgan, 64).penalised())
    },
    two_player("sngan-resnet-32", TwoPlayer::new(Family::Resnet, 32)),
    Workload {
        peer: "dcgan-28",
        ..two_player("dcgan-28-merged", TwoPlayer::new(Family::Dcgan, 28).merged())
    },
    Workload {
        peer: "dcgan-64",
        ..two_player("dcgan-64-merged", TwoPlayer::new(Family::Dcgan, 64).merged())
    },
    recipe("sagan-32", SAGAN),
    recipe("biggan-32", BIGGAN),
    recipe("pggan-32", PGGAN),
    recipe("cyclegan-64", CYCLEGAN),
    recipe("pix2pix-64", PIX2PIX),
    recipe("lstm-text", LSTM_TEXT),
];

impl Workload {
    /// The workload called `name`.
    pub(crate) fn find(name: &str) -> Result<&'static Self, Failure> {
        WORKLOADS.iter().find(|workload| workload.name == name).ok_or_else(|| {
            let names: Vec<&str> = WORKLOADS.iter().map(|workload| workload.name).collect();
            format!("there is no workload `{name}`; there are {}", names.join(", ")).into()
        })
    }

    /// Those called `names`, or all if there are no names.
    pub(crate) fn select(names: &[String]) -> Result<Vec<&'static Self>, Failure> {
        match names {
            [] => Ok(WORKLOADS.iter().collect()),
            names => names.iter().map(|name| Self::find(name)).collect(),
        }
    }

    /// The networks, untrained, with their data.
    pub(crate) fn session(&self, seed: u64, place: &Place) -> Result<Session, Failure> {
        match &self.trained {
            Trained::TwoPlayer(of) => of.session(seed, place),
            Trained::Recipe(of) => of.session(seed, place),
        }
    }

    /// Whether both players step at once, which the peer does not.
    pub(crate) fn is_merged(&self) -> bool {
        match &self.trained {
            Trained::TwoPlayer(of) => of.order == Order::Merged,
            Trained::Recipe(_) => false,
        }
    }
}
