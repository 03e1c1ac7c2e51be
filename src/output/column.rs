//! A column that widens with what stands in it.

/// Columns up to which a field widens for the lines that follow; wider ones are not cut.
const WIDEST: usize = 45;

/// A field as wide as the widest one so far, up to [`WIDEST`].
#[derive(Default)]
pub(super) struct Column(usize);

impl Column {
    /// Pads what stands in `out` from `start` on.
    pub(super) fn pad(&mut self, out: &mut Vec<u8>, start: usize) {
        // A byte that continues a UTF-8 character takes no column.
        let written = out.iter().skip(start).filter(|byte| *byte & 0xc0 != 0x80).count();
        self.0 = self.0.max(written.min(WIDEST));
        out.resize(out.len() + self.0.saturating_sub(written), b' ');
    }
}
