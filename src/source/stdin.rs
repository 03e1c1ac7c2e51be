//! Standard input, for which nobody has to wait longer than he wants to.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// How often a wait looks at the order to stop, in milliseconds.
const LOOK: u16 = 50;

/// Standard input without a buffer of its own.
pub(super) struct Stdin {
    input: File,
    stop: Arc<AtomicBool>,
}

impl Stdin {
    /// Standard input; a wait for its bytes ends once `stop` is set.
    pub(super) fn open(stop: Arc<AtomicBool>) -> io::Result<Self> {
        Ok(Self { input: File::from(io::stdin().as_fd().try_clone_to_owned()?), stop })
    }

    /// True if a read would not wait: bytes are there, or the end, or an error.
    fn is_ready(&self) -> io::Result<bool> {
        let mut inputs = [PollFd::new(self.input.as_fd(), PollFlags::POLLIN)];
        match poll(&mut inputs, PollTimeout::from(LOOK)) {
            Ok(ready) => Ok(ready > 0),
            Err(Errno::EINTR) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl Read for Stdin {
    /// Reads what is there; waits for it, but no longer than `stop` allows ([`ErrorKind::TimedOut`] then).
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while !self.is_ready()? {
            if self.stop.load(Ordering::Relaxed) {
                return Err(ErrorKind::TimedOut.into());
            }
        }
        self.input.read(into)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::OwnedFd;
    use std::thread;
    use std::time::Duration;

    use super::*;

    fn piped() -> (Stdin, io::PipeWriter) {
        let (reader, writer) = io::pipe().unwrap();
        (Stdin { input: File::from(OwnedFd::from(reader)), stop: Arc::default() }, writer)
    }

    #[test]
    fn gives_what_is_there_and_then_the_end_even_when_told_to_stop() {
        let (mut stdin, mut writer) = piped();
        stdin.stop.store(true, Ordering::Relaxed);
        writer.write_all(b"packet").unwrap();
        let mut bytes = [0; 16];
        assert_eq!(stdin.read(&mut bytes).unwrap(), 6);
        assert_eq!(stdin.read(&mut bytes).unwrap_err().kind(), ErrorKind::TimedOut);
        drop(writer);
        assert_eq!(stdin.read(&mut bytes).unwrap(), 0);
    }

    #[test]
    fn waits_until_bytes_come_or_the_order_to_stop() {
        let (mut stdin, mut writer) = piped();
        let stop = Arc::clone(&stdin.stop);
        let other = thread::spawn(move || {
            thread::sleep(Duration::from_millis(120));
            writer.write_all(b"late").unwrap();
            thread::sleep(Duration::from_millis(120));
            stop.store(true, Ordering::Relaxed);
            writer
        });
        let mut bytes = [0; 16];
        assert_eq!(stdin.read(&mut bytes).unwrap(), 4);
        assert_eq!(stdin.read(&mut bytes).unwrap_err().kind(), ErrorKind::TimedOut);
        drop(other.join().unwrap());
    }
}
