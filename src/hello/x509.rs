//! What an X.509 certificate says (RFC 5280), as far as records tell it. Nothing is verified.
//!
//! [`read`] is a plain function of hostile bytes: it gives facts or nothing.

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

use crate::model::certificate::{AlternativeName, Facts};

/// `commonName`.
const COMMON_NAME: &str = "2.5.4.3";

/// Short names of attribute types: RFC 4514 §3, then those that X.520, RFC 2985 and the CA/Browser Forum's
/// guidelines give to what real certificates hold.
const ATTRIBUTES: &[(&str, &str)] = &[
    (COMMON_NAME, "CN"),
    ("2.5.4.4", "SN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.12", "title"),
    ("2.5.4.13", "description"),
    ("2.5.4.15", "businessCategory"),
    ("2.5.4.17", "postalCode"),
    ("2.5.4.41", "name"),
    ("2.5.4.42", "GN"),
    ("2.5.4.46", "dnQualifier"),
    ("2.5.4.97", "organizationIdentifier"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
    ("1.2.840.113549.1.9.2", "unstructuredName"),
    ("1.3.6.1.4.1.311.60.2.1.1", "jurisdictionL"),
    ("1.3.6.1.4.1.311.60.2.1.2", "jurisdictionST"),
    ("1.3.6.1.4.1.311.60.2.1.3", "jurisdictionC"),
];

/// Reads a certificate in DER; `None` where it is none.
pub fn read(der: &[u8]) -> Option<Facts> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Some(Facts {
        subject: distinguished(certificate.subject()),
        subject_common_names: common_names(certificate.subject()),
        issuer: distinguished(certificate.issuer()),
        issuer_common_names: common_names(certificate.issuer()),
        not_before: certificate.validity().not_before.timestamp(),
        not_after: certificate.validity().not_after.timestamp(),
        serial: serial(certificate.raw_serial()),
        names: alternative_names(&certificate),
        sha256: Sha256::digest(der).into(),
    })
}

/// Without the zero byte that keeps a large number positive.
fn serial(bytes: &[u8]) -> Box<str> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let kept = bytes.get(zeros.min(bytes.len().saturating_sub(1))..).unwrap_or_default();
    let mut text = String::with_capacity(kept.len() * 2);
    for byte in kept {
        _ = write!(text, "{byte:02X}");
    }
    text.into()
}

fn common_names(name: &X509Name<'_>) -> Vec<Box<str>> {
    let all = name.iter_attributes();
    all.filter(|it| it.attr_type().to_id_string() == COMMON_NAME).map(|it| text(it).into()).collect()
}

/// RFC 4514 §2: last part first.
fn distinguished(name: &X509Name<'_>) -> Box<str> {
    let mut out = String::new();
    let parts: Vec<_> = name.iter_rdn().collect();
    for (place, part) in parts.into_iter().rev().enumerate() {
        if place > 0 {
            out.push_str(", ");
        }
        for (place, attribute) in part.iter().enumerate() {
            if place > 0 {
                out.push('+');
            }
            let number = attribute.attr_type().to_id_string();
            let known = ATTRIBUTES.iter().find(|(known, _)| *known == number);
            out.push_str(known.map_or(number.as_str(), |(_, name)| name));
            out.push('=');
            escaped(&mut out, &text(attribute));
        }
    }
    out.into()
}

/// RFC 4514 §2.4: what would read as structure stands behind a backslash.
fn escaped(out: &mut String, value: &str) {
    let last = value.chars().count().saturating_sub(1);
    for (place, letter) in value.chars().enumerate() {
        let structure = matches!(letter, '"' | '+' | ',' | ';' | '<' | '>' | '\\')
            || (letter == ' ' && (place == 0 || place == last))
            || (letter == '#' && place == 0);
        match letter {
            '\0' => out.push_str("\\00"),
            _ if structure => out.extend(['\\', letter]),
            _ => out.push(letter),
        }
    }
}

/// An attribute's value by its string type; of another type `#` and the value's bytes in hexadecimal.
fn text(attribute: &AttributeTypeAndValue<'_>) -> String {
    const UTF8: u32 = 12;
    const UNIVERSAL: u32 = 28;
    const BMP: u32 = 30;
    let value = attribute.attr_value();
    let bytes = value.data;
    match value.tag().0 {
        UTF8 | 18..=22 | 26 | 27 => letters(bytes),
        BMP => {
            let (pairs, _) = bytes.as_chunks::<2>();
            let units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
            String::from_utf16_lossy(&units)
        }
        UNIVERSAL => {
            let (fours, _) = bytes.as_chunks::<4>();
            let number = |four: &[u8; 4]| char::from_u32(u32::from_be_bytes(*four));
            fours.iter().map(|four| number(four).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        _ => bytes.iter().fold(String::from("#"), |mut out, byte| {
            _ = write!(out, "{byte:02x}");
            out
        }),
    }
}

/// UTF-8, or else Latin-1: old issuers put either into every string type.
fn letters(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes)
        .map_or_else(|_| bytes.iter().map(|byte| char::from(*byte)).collect(), str::to_owned)
}

/// All names of all such extensions: a certificate that has two is a bad one, but what it says is told.
fn alternative_names(certificate: &X509Certificate<'_>) -> Vec<AlternativeName> {
    let extensions = certificate.extensions().iter();
    let names = extensions.filter_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectAlternativeName(names) => Some(names.general_names.iter()),
        _ => None,
    });
    names.flatten().filter_map(alternative_name).collect()
}

fn alternative_name(name: &GeneralName<'_>) -> Option<AlternativeName> {
    Some(match name {
        GeneralName::DNSName(text) => AlternativeName::Dns((*text).into()),
        GeneralName::URI(text) => AlternativeName::Uri((*text).into()),
        GeneralName::RFC822Name(text) => AlternativeName::Other((*text).into()),
        GeneralName::DirectoryName(name) => AlternativeName::Other(distinguished(name)),
        GeneralName::IPAddress(bytes) => AlternativeName::Other(address(bytes)?.into()),
        GeneralName::Invalid(tag, bytes) => match tag.0 {
            2 => AlternativeName::Dns(letters(bytes).into()),
            6 => AlternativeName::Uri(letters(bytes).into()),
            1 => AlternativeName::Other(letters(bytes).into()),
            _ => return None,
        },
        _ => return None,
    })
}

fn address(bytes: &[u8]) -> Option<String> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(four).to_string());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|sixteen| Ipv6Addr::from(sixteen).to_string())
}

#[cfg(test)]
mod tests;
