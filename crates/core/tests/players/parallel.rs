//! Processes that share every batch.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use brigand_core::objectives::Objective;
use brigand_core::players::{AverageGradients, ClipNorm, Exchange, LossScale, Rules};
use brigand_core::{Error, Place, Result};

use crate::support::systems::{Options, points};
use crate::support::{Run, Values, apart, circle};

/// What the threads have given to the exchange that is under way.
#[derive(Default)]
struct Gathered {
    sum: Vec<f64>,
    arrived: usize,
    /// The last exchange's mean, and how many exchanges there were.
    mean: Vec<f32>,
    rounds: u64,
}

/// A mean over threads, which fails where one of them does not come.
#[derive(Clone)]
struct Threads {
    gathered: Arc<(Mutex<Gathered>, Condvar)>,
    ranks: usize,
}

impl Exchange for Threads {
    fn mean(&mut self, values: &mut [f32]) -> Result<()> {
        let (lock, changed) = &*self.gathered;
        let mut gathered = lock.lock().unwrap();
        gathered.sum.resize(values.len(), 0.0);
        gathered.sum.iter_mut().zip(&*values).for_each(|(sum, &value)| *sum += f64::from(value));
        gathered.arrived += 1;
        if gathered.arrived == self.ranks {
            let sum = std::mem::take(&mut gathered.sum);
            gathered.mean = sum.into_iter().map(|sum| (sum / self.ranks as f64) as f32).collect();
            (gathered.arrived, gathered.rounds) = (0, gathered.rounds + 1);
            changed.notify_all();
        } else {
            let round = gathered.rounds;
            let wait = Duration::from_secs(20);
            let waited = changed.wait_timeout_while(gathered, wait, |of| of.rounds == round).unwrap();
            if waited.1.timed_out() {
                return Err(Error::Internal("a process did not come to the exchange".into()));
            }
            gathered = waited.0;
        }
        values.copy_from_slice(&gathered.mean);
        Ok(())
    }
}

/// What each of `ranks` processes has after `steps`.
fn shared(ranks: usize, steps: u64, prepare: impl Fn(usize, &mut Run) + Sync) -> Vec<Values> {
    let exchange = Threads { gathered: Arc::default(), ranks };
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..ranks)
            .map(|rank| {
                let (exchange, prepare) = (exchange.clone(), &prepare);
                scope.spawn(move || {
                    let make = points(Options::new(Rules::plain(Objective::NON_SATURATING)));
                    let mut own = Run::sharded(circle(), &make, 32, Place::cpu(), (rank, ranks));
                    own.gateway.stages.push(Box::new(AverageGradients(exchange)));
                    prepare(rank, &mut own);
                    own.steps(steps);
                    own.values()
                })
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    })
}

fn alone(steps: u64, prepare: impl Fn(&mut Run)) -> Values {
    let make = points(Options::new(Rules::plain(Objective::NON_SATURATING)));
    let mut own = Run::new(circle(), &make, 32, Place::cpu());
    prepare(&mut own);
    own.steps(steps);
    own.values()
}

#[test]
fn two_processes_train_as_one() {
    let ranks = shared(2, 15, |_, _| ());
    assert_eq!(ranks[0], ranks[1]);
    let apart = apart(&ranks[0], &alone(15, |_| ()));
    assert!(apart < 1e-5, "{apart}");
}

#[test]
fn four_processes_clip_the_averaged_gradient() {
    let clip = |own: &mut Run| own.gateway.stages.push(Box::new(ClipNorm(1e-2)));
    let ranks = shared(4, 8, |_, own| clip(own));
    assert!(ranks.iter().all(|rank| *rank == ranks[0]));
    let apart = apart(&ranks[0], &alone(8, clip));
    assert!(apart < 1e-5, "{apart}");
}

/// One process whose gradients overflow makes all leave the step out, or the others would wait for it forever.
#[test]
fn all_processes_leave_out_a_step_that_overflows_in_one() {
    let scaled = |rank: usize, own: &mut Run| {
        let factor = if rank == 0 { 1e39 } else { 1024.0 };
        own.gateway.scale = Some(LossScale { factor, growth_after: 100, good: 0 });
    };
    let untrained = alone(0, |_| ());
    let ranks = shared(2, 1, scaled);
    for rank in &ranks {
        assert_eq!(*rank, untrained);
    }
}

#[test]
fn a_batch_that_cannot_be_shared_is_refused() {
    use brigand_core::batch::Feed;
    let feed = |shard| Feed::sharded(circle(), 9, 1, &Place::cpu(), shard);
    assert!(feed((0, 3)).is_ok());
    for shard in [(0, 2), (3, 3), (0, 0)] {
        let refused = feed(shard).err().unwrap().to_string();
        assert!(refused.contains("batch of 9"), "{refused}");
    }
}
