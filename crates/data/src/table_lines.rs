//! Which line of a table a record stands in.

/// The line of `record` in the `bytes` it was read from, counted from 1. The position that the reader gives includes empty lines
/// and remarks (`#`) before the record.
pub(crate) fn line_of(record: &csv::StringRecord, bytes: &[u8]) -> u64 {
    let without = |line: &&[u8]| line.trim_ascii().is_empty() || line.starts_with(b"#");
    record.position().map_or(0, |place| {
        let rest = bytes.get(place.byte() as usize..).unwrap_or_default();
        place.line() + rest.split(|byte| *byte == b'\n').take_while(without).count() as u64
    })
}
