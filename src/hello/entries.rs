//! Entries for whoever wants to try this folder with any bytes: fuzzers, tests, `examples/mutate`.
//!
//! Each is a plain function that takes what a stranger might send, and gives how many hellos were in it.

use crate::hello::DATAGRAMS;
use crate::hello::datagram::{Datagram, DatagramReader, Said};
use crate::hello::messages::Wanted;
use crate::hello::protocol::Probe;
use crate::hello::quic::speech::{Client, Server};
use crate::hello::quic::version::{Dialect, Speech};

/// Datagrams of one pair of addresses: for each, a byte whose lowest bit is the way, a length in two bytes
/// (big-endian), and so many bytes, or as many as there are.
pub fn datagrams(mut bytes: &[u8]) -> usize {
    let mut scratch = Vec::new();
    let mut reader: Option<Box<dyn DatagramReader>> = None;
    let mut hellos = 0;
    while let Some(([way, high, low], rest)) = bytes.split_first_chunk() {
        let len = usize::from(u16::from_be_bytes([*high, *low]));
        let (payload, rest) = rest.split_at_checked(len).unwrap_or((rest, &[]));
        bytes = rest;
        let datagram = Datagram { bytes: payload, missing: 0, forth: way & 1 == 0, alone: way & 2 == 0 };
        let heard = reader.as_mut().and_then(|reader| listen(reader.as_mut(), datagram, &mut scratch));
        if let Some(found) = heard {
            hellos += found;
            continue;
        }
        for row in DATAGRAMS.iter().filter(|row| row.probe(payload) == Probe::Yes) {
            let mut fresh = row.reader();
            fresh.want(Wanted { certificate: true, fingerprint: true });
            _ = row.repeats(payload, row.tag(payload));
            if let Some(found) = listen(fresh.as_mut(), Datagram { forth: true, ..datagram }, &mut scratch) {
                hellos += found;
                reader = Some(fresh);
            }
        }
    }
    hellos
}

/// Hellos in a datagram; `None` where it is another connection's.
fn listen(
    reader: &mut dyn DatagramReader,
    mut datagram: Datagram<'_>,
    scratch: &mut Vec<u8>,
) -> Option<usize> {
    let mut hellos = 0;
    while let Some(said) = reader.next(&mut datagram, scratch) {
        match said {
            Said::NotMine => return None,
            Said::ClientHello(_) | Said::Foreign { .. } => hellos += 1,
            _ => {}
        }
    }
    Some(hellos)
}

/// The frames of opened Initial packets, which no fuzzer could seal: in the same form as for [`datagrams`], where
/// the second bit of the way's byte is Google's dialect, and the third its handshake.
pub fn quic_frames(mut bytes: &[u8]) -> usize {
    let (mut client, mut server) = (Client::default(), Server::default());
    let mut queue = std::collections::VecDeque::new();
    let mut hellos = 0;
    while let Some(([way, high, low], rest)) = bytes.split_first_chunk() {
        let len = usize::from(u16::from_be_bytes([*high, *low]));
        let (payload, rest) = rest.split_at_checked(len).unwrap_or((rest, &[]));
        bytes = rest;
        let dialect = if way & 2 == 0 { Dialect::Ietf } else { Dialect::Google };
        let speech = if way & 4 == 0 { Speech::Tls } else { Speech::Chlo };
        let step = if way & 1 == 0 {
            client.read(payload, dialect, speech, &mut queue)
        } else {
            server.read(payload, dialect, speech, &mut queue)
        };
        queue.push_front(step);
        while let Some(step) = queue.pop_front() {
            let said = client.say(step, payload);
            hellos += usize::from(matches!(said, Some(Said::ClientHello(_) | Said::Foreign { .. })));
            client.settle();
        }
        if server.wants_hello() {
            queue.extend(client.expect_another(speech));
        }
    }
    hellos
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hello::testing::Builder;

    fn chunk(way: u8, payload: &[u8]) -> Vec<u8> {
        [&[way], &u16::try_from(payload.len()).unwrap().to_be_bytes()[..], payload].concat()
    }

    #[test]
    fn frames_of_a_hello_are_one_hello() {
        let message = Builder::new().sni("a.example").message();
        let (front, back) = message.split_at(40);
        let frame =
            |offset: u8, bytes: &[u8]| [&[6, offset, u8::try_from(bytes.len()).unwrap()], bytes].concat();
        let frames =
            [chunk(0, &frame(40, back)), chunk(0, &frame(0, front)), chunk(0, &frame(0, front))].concat();
        assert_eq!(quic_frames(&frames), 1);
        assert_eq!(quic_frames(&frames[..frames.len() - 100]), 0);
        assert_eq!(datagrams(&frames), 0, "sealed they are none");
    }
}
