//! The one file of a run's packets: what several readers keep is put together by time.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::path::Path;

use crate::error::Error;
use crate::model::frame::{Origin, OriginId, Timestamp};
use crate::output::packets::{Packet, PacketWriter};
use crate::output::sink::Place;
use crate::run::keep::Kept;

/// Bytes of packets that wait for slower readers; past it, the oldest are written all the same.
const MAX_WAITING: usize = 64 << 20;

/// What one reader gave, and how far it has come.
#[derive(Debug, Default)]
struct Queue {
    packets: VecDeque<Packet>,
    safe: Timestamp,
    lost: u64,
    dropped: u64,
}

/// The file.
pub struct PacketFile {
    writer: PacketWriter,
    queues: Vec<Queue>,
    waiting: usize,
}

impl PacketFile {
    /// Opens the file at `path`, `-` for standard output, for so many readers.
    ///
    /// # Errors
    /// It could not be opened or written.
    pub fn open(path: &Path, origins: &[Origin], readers: usize, snaplen: u32) -> Result<Self, Error> {
        let place = if path == Path::new("-") { Place::Stdout } else { Place::File(path.to_owned()) };
        Ok(Self::new(PacketWriter::open(place, origins.to_vec(), snaplen)?, readers))
    }

    fn new(writer: PacketWriter, readers: usize) -> Self {
        Self { writer, queues: std::iter::repeat_with(Queue::default).take(readers).collect(), waiting: 0 }
    }

    /// Takes what a reader kept; leaves `kept` empty.
    ///
    /// # Errors
    /// The file could not be written.
    pub fn take(&mut self, kept: &mut Kept) -> Result<ControlFlow<()>, Error> {
        if self.queues.len() == 1 {
            if let Some(queue) = self.queues.first_mut() {
                queue.lost = kept.lost;
                queue.dropped += std::mem::take(&mut kept.dropped);
            }
            return self.write_all(kept.packets.drain(..));
        }
        let Some(queue) = self.queues.get_mut(kept.input) else { return Ok(ControlFlow::Continue(())) };
        (queue.safe, queue.lost) = (queue.safe.max(kept.safe), kept.lost);
        queue.dropped += std::mem::take(&mut kept.dropped);
        self.waiting += kept.packets.iter().map(|packet| packet.bytes.len()).sum::<usize>();
        queue.packets.extend(kept.packets.drain(..));
        self.merge()
    }

    /// A reader has ended: it is not waited for.
    ///
    /// # Errors
    /// The file could not be written.
    pub fn ended(&mut self, input: usize) -> Result<ControlFlow<()>, Error> {
        if let Some(queue) = self.queues.get_mut(input) {
            queue.safe = Timestamp(u64::MAX);
        }
        self.merge()
    }

    /// The end of the run: writes all that waits.
    ///
    /// # Errors
    /// The file could not be written.
    pub fn finish(&mut self) -> Result<(), Error> {
        for queue in &mut self.queues {
            queue.safe = Timestamp(u64::MAX);
        }
        let _: ControlFlow<()> = self.merge()?;
        let _: ControlFlow<()> = self.writer.flush()?;
        Ok(())
    }

    /// Writes out what is buffered.
    ///
    /// # Errors
    /// The file could not be written.
    pub fn flush(&mut self) -> Result<ControlFlow<()>, Error> {
        self.writer.flush()
    }

    /// Opens the file again (SIGHUP).
    ///
    /// # Errors
    /// It could not be opened.
    pub fn reopen(&mut self) -> Result<(), Error> {
        self.writer.reopen()
    }

    /// Another input bears this number from now on.
    pub fn origin(&mut self, id: OriginId, origin: &Origin) {
        self.writer.origin(id, origin);
    }

    /// Packets of wanted connections that are not in the file.
    pub fn lost(&self) -> u64 {
        self.queues.iter().map(|queue| queue.lost + queue.dropped).sum()
    }

    /// Writes what no reader can give an older packet than.
    fn merge(&mut self) -> Result<ControlFlow<()>, Error> {
        loop {
            let heads = self.queues.iter().enumerate();
            let heads = heads.filter_map(|(place, queue)| Some((queue.packets.front()?.time, place)));
            let Some((time, place)) = heads.min() else { return Ok(ControlFlow::Continue(())) };
            let slower = |queue: &Queue| queue.packets.is_empty() && queue.safe <= time;
            if self.waiting <= MAX_WAITING && self.queues.iter().any(slower) {
                return Ok(ControlFlow::Continue(()));
            }
            let Some(packet) = self.queues.get_mut(place).and_then(|queue| queue.packets.pop_front()) else {
                return Ok(ControlFlow::Continue(()));
            };
            self.waiting -= packet.bytes.len();
            if self.writer.packet(&packet)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }

    fn write_all(&mut self, packets: impl Iterator<Item = Packet>) -> Result<ControlFlow<()>, Error> {
        for packet in packets {
            if self.writer.packet(&packet)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::frame::LinkType;
    use crate::output::writer::Writer;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Bytes(Arc<Mutex<Vec<u8>>>);

    impl Write for Bytes {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn packet(time: u64) -> Packet {
        let (origin, link) = (OriginId(0), LinkType(1));
        Packet { time: Timestamp(time), origin, link, wire_len: 1, bytes: Box::from([7; 1]), comment: None }
    }

    fn kept(input: usize, times: &[u64], safe: u64) -> Kept {
        let packets = times.iter().map(|time| packet(*time)).collect();
        Kept { packets, safe: Timestamp(safe), lost: 1, dropped: 0, input }
    }

    /// The times of the packets that are in the file.
    fn times(bytes: &Bytes) -> Vec<u32> {
        let bytes = bytes.0.lock().unwrap();
        let (mut rest, mut times) = (bytes.as_slice(), Vec::new());
        while let Some((head, _)) = rest.split_first_chunk::<20>() {
            let number = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().unwrap());
            if number(0) == 6 {
                times.push(number(16));
            }
            rest = &rest[number(4) as usize..];
        }
        times
    }

    fn file(readers: usize) -> (PacketFile, Bytes) {
        let bytes = Bytes::default();
        let writer = Writer::new("memory", Box::new(bytes.clone()), true);
        (PacketFile::new(PacketWriter::new(writer, Vec::new(), 0).unwrap(), readers), bytes)
    }

    #[test]
    fn readers_are_put_together_by_time_as_far_as_all_have_come() {
        let (mut file, bytes) = file(2);
        assert!(file.take(&mut kept(0, &[1, 3, 9], 9)).unwrap().is_continue());
        assert!(times(&bytes).is_empty(), "the other may still give an older one");
        assert!(file.take(&mut kept(1, &[2], 4)).unwrap().is_continue());
        assert_eq!(times(&bytes), [1, 2, 3]);
        assert!(file.take(&mut kept(1, &[], 12)).unwrap().is_continue());
        assert_eq!(times(&bytes), [1, 2, 3, 9]);
        assert!(file.take(&mut kept(1, &[11, 12], 12)).unwrap().is_continue());
        assert_eq!(times(&bytes).len(), 4);
        assert!(file.ended(0).unwrap().is_continue());
        assert_eq!(times(&bytes), [1, 2, 3, 9, 11, 12]);
        assert_eq!(file.lost(), 2);
    }

    #[test]
    fn the_end_writes_what_waits() {
        let (mut file, bytes) = file(2);
        assert!(file.take(&mut kept(1, &[5], 5)).unwrap().is_continue());
        file.finish().unwrap();
        assert_eq!(times(&bytes), [5]);
    }

    #[test]
    fn a_reader_that_says_nothing_cannot_fill_the_memory() {
        let (mut file, bytes) = file(2);
        let mut large = kept(0, &[1, 2], 2);
        large.packets[0].bytes = vec![0; MAX_WAITING].into();
        assert!(file.take(&mut large).unwrap().is_continue());
        assert_eq!(times(&bytes), [1]);
    }

    #[test]
    fn one_reader_waits_for_nobody() {
        let (mut file, bytes) = file(1);
        assert!(file.take(&mut kept(0, &[5, 4], 0)).unwrap().is_continue());
        assert_eq!(times(&bytes), [5, 4], "in the order of the capture");
    }
}
