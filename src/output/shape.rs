//! What most records say of how they were carried and how they went is said again and again: the members
//! `network` and `tls`, and the verdict, are kept as text by what they are made of.

use crate::model::hello::Version;
use crate::model::observation::{Observation, Outcome, Peer};
use crate::model::segment::{Hosts, Transport, Vlans};
use crate::output::said;
use crate::output::text::Text;

/// Texts that are kept; another one takes the place of one with the same number.
const KEPT: usize = 128;

/// All that a text is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    transport: Transport,
    v6: bool,
    protocol: &'static str,
    vlans: Vlans,
    /// The server's version, cipher suite and group.
    server: Option<(Version, u16, Option<&'static str>)>,
    established: Option<bool>,
    resumed: Option<bool>,
    result: Outcome,
    by: Option<Peer>,
}

impl Key {
    /// `None` where the text has a part of its own.
    #[inline]
    fn of(observation: &Observation, verbosity: u8) -> Option<Self> {
        let handshake = observation.handshake.as_ref()?;
        let server = observation.server.as_ref();
        let special = verbosity > 0
            || observation.tunnel.is_some()
            || handshake.cause.is_some()
            || server.is_some_and(|server| server.alpn.is_some());
        (!special).then(|| Self {
            transport: observation.flow.transport,
            v6: matches!(observation.flow.hosts, Hosts::V6(..)),
            protocol: observation.protocol,
            vlans: observation.vlans,
            server: server.map(|server| (server.version, server.cipher, server.curve)),
            established: handshake.established,
            resumed: handshake.resumed,
            result: handshake.result,
            by: handshake.by,
        })
    }

    #[inline]
    fn number(&self) -> usize {
        let (version, cipher, curve) = self
            .server
            .map_or((0, 0, 0), |(version, cipher, curve)| (version.0, cipher, curve.map_or(0, str::len)));
        let state = [Some(true), Some(false), None];
        let state = |of| state.iter().position(|state| *state == of).unwrap_or_default() as u64;
        let parts = [
            u64::from(cipher),
            u64::from(version),
            curve as u64,
            self.result as u64,
            state(self.established),
            state(self.resumed),
            u64::from(self.v6),
            u64::from(self.vlans.outer.unwrap_or_default()),
        ];
        let hash = parts
            .iter()
            .fold(0, |hash: u64, part| (hash.rotate_left(5) ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        (hash >> 56) as usize % KEPT
    }
}

/// The kept texts.
pub(super) struct Shapes {
    kept: Vec<Option<(Key, Vec<u8>)>>,
}

impl Shapes {
    /// Nothing is kept yet.
    pub(super) fn new() -> Self {
        Self { kept: (0..KEPT).map(|_| None).collect() }
    }

    /// Appends the members `network` and `tls`, and `handshake` as far as its verdict.
    pub(super) fn put(&mut self, t: &mut Text<'_>, observation: &Observation, verbosity: u8) {
        let Some(key) = Key::of(observation, verbosity) else {
            return said::carried(t, observation, verbosity);
        };
        let Some(place) = self.kept.get_mut(key.number()) else { return };
        match place {
            Some((known, text)) if *known == key => t.raw(text),
            _ => {
                let begun = t.0.len();
                said::carried(t, observation, verbosity);
                *place = Some((key, t.0.get(begun..).unwrap_or_default().to_vec()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    /// Every pair of records that differ in one part of the key, in turn: what is kept is never told of another.
    #[test]
    fn a_kept_text_is_that_of_its_record() {
        let plain = sample::ok();
        let mut records = vec![plain.clone()];
        let mut add = |change: &dyn Fn(&mut Observation)| {
            let mut record = plain.clone();
            change(&mut record);
            assert!(record != plain, "a change that changes");
            records.push(record);
        };
        add(&|it| it.flow.transport = Transport::Udp);
        add(&|it| {
            let v6 = "2001:db8::1".parse().unwrap();
            it.flow.hosts = Hosts::V6(v6, v6);
        });
        add(&|it| it.protocol = "quic");
        add(&|it| it.vlans.outer = Some(7));
        add(&|it| it.vlans = Vlans { outer: Some(8), inner: Some(9) });
        add(&|it| it.server = None);
        add(&|it| it.server.as_mut().unwrap().version = Version(0x0303));
        add(&|it| it.server.as_mut().unwrap().curve = Some("secp521r1"));
        add(&|it| it.server.as_mut().unwrap().alpn = Some((*b"h2").into()));
        add(&|it| {
            let server = it.server.as_mut().unwrap();
            (server.cipher, server.cipher_name) = (0x1303, Some("TLS_CHACHA20_POLY1305_SHA256"));
        });
        for established in [None, Some(false)] {
            add(&|it| it.handshake.as_mut().unwrap().established = established);
        }
        for resumed in [None, Some(true)] {
            add(&|it| it.handshake.as_mut().unwrap().resumed = resumed);
        }
        add(&|it| it.handshake.as_mut().unwrap().result = Outcome::Closed);
        add(&|it| it.handshake.as_mut().unwrap().by = Some(Peer::Client));
        add(&|it| it.handshake = None);
        let mut shapes = Shapes::new();
        let text = |fill: &mut dyn FnMut(&mut Text<'_>)| {
            let mut out = Vec::new();
            fill(&mut Text::new(&mut out));
            String::from_utf8(out).unwrap()
        };
        let direct: Vec<_> = records.iter().map(|it| text(&mut |t| said::carried(t, it, 0))).collect();
        let different: std::collections::BTreeSet<_> = direct.iter().collect();
        assert_eq!(different.len(), direct.len(), "each part of the key shows");
        for (one, first) in records.iter().zip(&direct) {
            for (other, second) in records.iter().zip(&direct) {
                assert_eq!(&text(&mut |t| shapes.put(t, one, 0)), first);
                assert_eq!(&text(&mut |t| shapes.put(t, other, 0)), second);
            }
        }
    }
}
