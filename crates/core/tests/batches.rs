//! Sources, schemas and the feed.
#![allow(clippy::unwrap_used, reason = "in a test a failed unwrap is a failure like any other")]

#[path = "support/mod.rs"]
mod support;

use std::collections::BTreeSet;

use brigand_core::batch::{
    AUDIO, Batch, CAPTION, Feed, HostBatch, HostField, IMAGES, Indices, Kind, LABELS, MemorySource, Need,
    POINTS, Renamed, SECOND, SampleKind, SampleShape, Schema, Source, TOKENS,
};
use brigand_core::random::Stream;
use brigand_core::{Place, Result};
use support::{labelled, numbered, source};

fn feed(source: impl Source + 'static, batch: usize, seed: u64) -> Feed {
    Feed::new(vec![Box::new(source)], batch, seed, &Place::cpu()).unwrap()
}

fn numbers(batch: &Batch) -> Vec<usize> {
    batch.numbers(POINTS).unwrap().to_vec().unwrap().into_iter().map(|value| value as usize).collect()
}

fn refusal<T>(result: Result<T>) -> String {
    result.err().unwrap().to_string()
}

#[test]
fn held_out_samples_are_in_no_batch_and_all_others_are() {
    let mut feed = feed(numbered(0, 45), 2, 3);
    assert_eq!(feed.held_out_count(), 0);
    assert!(feed.held_out(0..1).is_err());
    feed.hold_out(Vec::new()).unwrap();
    let kept = numbers(&feed.held_out(0..7).unwrap());
    assert_eq!((kept.as_slice(), feed.held_out_count()), ([5, 11, 17, 23, 29, 35, 41].as_slice(), 7));
    assert_eq!(numbers(&feed.held_out(2..4).unwrap()), [17, 23]);
    let drawn: BTreeSet<usize> = (0..19).flat_map(|number| numbers(&feed.batch(number).unwrap())).collect();
    assert_eq!(drawn, (0..45).filter(|number| !kept.contains(number)).collect());
    let refused = refusal(feed.held_out(0..8));
    assert!(refused.contains('8') && refused.contains('7'), "{refused}");
}

#[test]
fn a_part_of_its_own_leaves_the_batches_alone() {
    let batch = |apart: Option<MemorySource>| {
        let mut feed = feed(numbered(0, 12), 3, 1);
        if let Some(apart) = apart {
            feed.hold_out(vec![Some(Box::new(apart))]).unwrap();
            assert_eq!((numbers(&feed.held_out(1..3).unwrap()), feed.held_out_count()), (vec![101, 102], 4));
        }
        (0..4).map(|number| numbers(&feed.batch(number).unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(batch(None), batch(Some(numbered(100, 4))));
    let flat = source(POINTS, Kind::Points {}, &[2], vec![0.0; 4]);
    let refused = refusal(feed(numbered(0, 12), 3, 1).hold_out(vec![Some(Box::new(flat))]));
    assert!(refused.contains("points") && refused.contains("[2]"), "{refused}");
    assert!(feed(numbered(0, 12), 11, 1).hold_out(Vec::new()).is_err());
}

#[test]
fn weights_decide_how_often_a_sample_is_drawn() {
    let mut feed = feed(numbered(0, 4), 4, 3);
    feed.weigh(Some(&[0.0, 3.0, 0.0, 1.0])).unwrap();
    let drawn: Vec<usize> = (0..500).flat_map(|number| numbers(&feed.batch(number).unwrap())).collect();
    let share = drawn.iter().filter(|&&number| number == 1).count() as f64 / drawn.len() as f64;
    // 2000 draws of probability 0.75 deviate by 0.0097.
    assert!(drawn.iter().all(|number| [1, 3].contains(number)) && (share - 0.75).abs() < 0.04, "{share}");
    feed.weigh(None).unwrap();
    assert_eq!(numbers(&feed.batch(0).unwrap()).into_iter().collect::<BTreeSet<_>>().len(), 4);
}

#[test]
fn impossible_weights_are_refused() {
    let mut feed = feed(numbered(0, 12), 2, 3);
    assert!(refusal(feed.weigh(Some(&[1.0; 3]))).contains("3 weights for 12 samples"));
    assert!(refusal(feed.weigh(Some(&[0.0; 12]))).contains("weight 0"));
    let mut weights = [1.0; 12];
    for bad in [-1.0, f32::NAN, f32::INFINITY] {
        weights[4] = bad;
        assert!(refusal(feed.weigh(Some(&weights))).contains(&bad.to_string()));
    }
    feed.weigh(Some(&[1.0; 12])).unwrap();
    assert!(refusal(feed.hold_out(Vec::new())).contains("weights"));
    feed.weigh(None).unwrap();
    feed.hold_out(Vec::new()).unwrap();
    assert!(refusal(feed.weigh(Some(&[1.0; 12]))).contains("held out"));
}

#[test]
fn few_labels_are_given_evenly_and_always_the_same() {
    let mut feed = feed(labelled((0..60).map(|number| u32::from(number >= 50)).collect(), 2), 6, 3);
    feed.hold_out(Vec::new()).unwrap();
    let mut given = BTreeSet::new();
    for number in 0..40 {
        let batch = feed.labelled(number, 5, 8).unwrap();
        let labels = batch.required_labels().unwrap();
        assert_eq!(labels.len(), 5);
        for (sample, &label) in numbers(&batch).into_iter().zip(labels) {
            assert_eq!(label, u32::from(sample >= 50));
            given.insert(sample);
        }
    }
    assert_eq!((given.len(), given.iter().filter(|&&number| number >= 50).count()), (8, 4));
    assert!(given.iter().all(|number| (number + 1) % 6 != 0));
    assert!(feed.labelled(0, 5, 51).is_err() && feed.labelled(0, 5, 0).is_err());
    let unlabelled = refusal(self::feed(numbered(0, 9), 3, 1).labelled(0, 2, 2));
    assert!(unlabelled.contains("labelled data"), "{unlabelled}");
}

#[test]
fn two_sources_of_equal_size_are_drawn_differently() {
    let second = Renamed { source: numbered(0, 40), from: POINTS, to: SECOND };
    let sources: Vec<Box<dyn Source>> = vec![Box::new(numbered(0, 40)), Box::new(second)];
    let mut feed = Feed::new(sources, 8, 3, &Place::cpu()).unwrap();
    let groups: Vec<usize> = feed.schema().fields.values().map(|field| field.group).collect();
    assert_eq!(groups, [0, 1]);
    let (mut equal, mut seen) = (0, BTreeSet::new());
    for number in 0..5 {
        let batch = feed.batch(number).unwrap();
        let other = batch.numbers(SECOND).unwrap().to_vec().unwrap();
        let other: Vec<usize> = other.into_iter().map(|value| value as usize).collect();
        equal += numbers(&batch).iter().zip(&other).filter(|(a, b)| a == b).count();
        seen.extend(other);
    }
    // One of 40 pairs agrees by chance.
    assert!(equal < 8 && seen.len() == 40, "{equal}");
    let twice: Vec<Box<dyn Source>> = vec![Box::new(numbered(0, 4)), Box::new(numbered(0, 4))];
    assert!(refusal(Feed::new(twice, 2, 3, &Place::cpu())).contains("`points`"));
}

#[test]
fn a_batch_depends_on_its_number_and_seed_alone() {
    let mut used = feed(numbered(0, 20), 4, 3);
    let forwards: Vec<_> = (0..12).map(|number| numbers(&used.batch(number).unwrap())).collect();
    for number in (0..12).rev() {
        assert_eq!(forwards[number as usize], numbers(&feed(numbered(0, 20), 4, 3).batch(number).unwrap()));
    }
    assert_ne!(forwards[0], numbers(&feed(numbered(0, 20), 4, 4).batch(0).unwrap()));
    assert_eq!(numbers(&used.samples(&[7, 0]).unwrap()), [7, 0]);
    assert!(refusal(used.samples(&[20])).contains("20"));
}

/// A source that draws: every sample is a fresh random number.
struct Drawing;

impl Source for Drawing {
    fn count(&self) -> usize {
        20
    }

    fn schema(&self) -> Schema {
        Schema::of_samples(&[1], &[])
    }

    fn get(&self, numbers: &[usize], stream: &mut Stream) -> Result<HostBatch> {
        let values = stream.normal(numbers.len());
        Ok(HostBatch::from([(POINTS.0, HostField::Numbers(values, vec![numbers.len(), 1]))]))
    }
}

#[test]
fn processes_share_batches_and_draw_apart() {
    let sharded =
        |source: Box<dyn Source>, shard| Feed::sharded(vec![source], 8, 3, &Place::cpu(), shard).unwrap();
    let whole = numbers(&feed(numbered(0, 20), 8, 3).batch(1).unwrap());
    let parts =
        (0..2).flat_map(|rank| numbers(&sharded(Box::new(numbered(0, 20)), (rank, 2)).batch(1).unwrap()));
    assert_eq!(whole, parts.collect::<Vec<_>>());
    let drawn =
        |rank| sharded(Box::new(Drawing), (rank, 2)).batch(1).unwrap().samples().unwrap().to_vec().unwrap();
    assert!(drawn(0).iter().zip(drawn(1)).all(|(a, b)| *a != b));
    let labels: Vec<u32> = (0..60).map(|number| number % 3).collect();
    let whole = numbers(&feed(labelled(labels.clone(), 3), 8, 3).labelled(2, 6, 12).unwrap());
    let parts = (0..2).flat_map(|rank| {
        numbers(&sharded(Box::new(labelled(labels.clone(), 3)), (rank, 2)).labelled(2, 3, 12).unwrap())
    });
    assert_eq!(whole, parts.collect::<Vec<_>>());
}

#[test]
fn needs_are_checked_by_name_and_group() {
    let (one, other) = (numbered(0, 8), Renamed { source: numbered(0, 8), from: POINTS, to: SECOND });
    let sources: Vec<Box<dyn Source>> = vec![Box::new(one), Box::new(other)];
    let feed = Feed::new(sources, 4, 1, &Place::cpu()).unwrap();
    let schema = feed.schema();
    schema.check(&[Need::Samples, Need::Numbers(SECOND)]).unwrap();
    let missing = refusal(schema.check(&[Need::Indices(TOKENS)]));
    assert!(missing.contains("tokens") && missing.contains("points, second"), "{missing}");
    assert!(refusal(schema.check(&[Need::Indices(LABELS)])).contains("labelled data"));
    assert!(refusal(schema.check(&[Need::Aligned(POINTS.0, SECOND.0)])).contains("different sources"));
    let labels = labelled(vec![0, 1, 1, 2], 3).schema();
    labels.check(&[Need::Aligned(POINTS.0, LABELS.0), Need::Indices(LABELS)]).unwrap();
    assert_eq!(labels.class_counts(), [1.0, 2.0, 1.0]);
    let sound = Schema::default().with(AUDIO.0, Kind::Audio { rate: 16_000 }, &[1, 400]);
    let refused = refusal(sound.check(&[Need::Samples]));
    assert!(refused.contains("images or points") && refused.contains("audio"), "{refused}");
}

#[test]
fn a_schema_knows_shapes_and_kinds() {
    let words = vec!["a".to_owned(), "b".to_owned()];
    let schema = Schema::of_samples(&[3, 8, 6], &[])
        .with(
            CAPTION.0,
            Kind::Tokens { vocabulary: words.clone(), separator: String::new(), examples: Vec::new() },
            &[5],
        )
        .with(POINTS.0, Kind::Points {}, &[2]);
    assert_eq!(schema.image(IMAGES).unwrap(), [3, 8, 6]);
    assert_eq!(schema.samples().unwrap(), IMAGES);
    assert_eq!(schema.sample_shape().unwrap(), SampleShape::Image { channels: 3, height: 8, width: 6 });
    assert_eq!(schema.sample_shape().unwrap().kind(), SampleKind::Image);
    let tokens = schema.tokens(CAPTION).unwrap();
    assert_eq!((tokens.vocabulary, tokens.length), (words.as_slice(), 5));
    assert!(refusal(schema.image(POINTS)).contains("[2]"));
    let wrong = brigand_core::batch::IndexKey(POINTS.0);
    assert!(refusal(schema.tokens(wrong)).contains("points of shape [2], but tokens are needed"));
    // The kind by its name, without the words of a vocabulary.
    let refused = refusal(schema.features(brigand_core::batch::NumberKey(CAPTION.0)));
    assert!(refused.starts_with("`caption` holds tokens of shape [5], but features are needed"), "{refused}");
    assert!(schema.class_counts().is_empty());
}

#[test]
fn a_batch_says_what_it_has() {
    let points = Place::cpu().numbers(vec![1.0, 2.0], &[2, 1]).unwrap();
    let batch = Batch::of(points).labelled(vec![4, 5]);
    assert_eq!(
        (batch.labels(), batch.samples().unwrap().shape()),
        (Some([4, 5].as_slice()), [2, 1].as_slice())
    );
    let refused = refusal(batch.numbers(IMAGES));
    assert!(refused.contains("`images`") && refused.contains("labels, points"), "{refused}");
    assert!(batch.indices(TOKENS).is_err() && Batch::default().required_labels().is_err());
    // A field that is not there is none; one of another type is an error.
    assert!(batch.optional_indices(TOKENS).unwrap().is_none());
    assert_eq!(batch.optional_indices(LABELS).unwrap().unwrap().values, [4, 5]);
    assert!(batch.optional_indices(brigand_core::batch::IndexKey(POINTS.0)).is_err());
    let both = batch.and(Batch::of(Place::cpu().numbers(vec![0.0; 4], &[1, 1, 2, 2]).unwrap()));
    assert_eq!(both.samples().unwrap().rank(), 4);
}

#[test]
fn sources_in_memory_hold_what_they_say() {
    let schema = || Schema::default().with(POINTS.0, Kind::Points {}, &[2]);
    let values = |count| HostBatch::from([(POINTS.0, HostField::Numbers(vec![0.5; count], Vec::new()))]);
    assert!(MemorySource::new(3, schema(), values(6)).is_ok());
    let refused = refusal(MemorySource::new(3, schema(), values(7)));
    assert!(refused.contains("`points`") && refused.contains("7") && refused.contains("6"), "{refused}");
    assert!(MemorySource::new(3, Schema::default(), values(6)).is_err());
    assert!(MemorySource::new(3, schema().with(SECOND.0, Kind::Points {}, &[2]), values(6)).is_err());
    let stream = &mut Stream::new(0, "a test", 0);
    let tokens = Kind::Tokens {
        vocabulary: ["a", "b", "c"].map(str::to_owned).to_vec(),
        separator: String::new(),
        examples: Vec::new(),
    };
    let field = HostField::Indices(Indices { values: vec![0, 1, 2, 2, 1, 0], shape: Vec::new() });
    let fields = HostBatch::from([(TOKENS.0, field)]);
    let lines = MemorySource::new(3, support::only(TOKENS.0, tokens, &[2]), fields).unwrap();
    match lines.get(&[2, 1, 2], stream).unwrap().remove(TOKENS.0) {
        Some(HostField::Indices(found)) => {
            assert_eq!((found.values, found.shape), (vec![1, 0, 2, 2, 1, 0], vec![3, 2]));
        }
        _ => panic!("tokens became numbers"),
    }
    assert!(refusal(lines.get(&[3], stream)).contains("sample 3"));
    assert_eq!(lines.labels(&[0]).unwrap(), None);
    assert_eq!(labelled(vec![2, 0, 1], 3).labels(&[0, 2]).unwrap(), Some(vec![2, 1]));
}

#[test]
fn a_renamed_source_has_one_field() {
    let source = Renamed { source: labelled(vec![0, 1, 0], 2), from: POINTS, to: SECOND };
    assert_eq!(source.schema().fields.keys().collect::<Vec<_>>(), [SECOND.0]);
    assert_eq!(source.count(), 3);
    let got = source.get(&[1], &mut Stream::new(0, "a test", 0)).unwrap();
    assert_eq!(got.keys().collect::<Vec<_>>(), [&SECOND.0]);
    let missing = Renamed { source: numbered(0, 3), from: IMAGES, to: SECOND };
    assert!(refusal(missing.get(&[1], &mut Stream::new(0, "a test", 0))).contains("`images`"));
}
