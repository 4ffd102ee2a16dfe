use std::path::Path;

use brigand_core::batch::{HostField, IMAGES, LABELS, LANDMARKS as DRAWN, SOURCE_LANDMARKS, SOURCES};
use brigand_core::random::Stream;

use super::cartoon::{self, Part};
use super::*;
use crate::{Spec, open};

const SIZE: usize = 16;

fn options() -> Options {
    Options { size: Some(SIZE), frames: Some(3), ..Options::default() }
}

fn numbers(field: &HostField) -> (&[f32], &[usize]) {
    match field {
        HostField::Numbers(values, shape) => (values, shape),
        HostField::Indices(_) => panic!("numbers are needed"),
    }
}

#[test]
fn an_episode_has_other_frames_of_the_same_person() {
    let people = cartoon::people(Part::HeldOut, &options()).unwrap();
    let source = Episodes::new(people.clone(), 3).unwrap();
    let numbers_of = [0, 41, 85];
    let batch = source.get(&numbers_of, &mut Stream::new(0, "test", 0)).unwrap();
    let (targets, shape) = numbers(&batch[IMAGES.0]);
    assert_eq!(shape, [3, 3, SIZE, SIZE]);
    let (sources, shape) = numbers(&batch[SOURCES.0]);
    assert_eq!(shape, [3, 3, 3, SIZE, SIZE]);
    assert_eq!(numbers(&batch[SOURCE_LANDMARKS.0]).1, [3, 3, 3, SIZE, SIZE]);
    assert_eq!(numbers(&batch[DRAWN.0]).1, [3, 3, SIZE, SIZE]);
    // Neighbouring samples are of different people.
    let labels = source.labels(&numbers_of).unwrap().unwrap();
    assert_eq!(labels, [0, 1, 5]);
    let frame = 3 * SIZE * SIZE;
    for (episode, &label) in labels.iter().enumerate() {
        let own: Vec<usize> = (0..people.frames.len()).filter(|at| at % 40 == label as usize).collect();
        let own: Vec<Vec<f32>> = own.iter().map(|&at| people.frames.get(&[at]).unwrap().values).collect();
        let target = &targets[episode * frame..(episode + 1) * frame];
        let mut seen = vec![target.to_vec()];
        for source in sources[episode * 3 * frame..(episode + 1) * 3 * frame].chunks(frame) {
            assert!(own.iter().any(|of| of == source) && !seen.iter().any(|of| of == source));
            seen.push(source.to_vec());
        }
    }
    assert!(source.schema().fields.contains_key(LABELS.0));
    let few = Episodes::new(people, 12).err().unwrap().to_string();
    assert!(few.contains("has 12 frames") && few.contains("data.frames"), "{few}");
}

/// What is measured of the true pictures is what they were drawn with.
#[test]
fn a_drawn_face_has_the_colours_and_the_mouth_that_it_was_drawn_with() {
    let size = 32;
    let people = cartoon::people(Part::HeldOut, &Options::default()).unwrap();
    let faces = cartoon::faces(Part::HeldOut, 0);
    let (mut worst_colour, mut worst_mouth) = (0.0_f64, 0.0_f64);
    for (number, face) in faces.iter().enumerate().take(120) {
        let found = measure(&people.frames.get(&[number]).unwrap().values, size, face);
        for channel in 0..3 {
            worst_colour = worst_colour.max((found.skin[channel] - face.identity.skin[channel]).abs());
            worst_colour = worst_colour.max((found.hair[channel] - face.identity.hair[channel]).abs());
        }
        worst_mouth = worst_mouth.max((found.mouth - face.pose.mouth).abs());
    }
    assert!(worst_colour < 0.1 && worst_mouth < 0.25, "{worst_colour} {worst_mouth}");
    // Landmarks tell the pose and nothing of the person.
    let (first, other) = (&faces[0], &faces[1]);
    assert_ne!(first.identity, other.identity);
}

fn spec(path: &Path) -> Spec {
    format!("identities:{}", path.display()).parse().unwrap()
}

#[test]
fn a_folder_of_people_is_read_as_it_was_written() {
    let place = tempfile::tempdir().unwrap();
    cartoon::write(place.path(), Part::HeldOut, 7, (32, 0)).unwrap();
    let of_size = Options { size: Some(32), ..Options::default() };
    let data = open(&spec(place.path()), &of_size).unwrap();
    let read = data.sources[0].get(&[0, 7], &mut Stream::new(0, "test", 0)).unwrap();
    let drawn = cartoon::people(Part::HeldOut, &of_size).unwrap();
    // Six of seven people: the sixth is kept for measuring, so sample 7 is the second frame of the second person.
    let wanted = [drawn.frames.get(&[0]).unwrap().values, drawn.frames.get(&[41]).unwrap().values].concat();
    assert_eq!(numbers(&read[IMAGES.0]).0, wanted);
    let wanted =
        [drawn.drawings.get(&[0]).unwrap().values, drawn.drawings.get(&[41]).unwrap().values].concat();
    let far = numbers(&read[DRAWN.0]).0.iter().zip(&wanted).filter(|(a, b)| (*a - *b).abs() > 0.02).count();
    assert_eq!(far, 0);
    assert_eq!(data.sources[0].count(), 6 * cartoon::FRAMES);
    let held_out = crate::open_test_part(&spec(place.path()), &of_size).unwrap();
    assert_eq!(held_out[0].as_ref().unwrap().count(), cartoon::FRAMES);
    let one: Spec = format!("person:{}", place.path().join("person-2").display()).parse().unwrap();
    let person = open(&one, &of_size).unwrap();
    assert_eq!(person.sources[0].count(), cartoon::FRAMES);
    assert_eq!(person.sources[0].schema().fields.len(), 2);
}

#[test]
fn driving_landmarks_are_drawn_as_those_of_training() {
    let place = tempfile::tempdir().unwrap();
    cartoon::write(place.path(), Part::HeldOut, 3, (32, 0)).unwrap();
    let folder = place.path().join("person-1");
    let driving = Driving::read(&folder, 32, None).unwrap();
    assert_eq!((driving.names.len(), driving.names[3].as_str()), (12, "3.png"));
    let drawn = cartoon::people(Part::HeldOut, &Options::default()).unwrap();
    let wanted = drawn.drawings.get(&[1]).unwrap().values;
    assert!(driving.drawings.iter().zip(&wanted).all(|(a, b)| (a - b).abs() < 0.02));
    // Without frames beside it the size must be given.
    let alone = place.path().join("poses.csv");
    std::fs::copy(folder.join("landmarks.csv"), &alone).unwrap();
    let message = Driving::read(&alone, 32, None).unwrap_err().to_string();
    assert!(message.contains("0.png") && message.contains("size of frames"), "{message}");
    assert_eq!(Driving::read(&alone, 32, Some([32, 32])).unwrap().drawings, driving.drawings);
    assert_eq!(Driving::frame_size(&folder).unwrap(), [32, 32]);
}

#[test]
fn what_is_wrong_with_a_folder_of_people_is_said() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path();
    let message = || open(&spec(root), &options()).err().unwrap().to_string();
    assert!(message().contains("0 folders"), "{}", message());
    cartoon::write(root, Part::HeldOut, 4, (32, 0)).unwrap();
    let file = |name: &str| root.join("person-2").join(name);
    let table = std::fs::read_to_string(file("landmarks.csv")).unwrap();
    let with = |text: &str| {
        std::fs::write(file("landmarks.csv"), text).unwrap();
        message()
    };
    let first = table.lines().next().unwrap();
    let shorter = with(&table.replace(first, ""));
    assert!(shorter.contains("person-2") && shorter.contains("0.png has no line"), "{shorter}");
    let odd = with(&table.replacen(',', ",1,", 1));
    assert!(odd.contains("line 1") && odd.contains("47 numbers"), "{odd}");
    let text = with(&table.replacen(',', ",left ", 1));
    assert!(text.contains("line 1") && text.contains("`left "), "{text}");
    let twice = with(&format!("{table}{first}\n"));
    assert!(twice.contains("line 13 is another one for `0.png`"), "{twice}");
    let fewer: String =
        table.lines().map(|line| line.rsplitn(3, ',').last().unwrap().to_owned() + "\n").collect();
    assert!(with(&fewer).contains("names point 22"), "{}", message());
    assert!(with("frame,x,y\n").contains("no line with points"), "{}", message());
    std::fs::remove_file(file("landmarks.csv")).unwrap();
    assert!(message().contains("person-2") && message().contains("has no landmarks.csv"), "{}", message());
    std::fs::write(file("landmarks.csv"), &table).unwrap();
    std::fs::write(root.join("edges.csv"), "0,1,red\n").unwrap();
    assert!(message().contains("`red` in place of a colour"), "{}", message());
    std::fs::remove_file(root.join("edges.csv")).unwrap();
    for number in 3..12 {
        std::fs::remove_file(file(&format!("{number}.png"))).unwrap();
    }
    let few = message();
    assert!(few.contains("`person-2`") && few.contains("has 3 frames"), "{few}");
    for number in 0..3 {
        std::fs::remove_file(file(&format!("{number}.png"))).unwrap();
    }
    assert!(message().contains("no images below"), "{}", message());
}

/// Points that are not seen, a heading, names without endings, and edges by figure.
#[test]
fn landmark_files_may_have_headings_and_unseen_points() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("landmarks.csv");
    std::fs::write(&path, "frame,x0,y0,x1,y1\nidle,1,2,,\n\n# more\n\"jump.png\",3,4.5,5,6\n").unwrap();
    let table = landmarks::Table::read(&path).unwrap();
    assert_eq!(table.of("idle.png").unwrap(), &vec![Some([1.0, 2.0]), None]);
    assert_eq!(table.of("jump.png").unwrap()[0], Some([3.0, 4.5]));
    assert!(table.of("walk.png").is_none());
    std::fs::write(&path, "0,1\n1,2\n3,4\n").unwrap();
    let edges = landmarks::read_edges(&path, 5).unwrap();
    assert!(edges[0].colour == edges[1].colour && edges[1].colour != edges[2].colour);
    assert_eq!(landmarks::usual_edges(68).len(), 16 + 4 + 4 + 3 + 4 + 6 + 6 + 12 + 8);
    assert!(landmarks::usual_edges(5).is_empty());
}
