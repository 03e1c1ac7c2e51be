//! The catalog beside a run: a thread asks for it now and again, and records never wait for it.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::catalog::Catalog;
use crate::catalog::api::Api;
use crate::model::directory::Directory;
use crate::run::report::say;

/// Time between two looks at a catalog that answers.
const REFRESH: Duration = Duration::from_secs(30);

/// Time between two looks at one that does not.
const RETRY: Duration = Duration::from_secs(5);

/// How long the reading of files waits for the first answer, once: it is over within seconds itself.
const FIRST: Duration = Duration::from_secs(2);

/// What came of a look.
type Answer = Result<Arc<Directory>, String>;

/// A catalog that is asked for in the background.
#[derive(Debug)]
pub(super) struct Lookup {
    url: Box<str>,
    /// From the thread; it ends when both are dropped.
    thread: Option<(Receiver<Answer>, Sender<()>)>,
    /// An answer that was not handed on yet.
    waiting: Option<Answer>,
    /// Looks that gave nothing, and all.
    failed: u64,
    asked: u64,
    down: Option<String>,
}

impl Lookup {
    /// Starts to ask; `wait`: for the first answer, as long as [`FIRST`].
    pub(super) fn start(catalog: Catalog, wait: bool) -> Self {
        let mut lookup =
            Self { url: Box::default(), thread: None, waiting: None, failed: 0, asked: 0, down: None };
        match catalog {
            Catalog::Saved(directory) => lookup.waiting = Some(Ok(directory)),
            Catalog::Api(api) => lookup.ask(*api, wait),
        }
        lookup
    }

    fn ask(&mut self, api: Api, wait: bool) {
        let (answer, answers) = bounded(1);
        let (stop, stopped) = bounded(0);
        self.url = api.url().into();
        let name = "catalog".to_owned();
        let started = thread::Builder::new().name(name).spawn(move || keep_asking(&api, &answer, &stopped));
        if let Err(error) = started {
            self.waiting = Some(Err(format!("no thread: {error}")));
            return;
        }
        self.waiting = wait.then(|| answers.recv_timeout(FIRST).ok()).flatten();
        self.thread = Some((answers, stop));
    }

    /// The newest catalog since this was last asked. A failure is told once, and so is its end.
    pub(super) fn newest(&mut self, before_words: impl FnOnce()) -> Option<Arc<Directory>> {
        let next = self.waiting.take().or_else(|| self.thread.as_ref()?.0.try_recv().ok())?;
        self.asked += 1;
        match (next, self.down.take()) {
            (Ok(directory), was_down) => {
                if was_down.is_some() {
                    before_words();
                    say(format_args!("sni-watch: catalog {}: answers again", self.url));
                }
                Some(directory)
            }
            (Err(why), was_down) => {
                self.failed += 1;
                if was_down.is_none() {
                    before_words();
                    say(format_args!(
                        "sni-watch: catalog {}: {why}; tried again every {} s",
                        self.url,
                        RETRY.as_secs()
                    ));
                }
                self.down = Some(why);
                None
            }
        }
    }

    /// What there is to say at the end, if something failed.
    pub(super) fn last_words(&self) -> Option<String> {
        (self.failed > 0)
            .then(|| format!("catalog {}: {} of {} looks failed", self.url, self.failed, self.asked))
    }
}

/// The thread: looks, hands on what came of it, and waits, until nobody wants to know.
fn keep_asking(api: &Api, answers: &Sender<Answer>, stopped: &Receiver<()>) {
    loop {
        let answer = api.look().map(Arc::new);
        let pause = if answer.is_ok() { REFRESH } else { RETRY };
        if answers.send(answer).is_err() {
            return;
        }
        if stopped.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}
