//! The pool of earlier fakes.

use std::collections::BTreeSet;

use brigand_autograd::Variable;
use brigand_core::modules::Part;
use brigand_core::players::ImagePool;
use brigand_core::random::Stream;
use brigand_core::state::State;
use candle_core::{DType, Device, Tensor};

/// A batch of two-pixel images whose values are their number.
fn batch(first: usize, count: usize) -> Variable {
    let values: Vec<f32> = (first..first + count).flat_map(|number| [number as f32; 2]).collect();
    Variable::from_slice(&values, &[count, 2]).unwrap()
}

fn numbers(batch: &Variable) -> Vec<usize> {
    batch.to_vec().unwrap().chunks(2).map(|image| image[0] as usize).collect()
}

fn pool(capacity: usize) -> ImagePool {
    ImagePool::new(capacity, &Tensor::zeros(2, DType::F32, &Device::Cpu).unwrap())
}

fn stream(step: u64) -> Stream {
    Stream::new(1, "pool", step)
}

#[test]
fn half_of_a_full_pools_batches_are_earlier_fakes() {
    let mut pool = pool(20);
    for step in 0..4 {
        let first = step as usize * 5;
        assert_eq!(
            numbers(&pool.exchange(&batch(first, 5), &mut stream(step)).unwrap()),
            (first..first + 5).collect::<Vec<_>>()
        );
    }
    let (mut earlier, mut given, steps) = (0, BTreeSet::new(), 100);
    for step in 4..4 + steps {
        let first = step as usize * 5;
        for number in numbers(&pool.exchange(&batch(first, 5), &mut stream(step)).unwrap()) {
            assert!(number < first + 5);
            earlier += usize::from(number < first);
            assert!(given.insert(number), "{number} was given twice");
        }
    }
    // Of 500 draws of probability a half; a few exchanges are within the batch.
    assert!((200..290).contains(&earlier), "{earlier}");
    let mut state = State::default();
    pool.save("pool", &mut state).unwrap();
    assert_eq!((state.counters["pool.held"], state.tensors.len()), (20, 20));
}

#[test]
fn a_pool_of_capacity_zero_gives_the_fakes_back() {
    let mut pool = pool(0);
    for step in 0..20 {
        assert_eq!(numbers(&pool.exchange(&batch(7, 3), &mut stream(step)).unwrap()), [7, 8, 9]);
    }
    let mut state = State::default();
    pool.save("pool", &mut state).unwrap();
    assert_eq!(state.counters["pool.held"], 0);
}

#[test]
fn a_pool_goes_on_where_it_stopped() {
    let mut whole = pool(4);
    for step in 0..6 {
        whole.exchange(&batch(step as usize * 3, 3), &mut stream(step)).unwrap();
    }
    let mut state = State::default();
    whole.save("pool", &mut state).unwrap();
    let mut resumed = pool(4);
    resumed.restore("pool", &mut state).unwrap();
    state.refuse_remains().unwrap();
    for step in 6..12 {
        let next = |pool: &mut ImagePool| {
            numbers(&pool.exchange(&batch(step as usize * 3, 3), &mut stream(step)).unwrap())
        };
        assert_eq!(next(&mut whole), next(&mut resumed));
    }
    let refused = pool(3).restore("pool", &mut state).unwrap_err().to_string();
    assert!(refused.contains("4 earlier fakes") && refused.contains('3'), "{refused}");
}

#[test]
fn held_images_have_no_history() {
    let made = Variable::leaf(batch(0, 2).into_tensor()).scale(2.0).unwrap();
    assert!(made.has_history());
    assert!(!pool(4).exchange(&made, &mut stream(0)).unwrap().has_history());
}
