//! Stands between a client and a server, and keeps what they say to each other.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::packet::{ACK, FIN, PSH, Packet, SYN, Shape, Tcp};

/// Bytes that came in one piece; none: the end of a direction.
pub(crate) struct Said {
    from_client: bool,
    after: Duration,
    bytes: Vec<u8>,
}

/// Passes one connection on to `server`, and returns what was said once both sides have ended it.
pub(crate) fn relay(listener: &TcpListener, server: SocketAddr) -> Vec<Said> {
    let (client, _) = listener.accept().unwrap();
    let server = connect(server);
    let (sender, said) = channel();
    let begun = Instant::now();
    let ways = [(&client, &server, true), (&server, &client, false)];
    let ways = ways.map(|(from, to, from_client)| {
        let (from, to, sender) = (from.try_clone().unwrap(), to.try_clone().unwrap(), sender.clone());
        thread::spawn(move || pass(from, to, from_client, begun, &sender))
    });
    drop(sender);
    let said: Vec<Said> = said.iter().collect();
    for way in ways {
        way.join().unwrap();
    }
    said
}

/// The server may need a moment to listen.
fn connect(server: SocketAddr) -> TcpStream {
    let patience = Instant::now() + Duration::from_secs(10);
    loop {
        match TcpStream::connect(server) {
            Ok(stream) => return stream,
            Err(error) => assert!(Instant::now() < patience, "{error}"),
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, from_client: bool, begun: Instant, said: &Sender<Said>) {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = from.read(&mut buffer).unwrap_or(0);
        let bytes = buffer[..read].to_vec();
        said.send(Said { from_client, after: begun.elapsed(), bytes }).unwrap();
        if read == 0 {
            let _ = to.shutdown(Shutdown::Write);
            return;
        }
        if to.write_all(&buffer[..read]).is_err() {
            return;
        }
    }
}

/// What was said as packets between `client` and `server`, in segments of at most 1,460 bytes; `start` is
/// nanoseconds since 1970.
pub(crate) fn packets(said: &[Said], client: SocketAddr, server: SocketAddr, start: u64) -> Vec<Packet> {
    let mut wire = Wire { client, server, time: start - 400_000, seq: [1000, 5000], out: Vec::new() };
    wire.send(true, SYN, &[]);
    wire.time += 350_000;
    wire.send(false, SYN | ACK, &[]);
    wire.time += 50_000;
    wire.send(true, ACK, &[]);
    for piece in said {
        wire.time = wire.time.max(start + u64::try_from(piece.after.as_nanos()).unwrap()) + 1000;
        if piece.bytes.is_empty() {
            wire.send(piece.from_client, FIN | ACK, &[]);
        }
        for segment in piece.bytes.chunks(1460) {
            wire.send(piece.from_client, PSH | ACK, segment);
            wire.time += 2000;
        }
    }
    wire.out
}

struct Wire {
    client: SocketAddr,
    server: SocketAddr,
    time: u64,
    /// Next sequence numbers of client and server.
    seq: [u32; 2],
    out: Vec<Packet>,
}

impl Wire {
    fn send(&mut self, from_client: bool, flags: u8, payload: &[u8]) {
        let (from, to) = if from_client { (self.client, self.server) } else { (self.server, self.client) };
        let [client, server] = self.seq;
        let (seq, other) = if from_client { (client, server) } else { (server, client) };
        let ack = if flags & ACK == 0 { 0 } else { other };
        let tcp = Tcp { from, to, seq, ack, flags, payload: payload.to_vec() };
        let id = u16::try_from(self.out.len()).unwrap();
        self.seq[usize::from(!from_client)] +=
            u32::try_from(payload.len()).unwrap() + u32::from(flags & (SYN | FIN) != 0);
        self.out.push(Packet {
            time: self.time,
            interface: 0,
            from_client,
            source: from.ip(),
            destination: to.ip(),
            shape: Shape::default(),
            ip: tcp.ip(&Shape::default(), id),
        });
    }
}
