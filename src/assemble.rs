//! Joins bytes by their offset: gaps, overlaps and their conflicts, under a cap. It knows no protocol.
//!
//! Where two pieces overlap, the bytes that came first stay. If the later ones differ they are kept as
//! rivals, so that a caller for whom the first reading makes no sense can try the other one. A mark of
//! the caller's travels with the first byte of each piece.

/// Most bytes that one assembler holds, rivals apart: a hello of 128 KiB with its record headers.
pub const MAX_BYTES: usize = 144 * 1024;
/// Most separate pieces that one assembler holds.
pub const MAX_PIECES: usize = 2048;
/// Most conflicting pieces that are remembered.
pub const MAX_RIVALS: usize = 16;

/// A run of bytes without a gap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece<M> {
    /// Offset of the first byte.
    pub offset: u32,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// What the caller attached to the insertion that brought the first byte.
    pub mark: M,
}

impl<M> Piece<M> {
    fn end(&self) -> u64 {
        u64::from(self.offset) + self.bytes.len() as u64
    }
}

/// What an insertion did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inserted {
    /// Bytes that were not there before.
    pub fresh: usize,
    /// Some bytes were there and differ.
    pub conflict: bool,
    /// Nothing was inserted because a cap was reached.
    pub full: bool,
}

/// Pieces of one stream, sorted, disjoint, and joined where they touch.
#[derive(Clone, Debug)]
pub struct Assembler<M> {
    pieces: Vec<Piece<M>>,
    rivals: Vec<(u32, Box<[u8]>)>,
    held: usize,
}

impl<M> Default for Assembler<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M> Assembler<M> {
    /// An assembler that holds nothing.
    pub const fn new() -> Self {
        Self { pieces: Vec::new(), rivals: Vec::new(), held: 0 }
    }
}

impl<M: Copy> Assembler<M> {
    /// Adds `bytes` at `offset`.
    pub fn insert(&mut self, offset: u32, bytes: &[u8], mark: M) -> Inserted {
        let end = u64::from(offset) + bytes.len() as u64;
        if bytes.is_empty() || end > u64::from(u32::MAX) {
            return Inserted::default();
        }
        let from = self.pieces.partition_point(|piece| piece.end() < u64::from(offset));
        let to = self.pieces.partition_point(|piece| u64::from(piece.offset) <= end);
        let room = MAX_BYTES.saturating_sub(self.held);
        if bytes.len() > room || (from == to && self.pieces.len() >= MAX_PIECES) {
            return Inserted { full: true, ..Inserted::default() };
        }
        let done = if from == to {
            self.pieces.insert(from, Piece { offset, bytes: bytes.to_vec(), mark });
            Inserted { fresh: bytes.len(), ..Inserted::default() }
        } else {
            self.join(from, to, &New { offset, bytes, mark })
        };
        self.held += done.fresh;
        if done.conflict && self.rivals.len() < MAX_RIVALS {
            self.rivals.push((offset, bytes.into()));
        }
        done
    }

    /// Joins `new` with the pieces `from..to`, all of which it overlaps or touches.
    fn join(&mut self, from: usize, to: usize, new: &New<'_, M>) -> Inserted {
        let mut done = Inserted::default();
        let tail = self.pieces.split_off(to);
        let mut touched = self.pieces.drain(from..);
        let Some(mut whole) = touched.next() else { return done };
        if new.offset < whole.offset {
            let ahead = new.between(u64::from(new.offset), u64::from(whole.offset));
            done.fresh += ahead.len();
            done.conflict |= new.differs(&whole);
            let mut bytes = Vec::with_capacity(ahead.len() + whole.bytes.len());
            bytes.extend_from_slice(ahead);
            bytes.append(&mut whole.bytes);
            whole = Piece { offset: new.offset, bytes, mark: new.mark };
        } else {
            done.conflict |= new.differs(&whole);
        }
        for mut piece in touched {
            let gap = new.between(whole.end(), u64::from(piece.offset));
            done.fresh += gap.len();
            done.conflict |= new.differs(&piece);
            whole.bytes.extend_from_slice(gap);
            whole.bytes.append(&mut piece.bytes);
        }
        let rest = new.between(whole.end(), new.end());
        done.fresh += rest.len();
        whole.bytes.extend_from_slice(rest);
        self.pieces.push(whole);
        self.pieces.extend(tail);
        done
    }

    /// The piece that begins at `offset`.
    pub fn starting_at(&self, offset: u32) -> Option<&Piece<M>> {
        let at = self.pieces.binary_search_by_key(&offset, |piece| piece.offset).ok()?;
        self.pieces.get(at)
    }

    /// All pieces, by offset.
    pub fn pieces(&self) -> &[Piece<M>] {
        &self.pieces
    }

    /// Takes out the bytes from `offset` up to the next gap, forgetting all that is older.
    pub fn take(&mut self, offset: u32) -> Option<Vec<u8>> {
        while self.pieces.first().is_some_and(|piece| piece.offset <= offset) {
            let mut piece = self.pieces.remove(0);
            self.held -= piece.bytes.len();
            if piece.end() > u64::from(offset) {
                piece.bytes.drain(..(offset - piece.offset) as usize);
                return Some(piece.bytes);
            }
        }
        None
    }

    /// Makes `offset` the stream's beginning: what lies ahead of it is forgotten, what is behind keeps its place.
    pub fn rebase(&mut self, offset: u32) {
        let keep = |at: u32, len: usize| {
            let skip = usize::try_from(offset.saturating_sub(at)).unwrap_or(usize::MAX);
            (skip < len).then_some((skip, at.saturating_sub(offset)))
        };
        self.pieces.retain_mut(|piece| {
            let Some((skip, at)) = keep(piece.offset, piece.bytes.len()) else { return false };
            piece.bytes.drain(..skip);
            piece.offset = at;
            true
        });
        self.rivals.retain_mut(|(at, bytes)| {
            let Some((skip, new)) = keep(*at, bytes.len()) else { return false };
            *at = new;
            *bytes = bytes.get(skip..).unwrap_or_default().into();
            true
        });
        self.held = self.pieces.iter().map(|piece| piece.bytes.len()).sum();
    }

    /// Gives the piece that begins at `offset` another mark.
    pub fn mark(&mut self, offset: u32, mark: M) {
        if let Ok(at) = self.pieces.binary_search_by_key(&offset, |piece| piece.offset)
            && let Some(piece) = self.pieces.get_mut(at)
        {
            piece.mark = mark;
        }
    }

    /// The reading in which later bytes win, from `offset` up to the next gap; `None` without a conflict there.
    pub fn rival(&self, offset: u32) -> Option<Vec<u8>> {
        let mut bytes = self.starting_at(offset)?.bytes.clone();
        let mut changed = false;
        for (at, rival) in &self.rivals {
            let skip = offset.saturating_sub(*at) as usize;
            let start = at.saturating_sub(offset) as usize;
            let (Some(theirs), Some(ours)) = (rival.get(skip..), bytes.get_mut(start..)) else { continue };
            for (mine, other) in ours.iter_mut().zip(theirs) {
                changed |= *mine != *other;
                *mine = *other;
            }
        }
        changed.then_some(bytes)
    }

    /// True if two insertions disagreed.
    pub fn has_rivals(&self) -> bool {
        !self.rivals.is_empty()
    }

    /// True if nothing is held.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Bytes held, rivals apart.
    pub fn held(&self) -> usize {
        self.held
    }
}

/// An insertion under way.
struct New<'b, M> {
    offset: u32,
    bytes: &'b [u8],
    mark: M,
}

impl<M> New<'_, M> {
    fn end(&self) -> u64 {
        u64::from(self.offset) + self.bytes.len() as u64
    }

    /// The new bytes of the stream's `from..to`; empty where that is no range.
    fn between(&self, from: u64, to: u64) -> &[u8] {
        let clip = |at: u64| usize::try_from(at.saturating_sub(u64::from(self.offset))).unwrap_or(usize::MAX);
        self.bytes.get(clip(from)..clip(to.min(self.end()))).unwrap_or(&[])
    }

    /// True if a byte is in both and differs.
    fn differs<N>(&self, piece: &Piece<N>) -> bool {
        let skip_new = piece.offset.saturating_sub(self.offset) as usize;
        let skip_old = self.offset.saturating_sub(piece.offset) as usize;
        match (self.bytes.get(skip_new..), piece.bytes.get(skip_old..)) {
            (Some(new), Some(old)) => new.iter().zip(old).any(|(a, b)| a != b),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(parts: &[(u32, &[u8])]) -> Assembler<u32> {
        let mut asm = Assembler::default();
        for (offset, bytes) in parts {
            asm.insert(*offset, bytes, *offset);
        }
        asm
    }

    #[test]
    fn joins_in_any_order() {
        let asm = filled(&[(4, b"45"), (0, b"01"), (2, b"23")]);
        assert_eq!(asm.pieces().len(), 1);
        assert_eq!(asm.starting_at(0).unwrap().bytes, b"012345");
        assert_eq!(asm.starting_at(0).unwrap().mark, 0);
        assert_eq!(asm.held(), 6);
    }

    #[test]
    fn keeps_gaps_apart() {
        let asm = filled(&[(0, b"01"), (4, b"45")]);
        assert_eq!(asm.pieces().len(), 2);
        assert_eq!(asm.starting_at(0).unwrap().bytes, b"01");
    }

    #[test]
    fn a_piece_over_several_fills_the_gaps_and_the_first_bytes_stay() {
        let mut asm = filled(&[(1, b"B"), (3, b"D"), (5, b"F")]);
        let done = asm.insert(0, b"abcdefg", 9);
        assert_eq!(done, Inserted { fresh: 4, conflict: true, full: false });
        assert_eq!(asm.starting_at(0).unwrap().bytes, b"aBcDeFg");
        assert_eq!(asm.rival(0).unwrap(), b"abcdefg");
        assert_eq!(asm.starting_at(0).unwrap().mark, 9);
    }

    #[test]
    fn the_same_bytes_again_are_no_conflict() {
        let mut asm = filled(&[(0, b"0123")]);
        assert_eq!(asm.insert(1, b"12", 0), Inserted::default());
        assert_eq!(asm.insert(2, b"2345", 0).fresh, 2);
        assert_eq!(asm.rival(0), None);
    }

    #[test]
    fn rival_of_a_short_first_piece_reads_on() {
        let mut asm = filled(&[(0, b"\0\0")]);
        assert!(asm.insert(0, b"hello", 0).conflict);
        assert_eq!(asm.starting_at(0).unwrap().bytes, b"\0\0llo");
        assert_eq!(asm.rival(0).unwrap(), b"hello");
    }

    #[test]
    fn take_forgets_what_is_older() {
        let mut asm = filled(&[(0, b"01"), (4, b"4567"), (10, b"a")]);
        assert_eq!(asm.take(5).unwrap(), b"567");
        assert_eq!(asm.take(8), None);
        assert_eq!(asm.held(), 1);
        assert_eq!(asm.take(10).unwrap(), b"a");
        assert!(asm.is_empty());
    }

    #[test]
    fn a_new_beginning_moves_all_offsets() {
        let mut asm = filled(&[(0, b"01"), (4, b"4567"), (10, b"ab")]);
        asm.insert(6, b"XY", 7);
        asm.rebase(6);
        asm.mark(0, 3);
        asm.mark(1, 4);
        let pieces: Vec<_> = asm.pieces().iter().map(|p| (p.offset, &p.bytes[..], p.mark)).collect();
        assert_eq!(pieces, [(0, &b"67"[..], 3), (4, b"ab", 10)]);
        assert_eq!((asm.held(), asm.rival(0).as_deref()), (4, Some(&b"XY"[..])));
        asm.rebase(100);
        assert!(asm.is_empty() && !asm.has_rivals() && asm.held() == 0);
    }

    #[test]
    fn caps_hold() {
        let mut asm = Assembler::default();
        assert!(asm.insert(0, &vec![0; MAX_BYTES + 1], ()).full);
        let most = u32::try_from(MAX_PIECES).unwrap();
        for i in 0..most {
            assert_eq!(asm.insert(i * 2, b"x", ()).fresh, 1);
        }
        assert!(asm.insert(most * 2, b"x", ()).full);
        assert_eq!(asm.insert(1, b"y", ()).fresh, 1, "joining two pieces needs no new one");
        assert_eq!(asm.insert(u32::MAX, b"xy", ()), Inserted::default());
    }
}
