use brigand_core::batch::{CAPTION, IMAGES, MEANING};

use super::*;
use crate::{Spec, open, open_test_part};

#[test]
fn what_is_drawn_is_what_is_measured() {
    for side in [16, 32] {
        let options = Options { size: Some(side), ..Options::default() };
        let (images, chosen) = scenes((300, false), "a test", &options).unwrap();
        let values = images.get(&(0..300).collect::<Vec<_>>()).unwrap().values;
        let found = measure(&values, side);
        let share = |right: fn(&Attributes, &Attributes) -> bool| {
            found.iter().zip(&chosen).filter(|(a, b)| right(a, b)).count() as f64 / 300.0
        };
        assert_eq!(share(|a, b| a.colour == b.colour), 1.0, "{side}");
        assert_eq!(share(|a, b| a.place == b.place), 1.0, "{side}");
        assert!(share(|a, b| a.size == b.size) > 0.99, "{side}");
        assert!(share(|a, b| a.shape == b.shape) > 0.98, "{side}");
    }
}

#[test]
fn every_value_is_trained_on_and_combinations_are_kept() {
    let all: Vec<Attributes> = Attributes::all().collect();
    assert_eq!(all.len(), 180);
    assert!(all.iter().enumerate().all(|(number, one)| one.number() as usize == number));
    let kept: Vec<&Attributes> = all.iter().filter(|one| one.is_held_out()).collect();
    assert_eq!(kept.len(), 36);
    // Every colour is trained on with every shape, and with every place.
    for colour in 0..COLOURS.len() {
        let trained = |alike: &dyn Fn(&&Attributes) -> bool| {
            all.iter().filter(|one| !one.is_held_out() && one.colour == colour).any(|one| alike(&one))
        };
        assert!((0..3).all(|shape| trained(&|one| one.shape == shape)));
        assert!((0..5).all(|place| trained(&|one| one.place == place)));
    }
}

#[test]
fn captions_name_what_pictures_show_and_held_out_ones_have_the_same_words() {
    let spec: Spec = "caption-scenes".parse().unwrap();
    let data = open(&spec, &Options::default()).unwrap();
    let mut parts = open_test_part(&spec, &Options::default()).unwrap();
    let held_out = parts.remove(0).unwrap();
    let (schema, other) = (data.sources[0].schema(), held_out.schema());
    assert_eq!(schema.tokens(CAPTION).unwrap().vocabulary, other.tokens(CAPTION).unwrap().vocabulary);
    assert_eq!((data.sources[0].count(), held_out.count()), (COUNT, HELD_OUT));
    let numbers: Vec<usize> = (0..100).collect();
    for source in [data.sources[0].as_ref(), held_out.as_ref()] {
        let batch = source.get(&numbers, &mut Stream::new(1, "a test", 0)).unwrap();
        let field = |name: &str| batch.get(name).cloned().unwrap();
        let (Field::Numbers(pictures, _), Field::Indices(tokens), Field::Indices(meanings)) =
            (field(IMAGES.0), field(CAPTION.0), field(MEANING.0))
        else {
            panic!("other fields")
        };
        let found = measure(&pictures, SIDE);
        let schema = source.schema();
        let captions = schema.tokens(CAPTION).unwrap();
        for ((found, meaning), row) in
            found.iter().zip(&meanings.values).zip(tokens.values.chunks(captions.length))
        {
            let text = captions.text(row);
            let described = Attributes::all().find(|one| one.number() == *meaning).unwrap();
            let [_, colour, shape, place] =
                [described.size, described.colour, described.shape, described.place];
            assert!(text.contains(COLOURS[colour].0) && text.contains(SHAPES[shape]), "{text}");
            assert!(text.contains(PLACES[place].0), "{text}");
            assert_eq!((found.colour, found.place), (colour, place), "{text}");
        }
    }
    let long = open(&spec, &Options { length: Some(5), ..Options::default() }).err().unwrap().to_string();
    assert!(long.contains("data.length is 5") && long.contains("up to 10"), "{long}");
}

use brigand_core::batch::HostField as Field;
