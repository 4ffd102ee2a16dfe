//! How a score was measured: everything that must be the same before two scores may be compared.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::{EvaluationError, Result};

/// What turns samples into features.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extractor {
    /// Its name, `"inception-2015-12-05/pool3"`, `"pixels"`...
    pub name: String,
    /// SHA-256 of its weights, in hexadecimal; none for one without weights.
    pub sha256: Option<String>,
    /// How images are brought to the size it reads, `"bilinear 299x299, half-pixel, no antialias"` or `"none"`.
    pub resizing: String,
}

/// Where samples came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The data set or run.
    pub name: String,
    /// Which part of a data set, `"train"` or `"test"`.
    pub split: Option<String>,
    /// How many samples; unknown for statistics from files that do not record it.
    pub count: Option<u64>,
    /// The shape of one after any resizing, `[channels, height, width]` or `[dimensions]`, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Vec<usize>>,
    /// What was done to images before the extractor took them, or what sizes they had where it took several; none for
    /// images of one size that were taken as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<String>,
    /// How the samples were drawn from more, where they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drawn: Option<String>,
}

/// What features or their statistics were made of and with. Stored beside them in files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// What made the features.
    pub extractor: Extractor,
    /// The samples they were made of.
    pub source: Source,
}

/// What all metrics of one evaluation share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// What made the features, of the real and of the generated samples.
    pub extractor: Extractor,
    /// The real samples.
    pub real: Source,
    /// How many samples were generated.
    pub generated: Option<u64>,
    /// Shape and preparation of the generated images, where they differ from those of the real ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated_images: Option<String>,
    /// What subsets and resamples are drawn with.
    pub seed: u64,
}

impl Setting {
    /// The setting in which features of `real` are compared with those of `generated`.
    ///
    /// # Errors
    /// If the two were not made by the same extractor with the same resizing, naming the difference.
    pub fn new(real: &Origin, generated: &Origin, seed: u64) -> Result<Self> {
        let differences = differences(&real.extractor, &generated.extractor)?;
        if !differences.is_empty() {
            return Err(EvaluationError::Protocol(format!(
                "real and generated features were not made in the same way ({}); \
                 make both with the same extractor and resizing",
                differences.join("; ")
            )));
        }
        Ok(Self {
            extractor: real.extractor.clone(),
            real: real.source.clone(),
            generated: generated.source.count,
            generated_images: generated_images(&real.source, &generated.source),
            seed,
        })
    }

    /// The protocol of one metric in this setting.
    pub fn protocol<const N: usize>(&self, metric: &str, parameters: [(&str, Value); N]) -> Protocol {
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value));
        Protocol { metric: metric.to_owned(), setting: self.clone(), parameters: BTreeMap::from(parameters) }
    }
}

/// Shape and preparation of generated images that differ in either from real ones.
fn generated_images(real: &Source, generated: &Source) -> Option<String> {
    let prepared = generated.images.as_ref().filter(|images| Some(*images) != real.images.as_ref());
    let other = generated.shape != real.shape && (generated.shape.is_some() || prepared.is_some());
    let shape = generated.shape.as_ref().filter(|_| other).map(|shape| format!("{shape:?}"));
    let parts: Vec<String> = shape.into_iter().chain(prepared.cloned()).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Everything that must be the same before two scores may be compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protocol {
    /// The metric's name.
    pub metric: String,
    /// What it shares with the other metrics of its evaluation.
    #[serde(flatten)]
    pub setting: Setting,
    /// The metric's own settings by name.
    pub parameters: BTreeMap<String, Value>,
}

impl Protocol {
    /// In what the two differ, `"extractor.sha256: 12ab and 34cd"`; empty when they agree.
    ///
    /// # Errors
    /// If a protocol cannot be written down, which a plain one can.
    pub fn differences(&self, other: &Self) -> Result<Vec<String>> {
        differences(self, other)
    }
}

fn differences<T: Serialize>(one: &T, other: &T) -> Result<Vec<String>> {
    let written = |value: &T| {
        serde_json::to_value(value).map_err(|reason| {
            EvaluationError::Protocol(format!("the protocol cannot be written down: {reason}"))
        })
    };
    let mut found = Vec::new();
    collect_differences("", &written(one)?, &written(other)?, &mut found);
    Ok(found)
}

fn collect_differences(path: &str, one: &Value, other: &Value, found: &mut Vec<String>) {
    if let (Value::Object(one), Value::Object(other)) = (one, other) {
        let keys: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
        for key in keys {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let get = |side: &serde_json::Map<String, Value>| side.get(key).cloned().unwrap_or(Value::Null);
            collect_differences(&path, &get(one), &get(other), found);
        }
    } else if one != other {
        found.push(format!("{path}: {} and {}", plain(one), plain(other)));
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An origin for tests.
    pub(crate) fn origin(count: u64) -> Origin {
        Origin {
            extractor: Extractor { name: "pixels".into(), sha256: None, resizing: "none".into() },
            source: Source {
                name: "digits".into(),
                split: Some("train".into()),
                count: Some(count),
                shape: None,
                images: None,
                drawn: None,
            },
        }
    }

    /// A setting for tests.
    pub(crate) fn setting(real: u64, generated: u64) -> Setting {
        Setting::new(&origin(real), &origin(generated), 0).unwrap()
    }

    #[test]
    fn features_of_two_extractors_do_not_meet() {
        let mut other = origin(5);
        other.extractor.sha256 = Some("ab".into());
        other.extractor.resizing = "bicubic".into();
        let message = Setting::new(&origin(5), &other, 0).unwrap_err().to_string();
        assert!(message.contains("resizing: none and bicubic; sha256: none and ab"), "{message}");
    }

    #[test]
    fn every_part_of_a_protocol_counts() {
        let base = setting(5, 6).protocol("kid", [("subsets", 3.into())]);
        assert_eq!(base.differences(&base.clone()).unwrap(), Vec::<String>::new());
        let mut other = base.clone();
        other.setting.real.split = Some("test".into());
        other.setting.real.shape = Some(vec![1, 8, 8]);
        other.setting.seed = 4;
        other.setting.generated = None;
        other.parameters = BTreeMap::from([("size".into(), 7.into())]);
        assert_eq!(
            base.differences(&other).unwrap(),
            [
                "generated: 6 and none",
                "parameters.size: none and 7",
                "parameters.subsets: 3 and none",
                "real.shape: none and [1,8,8]",
                "real.split: train and test",
                "seed: 0 and 4"
            ]
        );
    }

    #[test]
    fn protocols_survive_json() {
        let protocol = setting(5, 6).protocol("kid", [("subsets", 3.into())]);
        let text = serde_json::to_string(&protocol).unwrap();
        assert_eq!(serde_json::from_str::<Protocol>(&text).unwrap(), protocol, "{text}");
    }
}
