//! From what was typed to inputs: which files, of which vantage point, and none twice.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::slice;

use crate::error::Error;
use crate::source::inputs::{self, CaptureFile};

/// The most inputs.
const MAX: usize = 64;

/// Files of one vantage point that are read as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Input {
    /// The vantage point's name, where it was typed.
    pub(super) node: Option<String>,
    /// What it is called where no name was typed and no record has one.
    pub(super) fallback: String,
    /// The files; of a pipe one.
    pub(super) paths: Vec<PathBuf>,
    /// Bytes may come later, and the end is not near.
    pub(super) pipe: bool,
}

/// The inputs that were typed.
///
/// # Errors
/// [`Error::Usage`] where one is named twice, [`Error::Io`] where one is not there.
pub(super) fn look(typed: &[String]) -> Result<Vec<Input>, Error> {
    let mut seen: Vec<(u64, u64, String)> = Vec::new();
    let mut all: Vec<Input> = Vec::new();
    for typed in typed {
        for file in resolve(typed)? {
            let pipe = is_pipe(&file.path, typed, &mut seen)?;
            // the parts of a vantage point's capture are one
            let same = |input: &&mut Input| !input.pipe && !pipe && input.node == file.node;
            match all.iter_mut().find(same).filter(|_| file.node.is_some()) {
                Some(input) => input.paths.push(file.path),
                None => all.push(Input {
                    node: file.node,
                    fallback: stem(&file.path),
                    paths: vec![file.path],
                    pipe,
                }),
            }
        }
    }
    if all.len() > MAX {
        return Err(Error::Usage(format!("correlate takes {MAX} inputs at most")));
    }
    distinguish(&mut all);
    Ok(all)
}

/// The files of one typed input; a directory without `NODE=` is a vantage point of its name.
fn resolve(typed: &str) -> Result<Vec<CaptureFile>, Error> {
    let path = PathBuf::from(typed);
    let mut files = inputs::resolve(slice::from_ref(&path))?;
    if path.is_dir() {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        for file in &mut files {
            file.node.clone_from(&name);
        }
    }
    Ok(files)
}

/// True for a pipe or standard input; notes a file, which can be given once only.
fn is_pipe(path: &Path, typed: &str, seen: &mut Vec<(u64, u64, String)>) -> Result<bool, Error> {
    let twice = |other: &str| Error::Usage(format!("{typed} and {other} are the same file"));
    if path == Path::new("-") {
        if let Some((.., other)) = seen.iter().find(|(.., other)| other.ends_with('-')) {
            return Err(twice(other));
        }
        seen.push((0, 0, typed.to_owned()));
        return Ok(true);
    }
    let failed = |source| Error::Io { action: "cannot open", path: path.to_path_buf(), source };
    let about = fs::metadata(path).map_err(failed)?;
    let kind = about.file_type();
    if !kind.is_file() {
        return Ok(kind.is_fifo() || kind.is_socket() || kind.is_char_device());
    }
    let same = |it: &&(u64, u64, String)| (it.0, it.1) == (about.dev(), about.ino());
    if let Some((.., other)) = seen.iter().find(same) {
        return Err(twice(other));
    }
    seen.push((about.dev(), about.ino(), typed.to_owned()));
    Ok(false)
}

/// `dc1` of `captures/dc1.pcap.gz`.
fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap_or(OsStr::new("stdin")).to_string_lossy();
    let name = name.trim_start_matches('.');
    match name.split('.').next().unwrap_or_default() {
        "" | "-" => "stdin".to_owned(),
        stem => stem.to_owned(),
    }
}

/// Files of the same name in different places are different vantage points.
fn distinguish(inputs: &mut [Input]) {
    let names: Vec<String> =
        inputs.iter().map(|it| it.node.clone().unwrap_or_else(|| it.fallback.clone())).collect();
    for (place, input) in inputs.iter_mut().enumerate().filter(|(_, input)| input.node.is_none()) {
        let same = names.iter().enumerate().any(|(at, name)| at != place && *name == input.fallback);
        if let Some(path) = input.paths.first().filter(|_| same) {
            input.fallback = path.display().to_string();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_files() {
        for (path, name) in [
            ("dc1.jsonl", "dc1"),
            ("a/gw.east.pcap.gz", "gw"),
            ("-", "stdin"),
            ("/dev/fd/63", "63"),
            (".hidden.pcap", "hidden"),
        ] {
            assert_eq!(stem(Path::new(path)), name, "{path}");
        }
    }

    #[test]
    fn inputs_are_looked_at_before_anything_is_read() {
        let folder = std::env::temp_dir().join(format!("sni-watch-inputs-{}", std::process::id()));
        fs::create_dir_all(folder.join("b")).unwrap();
        let file = |name: &str| {
            let path = folder.join(name);
            fs::write(&path, "{}\n").unwrap();
            path.display().to_string()
        };
        let (one, other, third) = (file("dc1.jsonl"), file("b/dc1.pcap"), file("dc1.2.jsonl"));
        let names = |typed: &[String]| {
            let name = |it: Input| (it.node.unwrap_or(it.fallback), it.paths.len());
            look(typed).map(|all| all.into_iter().map(name).collect::<Vec<_>>())
        };
        let both = names(&[one.clone(), other.clone()]).unwrap();
        assert_eq!(both, [(one.clone(), 1), (other.clone(), 1)], "the same name in two places");
        assert_eq!(
            names(&[format!("x={one}"), other.clone()]).unwrap(),
            [("x".into(), 1), ("dc1".into(), 1)]
        );
        assert_eq!(names(&[format!("x={one}"), format!("x={third}")]).unwrap(), [("x".into(), 2)]);
        let link = folder.join("link");
        fs::hard_link(&one, &link).unwrap();
        let typed = [format!("dc1={one}"), format!("dc2={}", link.display())];
        let error = names(&typed).unwrap_err().to_string();
        assert_eq!(error, format!("{} and {} are the same file", typed[1], typed[0]));
        let error = names(&["gw1=-".into(), "-".into()]).unwrap_err().to_string();
        assert_eq!(error, "- and gw1=- are the same file");
        let error = names(&["nothing.pcap".into()]).unwrap_err().to_string();
        assert!(error.starts_with("cannot open nothing.pcap: "), "{error}");
        let many: Vec<String> = (0..65).map(|n| file(&format!("n{n}"))).collect();
        assert_eq!(names(&many).unwrap_err().to_string(), "correlate takes 64 inputs at most");
        fs::remove_dir_all(&folder).unwrap();
    }
}
