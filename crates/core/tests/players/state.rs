//! What checkpoints hold and refuse.

use brigand_core::modules::{Linear, Network, Part};
use brigand_core::state::State;
use brigand_core::{Error, Place};
use candle_core::{DType, Device, Tensor};

use crate::support::{PLAN, setup, values};

fn zeros(size: usize) -> Tensor {
    Tensor::zeros(size, DType::F32, &Device::Cpu).unwrap()
}

#[test]
fn what_a_restore_leaves_is_refused() {
    let mut state = State::default();
    state.put("a".into(), &zeros(2)).unwrap();
    state.count("b".into(), 7);
    assert!(state.refuse_remains().is_err());
    assert_eq!(state.take("a", &zeros(2)).unwrap().dims(), [2]);
    let left = state.refuse_remains().unwrap_err().to_string();
    assert!(left.contains("`b`"), "{left}");
    assert_eq!(state.counter("b").unwrap(), 7);
    state.refuse_remains().unwrap();
    assert_eq!(state.optional_counter("c"), None);
}

#[test]
fn missing_names_and_wrong_shapes_are_refused() {
    let mut state = State::default();
    state.put("a".into(), &zeros(2)).unwrap();
    let wrong = state.take("a", &zeros(3)).unwrap_err().to_string();
    assert!(wrong.contains("`a`") && wrong.contains("[2]") && wrong.contains("[3]"), "{wrong}");
    for missing in [state.take("z", &zeros(3)).map(|_| ()), state.counter("z").map(|_| ())] {
        let missing = missing.unwrap_err().to_string();
        assert!(missing.contains("lacks `z`"), "{missing}");
    }
    let double = Tensor::zeros(2, DType::F64, &Device::Cpu).unwrap();
    assert_eq!(state.take("a", &double).unwrap().dtype(), DType::F64);
}

#[test]
fn broken_numbers_are_not_saved() {
    let mut state = State::default();
    state.put("fine".into(), &zeros(2)).unwrap();
    state.refuse_not_finite(3).unwrap();
    state.put("weights".into(), &Tensor::new(&[1.0_f32, f32::INFINITY], &Device::Cpu).unwrap()).unwrap();
    match state.refuse_not_finite(3) {
        Err(Error::NotFinite { what, step: 3, .. }) => assert!(what.contains("weights")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn parts_that_recipes_lack_or_have_several_of() {
    let network = |seed| {
        let setup = brigand_core::Setup { seed, ..setup(Place::cpu()) };
        Network::build("net", &setup, |b| Linear::new(b, 2, 2, &PLAN)).unwrap()
    };
    let several = vec![network(1), network(2)];
    let mut state = State::default();
    several.save("members", &mut state).unwrap();
    Some(network(3)).save("extra", &mut state).unwrap();
    None::<Network<Linear>>.save("none", &mut state).unwrap();
    let mut restored = vec![network(4), network(5)];
    restored.restore("members", &mut state).unwrap();
    assert!(state.refuse_remains().unwrap_err().to_string().contains("extra"));
    Some(network(6)).restore("extra", &mut state).unwrap();
    state.refuse_remains().unwrap();
    let mut again = State::default();
    restored.save("members", &mut again).unwrap();
    assert!(values(&again).iter().all(|(name, found)| values(&state)[name] == *found));
    let refused = vec![network(1)].restore("members", &mut state).unwrap_err().to_string();
    assert!(refused.contains("2 of `members`") && refused.contains('1'), "{refused}");
    assert!(Some(network(6)).restore("absent", &mut state).is_err());
    assert_eq!(restored.parameters().len(), 2);
}
