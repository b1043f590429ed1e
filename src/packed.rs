//! Values that are kept for long and read seldom: as compressed JSON, in one piece of memory.

use std::fmt;
use std::marker::PhantomData;
use std::sync::{LazyLock, Mutex, PoisonError};

use miniz_oxide::DataFormat;
use miniz_oxide::deflate::CompressionLevel;
use miniz_oxide::deflate::core::{CompressorOxide, TDEFLFlush, TDEFLStatus, compress_to_output};
use miniz_oxide::inflate::decompress_to_vec;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// One for all, since each has buffers of 230 kB: made anew each time, they would leave holes all over the heap.
static COMPRESSOR: LazyLock<Mutex<Box<CompressorOxide>>> = LazyLock::new(|| {
    // The other levels save 2 % more of an App.
    let level = CompressionLevel::BestSpeed;
    Mutex::new(Box::new(CompressorOxide::with_format_and_level(
        DataFormat::Raw,
        level,
    )))
});

/// A value that takes about a quarter of the memory that it takes as such.
pub struct Packed<T> {
    deflated: Box<[u8]>,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Packed<T> {
    fn clone(&self) -> Self {
        Packed {
            deflated: self.deflated.clone(),
            of: PhantomData,
        }
    }
}

/// The value may hold what is nobody's business.
impl<T> fmt::Debug for Packed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} packed bytes", self.deflated.len())
    }
}

impl<T: Serialize + DeserializeOwned> Packed<T> {
    /// Packs a value. Fails for one that is no JSON.
    pub fn new(value: &T) -> Result<Self, String> {
        let json = serde_json::to_vec(value).map_err(|error| error.to_string())?;
        Ok(Packed {
            deflated: deflated(&json)?.into(),
            of: PhantomData,
        })
    }

    /// Returns the value as it was.
    pub fn unpack(&self) -> Result<T, String> {
        let json = decompress_to_vec(&self.deflated).map_err(|error| error.to_string())?;
        serde_json::from_slice(&json).map_err(|error| error.to_string())
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.deflated.len()
    }
}

fn deflated(json: &[u8]) -> Result<Vec<u8>, String> {
    // What a panic left behind is reset.
    let mut compressor = COMPRESSOR.lock().unwrap_or_else(PoisonError::into_inner);
    compressor.reset();
    let mut deflated = Vec::new();
    let keep = |bytes: &[u8]| {
        deflated.extend_from_slice(bytes);
        true
    };
    match compress_to_output(&mut compressor, json, TDEFLFlush::Finish, keep) {
        (TDEFLStatus::Done, _) => Ok(deflated),
        (status, _) => Err(format!("cannot be compressed: {status:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_out_as_it_went_in_and_is_smaller_meanwhile() {
        let digits: Vec<String> = (0..100_u64)
            .map(|n| format!("{:016x}", n * n * n * 7_919))
            .collect();
        let size = serde_json::to_vec(&digits).unwrap().len();
        let packed = Packed::new(&digits).unwrap();
        assert_eq!(packed.unpack().unwrap(), digits);
        assert!(packed.len() * 3 < size * 2, "{} of {size}", packed.len());
        let copy = packed.clone();
        assert_eq!(copy.unpack(), packed.unpack());
        assert!(!format!("{packed:?}").contains("1eef"), "{packed:?}");
    }
}
