//! Names of numbers: alerts, key exchange groups, cipher suites.

use tls_parser::TlsCipherSuite;

/// Name of an alert description: RFC 8446 appendix B.2, else the IANA TLS Alerts registry.
pub(crate) fn alert(code: u8) -> &'static str {
    match code {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        52 => "too_many_cids_requested",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        114 => "bad_certificate_hash_value",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        117 => "general_error",
        120 => "no_application_protocol",
        121 => "ech_required",
        _ => "unknown",
    }
}

/// Name of a group, IANA TLS Supported Groups registry; `None` where it has none.
pub(crate) fn group(number: u16) -> Option<&'static str> {
    Some(match number {
        1 => "sect163k1",
        2 => "sect163r1",
        3 => "sect163r2",
        4 => "sect193r1",
        5 => "sect193r2",
        6 => "sect233k1",
        7 => "sect233r1",
        8 => "sect239k1",
        9 => "sect283k1",
        10 => "sect283r1",
        11 => "sect409k1",
        12 => "sect409r1",
        13 => "sect571k1",
        14 => "sect571r1",
        15 => "secp160k1",
        16 => "secp160r1",
        17 => "secp160r2",
        18 => "secp192k1",
        19 => "secp192r1",
        20 => "secp224k1",
        21 => "secp224r1",
        22 => "secp256k1",
        23 => "secp256r1",
        24 => "secp384r1",
        25 => "secp521r1",
        26 => "brainpoolP256r1",
        27 => "brainpoolP384r1",
        28 => "brainpoolP512r1",
        29 => "x25519",
        30 => "x448",
        31 => "brainpoolP256r1tls13",
        32 => "brainpoolP384r1tls13",
        33 => "brainpoolP512r1tls13",
        34 => "GC256A",
        35 => "GC256B",
        36 => "GC256C",
        37 => "GC256D",
        38 => "GC512A",
        39 => "GC512B",
        40 => "GC512C",
        41 => "curveSM2",
        0x0100 => "ffdhe2048",
        0x0101 => "ffdhe3072",
        0x0102 => "ffdhe4096",
        0x0103 => "ffdhe6144",
        0x0104 => "ffdhe8192",
        0x0200 => "MLKEM512",
        0x0201 => "MLKEM768",
        0x0202 => "MLKEM1024",
        0x11eb => "SecP256r1MLKEM768",
        0x11ec => "X25519MLKEM768",
        0x11ed => "SecP384r1MLKEM1024",
        0x11ee => "curveSM2MLKEM768",
        0x6399 => "X25519Kyber768Draft00",
        0x639a => "SecP256r1Kyber768Draft00",
        _ => return None,
    })
}

/// IANA name of a cipher suite; `None` where it has none.
pub(crate) fn cipher(number: u16) -> Option<&'static str> {
    // what nearly all servers choose, ahead of the table of all
    match number {
        0x1301 => return Some("TLS_AES_128_GCM_SHA256"),
        0x1302 => return Some("TLS_AES_256_GCM_SHA384"),
        0x1303 => return Some("TLS_CHACHA20_POLY1305_SHA256"),
        0xc02b => return Some("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
        0xc02c => return Some("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
        0xc02f => return Some("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
        0xc030 => return Some("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
        _ => {}
    }
    TlsCipherSuite::from_id(number).map(|suite| suite.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_have_their_registered_names() {
        assert_eq!(alert(0), "close_notify");
        assert_eq!(alert(48), "unknown_ca");
        assert_eq!(alert(112), "unrecognized_name");
        assert_eq!(alert(116), "certificate_required");
        assert_eq!(alert(255), "unknown");
        let mut names: Vec<_> = (0..=255).map(alert).filter(|name| *name != "unknown").collect();
        assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn groups_old_new_and_unknown() {
        assert_eq!(group(23), Some("secp256r1"));
        assert_eq!(group(29), Some("x25519"));
        assert_eq!(group(0x11eb), Some("SecP256r1MLKEM768"));
        assert_eq!(group(0x11ec), Some("X25519MLKEM768"));
        assert_eq!(group(0x6399), Some("X25519Kyber768Draft00"));
        assert_eq!(group(0x0a0a), None);
        let mut names: Vec<_> = (0..=u16::MAX).filter_map(group).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn usual_cipher_suites_are_called_as_in_the_table() {
        for number in 0..=u16::MAX {
            assert_eq!(
                cipher(number),
                TlsCipherSuite::from_id(number).map(|suite| suite.name),
                "{number:#x}"
            );
        }
    }

    #[test]
    fn cipher_suites() {
        assert_eq!(cipher(0x1301), Some("TLS_AES_128_GCM_SHA256"));
        assert_eq!(cipher(0xc02f), Some("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"));
        assert_eq!(cipher(0x3a3a), None);
    }
}
