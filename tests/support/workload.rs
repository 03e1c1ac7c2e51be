//! What a mesh gateway sees, in any amount: for benches.

use super::connection::{Answer, Close, Connection};
use super::hello::{Hello, Version};

/// Connections of one second.
pub const CONNECTIONS: u16 = 2000;
/// The first connection's second, Unix nanoseconds.
pub const START: u64 = 1_700_000_000_000_000_000;

/// Connection `number` (of a second that begins at connection `before`): most hellos in one segment, one in four of
/// post-quantum size in two, one in twenty reset, some data.
pub fn connection(number: u16, before: u64) -> Connection {
    let large = number.is_multiple_of(4);
    let service = number % 50;
    let name = format!("service-{service}.default.dc2.internal.1c053652-8512-4373-90cf-5a7f6263a994.consul");
    let version = if large { Version::Tls13 } else { Version::Tls12 };
    let hello = Hello {
        size: if large { 1742 } else { 0 },
        post_quantum: large,
        session_id: 32,
        ..Hello::named(&format!("hello {}", before + u64::from(number)), version, &name)
    };
    let network = (before / u64::from(CONNECTIONS)) as u8;
    let failed = number % 20 == 19;
    Connection {
        at: f64::from(number) * 0.0005,
        client: ([10, network, (number >> 8) as u8, number as u8], 20_000 + number).into(),
        server: ([10, 128, 0, 10], 443).into(),
        hello: Some(hello),
        answer: if failed { Answer::Reset } else { Answer::Ok },
        data: Some([300, 3000]),
        close: Close::Fin,
        ..Connection::default()
    }
}
