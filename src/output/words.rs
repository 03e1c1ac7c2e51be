//! The words that several outputs share: why a handshake failed, versions, protocols, durations.

use std::fmt::{self, Write};

use crate::model::hello::{ServerHello, Version};
use crate::model::name::Name;
use crate::model::observation::{Action, Handshake, Observation, Outcome, Peer};
use crate::output::escape::Printable;

/// A duration in nanoseconds as a person reads it: `4.6 ms`, `0.042 ms`, `10 s`.
pub(super) struct Span(pub(super) u64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths_of_a_second = self.0.saturating_add(50_000_000) / 100_000_000;
        if self.0 < 100_000 {
            return write!(f, "0.{:03} ms", self.0.saturating_add(500) / 1000);
        }
        if tenths_of_a_second < 10 {
            let tenths = (self.0 + 50_000) / 100_000;
            return write!(f, "{}.{} ms", tenths / 10, tenths % 10);
        }
        match (tenths_of_a_second / 10, tenths_of_a_second % 10) {
            (whole, 0) => write!(f, "{whole} s"),
            (whole, tenth) => write!(f, "{whole}.{tenth} s"),
        }
    }
}

/// What a line says after the result, for every outcome but [`Outcome::Ok`]:
/// `by server 0.6 ms after hello`.
pub(super) struct Detail<'a>(pub(super) &'a Observation, pub(super) &'a Handshake);

impl fmt::Display for Detail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(observation, handshake) = self;
        match handshake.result {
            Outcome::Ok => Ok(()),
            Outcome::Timeout => {
                f.write_str("no answer")?;
                let waited = handshake.latency.unwrap_or(observation.completed.since(observation.time));
                // the end of a connection says nothing of how long its handshake waited
                let alone = handshake.attempts.is_none_or(|attempts| attempts == 1);
                if waited > 0 && alone && observation.action != Action::End {
                    write!(f, " in {}", Span(waited))?;
                }
                counted(f, ", ", u64::from(handshake.retransmits), "retransmit")?;
                attempts(f, handshake)
            }
            Outcome::IncompleteHello => {
                f.write_str("hello begun and never whole")?;
                counted(f, ", ", u64::from(handshake.retransmits), "retransmit")
            }
            Outcome::NotSeen => f.write_str("the answer is not in the capture"),
            Outcome::Alert | Outcome::Reset | Outcome::Refused | Outcome::Closed => {
                if let Some(alert) = handshake.alert {
                    write!(f, "{} ", AlertName(alert.name, alert.code))?;
                }
                write!(f, "by {}", handshake.by.map_or("unknown", Peer::name))?;
                if let (Some(latency), true) = (handshake.latency, observation.hello.is_some()) {
                    write!(f, " {} after hello", Span(latency))?;
                }
                attempts(f, handshake)
            }
        }
    }
}

fn attempts(f: &mut fmt::Formatter<'_>, handshake: &Handshake) -> fmt::Result {
    match handshake.attempts {
        None | Some(0 | 1) => Ok(()),
        Some(several) => counted(f, ", ", several, "attempt"),
    }
}

fn counted(f: &mut fmt::Formatter<'_>, before: &str, count: u64, thing: &str) -> fmt::Result {
    match count {
        0 => Ok(()),
        1 => write!(f, "{before}1 {thing}"),
        _ => write!(f, "{before}{count} {thing}s"),
    }
}

/// Bytes as hexadecimal digits.
pub(super) struct Hexadecimal<'a>(pub(super) &'a [u8]);

impl fmt::Display for Hexadecimal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
        self.0.iter().try_for_each(|byte| {
            f.write_char(digit(byte >> 4))?;
            f.write_char(digit(byte & 15))
        })
    }
}

/// An alert's name, or its number where it has none.
pub(super) struct AlertName(pub(super) &'static str, pub(super) u8);

impl fmt::Display for AlertName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == "unknown" { write!(f, "alert {}", self.1) } else { f.write_str(self.0) }
    }
}

/// The sentence of `event.reason`: `reset by server 0.6 ms after hello`.
pub(super) struct Reason<'a>(pub(super) &'a Observation, pub(super) &'a Handshake);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.1.result {
            Outcome::Alert => "alert ",
            Outcome::Reset => "reset ",
            Outcome::Refused => "refused ",
            Outcome::Closed => "closed ",
            Outcome::Ok | Outcome::Timeout | Outcome::IncompleteHello | Outcome::NotSeen => "",
        })?;
        Detail(self.0, self.1).fmt(f)
    }
}

/// A version's number as ECS has it in `tls.version`: `1.3`; `None` for unknown ones.
pub(super) fn version_number(version: Version) -> Option<&'static str> {
    match version.0 {
        0x0002 => Some("2.0"),
        0x0300 => Some("3.0"),
        0x0301 | 0xfeff => Some("1.0"),
        0x0302 => Some("1.1"),
        0x0303 | 0xfefd => Some("1.2"),
        0x0100 => Some("0.9"),
        _ => version.is_13().then_some("1.3"),
    }
}

/// The same, unknown ones as `0x7a7a`.
pub(super) struct VersionNumber(pub(super) Version);

impl fmt::Display for VersionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match version_number(self.0) {
            Some(number) => f.write_str(number),
            None => write!(f, "{:#06x}", self.0.0),
        }
    }
}

/// `ssl` up to 3.0, `tls` from then on; `dtls`.
pub(super) fn version_protocol(version: Version) -> &'static str {
    match version.0 {
        _ if version.is_dtls() => "dtls",
        ..=0x0300 => "ssl",
        _ => "tls",
    }
}

/// A version as a person says it: `TLS 1.3`.
pub(super) struct VersionName(pub(super) Version);

impl fmt::Display for VersionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = match version_protocol(self.0) {
            "ssl" => "SSL",
            "dtls" => "DTLS",
            _ => "TLS",
        };
        write!(f, "{protocol} {}", VersionNumber(self.0))
    }
}

/// A cipher suite's IANA name, or its number as `0x1301`.
pub(super) struct Cipher<'a>(pub(super) &'a ServerHello);

impl fmt::Display for Cipher<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.cipher_name {
            Some(name) => f.write_str(name),
            None => write!(f, "{:#06x}", self.0.cipher),
        }
    }
}

/// The names in an ALPN `ProtocolNameList` (RFC 7301 §3.1); a name that the list cuts short is left out.
pub(super) fn protocols(mut list: &[u8]) -> impl Iterator<Item = Printable<'_>> {
    std::iter::from_fn(move || {
        let (&length, rest) = list.split_first()?;
        let (name, rest) = rest.split_at_checked(usize::from(length))?;
        list = rest;
        Some(Printable(name))
    })
}

/// Who is asked for, in few words: `currency → dc2`; a name without a meaning to a mesh is `None`.
pub(super) struct Aim<'a>(&'a Name);

impl<'a> Aim<'a> {
    pub(super) fn of(name: &'a Name) -> Option<Self> {
        let known = name.service().is_some() || name.datacenter().is_some() || name.peer().is_some();
        (known && name.scheme != "plain" && name.kind != "other").then_some(Self(name))
    }
}

impl<'a> fmt::Display for Aim<'a> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.0;
        let part = |text: &'a str| Printable(text.as_bytes());
        if let Some(subset) = name.subset() {
            write!(f, "{}.", part(subset))?;
        }
        part(name.service().unwrap_or(name.kind)).fmt(f)?;
        for scope in [name.namespace(), name.partition()] {
            if let Some(scope) = scope.filter(|scope| *scope != "default") {
                write!(f, ".{}", part(scope))?;
            }
        }
        match name.datacenter().or(name.peer()) {
            Some(place) => write!(f, " → {}", part(place)),
            None => Ok(()),
        }
    }
}

/// A name with its trust domain's identifier shortened to `<td>`.
pub(super) struct Shortened<'a>(pub(super) &'a Name);

impl fmt::Display for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.text().unwrap_or_default();
        let domain = self.0.trust_domain().unwrap_or_default();
        match (text.strip_suffix(domain), domain.strip_suffix(".consul")) {
            (Some(front), Some(_)) => write!(f, "{}<td>.consul", Printable(front.as_bytes())),
            _ => Printable(text.as_bytes()).fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::{Field, Values};

    #[test]
    fn durations_keep_the_digits_that_matter() {
        let text = |nanos| Span(nanos).to_string();
        assert_eq!(text(42_000), "0.042 ms");
        assert_eq!(text(612_000), "0.6 ms");
        assert_eq!(text(4_550_000), "4.6 ms");
        assert_eq!(text(149_960_000), "150.0 ms");
        assert_eq!(text(10_000_000_000), "10 s");
        assert_eq!(text(10_020_000_000), "10 s");
        assert_eq!(text(1_540_000_000), "1.5 s");
        assert_eq!(text(u64::MAX), "18446744073.7 s");
    }

    #[test]
    fn versions_have_ecs_numbers() {
        let text = |number| VersionNumber(Version(number)).to_string();
        assert_eq!(text(0x0304), "1.3");
        assert_eq!(text(0x7f1c), "1.3");
        assert_eq!(text(0x0301), "1.0");
        assert_eq!(text(0x0300), "3.0");
        assert_eq!(text(0x0042), "0x0042");
        assert_eq!(version_protocol(Version(0x0300)), "ssl");
        assert_eq!(version_protocol(Version(0x0303)), "tls");
        for (number, protocol, name) in [
            (0x0100, "dtls", "DTLS 0.9"),
            (0xfeff, "dtls", "DTLS 1.0"),
            (0xfefd, "dtls", "DTLS 1.2"),
            (0xfefc, "dtls", "DTLS 1.3"),
        ] {
            let version = Version(number);
            assert_eq!(
                (version_protocol(version), VersionName(version).to_string().as_str()),
                (protocol, name)
            );
        }
        assert_eq!(VersionName(Version(0x0300)).to_string(), "SSL 3.0");
        assert_eq!(VersionName(Version(0x0303)).to_string(), "TLS 1.2");
    }

    #[test]
    fn a_protocol_list_is_read_to_its_last_whole_name() {
        let names = |list| protocols(list).map(|name| name.to_string()).collect::<Vec<_>>();
        assert_eq!(names(b"\x02h2\x08http/1.1"), ["h2", "http/1.1"]);
        assert_eq!(names(b"\x02\x1b\xff\x00\x09cut"), ["\\x1b\\xff", ""]);
        assert_eq!(names(b""), [""; 0]);
    }

    #[test]
    fn unknown_ciphers_and_alerts_keep_their_number() {
        let server = ServerHello { cipher: 0x00c6, ..ServerHello::default() };
        assert_eq!(Cipher(&server).to_string(), "0x00c6");
        assert_eq!(AlertName("unknown", 200).to_string(), "alert 200");
        assert_eq!(AlertName("unknown_ca", 48).to_string(), "unknown_ca");
    }

    #[test]
    fn an_aim_names_what_is_not_the_default() {
        let text = "v2.currency.shop.dc2";
        let mut values = Values::default();
        values.imply(Field::Partition);
        values.set(Field::Datacenter, 17, 20);
        let gateway = Name::new(text.into(), None).meaning("consul-gateway", "consul", &values);
        values.set(Field::Subset, 0, 2);
        values.set(Field::Service, 3, 11);
        values.set(Field::Namespace, 12, 16);
        let name = Name::new(text.into(), None).meaning("consul-service", "consul", &values);
        assert_eq!(Aim(&name).to_string(), "v2.currency.shop → dc2");
        assert_eq!(Aim(&gateway).to_string(), "consul-gateway → dc2");
    }
}
