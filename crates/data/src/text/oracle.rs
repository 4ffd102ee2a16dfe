//! The oracle of SeqGAN (Yu et al. 2016, arXiv:1609.05473, section 4): an LSTM with random weights whose sequences are the
//! data, so that the likelihood of generated sequences under the distribution of the data is known.

use brigand_core::batch::{Indices, Schema};
use brigand_core::modules::{Initialization, Network, Plan, Weights};
use brigand_core::networks::{RecurrentNetwork, RecurrentSizes, counted_tokens};
use brigand_core::random::Stream;
use brigand_core::{Place, Result, Setup};

/// Sequences of the data; a sixth of them is held out, so that 10,000 are trained on, as in the paper.
pub const LINES: usize = 12_000;
/// Tokens of the paper's vocabulary, of which one is the end of a sequence.
pub const VOCABULARY: usize = 5000;
/// Fewest tokens of a vocabulary.
pub const FEWEST: usize = 12;
/// Tokens of a sequence.
pub const LENGTH: usize = 20;
/// Numbers of its embedding and of its state.
const HIDDEN: usize = 32;
/// Of its weights, which are the same in every run.
const SEED: u64 = 1609;
/// Sequences that are computed at once.
const PORTION: usize = 64;

/// The oracle of a vocabulary. All its weights are drawn from the standard normal. Unlike the paper's it may end a sequence
/// early: token 0, with which the paper's only starts, is the end.
pub struct Oracle {
    network: Network<RecurrentNetwork>,
    weights: Weights,
    place: Place,
}

impl Oracle {
    /// The oracle of a vocabulary of so many tokens, the end of a sequence among them.
    ///
    /// # Errors
    /// If a computation fails.
    pub fn new(vocabulary: usize) -> Result<Self> {
        let place = Place::cpu();
        let setup = Setup { schema: Schema::default(), batch: 1, steps: 1, seed: SEED, place: place.clone() };
        let sizes = RecurrentSizes { vocabulary, latent: 0, embedding: HIDDEN, hidden: HIDDEN };
        let plan = Plan::new(Initialization::ZERO);
        let network = Network::build("oracle", &setup, |b| RecurrentNetwork::new(b, sizes, &plan))?;
        let weights = network.parameters().weights();
        let named = weights.names().iter().zip(weights.values());
        let drawn = named.map(|(name, value)| {
            place.normal(value.shape(), &mut Stream::new(SEED, &format!("oracle/{name}"), 0))
        });
        let weights = weights.with_values(drawn.collect::<Result<_>>()?)?;
        Ok(Self { network, weights, place })
    }

    /// The words of such a vocabulary: `1`, `2`... after the end, in the order of the numbers.
    pub fn words(vocabulary: usize) -> Vec<String> {
        std::iter::once(String::new()).chain((1..vocabulary).map(|number| number.to_string())).collect()
    }

    /// The oracle whose words `vocabulary` has. A file of such lines has its words in another order, that of text.
    ///
    /// # Errors
    /// As [`Oracle::new`].
    pub fn of(vocabulary: &[String]) -> Result<Option<Self>> {
        let own = vocabulary.len() >= FEWEST && vocabulary == Self::words(vocabulary.len());
        own.then(|| Self::new(vocabulary.len())).transpose()
    }

    /// `count` sequences of at most `length` tokens, filled up with ends.
    ///
    /// # Errors
    /// If a computation fails.
    pub fn draw(&self, count: usize, length: usize, stream: &mut Stream) -> Result<Vec<Vec<u32>>> {
        let mut lines = Vec::with_capacity(count);
        while lines.len() < count {
            let sizes = [PORTION.min(count - lines.len()), length];
            let idle = self.place.numbers(vec![0.0], &[1])?;
            lines.extend(self.network.sample(Some(&self.weights), &idle, |network, pass| {
                network.draw(pass, sizes, (stream, &self.place))
            })?);
        }
        Ok(lines)
    }

    /// The mean negative log-likelihood of a token of `lines`, in nats, their ends included: the paper's `NLL_oracle`. All
    /// lines have one length.
    ///
    /// # Errors
    /// If a line has a token that the vocabulary lacks.
    pub fn nll(&self, lines: &[Vec<u32>]) -> Result<f64> {
        let (mut sum, mut tokens) = (0.0, 0.0);
        for portion in lines.chunks(PORTION) {
            let shape = vec![portion.len(), portion.first().map_or(0, Vec::len)];
            let lines = Indices { values: portion.concat(), shape };
            let idle = self.place.numbers(vec![0.0], &[1])?;
            let found = self.network.sample(Some(&self.weights), &idle, |network, pass| {
                network.log_probabilities(pass, &lines, &self.place)
            })?;
            sum -= found.to_vec()?.iter().sum::<f64>();
            tokens += counted_tokens(&lines)?.iter().map(|counted| f64::from(*counted)).sum::<f64>();
        }
        Ok(sum / f64::max(tokens, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use brigand_core::batch::END;

    use super::*;

    /// Whether `tokens` has only numbers below `vocabulary`, and nothing but ends after its first end.
    fn is_whole(tokens: &[u32], vocabulary: usize) -> bool {
        let end = tokens.iter().position(|&token| token == END).unwrap_or(tokens.len());
        tokens.iter().all(|&token| (token as usize) < vocabulary)
            && tokens.iter().skip(end).all(|&token| token == END)
    }

    #[test]
    fn its_own_lines_are_more_likely_than_others() {
        let oracle = Oracle::new(100).unwrap();
        let lines = oracle.draw(300, LENGTH, &mut Stream::new(1, "test", 0)).unwrap();
        assert!(lines.iter().all(|line| line.len() == LENGTH && line[0] != END && is_whole(line, 100)));
        let mut stream = Stream::new(2, "test", 0);
        let random = |_| (0..LENGTH).map(|_| 1 + stream.index(99) as u32).collect();
        let random: Vec<Vec<u32>> = (0..300).map(random).collect();
        let (own, other) = (oracle.nll(&lines).unwrap(), oracle.nll(&random).unwrap());
        println!("own {own}, random {other}");
        assert!(own < 4.0 && other > own + 2.0, "{own} {other}");
        // Every run has the same oracle.
        assert_eq!(own, Oracle::new(100).unwrap().nll(&lines).unwrap());
        let tokens: usize = lines.iter().map(|line| 1 + line.iter().take_while(|&&t| t != END).count()).sum();
        println!("{} tokens in a line", tokens as f64 / 300.0);
    }

    #[test]
    fn it_is_known_by_its_words() {
        assert!(Oracle::of(&Oracle::words(20)).unwrap().is_some());
        let mut sorted = Oracle::words(20);
        sorted.sort_unstable();
        assert!(Oracle::of(&sorted).unwrap().is_none());
        assert!(Oracle::of(&Oracle::words(FEWEST - 1)).unwrap().is_none());
    }
}
