//! `-w`: the packets of the connections whose records are wanted, in the order of their capture.
//!
//! What a connection is worth is known at its end; so the packets of every undecided one are held, within
//! bounds ([`ring`]). A worker has a keeper of its own; the collector's [`mod@file`] puts together what they give.

mod choice;
pub mod file;
mod ring;

use std::collections::HashMap;

use crate::inspector::Inspector;
use crate::model::frame::{Frame, OriginId, Timestamp};
use crate::model::observation::Observation;
use crate::output::packets::{self, Packet};
use crate::run::keep::choice::{Choice, Verdict};
use crate::run::keep::ring::{FlowId, MAX_HELD, Ring, State};
use crate::run::plan::{Input, Plan};
use crate::wire::Decoder;

/// How much longer than the handshake timeout a packet is held where packets come as they are captured,
/// nanoseconds.
const GRACE: u64 = 1_000_000_000;

/// Connections that are remembered before those that the inspector has forgotten are looked for.
const MANY: usize = 4096;

/// What a keeper gives: packets that are wanted, in order.
#[derive(Debug, Default)]
pub struct Kept {
    /// The packets.
    pub packets: Vec<Packet>,
    /// No packet that is given later is older.
    pub safe: Timestamp,
    /// Packets of wanted connections that could not be held until they were decided, so far.
    pub lost: u64,
    /// Packets that were given up because nobody took them.
    pub dropped: u64,
    /// Which reader it came from.
    pub input: usize,
}

impl Kept {
    /// Gives up what is too much to wait for a collector that is slow.
    pub fn bound(&mut self) {
        let mut bytes = 0;
        let fitting = self.packets.iter().take_while(|packet| {
            bytes += packet.bytes.len();
            bytes <= MAX_HELD
        });
        let fitting = fitting.count();
        self.dropped += (self.packets.len() - fitting) as u64;
        self.packets.truncate(fitting);
    }
}

/// How a keeper chooses and waits.
#[derive(Clone, Debug)]
pub struct Rule {
    choice: Choice,
    age: u64,
}

impl Rule {
    /// The rule of a plan with `-w`; `every_attempt`: attempts are told whatever their destination.
    pub fn new(plan: &Plan, every_attempt: bool) -> Option<Self> {
        plan.packets.as_ref()?;
        let timeout = u64::try_from(plan.watch.handshake_timeout.as_nanos()).unwrap_or(u64::MAX);
        // Whoever reads a file that is there already can wait; only memory bounds what is held.
        let waits = match &plan.input {
            Input::Live { .. } | Input::Follow(_) => true,
            Input::Files(files) => files.iter().any(|file| file.rsplit('=').next() == Some("-")),
        };
        let age = if waits { timeout.saturating_add(GRACE) } else { u64::MAX };
        Some(Self { choice: Choice::new(plan, every_attempt), age })
    }
}

/// Where a packet belongs.
#[derive(Clone, Copy, Debug)]
pub struct Belongs {
    /// Hash of its flow.
    pub hash: u64,
    /// It may begin a connection on its own: a SYN.
    pub opens: bool,
}

/// Holds the packets of one worker.
#[derive(Debug)]
pub struct Keep {
    choice: Choice,
    age: u64,
    ring: Ring,
    flows: HashMap<u64, FlowId>,
    /// A comment whose packet was not found: it may be the one that is taken right now.
    late: Option<(FlowId, (OriginId, u64), String)>,
    purge_at: usize,
    flushed: bool,
}

impl Keep {
    /// A keeper that holds nothing yet.
    pub fn new(rule: Rule) -> Self {
        let Rule { choice, age } = rule;
        Self {
            choice,
            age,
            ring: Ring::default(),
            flows: HashMap::new(),
            late: None,
            purge_at: MANY,
            flushed: false,
        }
    }

    /// Takes a packet, after the inspector did; `told` is what it said of it.
    pub fn packet(
        &mut self,
        frame: &Frame<'_>,
        belongs: Belongs,
        told: &[Observation],
        (inspector, decoder): (&Inspector, &Decoder),
    ) {
        let decided = self.told(told, decoder, belongs.hash);
        if let Some(id) = self.flow_of(belongs, decided, inspector) {
            self.ring.push(frame, id);
        }
        self.comment_late();
    }

    /// The packet that was just taken may be the one to be commented.
    fn comment_late(&mut self) {
        if let Some((id, place, text)) = self.late.take() {
            self.ring.comment(id, place, &text);
        }
    }

    /// Takes a fragment that completes nothing yet, with the datagrams that it belongs to.
    pub fn fragment(&mut self, frame: &Frame<'_>, datagrams: &[u64]) {
        if !self.flushed {
            self.ring.push_fragment(frame, datagrams);
        }
    }

    /// The fragment that was taken last completed a datagram; otherwise as [`Keep::packet`].
    pub fn joined(
        &mut self,
        datagrams: &[u64],
        belongs: Belongs,
        told: &[Observation],
        (inspector, decoder): (&Inspector, &Decoder),
    ) {
        let decided = self.told(told, decoder, belongs.hash);
        let id = self.flow_of(belongs, decided, inspector);
        if let Some(innermost) = datagrams.last() {
            self.ring.joined(*innermost, id);
        }
        self.comment_late();
    }

    /// The connection that a packet belongs to; `None` for one whose packets are not wanted.
    fn flow_of(&mut self, belongs: Belongs, decided: bool, inspector: &Inspector) -> Option<FlowId> {
        if self.flushed {
            return None;
        }
        let known = self.flows.get(&belongs.hash).copied();
        let pending = inspector.is_pending(belongs.hash);
        if let Some(id) = known {
            let state = self.ring.state(id);
            // A decided flow that waits for a record again has begun anew, unless this very packet decided it.
            let anew = state != State::Undecided && pending && (belongs.opens || !decided);
            if !anew && (state == State::Wanted || pending) {
                return Some(id);
            }
            self.flows.remove(&belongs.hash);
        }
        let begun = pending.then(|| {
            let id = self.ring.enter(belongs.hash, known);
            self.flows.insert(belongs.hash, id);
            id
        });
        if let Some(earlier) = known {
            self.ring.leave(earlier);
        }
        begun
    }

    /// Takes what the inspector said; true if the flow of `hash` was decided by it.
    pub fn told(&mut self, records: &[Observation], decoder: &Decoder, hash: u64) -> bool {
        let mut decided = false;
        for record in records {
            let verdict = self.choice.look(record);
            let of = decoder.hash(&record.flow);
            let Some(id) = self.flows.get(&of).copied() else { continue };
            match verdict {
                Verdict::Wanted => {
                    self.ring.decide(id, State::Wanted);
                    let (place, text) = ((record.origin, record.packet), packets::comment(record));
                    if !self.ring.comment(id, place, &text) {
                        self.late = Some((id, place, text));
                    }
                }
                Verdict::Unwanted => {
                    self.ring.decide(id, State::Unwanted);
                    self.flows.remove(&of);
                    self.ring.leave(id);
                }
                Verdict::Begun if self.choice.is_full() => self.ring.decide(id, State::Wanted),
                Verdict::Begun | Verdict::Nothing => {}
            }
            decided |= of == hash && matches!(verdict, Verdict::Wanted | Verdict::Unwanted);
        }
        decided
    }

    /// The capture's time is `now`.
    pub fn tick(&mut self, now: Timestamp) {
        self.choice.tick(now);
        self.ring.now = self.ring.now.max(now);
    }

    /// Gives what is decided.
    pub fn release(&mut self, inspector: &Inspector, out: &mut Kept) {
        if self.choice.is_full() {
            return self.flush(out);
        }
        let oldest = Timestamp(self.ring.now.0.saturating_sub(self.age));
        let flows = &self.flows;
        let is_pending = |id, hash| flows.get(&hash) == Some(&id) && inspector.is_pending(hash);
        self.ring.release(oldest, is_pending, &mut out.packets);
        out.safe = self.ring.front().unwrap_or(self.ring.now);
        out.lost = self.ring.lost;
        if self.flows.len() > self.purge_at {
            self.purge(inspector);
        }
    }

    /// Gives all that is wanted of what is held: nothing more will be.
    pub fn flush(&mut self, out: &mut Kept) {
        self.flushed = true;
        self.ring.flush(&mut out.packets);
        out.safe = Timestamp(u64::MAX);
        out.lost = self.ring.lost;
    }

    /// Forgets the connections that the inspector has forgotten, as soon as none of their packets is held.
    fn purge(&mut self, inspector: &Inspector) {
        let ring = &mut self.ring;
        self.flows.retain(|hash, id| {
            let stays = inspector.knows(*hash) || ring.holds(*id);
            if !stays {
                ring.leave(*id);
            }
            stays
        });
        self.purge_at = (self.flows.len() * 2).max(MANY);
    }
}

#[cfg(test)]
mod tests;
