//! Keys of Initial packets, and how one is opened (RFC 9001 §5, RFC 9369 §3.3).
//!
//! They follow from the version and the client's first destination connection id, so that an onlooker has
//! them as well as the two sides. The key schedule is `sha2`'s compression function and nothing between the
//! blocks ([`super::hmac`]); the ciphers are `ring`'s, which open a packet in less time than plain Rust does.

use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey, quic};

use crate::hello::quic::hmac::{Hmac, Message};
use crate::hello::quic::version::Version;

/// Bytes from the beginning of the packet number to the sample that its protection is made of.
const SAMPLE_AT: usize = 4;

/// HKDF-Expand-Label's input (RFC 8446 §7.1) for one block of output, with the block's number.
struct Labels {
    key: Message,
    iv: Message,
    header: Message,
}

static FIRST: Labels = Labels {
    key: Message::new(b"\x00\x10\x0etls13 quic key\x00\x01"),
    iv: Message::new(b"\x00\x0c\x0dtls13 quic iv\x00\x01"),
    header: Message::new(b"\x00\x10\x0dtls13 quic hp\x00\x01"),
};
static SECOND: Labels = Labels {
    key: Message::new(b"\x00\x10\x10tls13 quicv2 key\x00\x01"),
    iv: Message::new(b"\x00\x0c\x0ftls13 quicv2 iv\x00\x01"),
    header: Message::new(b"\x00\x10\x0ftls13 quicv2 hp\x00\x01"),
};
static CLIENT: Message = Message::new(b"\x00\x20\x0ftls13 client in\x00\x01");
static SERVER: Message = Message::new(b"\x00\x20\x0ftls13 server in\x00\x01");

/// The secret that both sides' keys follow from, as the key that it is.
#[derive(Clone, Copy)]
pub(crate) struct Secret(Hmac);

impl Secret {
    /// The secret of a connection whose client chose `dcid` for its first packet.
    pub(crate) fn new(version: &Version, dcid: &[u8]) -> Self {
        Self(Hmac::new(&version.salt.hmac().sign(&Message::new(dcid))))
    }

    /// The keys of one side's packets.
    pub(crate) fn keys(&self, version: &Version, of_client: bool) -> Keys {
        let side = Hmac::new(&self.0.sign(if of_client { &CLIENT } else { &SERVER }));
        let labels = if version.second { &SECOND } else { &FIRST };
        let key = |label| side.sign(label).first_chunk().copied().unwrap_or_default();
        Keys {
            packet: key(&labels.key),
            iv: side.sign(&labels.iv).first_chunk().copied().unwrap_or_default(),
            header: key(&labels.header),
        }
    }
}

/// The keys of one side's Initial packets, as they are on paper: what the ciphers make of them is thirty
/// times as large, and made anew for each of the few packets in less time than it takes to keep it.
#[derive(Clone, Copy)]
pub(crate) struct Keys {
    packet: [u8; 16],
    iv: [u8; 12],
    header: [u8; 16],
}

impl Keys {
    /// Opens a packet, whose protected packet number begins at `number_at`, into the front of `scratch`; gives
    /// its frames, or `None` where the tag does not fit.
    pub(crate) fn open<'s>(
        &self,
        packet: &[u8],
        number_at: usize,
        scratch: &'s mut Vec<u8>,
    ) -> Option<&'s [u8]> {
        let sample: &[u8; 16] = packet.get(number_at + SAMPLE_AT..)?.first_chunk()?;
        let [first_mask, number_mask @ ..] = self.mask(sample)?;
        let first = packet.first()? ^ (first_mask & 0x0f);
        let len = usize::from(first & 3) + 1;
        let (header, sealed) = packet.split_at_checked(number_at + len)?;
        // the frames first, so that they begin where `scratch` does
        scratch.clear();
        scratch.extend_from_slice(sealed);
        scratch.extend_from_slice(header);
        let (sealed, header) = scratch.split_at_mut_checked(sealed.len())?;
        *header.first_mut()? = first;
        let mut nonce = self.iv;
        let number = header.get_mut(number_at..)?;
        for (byte, mask) in number.iter_mut().zip(number_mask) {
            *byte ^= mask;
        }
        // the first packets of a connection: their numbers are as short as they are written
        for (to, from) in nonce.iter_mut().rev().zip(number.iter().rev()) {
            *to ^= from;
        }
        let cipher = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &self.packet).ok()?);
        let nonce = Nonce::assume_unique_for_key(nonce);
        cipher.open_in_place(nonce, Aad::from(header), sealed).ok().map(|body| &*body)
    }

    /// The mask of a header whose packet holds `sample`.
    fn mask(&self, sample: &[u8; 16]) -> Option<[u8; 5]> {
        quic::HeaderProtectionKey::new(&quic::AES_128, &self.header).ok()?.new_mask(sample).ok()
    }
}

#[cfg(test)]
mod tests;
