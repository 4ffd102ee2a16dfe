//! Batches of named fields: what data gives, what systems need, and how one becomes the other.

mod feed;
mod fields;
mod held_out;
mod reworded;
mod sample_shape;
mod sampler;
mod schema;
mod source;
mod tags;
mod tokens;

pub use feed::Feed;
pub use fields::{
    AUDIO, Batch, CAPTION, CODES, FRAME_COUNT, FRAMES, IMAGES, IndexKey, Indices, LABEL_MAP, LABELS,
    LANDMARKS, MEANING, NumberKey, PARTNER, PHONES, PICTURE, POINTS, SECOND, SECOND_PARTNER, SECOND_TOKENS,
    SEGMENTS, SOURCE_LANDMARKS, SOURCES, SPECTROGRAM, TABLE, TAGS, TOKENS, UTTERANCE, no_labels,
};
pub use sample_shape::{SampleKind, SampleShape};
pub use sampler::Sampler;
pub use schema::{Field, Kind, MapLabel, Need, Schema, SpectrogramField};
pub use source::{HostBatch, HostField, Joined, MemorySource, Renamed, Source};
pub use tags::{TagField, TagRule};
pub use tokens::{END, TokenField, UNKNOWN, UNKNOWN_CAPTION_WORD, UNKNOWN_WORD};
