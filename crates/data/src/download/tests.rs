//! Downloads against a small HTTP server on this machine that misbehaves on request.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::*;
use crate::catalogue::Pin;
use crate::checksum::sha256;

/// How the server treats requests for one path.
#[derive(Clone)]
struct Behaviour {
    bytes: Vec<u8>,
    /// Whether `Range` is honoured.
    ranges: bool,
    /// Closes the connection after this many bytes of each body.
    cut: Option<usize>,
    /// Answers the first requests with this status.
    first: (u16, usize),
}

impl Behaviour {
    fn of(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), ranges: true, cut: None, first: (200, 0) }
    }
}

/// The server: paths with their behaviour, and the requests it has seen as `path from`.
struct Server {
    base: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(files: Vec<(&'static str, Behaviour)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                // A client that hangs up early is part of the tests.
                let _ = answer(stream, &files, &log);
            }
        });
        Self { base, seen }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn answer(
    mut stream: TcpStream,
    files: &[(&'static str, Behaviour)],
    log: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut from = 0;
    for line in lines {
        let line = line?.to_lowercase();
        if let Some(range) = line.strip_prefix("range: bytes=") {
            from = range.trim_end_matches('-').parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let earlier = log.lock().unwrap().iter().filter(|seen| seen.starts_with(&format!("{path} "))).count();
    log.lock().unwrap().push(format!("{path} {from}"));
    let Some((_, file)) = files.iter().find(|(name, _)| *name == path) else {
        return write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    let size = file.bytes.len();
    if earlier < file.first.1 {
        let status = file.first.0;
        return write!(stream, "HTTP/1.1 {status} Later\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    let head = match from {
        0 => "200 OK\r\n".to_owned(),
        _ if !file.ranges => "200 OK\r\n".to_owned(),
        _ if from >= size => format!("416 Range Not Satisfiable\r\nContent-Range: bytes */{size}\r\n"),
        _ => format!("206 Partial Content\r\nContent-Range: bytes {from}-{}/{size}\r\n", size - 1),
    };
    let body = match from {
        0 => &file.bytes[..],
        _ if !file.ranges => &file.bytes[..],
        _ => &file.bytes[from.min(size)..],
    };
    write!(stream, "HTTP/1.1 {head}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(&body[..file.cut.unwrap_or(body.len()).min(body.len())])?;
    stream.flush()
}

/// 100,000 bytes that are not all alike.
fn content() -> Vec<u8> {
    (0..100_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn gzip(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An entry of one file `f.gz` with the given content.
fn entry(content: &[u8], mirrors: &[&str]) -> &'static Entry {
    let sha256: &'static str = sha256(content).unwrap().leak();
    let bytes = content.len() as u64;
    let remote = Remote { file: "f.gz", bytes, pin: Pin::Content { sha256, bytes } };
    let files: &'static [Remote] = Box::leak(Box::new([remote]));
    let mirrors: Vec<&'static str> =
        mirrors.iter().map(|m| -> &'static str { m.to_string().leak() }).collect();
    Box::leak(Box::new(Entry {
        name: "set",
        summary: "",
        shape: [1, 1, 1],
        samples: [1, 1],
        classes: &[],
        licence: "",
        citation: "",
        mirrors: mirrors.leak(),
        system_folders: &[],
        train: files,
        test: files,
    }))
}

struct Place {
    root: tempfile::TempDir,
    reports: Vec<Progress>,
}

impl Place {
    fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap(), reports: Vec::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        fs::create_dir_all(self.root.path().join("set")).unwrap();
        self.root.path().join("set").join(name)
    }

    fn files(&self) -> Vec<String> {
        let listed = fs::read_dir(self.root.path().join("set")).unwrap();
        let mut names: Vec<String> =
            listed.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn get(&mut self, entry: &Entry, mirror: Option<String>) -> Result<Obtained, DataError> {
        let transfer = Transfer::new(Duration::from_millis(1));
        let download = Download { cache: Cache::at(self.root.path()), mirror, transfer };
        download.get(entry, &mut |progress| self.reports.push(progress)).map(|mut all| all.remove(0))
    }
}

#[test]
fn a_file_is_fetched_once_and_reported() {
    let packed = gzip(&content(), 6);
    let server = Server::start(vec![("/f.gz", Behaviour::of(&packed))]);
    let (entry, mut place) = (entry(&content(), &[&server.base]), Place::new());
    let obtained = place.get(entry, None).unwrap();
    assert_eq!(obtained, Obtained { path: place.path("f.gz"), fetched: true });
    assert_eq!(fs::read(&obtained.path).unwrap(), packed);
    let size = packed.len() as u64;
    assert_eq!(place.reports.first(), Some(&Progress { file: "f.gz", done: 0, total: Some(size) }));
    assert_eq!(place.reports.last(), Some(&Progress { file: "f.gz", done: size, total: Some(size) }));
    assert!(place.reports.is_sorted_by_key(|report| report.done));
    assert!(!place.get(entry, None).unwrap().fetched);
    assert_eq!((place.files(), server.seen().len()), (vec!["f.gz".to_owned()], 1));
}

#[test]
fn a_cut_connection_is_continued_where_it_broke() {
    let packed = gzip(&content(), 6);
    let cut = packed.len() / 5 + 1;
    let server = Server::start(vec![("/f.gz", Behaviour { cut: Some(cut), ..Behaviour::of(&packed) })]);
    let mut place = Place::new();
    place.get(entry(&content(), &[&server.base]), None).unwrap();
    assert_eq!(fs::read(place.path("f.gz")).unwrap(), packed);
    assert_eq!(server.seen(), (0..5).map(|i| format!("/f.gz {}", i * cut)).collect::<Vec<_>>());
}

#[test]
fn a_partial_file_of_an_earlier_run_is_continued() {
    let packed = gzip(&content(), 6);
    let server = Server::start(vec![("/f.gz", Behaviour::of(&packed))]);
    let mut place = Place::new();
    fs::write(place.path("f.gz.part"), &packed[..1000]).unwrap();
    place.get(entry(&content(), &[&server.base]), None).unwrap();
    assert_eq!((server.seen(), place.files()), (vec!["/f.gz 1000".to_owned()], vec!["f.gz".to_owned()]));
    // A file that was complete but not yet renamed needs no byte more.
    fs::rename(place.path("f.gz"), place.path("f.gz.part")).unwrap();
    place.get(entry(&content(), &[&server.base]), None).unwrap();
    assert_eq!(server.seen()[1], format!("/f.gz {}", packed.len()));
    assert_eq!(fs::read(place.path("f.gz")).unwrap(), packed);
}

#[test]
fn a_server_without_ranges_sends_everything_again() {
    let packed = gzip(&content(), 6);
    let server = Server::start(vec![("/f.gz", Behaviour { ranges: false, ..Behaviour::of(&packed) })]);
    let mut place = Place::new();
    fs::write(place.path("f.gz.part"), &packed[..1000]).unwrap();
    place.get(entry(&content(), &[&server.base]), None).unwrap();
    assert_eq!(fs::read(place.path("f.gz")).unwrap(), packed);
}

#[test]
fn a_server_that_always_breaks_at_the_same_place_is_given_up() {
    let behaviour = Behaviour { ranges: false, cut: Some(1000), ..Behaviour::of(&gzip(&content(), 6)) };
    let server = Server::start(vec![("/f.gz", behaviour)]);
    let mut place = Place::new();
    let message = place.get(entry(&content(), &[&server.base]), None).unwrap_err().to_string();
    assert!(message.starts_with("could not download f.gz"), "{message}");
    assert_eq!((server.seen().len(), place.files()), (4, vec!["f.gz.part".to_owned()]));
}

#[test]
fn a_partial_file_of_other_bytes_is_started_afresh() {
    let packed = gzip(&content(), 6);
    let server = Server::start(vec![("/f.gz", Behaviour::of(&packed))]);
    let mut place = Place::new();
    for other in [vec![7; 1000], vec![7; packed.len() + 50]] {
        fs::write(place.path("f.gz.part"), &other).unwrap();
        place.get(entry(&content(), &[&server.base]), None).unwrap();
        assert_eq!(fs::read(place.path("f.gz")).unwrap(), packed);
        fs::remove_file(place.path("f.gz")).unwrap();
    }
}

#[test]
fn a_wrong_checksum_is_discarded_and_the_next_mirror_asked() {
    let packed = gzip(&content(), 6);
    let wrong = Server::start(vec![("/f.gz", Behaviour::of(&gzip(&content()[1..], 6)))]);
    let right = Server::start(vec![("/f.gz", Behaviour::of(&packed))]);
    let mut place = Place::new();
    place.get(entry(&content(), &[&wrong.base, &right.base]), None).unwrap();
    assert_eq!(right.seen(), ["/f.gz 0"]);
    assert_eq!(fs::read(place.path("f.gz")).unwrap(), packed);
}

#[test]
fn when_none_delivers_each_failure_is_told() {
    let wrong = Server::start(vec![("/f.gz", Behaviour::of(b"something else"))]);
    let empty = Server::start(vec![]);
    let down = Server::start(vec![("/f.gz", Behaviour { first: (503, 99), ..Behaviour::of(b"") })]);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let closed = format!("http://{closed}/");
    let mut place = Place::new();
    let entry = entry(&content(), &[&wrong.base, &empty.base, &down.base, &closed]);
    let message = place.get(entry, None).unwrap_err().to_string();
    assert!(message.contains(&format!("{}: it has the wrong checksum", wrong.base)), "{message}");
    assert!(message.contains(&format!("{}: the server answered 404", empty.base)), "{message}");
    assert!(message.contains(&format!("{}: the server answered 503", down.base)), "{message}");
    assert!(message.contains(&closed) && message.ends_with("--mirror URL"), "{message}");
    assert_eq!((down.seen().len(), place.files()), (3, Vec::<String>::new()));
}

#[test]
fn a_server_that_recovers_is_waited_for() {
    let packed = gzip(&content(), 6);
    let server = Server::start(vec![("/f.gz", Behaviour { first: (503, 2), ..Behaviour::of(&packed) })]);
    let mut place = Place::new();
    assert!(place.get(entry(&content(), &[&server.base]), None).unwrap().fetched);
    assert_eq!(server.seen().len(), 3);
}

#[test]
fn another_packing_or_none_is_as_good() {
    let repacked = Server::start(vec![("/f.gz", Behaviour::of(&gzip(&content(), 1)))]);
    let plain = Server::start(vec![("/f", Behaviour::of(&content()))]);
    let unpacking = Server::start(vec![("/f.gz", Behaviour::of(&content()))]);
    for (server, name) in [(repacked, "f.gz"), (plain, "f"), (unpacking, "f")] {
        let mut place = Place::new();
        let obtained = place.get(entry(&content(), &[&server.base]), None).unwrap();
        assert_eq!(obtained, Obtained { path: place.path(name), fetched: true });
        assert!(!place.get(entry(&content(), &[]), None).unwrap().fetched);
    }
}

#[test]
fn a_chosen_mirror_is_the_only_one_and_may_be_a_folder() {
    let ignored = Server::start(vec![("/f.gz", Behaviour::of(&gzip(&content(), 6)))]);
    let set = entry(&content(), &[&ignored.base]);
    let source = tempfile::tempdir().unwrap();
    let folder = source.path().display().to_string();
    let mut place = Place::new();
    let message = place.get(set, Some(folder.clone())).unwrap_err().to_string();
    assert!(message.contains(&format!("{folder}: no such file")), "{message}");
    fs::write(source.path().join("f"), content()).unwrap();
    for mirror in [folder.clone(), format!("file://{folder}/")] {
        let mut place = Place::new();
        assert_eq!(place.get(set, Some(mirror)).unwrap().path, place.path("f"));
    }
    assert!(ignored.seen().is_empty());
}

#[test]
fn a_damaged_file_in_the_cache_is_replaced() {
    let packed = gzip(&content(), 6);
    let server = Server::start(vec![("/f.gz", Behaviour::of(&packed))]);
    let mut place = Place::new();
    fs::write(place.path("f.gz"), &packed[..packed.len() / 2]).unwrap();
    assert!(place.get(entry(&content(), &[&server.base]), None).unwrap().fetched);
    assert_eq!(fs::read(place.path("f.gz")).unwrap(), packed);
}

#[test]
fn an_endless_answer_is_stopped() {
    let server = Server::start(vec![("/f.gz", Behaviour::of(&vec![1; 2 << 20]))]);
    let mut place = Place::new();
    let message = place.get(entry(&content(), &[&server.base]), None).unwrap_err().to_string();
    assert!(message.contains("it sends more than 1148576 bytes"), "{message}");
    assert!(place.files().is_empty());
}

#[test]
fn a_download_under_way_elsewhere_is_left_alone() {
    let mut place = Place::new();
    let held = Part::open(place.path("f.gz.part")).unwrap();
    assert!(
        matches!(place.get(entry(&content(), &[]), None), Err(DataError::Busy(path)) if path == held.path)
    );
}

#[cfg(unix)]
#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let mut place = Place::new();
    fs::write(place.root.path().join("set"), b"a file where the folder should be").unwrap();
    let message = place.get(entry(&content(), &[]), None).unwrap_err().to_string();
    assert!(message.starts_with("cannot create") && message.contains("set"), "{message}");
}
