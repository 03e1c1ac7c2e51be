//! An input that may be a capture, or text: what it is tells its first byte.

use std::io::{Cursor, Read};
use std::path::Path;

use crate::error::Error;
use crate::model::frame::OriginId;

use super::file::{self, File};
use super::input::{Input, Kind, Signs};

/// What an input turned out to be.
pub enum Content {
    /// A capture.
    Capture(Box<File>),
    /// Text that begins with a brace, or nothing at all; unpacked where it was packed.
    Text(Box<dyn Read + Send>),
}

/// Opens an input and looks at it; `-` is standard input. Waits for its first bytes, of a pipe too.
///
/// # Errors
/// As [`file::open`]: it is neither, or cannot be read.
pub fn open(path: &Path, origin: OriginId, signs: &Signs) -> Result<Content, Error> {
    let input = Input::open(path, signs)?;
    let first = input.head.iter().find(|byte| !byte.is_ascii_whitespace());
    if input.kind() == Kind::Other && matches!(first, None | Some(b'{')) {
        return Ok(Content::Text(Box::new(Cursor::new(input.head).chain(input.reader))));
    }
    file::start(input, path.to_path_buf(), origin).map(Box::new).map(Content::Capture)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_first_byte_tells_what_it_is() {
        let path = std::env::temp_dir().join(format!("sni-watch-content-{}", std::process::id()));
        let opened = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            open(&path, OriginId(0), &Signs::default())
        };
        for text in ["", "\n", "{\"sni\":null}\n{}", " \n {"] {
            let Ok(Content::Text(mut reader)) = opened(text.as_bytes()) else { panic!("{text:?}") };
            let mut all = String::new();
            reader.read_to_string(&mut all).unwrap();
            assert_eq!(all, text);
        }
        let capture = [&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0][..], &[0; 12], &[1, 0, 0, 0]].concat();
        assert!(matches!(opened(&capture), Ok(Content::Capture(_))));
        let error = opened(b"[1]").err().unwrap().to_string();
        assert!(error.contains("not a capture file (first bytes 5b 31 5d)"), "{error}");
        fs::remove_file(&path).unwrap();
    }
}
