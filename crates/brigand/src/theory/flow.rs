//! The cheapest flow from sources to targets, for exact transport with weights.
//!
//! Successive shortest paths with potentials (Edmonds and Karp 1972): as long as a source has something left, it
//! goes along the cheapest path to a target that still needs some, on which earlier decisions can be taken back.

/// What is left of a source or wanted by a target and smaller than this is a rounding error.
const DUST: f64 = 1e-13;

/// How much goes from each source to each target, `[sources, targets]`, at least total cost. `costs` has a row for
/// each source; `supply` and `demand` have equal sums.
pub(super) fn cheapest_flow(costs: &[Vec<f64>], supply: &[f64], demand: &[f64]) -> Vec<Vec<f64>> {
    let first: Vec<f64> = (0..demand.len())
        .map(|target| costs.iter().map(|row| row[target]).fold(f64::INFINITY, f64::min))
        .collect();
    let mut flow = Flow {
        costs,
        supply: supply.to_vec(),
        demand: demand.to_vec(),
        mass: vec![vec![0.0; demand.len()]; supply.len()],
        source_potentials: vec![0.0; supply.len()],
        target_potentials: first,
    };
    while let Some(path) = flow.cheapest_path() {
        flow.send_along(&path);
    }
    flow.mass
}

/// A flow so far. `cost - source potential - target potential` is never negative, and 0 where mass flows.
struct Flow<'a> {
    costs: &'a [Vec<f64>],
    supply: Vec<f64>,
    demand: Vec<f64>,
    mass: Vec<Vec<f64>>,
    source_potentials: Vec<f64>,
    target_potentials: Vec<f64>,
}

/// Pairs `(source, target)`: mass is added on each, and taken back from each target to the next pair's source.
type Path = Vec<(usize, usize)>;

/// The state of a node in the search.
#[derive(Clone, Copy)]
struct Reached {
    distance: f64,
    from: Option<usize>,
    settled: bool,
}

impl Flow<'_> {
    /// Dijkstra's search from all sources with something left to the nearest target in need.
    fn cheapest_path(&mut self) -> Option<Path> {
        let unknown = Reached { distance: f64::INFINITY, from: None, settled: false };
        let mut sources: Vec<Reached> = self
            .supply
            .iter()
            .map(|&left| Reached { distance: if left > DUST { 0.0 } else { f64::INFINITY }, ..unknown })
            .collect();
        let mut targets = vec![unknown; self.demand.len()];
        loop {
            match (nearest(&sources), nearest(&targets)) {
                (Some((source, distance)), other) if other.is_none_or(|(_, found)| distance <= found) => {
                    sources[source].settled = true;
                    self.reach_targets(source, distance, &mut targets);
                }
                (_, Some((target, distance))) => {
                    if self.demand[target] > DUST {
                        self.shift_potentials(distance, &sources, &targets);
                        return Some(walk_back(target, &sources, &targets));
                    }
                    targets[target].settled = true;
                    for (source, reached) in sources.iter_mut().enumerate() {
                        if self.mass[source][target] > 0.0 && distance < reached.distance {
                            *reached = Reached { distance, from: Some(target), settled: false };
                        }
                    }
                }
                _ => return None,
            }
        }
    }

    fn reach_targets(&self, source: usize, distance: f64, targets: &mut [Reached]) {
        for (target, reached) in targets.iter_mut().enumerate() {
            let reduced =
                self.costs[source][target] - self.source_potentials[source] - self.target_potentials[target];
            let through = distance + reduced.max(0.0);
            if through < reached.distance {
                *reached = Reached { distance: through, from: Some(source), settled: false };
            }
        }
    }

    /// Makes the found path free of reduced cost.
    fn shift_potentials(&mut self, distance: f64, sources: &[Reached], targets: &[Reached]) {
        for (potential, reached) in self.source_potentials.iter_mut().zip(sources) {
            *potential += (distance - reached.distance).max(0.0);
        }
        for (potential, reached) in self.target_potentials.iter_mut().zip(targets) {
            *potential -= (distance - reached.distance).max(0.0);
        }
    }

    fn send_along(&mut self, path: &Path) {
        let (Some(&(start, _)), Some(&(_, end))) = (path.first(), path.last()) else { return };
        let back: Vec<(usize, usize)> = path.windows(2).map(|pair| (pair[1].0, pair[0].1)).collect();
        let amount = back
            .iter()
            .map(|&(source, target)| self.mass[source][target])
            .fold(self.supply[start].min(self.demand[end]), f64::min);
        self.supply[start] -= amount;
        self.demand[end] -= amount;
        for &(source, target) in path {
            self.mass[source][target] += amount;
        }
        for (source, target) in back {
            self.mass[source][target] -= amount;
        }
    }
}

/// The nearest node that is not settled, and its distance.
fn nearest(nodes: &[Reached]) -> Option<(usize, f64)> {
    let open = nodes.iter().enumerate().filter(|(_, node)| !node.settled && node.distance.is_finite());
    open.map(|(index, node)| (index, node.distance)).min_by(|a, b| a.1.total_cmp(&b.1))
}

fn walk_back(end: usize, sources: &[Reached], targets: &[Reached]) -> Path {
    let mut path = Vec::new();
    let mut target = Some(end);
    while let Some(to) = target {
        let Some(source) = targets[to].from else { break };
        path.push((source, to));
        target = sources[source].from;
    }
    path.reverse();
    path
}
