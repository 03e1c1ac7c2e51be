//! Signals: when to stop, when to tell the counts, when to open the outputs anew.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;

use crate::error::{Error, ExitCode};

type Waker = Box<dyn Fn() + Send>;

#[derive(Default)]
struct State {
    stop: Arc<AtomicBool>,
    signalled: AtomicBool,
    counts: AtomicBool,
    reopen: AtomicBool,
    wakers: Mutex<Vec<Waker>>,
}

/// Shared by all threads of a run.
#[derive(Clone, Default)]
pub struct Stop(Arc<State>);

impl Stop {
    /// Starts the thread that waits for signals. A second SIGINT ends the process at once.
    ///
    /// # Errors
    /// The handlers could not be installed.
    pub fn install(&self) -> Result<(), Error> {
        let failed =
            |source| Error::Io { action: "cannot handle signals of", path: "this process".into(), source };
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGUSR1, SIGHUP]).map_err(failed)?;
        let stop = self.clone();
        let wait = move || {
            for signal in signals.forever() {
                match signal {
                    SIGUSR1 => stop.0.counts.store(true, Ordering::Relaxed),
                    SIGHUP => stop.0.reopen.store(true, Ordering::Relaxed),
                    _ => {
                        if stop.0.signalled.swap(true, Ordering::Relaxed) && signal == SIGINT {
                            process::exit(i32::from(ExitCode::Interrupted as u8));
                        }
                        stop.stop();
                    }
                }
                stop.wake();
            }
        };
        thread::Builder::new().name("signals".into()).spawn(wait).map_err(failed)?;
        Ok(())
    }

    /// Has `waker` called whenever something is to be done.
    pub fn on_wake(&self, waker: Waker) {
        if let Ok(mut wakers) = self.0.wakers.lock() {
            wakers.push(waker);
        }
    }

    fn wake(&self) {
        if let Ok(wakers) = self.0.wakers.lock() {
            wakers.iter().for_each(|waker| waker());
        }
    }

    /// Asks all threads to stop.
    pub fn stop(&self) {
        self.0.stop.store(true, Ordering::Relaxed);
        self.wake();
    }

    /// What [`Stop::is_set`] reads, for a source that waits.
    pub fn flag(&self) -> &Arc<AtomicBool> {
        &self.0.stop
    }

    /// True once the run is to stop.
    pub fn is_set(&self) -> bool {
        self.0.stop.load(Ordering::Relaxed)
    }

    /// True if a signal asked for it.
    pub fn by_signal(&self) -> bool {
        self.0.signalled.load(Ordering::Relaxed)
    }

    /// True once after each SIGUSR1.
    pub fn wants_counts(&self) -> bool {
        self.0.counts.swap(false, Ordering::Relaxed)
    }

    /// True once after each SIGHUP.
    pub fn wants_reopen(&self) -> bool {
        self.0.reopen.swap(false, Ordering::Relaxed)
    }
}
