//! Event files that TensorBoard opens: scalars and pictures by step.
//!
//! An event file is a sequence of frames, each an `Event` message in Protocol Buffers encoding:
//!
//! | bytes | content |
//! |---|---|
//! | 8 | length of the message, little endian |
//! | 4 | masked CRC-32C of those 8 bytes |
//! | length | the message |
//! | 4 | masked CRC-32C of the message |
//!
//! The handful of fields needed is written here by hand: a code generator with its compiler would cost
//! more build time than this file has lines.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crc::{CRC_32_ISCSI, Crc, Table};

use crate::files::FileError;

static CRC: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISCSI);

/// Begins the name of every event file; TensorBoard reads those of a folder in order of their names.
const PREFIX: &str = "events.out.tfevents.";
/// Ends it, in place of a machine's name.
const SUFFIX: &str = ".brigand";

/// Writes one event file of a run folder. The events carry the clock's time, as TensorBoard wants, so
/// these files differ between two runs of the same recipe.
#[derive(Debug)]
pub struct EventWriter {
    path: PathBuf,
    file: BufWriter<File>,
}

impl EventWriter {
    /// Begins a new event file in `folder`, read after those already there.
    ///
    /// # Errors
    /// [`FileError`] when the folder is missing or read-only, or the disk is full.
    pub fn create(folder: &Path) -> Result<Self, FileError> {
        let mut seconds = now().as_secs();
        if let Some(latest) = latest_event_file(folder)? {
            seconds = seconds.max(latest.saturating_add(1));
        }
        let path = folder.join(format!("{PREFIX}{seconds:010}{SUFFIX}"));
        let mut options = OpenOptions::new();
        let opened = options.write(true).create_new(true).open(&path);
        let file = BufWriter::new(opened.map_err(FileError::when("create", &path))?);
        let mut writer = EventWriter { path, file };
        writer.event(0, |event| event.bytes(field::EVENT_FILE_VERSION, b"brain.Event:2"))?;
        writer.flush()?;
        Ok(writer)
    }

    /// As [`EventWriter::create`], for a run that continues after `step`: TensorBoard then forgets what
    /// earlier files say about later steps.
    ///
    /// # Errors
    /// As [`EventWriter::create`].
    pub fn resume(folder: &Path, step: u64) -> Result<Self, FileError> {
        let mut writer = EventWriter::create(folder)?;
        writer.event(step.saturating_add(1), |event| {
            event.message(field::EVENT_SESSION_LOG, |log| log.varint(field::SESSION_STATUS, 1));
        })?;
        writer.flush()?;
        Ok(writer)
    }

    /// The file being written.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a number under `tag`; a `/` in the tag makes groups.
    ///
    /// # Errors
    /// [`FileError`] when it cannot be written.
    pub fn scalar(&mut self, tag: &str, value: f32, step: u64) -> Result<(), FileError> {
        self.event(step, |event| {
            event.summary_value(tag, |entry| entry.float(field::VALUE_SIMPLE, value));
        })
    }

    /// Adds a picture under `tag`, given as the bytes of a PNG file and its size in pixels.
    ///
    /// # Errors
    /// [`FileError`] when it cannot be written.
    pub fn image(
        &mut self,
        tag: &str,
        png: &[u8],
        width: usize,
        height: usize,
        step: u64,
    ) -> Result<(), FileError> {
        self.event(step, |event| {
            event.summary_value(tag, |entry| {
                entry.message(field::VALUE_IMAGE, |image| {
                    image.varint(field::IMAGE_HEIGHT, height as u64);
                    image.varint(field::IMAGE_WIDTH, width as u64);
                    // The number of channels TensorBoard should show: red, green, blue.
                    image.varint(field::IMAGE_COLOURS, 3);
                    image.bytes(field::IMAGE_ENCODED, png);
                });
            });
        })
    }

    /// Hands everything to the operating system, so that TensorBoard sees it.
    ///
    /// # Errors
    /// [`FileError`] when it cannot be written.
    pub fn flush(&mut self) -> Result<(), FileError> {
        self.file.flush().map_err(FileError::when("write", &self.path))
    }

    fn event(&mut self, step: u64, fill: impl FnOnce(&mut Message)) -> Result<(), FileError> {
        let mut event = Message::default();
        event.double(field::EVENT_WALL_TIME, now().as_secs_f64());
        event.varint(field::EVENT_STEP, step);
        fill(&mut event);
        self.file.write_all(&frame(&event.0)).map_err(FileError::when("write", &self.path))
    }
}

fn now() -> std::time::Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The greatest time in the names of the event files of `folder`.
fn latest_event_file(folder: &Path) -> Result<Option<u64>, FileError> {
    let mut latest = None;
    for entry in std::fs::read_dir(folder).map_err(FileError::when("read", folder))? {
        let name = entry.map_err(FileError::when("read", folder))?.file_name();
        let name = name.to_string_lossy();
        let time = name.strip_prefix(PREFIX).and_then(|rest| rest.split('.').next()?.parse::<u64>().ok());
        latest = latest.max(time);
    }
    Ok(latest)
}

fn frame(message: &[u8]) -> Vec<u8> {
    let length = (message.len() as u64).to_le_bytes();
    let mut bytes = Vec::with_capacity(message.len() + 16);
    bytes.extend(length);
    bytes.extend(masked_crc(&length).to_le_bytes());
    bytes.extend(message);
    bytes.extend(masked_crc(message).to_le_bytes());
    bytes
}

/// CRC-32C, rotated right by 15 bits plus a constant, as event files want it: a checksum of data that
/// contains its own checksum would tell nothing.
fn masked_crc(bytes: &[u8]) -> u32 {
    CRC.checksum(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Numbers of the fields, from TensorFlow's `event.proto` and `summary.proto`.
mod field {
    pub(super) const EVENT_WALL_TIME: u64 = 1;
    pub(super) const EVENT_STEP: u64 = 2;
    pub(super) const EVENT_FILE_VERSION: u64 = 3;
    pub(super) const EVENT_SUMMARY: u64 = 5;
    pub(super) const EVENT_SESSION_LOG: u64 = 7;
    pub(super) const SESSION_STATUS: u64 = 1;
    pub(super) const SUMMARY_VALUE: u64 = 1;
    pub(super) const VALUE_TAG: u64 = 1;
    pub(super) const VALUE_SIMPLE: u64 = 2;
    pub(super) const VALUE_IMAGE: u64 = 4;
    pub(super) const IMAGE_HEIGHT: u64 = 1;
    pub(super) const IMAGE_WIDTH: u64 = 2;
    pub(super) const IMAGE_COLOURS: u64 = 3;
    pub(super) const IMAGE_ENCODED: u64 = 4;
}

/// A Protocol Buffers message being written: each field is a key (number and wire type) and its value.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn raw_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn varint(&mut self, field: u64, value: u64) {
        self.raw_varint(field << 3);
        self.raw_varint(value);
    }

    fn double(&mut self, field: u64, value: f64) {
        self.raw_varint(field << 3 | 1);
        self.0.extend(value.to_le_bytes());
    }

    fn float(&mut self, field: u64, value: f32) {
        self.raw_varint(field << 3 | 5);
        self.0.extend(value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.raw_varint(field << 3 | 2);
        self.raw_varint(bytes.len() as u64);
        self.0.extend(bytes);
    }

    fn message(&mut self, field: u64, fill: impl FnOnce(&mut Message)) {
        let mut inner = Message::default();
        fill(&mut inner);
        self.bytes(field, &inner.0);
    }

    /// An event's summary with one value of this tag.
    fn summary_value(&mut self, tag: &str, fill: impl FnOnce(&mut Message)) {
        self.message(field::EVENT_SUMMARY, |summary| {
            summary.message(field::SUMMARY_VALUE, |value| {
                value.bytes(field::VALUE_TAG, tag.as_bytes());
                fill(value);
            });
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The messages of an event file, every length and checksum verified.
    fn frames(path: &Path) -> Vec<Vec<u8>> {
        let bytes = std::fs::read(path).unwrap();
        let (mut rest, mut messages) = (bytes.as_slice(), Vec::new());
        while !rest.is_empty() {
            let length = usize::try_from(u64::from_le_bytes(rest[..8].try_into().unwrap())).unwrap();
            let checksum = |at: usize| u32::from_le_bytes(rest[at..at + 4].try_into().unwrap());
            assert_eq!(checksum(8), masked_crc(&rest[..8]));
            assert_eq!(checksum(12 + length), masked_crc(&rest[12..12 + length]));
            messages.push(rest[12..12 + length].to_vec());
            rest = &rest[16 + length..];
        }
        messages
    }

    #[test]
    fn checksums_are_those_of_the_standard() {
        // RFC 3720, appendix B.4.
        assert_eq!(CRC.checksum(&[0; 32]), 0x8a91_36aa);
        assert_eq!(CRC.checksum(&(0..32).collect::<Vec<u8>>()), 0x46dd_794e);
        assert_eq!(CRC.checksum(b"123456789"), 0xe306_9283);
        // 0xe3069283 rotated right by 15 is 0x2507c60d.
        assert_eq!(masked_crc(b"123456789"), 0x2507_c60d_u32.wrapping_add(0xa282_ead8));
    }

    #[test]
    fn messages_are_encoded_as_protocol_buffers() {
        let mut message = Message::default();
        message.varint(1, 300);
        message.message(2, |inner| inner.float(1, 1.0));
        message.double(3, -2.0);
        let expected = [0x08, 0xac, 0x02, 0x12, 5, 0x0d, 0, 0, 0x80, 0x3f, 0x19, 0, 0, 0, 0, 0, 0, 0, 0xc0];
        assert_eq!(message.0, expected);
    }

    #[test]
    fn files_frame_the_events_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = EventWriter::create(folder.path()).unwrap();
        writer.scalar("loss/generator", 0.5, 7).unwrap();
        writer.image("samples", b"png", 300, 20, 7).unwrap();
        writer.flush().unwrap();
        let messages = frames(writer.path());
        assert_eq!(messages.len(), 3);
        // A time is 9 bytes, then step, then the content.
        assert_eq!(messages[0][9..], *b"\x10\0\x1a\x0dbrain.Event:2");
        let scalar = b"\x10\x07\x2a\x17\x0a\x15\x0a\x0eloss/generator\x15\0\0\0\x3f";
        assert_eq!(messages[1][9..], *scalar);
        let image = b"\x10\x07\x2a\x19\x0a\x17\x0a\x07samples\x22\x0c\x08\x14\x10\xac\x02\x18\x03\x22\x03png";
        assert_eq!(messages[2][9..], *image);
    }

    #[test]
    fn resuming_begins_a_later_file_that_says_from_which_step() {
        let folder = tempfile::tempdir().unwrap();
        let first = EventWriter::create(folder.path()).unwrap();
        let second = EventWriter::resume(folder.path(), 200).unwrap();
        assert!(first.path().file_name() < second.path().file_name());
        let messages = frames(second.path());
        assert_eq!(messages[1][9..], *b"\x10\xc9\x01\x3a\x02\x08\x01");
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let message = EventWriter::create(&folder.path().join("absent")).unwrap_err().to_string();
        assert!(message.contains("absent"), "{message}");
    }
}
