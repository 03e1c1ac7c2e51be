//! Which records count: `--sni`, `--not-sni`, `--service`, `--dc`, `--peer`, `--client`, `--result`.

/// The filters of one run; all that are set must hold, and of one kind any may.
#[derive(Debug, Default)]
pub struct Select {}
