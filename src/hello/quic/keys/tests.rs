use aes::Aes128;
use aes::cipher::BlockCipherEncrypt;
use aes_gcm::Aes128Gcm;
use aes_gcm::aead::{AeadInOut, KeyInit};

use super::*;
use crate::hello::quic::version;

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn keys(number: u32, of_client: bool) -> Keys {
    let version = version::find(number).unwrap();
    Secret::new(version, &bytes("8394c8f03e515708")).keys(version, of_client)
}

/// The ClientHello of RFC 9001 appendix A.2 and RFC 9369 appendix A.2, in its CRYPTO frame.
const HELLO: &str = "
    060040f1010000ed0303ebf8fa56f129 39b9584a3896472ec40bb863cfd3e868 04fe3a47f06a2b69484c000004130113
    02010000c000000010000e00000b6578 616d706c652e636f6dff01000100000a 00080006001d00170018001000070005
    04616c706e0005000501000000000033 00260024001d00209370b2c9caa47fba baf4559fedba753de171fa71f50f1ce1
    5d43e994ec74d748002b000302030400 0d0010000e0403050306030203080408 050806002d00020101001c0002400100
    3900320408ffffffffffffffff050480 00ffff07048000ffff08011001048000 75300901100f088394c8f03e51570806
    048000ffff";

/// The answer of appendix A.3: an ACK, and a CRYPTO frame with a ServerHello.
const ANSWER: &str = "
    02000000000600405a020000560303ee fce7f7b37ba1d1632e96677825ddf739 88cfc79825df566dc5430b9a045a1200
    130100002e00330024001d00209d3c94 0d89690b84d08a60993c144eca684d10 81287c834d5311bcf32bb9da1a002b00
    020304";

/// Seals as a client would, with other ciphers than those that open.
fn seal(keys: &Keys, header: &[u8], number_len: usize, payload: &[u8]) -> Vec<u8> {
    let mut nonce = keys.iv;
    let number = &header[header.len() - number_len..];
    for (to, from) in nonce.iter_mut().rev().zip(number.iter().rev()) {
        *to ^= from;
    }
    let mut body = payload.to_vec();
    let cipher = Aes128Gcm::new(&keys.packet.into());
    let tag = cipher.encrypt_inout_detached(&nonce.into(), header, body.as_mut_slice().into()).unwrap();
    let mut packet = [header, &body, &tag].concat();
    let at = header.len() - number_len;
    let sample: [u8; 16] = *packet[at + 4..].first_chunk().unwrap();
    let mut mask = aes::Block::from(sample);
    Aes128::new(&keys.header.into()).encrypt_block(&mut mask);
    packet[0] ^= mask[0] & 0x0f;
    for (byte, mask) in packet[at..at + number_len].iter_mut().zip(&mask[1..]) {
        *byte ^= mask;
    }
    packet
}

#[test]
fn keys_of_the_appendices() {
    for (number, of_client, packet, iv, header) in [
        (
            1,
            true,
            "1f369613dd76d5467730efcbe3b1a22d",
            "fa044b2f42a3fd3b46fb255c",
            "9f50449e04a0e810283a1e9933adedd2",
        ),
        (
            1,
            false,
            "cf3a5331653c364c88f0f379b6067e37",
            "0ac1493ca1905853b0bba03e",
            "c206b8d9b9f0f37644430b490eeaa314",
        ),
        (
            0x6b33_43cf,
            true,
            "8b1a0bc121284290a29e0971b5cd045d",
            "91f73e2351d8fa91660e909f",
            "45b95e15235d6f45a6b19cbcb0294ba9",
        ),
        (
            0x6b33_43cf,
            false,
            "82db637861d55e1d011f19ea71d5d2a7",
            "dd13c276499c0249d3310652",
            "edf6d05c83121201b436e16877593c3a",
        ),
    ] {
        let keys = keys(number, of_client);
        assert_eq!((keys.packet.to_vec(), keys.iv.to_vec()), (bytes(packet), bytes(iv)));
        assert_eq!(keys.header.to_vec(), bytes(header));
    }
}

#[test]
fn first_packets_of_the_appendices() {
    for (number, header, start) in [
        (
            1,
            "c300000001088394c8f03e5157080000449e00000002",
            "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11d242b123dc9b",
        ),
        (
            0x6b33_43cf,
            "d36b3343cf088394c8f03e5157080000449e00000002",
            "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485dd04de806071",
        ),
    ] {
        let mut payload = bytes(HELLO);
        payload.resize(1162, 0);
        let keys = keys(number, true);
        let packet = seal(&keys, &bytes(header), 4, &payload);
        assert_eq!(packet.len(), 1200);
        assert!(packet.starts_with(&bytes(start)), "{number:#x}");
        let mut scratch = vec![7; 5];
        assert_eq!(keys.open(&packet, 18, &mut scratch).unwrap(), payload);
    }
}

#[test]
fn answers_of_the_appendices() {
    for (number, packet) in [
        (
            1,
            "cf000000010008f067a5502a4262b500 4075c0d95a482cd0991cd25b0aac406a 5816b6394100f37a1c69797554780bb3
             8cc5a99f5ede4cf73c3ec2493a1839b3 dbcba3f6ea46c5b7684df3548e7ddeb9 c3bf9c73cc3f3bded74b562bfb19fb84
             022f8ef4cdd93795d77d06edbb7aaf2f 58891850abbdca3d20398c276456cbc4 2158407dd074ee",
        ),
        (
            0x6b33_43cf,
            "dc6b3343cf0008f067a5502a4262b500 4075d92faaf16f05d8a4398c47089698 baeea26b91eb761d9b89237bbf872630
             17915358230035f7fd3945d88965cf17 f9af6e16886c61bfc703106fbaf3cb4c fa52382dd16a393e42757507698075b2
             c984c707f0a0812d8cd5a6881eaf21ce da98f4bd23f6fe1a3e2c43edd9ce7ca8 4bed8521e2e140",
        ),
    ] {
        let packet = bytes(packet);
        let mut scratch = Vec::new();
        assert_eq!(keys(number, false).open(&packet, 18, &mut scratch).unwrap(), bytes(ANSWER), "{number:#x}");
        assert!(keys(number, true).open(&packet, 18, &mut scratch).is_none(), "the client's keys");
    }
}

#[test]
fn numbers_of_all_lengths() {
    let keys = keys(1, true);
    for len in 1..=4_usize {
        let first = 0xc0 + u8::try_from(len - 1).unwrap();
        let header = [&[first, 0, 0, 0, 1, 0, 0, 0, 0x40, 40][..], &[9, 8, 7, 6][4 - len..]].concat();
        let packet = seal(&keys, &header, len, b"some twenty bytes of frames");
        let mut scratch = Vec::new();
        assert_eq!(keys.open(&packet, 10, &mut scratch).unwrap(), b"some twenty bytes of frames", "{len}");
    }
}

#[test]
fn a_packet_that_is_cut_or_changed_does_not_open() {
    let keys = keys(1, true);
    let header = bytes("c000000001088394c8f03e5157080000402d00");
    let whole = seal(&keys, &header, 1, &[6, 0, 16, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]);
    let mut scratch = Vec::new();
    assert!(keys.open(&whole, 18, &mut scratch).is_some());
    for len in 0..whole.len() {
        assert!(keys.open(&whole[..len], 18, &mut scratch).is_none(), "{len}");
        let mut changed = whole.clone();
        changed[len] ^= 0x10;
        assert!(keys.open(&changed, 18, &mut scratch).is_none(), "byte {len} changed");
    }
    assert!(keys.open(&whole, 4000, &mut scratch).is_none());
}
