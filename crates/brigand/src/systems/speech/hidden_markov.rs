//! Hidden Markov models as log-probabilities: the best path (Viterbi 1967) and the probabilities of all states (Baum and others
//! 1970), over any graph of states.

/// The graph of a model. All numbers are natural logarithms of probabilities; a state that no path can begin or end in has
/// [`f64::NEG_INFINITY`].
#[derive(Clone, Debug)]
pub(super) struct Graph {
    /// Of each state, that a sequence begins with it.
    pub(super) first: Vec<f64>,
    /// Of each state, that a sequence ends after it.
    pub(super) last: Vec<f64>,
    /// Of each state, the states before it, each with the log-probability of the step from there.
    pub(super) before: Vec<Vec<(usize, f64)>>,
}

/// The best sequence of states, one for each frame.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Path {
    /// The states.
    pub(super) states: Vec<usize>,
    /// The log-probability of the states and the frames together.
    pub(super) score: f64,
}

/// What is known of the states when the frames are.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Posteriors {
    /// The probability of each state at each frame, `[frames, states]`.
    pub(super) states: Vec<f64>,
    /// The log-probability of the frames.
    pub(super) log_likelihood: f64,
}

impl Graph {
    /// How many states there are.
    pub(super) fn size(&self) -> usize {
        self.first.len()
    }

    /// The best path through frames with `emissions` `[frames, states]`, the log-probability of each frame in each state; `None`
    /// where no path has a probability above 0.
    pub(super) fn viterbi(&self, emissions: &[f64]) -> Option<Path> {
        let size = self.size().max(1);
        let mut origins: Vec<u32> = Vec::with_capacity(emissions.len());
        let mut rows = emissions.chunks_exact(size);
        let first = rows.next()?;
        let mut scores: Vec<f64> = self.first.iter().zip(first).map(|(a, b)| a + b).collect();
        for row in rows {
            let step = |(before, emission): (&Vec<(usize, f64)>, &f64)| {
                let mut best = (f64::NEG_INFINITY, 0);
                for &(from, step) in before {
                    let score = scores.get(from).copied().unwrap_or(f64::NEG_INFINITY) + step;
                    if score > best.0 {
                        best = (score, from as u32);
                    }
                }
                (best.0 + emission, best.1)
            };
            let (next, from): (Vec<f64>, Vec<u32>) = self.before.iter().zip(row).map(step).unzip();
            origins.extend(from);
            scores = next;
        }
        let ended = scores.iter().zip(&self.last).map(|(a, b)| a + b).enumerate();
        let (mut state, score) = ended.max_by(|(_, a), (_, b)| a.total_cmp(b))?;
        if score == f64::NEG_INFINITY {
            return None;
        }
        let mut states = vec![state];
        for row in origins.chunks_exact(size).rev() {
            state = row.get(state).copied()? as usize;
            states.push(state);
        }
        states.reverse();
        Some(Path { states, score })
    }

    /// The probabilities of all states at every frame, as [`Graph::viterbi`] takes frames; `None` where no path has a
    /// probability above 0.
    pub(super) fn forward_backward(&self, emissions: &[f64]) -> Option<Posteriors> {
        let size = self.size().max(1);
        let frames = emissions.len() / size;
        let rows: Vec<&[f64]> = emissions.chunks_exact(size).collect();
        let mut forward: Vec<Vec<f64>> = Vec::with_capacity(frames);
        forward.push(self.first.iter().zip(rows.first()?.iter()).map(|(a, b)| a + b).collect());
        for row in rows.iter().skip(1) {
            let previous = forward.last()?;
            let step = |(before, emission): (&Vec<(usize, f64)>, &f64)| {
                log_sum(
                    before
                        .iter()
                        .map(|&(from, step)| previous.get(from).map_or(f64::NEG_INFINITY, |p| p + step)),
                ) + emission
            };
            let next = self.before.iter().zip(row.iter()).map(step).collect();
            forward.push(next);
        }
        let log_likelihood = log_sum(forward.last()?.iter().zip(&self.last).map(|(a, b)| a + b));
        if log_likelihood == f64::NEG_INFINITY {
            return None;
        }
        let mut states = vec![0.0; frames * size];
        let mut backward = self.last.clone();
        for frame in (0..frames).rev() {
            let own = states.chunks_exact_mut(size).nth(frame)?;
            for ((posterior, forward), backward) in own.iter_mut().zip(forward.get(frame)?).zip(&backward) {
                *posterior = (forward + backward - log_likelihood).exp();
            }
            let mut previous = vec![f64::NEG_INFINITY; size];
            for ((before, emission), later) in self.before.iter().zip(rows.get(frame)?.iter()).zip(&backward)
            {
                for &(from, step) in before {
                    if let Some(sum) = previous.get_mut(from) {
                        *sum = log_sum([*sum, step + emission + later].into_iter());
                    }
                }
            }
            backward = previous;
        }
        Some(Posteriors { states, log_likelihood })
    }
}

/// `ln sum exp(x)`, without overflow.
fn log_sum(terms: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = terms.clone().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + terms.map(|term| (term - largest).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use brigand_core::random::Stream;

    use super::*;

    /// A graph of three states in which some steps cannot be taken.
    fn graph(stream: &mut Stream) -> Graph {
        let mut number = || f64::from(stream.number(0.05, 1.0)).ln();
        let before = vec![
            vec![(0, number()), (2, number())],
            vec![(0, number()), (1, number())],
            vec![(1, number()), (2, number()), (0, number())],
        ];
        Graph {
            first: vec![number(), f64::NEG_INFINITY, number()],
            last: vec![number(), number(), number()],
            before,
        }
    }

    /// Every path of `frames` states with its score.
    fn all_paths(graph: &Graph, emissions: &[f64], frames: usize) -> Vec<(Vec<usize>, f64)> {
        let mut paths: Vec<(Vec<usize>, f64)> =
            (0..3).map(|state| (vec![state], graph.first[state] + emissions[state])).collect();
        for frame in 1..frames {
            let extended = paths.iter().flat_map(|(path, score)| {
                (0..3).map(move |state| {
                    let from = path[path.len() - 1];
                    let step = graph.before[state].iter().find(|(before, _)| *before == from);
                    let step = step.map_or(f64::NEG_INFINITY, |(_, step)| *step);
                    ([path.as_slice(), &[state]].concat(), score + step + emissions[frame * 3 + state])
                })
            });
            paths = extended.collect();
        }
        paths
            .into_iter()
            .map(|(path, score)| {
                let end = graph.last[path[path.len() - 1]];
                (path, score + end)
            })
            .collect()
    }

    #[test]
    fn the_best_path_and_the_posteriors_are_those_of_all_paths() {
        for (seed, frames) in [(1, 1), (2, 2), (3, 5), (4, 6)] {
            let stream = &mut Stream::new(seed, "test", 0);
            let graph = graph(stream);
            let emissions: Vec<f64> = stream.normal(frames * 3).into_iter().map(f64::from).collect();
            let paths = all_paths(&graph, &emissions, frames);
            let best = paths.iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
            let found = graph.viterbi(&emissions).unwrap();
            assert_eq!(found.states, best.0);
            assert!((found.score - best.1).abs() < 1e-9);
            let total: f64 = paths.iter().map(|(_, score)| score.exp()).sum();
            let posteriors = graph.forward_backward(&emissions).unwrap();
            assert!((posteriors.log_likelihood - total.ln()).abs() < 1e-9);
            for frame in 0..frames {
                for state in 0..3 {
                    let with = paths.iter().filter(|(path, _)| path[frame] == state);
                    let expected = with.map(|(_, score)| score.exp()).sum::<f64>() / total;
                    assert!(
                        (posteriors.states[frame * 3 + state] - expected).abs() < 1e-9,
                        "{frame} {state}"
                    );
                }
            }
        }
    }

    #[test]
    fn without_a_path_there_is_no_result() {
        // Two states in a row need two frames.
        let none = f64::NEG_INFINITY;
        let row = Graph {
            first: vec![0.0, none],
            last: vec![none, 0.0],
            before: vec![vec![(0, 0.0)], vec![(0, 0.0)]],
        };
        assert!(row.viterbi(&[0.0, 0.0]).is_none() && row.forward_backward(&[0.0, 0.0]).is_none());
        assert_eq!(row.viterbi(&[0.0; 4]).unwrap().states, [0, 1]);
        assert!(row.viterbi(&[]).is_none());
    }
}
