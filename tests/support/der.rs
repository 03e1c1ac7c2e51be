//! A minimal X.509 certificate in DER (RFC 5280): a name, a P-256 key, one URI. Its signature is noise.

use super::random;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const PRIME256V1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// A leaf certificate whose subject alternative name is `uri`.
pub fn certificate(uri: &str) -> Vec<u8> {
    let algorithm = node(SEQUENCE, &[node(6, &[ECDSA_WITH_SHA256.to_vec()])]);
    let times = [node(0x17, &[b"260101000000Z".to_vec()]), node(0x17, &[b"360101000000Z".to_vec()])];
    let tbs = node(
        SEQUENCE,
        &[
            node(0xa0, &[node(2, &[vec![2]])]),
            node(2, &[vec![0x12, 0x34, 0x56]]),
            algorithm.clone(),
            name("Test CA"),
            node(SEQUENCE, &times),
            name("leaf"),
            key(uri),
            node(0xa3, &[node(SEQUENCE, &[alternative_name(uri)])]),
        ],
    );
    node(SEQUENCE, &[tbs, algorithm, node(3, &[vec![0], signature(uri)])])
}

/// An ECDSA signature that signs nothing.
pub fn signature(label: &str) -> Vec<u8> {
    let half = |which: &str| {
        let mut bytes = random::bytes(&format!("{label}/{which}"), 32);
        bytes[0] = bytes[0] & 0x3f | 0x40;
        node(2, &[bytes])
    };
    node(SEQUENCE, &[half("r"), half("s")])
}

fn node(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    let body = parts.concat();
    let mut out = vec![tag];
    match body.len() {
        len @ 0..=127 => out.push(len as u8),
        len => out.extend([0x82, (len >> 8) as u8, len as u8]),
    }
    out.extend(body);
    out
}

fn name(common: &str) -> Vec<u8> {
    let pair = node(SEQUENCE, &[node(6, &[COMMON_NAME.to_vec()]), node(0x0c, &[common.into()])]);
    node(SEQUENCE, &[node(SET, &[pair])])
}

fn key(label: &str) -> Vec<u8> {
    let oids = [node(6, &[EC_PUBLIC_KEY.to_vec()]), node(6, &[PRIME256V1.to_vec()])];
    let point = [&[0, 4][..], &random::bytes(&format!("{label}/key"), 64)].concat();
    node(SEQUENCE, &[node(SEQUENCE, &oids), node(3, &[point])])
}

fn alternative_name(uri: &str) -> Vec<u8> {
    let names = node(SEQUENCE, &[node(0x86, &[uri.into()])]);
    node(SEQUENCE, &[node(6, &[SUBJECT_ALT_NAME.to_vec()]), node(4, &[names])])
}
