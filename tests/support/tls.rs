//! TLS framing: length prefixes, handshake messages, records, alerts (RFC 8446 §4, §5, §6).

/// Record type of `change_cipher_spec`.
pub const CHANGE_CIPHER_SPEC: u8 = 20;
/// Record type of alerts.
pub const ALERT: u8 = 21;
/// Record type of handshake messages.
pub const HANDSHAKE: u8 = 22;
/// Record type of application data.
pub const APPLICATION_DATA: u8 = 23;
/// The most bytes that a record carries.
pub const RECORD_MAX: usize = 1 << 14;

/// `body` behind its length in `width` bytes, big-endian.
pub fn prefixed(width: usize, body: &[u8]) -> Vec<u8> {
    assert!(body.len() < 1 << (8 * width), "{} bytes do not fit a length of {width} bytes", body.len());
    let length = (body.len() as u64).to_be_bytes();
    [&length[8 - width..], body].concat()
}

/// An extension: type, length, body.
pub fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &prefixed(2, body)].concat()
}

/// A handshake message with its four-byte header.
pub fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &prefixed(3, body)].concat()
}

/// One record.
pub fn record(kind: u8, version: u16, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &version.to_be_bytes(), &prefixed(2, body)].concat()
}

/// A handshake message as records that end at the offsets `cuts` of the message, and wherever a record is full.
pub fn records(version: u16, message: &[u8], cuts: &[usize]) -> Vec<u8> {
    let mut ends: Vec<usize> = cuts.iter().copied().filter(|&cut| cut < message.len()).collect();
    ends.push(message.len());
    let mut out = Vec::new();
    let mut from = 0;
    for end in ends {
        for part in message[from..end].chunks(RECORD_MAX) {
            out.extend(record(HANDSHAKE, version, part));
        }
        from = end;
    }
    out
}

/// A fatal alert in clear.
pub fn alert(version: u16, code: u8) -> Vec<u8> {
    record(ALERT, version, &[2, code])
}

/// The record of one byte that ends the clear part.
pub fn change_cipher_spec(version: u16) -> Vec<u8> {
    record(CHANGE_CIPHER_SPEC, version, &[1])
}
