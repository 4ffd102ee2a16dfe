//! What lies under the transparent parts of images.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::DataError;

/// The colour that transparent images of a folder are laid over: `white`, `black`, `grey` or `#rrggbb`, white where none
/// is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Background([u8; 3]);

/// The colours with names.
const NAMED: [(&str, [u8; 3]); 3] = [("white", [255; 3]), ("black", [0; 3]), ("grey", [128; 3])];

impl Background {
    /// White.
    pub const WHITE: Self = Self([255; 3]);

    /// Red, green and blue.
    pub fn rgb(self) -> [u8; 3] {
        self.0
    }

    /// What a measurement on images of a folder records of it: nothing for white, which is the default.
    pub fn remark(self) -> Option<String> {
        (self != Self::WHITE).then(|| format!("transparent parts over {self}"))
    }
}

impl Default for Background {
    fn default() -> Self {
        Self::WHITE
    }
}

impl FromStr for Background {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let refused = || DataError::BadOption {
            option: "background",
            given: text.to_owned(),
            allowed: "give white, black, grey or a colour as #rrggbb, for example #336699".to_owned(),
        };
        if let Some((_, colour)) = NAMED.iter().find(|(name, _)| *name == text) {
            return Ok(Self(*colour));
        }
        colour(text).map(Self).ok_or_else(refused)
    }
}

/// Red, green and blue of a colour written as `#rrggbb`.
pub(crate) fn colour(text: &str) -> Option<[u8; 3]> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let digits = Some(digits).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
    let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
    Some([red, green, blue])
}

impl TryFrom<String> for Background {
    type Error = DataError;

    fn try_from(text: String) -> Result<Self, DataError> {
        text.parse()
    }
}

impl From<Background> for String {
    fn from(background: Background) -> Self {
        background.to_string()
    }
}

impl fmt::Display for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        match NAMED.iter().find(|(_, colour)| *colour == self.0) {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "#{red:02x}{green:02x}{blue:02x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_and_printed_again() {
        for text in ["white", "black", "grey", "#33669f"] {
            assert_eq!(text.parse::<Background>().unwrap().to_string(), text);
        }
        assert_eq!("#33669F".parse::<Background>().unwrap().rgb(), [0x33, 0x66, 0x9f]);
        assert_eq!("#ffffff".parse::<Background>().unwrap(), Background::default());
        for wrong in ["", "red", "#12345", "#1234567", "336699", "#+12345", "#éé1"] {
            let message = wrong.parse::<Background>().unwrap_err().to_string();
            assert!(message.contains("white, black, grey or a colour as #rrggbb"), "{message}");
        }
    }
}
