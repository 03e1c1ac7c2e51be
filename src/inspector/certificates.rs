//! Certificates, read once: a mesh shows few of them again and again.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::hello::certificate::Leaf;
use crate::hello::x509;
use crate::inspector::connection::Exchange;
use crate::model::certificate::Certificate;
use crate::model::skip::{Skip, SkipCounts};
use crate::naming::identity::identity;

/// Certificates that are remembered; past it the memory starts anew.
const MAX_CERTIFICATES: usize = 4096;
/// Their bytes together. What is made of them is some ten times as much where a stranger strives for it.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Largest certificate that is remembered, in bytes.
const MAX_REMEMBERED: usize = 16 * 1024;

/// A certificate with its DER form.
type Known = (Box<[u8]>, Arc<Certificate>);

/// Certificates by their bytes.
pub struct Certificates {
    /// By the last eight bytes: they are the signature's, so that no two honest certificates share them. Of
    /// others the newest is kept: no stranger can make a search long.
    known: HashMap<u64, Known, RandomState>,
    bytes: usize,
    /// Where a side showed none, or one that cannot be read.
    nothing: Arc<Certificate>,
}

impl Default for Certificates {
    fn default() -> Self {
        let nothing = Arc::new(Certificate::default());
        Self { known: HashMap::default(), bytes: 0, nothing }
    }
}

impl Certificates {
    /// Reads what both sides of a connection showed; what cannot be read is counted.
    ///
    /// Since TLS 1.3 certificates are encrypted: one in clear is none.
    pub fn read(&mut self, exchange: &mut Exchange, skips: &mut SkipCounts) {
        if exchange.server.as_ref().is_some_and(|(hello, _)| hello.version.is_13()) {
            return;
        }
        if let Some(leaf) = exchange.client.take_leaf() {
            exchange.shown.client = Some(self.get(leaf, skips));
        }
        if let Some(leaf) = exchange.answer.take_leaf() {
            exchange.shown.server = Some(self.get(leaf, skips));
        }
    }

    /// What a leaf says; what cannot be read is counted.
    pub(super) fn get(&mut self, leaf: Leaf, skips: &mut SkipCounts) -> Arc<Certificate> {
        let certificate = match leaf {
            Leaf::Der(der) => self.find(der),
            Leaf::Empty => return Arc::clone(&self.nothing),
            Leaf::Broken => Arc::clone(&self.nothing),
        };
        if certificate.facts.is_none() {
            skips.add(Skip::BadCertificate);
        }
        certificate
    }

    fn find(&mut self, der: Box<[u8]>) -> Arc<Certificate> {
        let end = der.last_chunk().map_or(0, |end| u64::from_ne_bytes(*end));
        if let Some((_, certificate)) = self.known.get(&end).filter(|(known, _)| *known == der) {
            return Arc::clone(certificate);
        }
        let Some(facts) = x509::read(&der) else { return Arc::clone(&self.nothing) };
        let identity = identity(&facts.names);
        let certificate = Arc::new(Certificate { facts: Some(facts), identity, ..Certificate::default() });
        if der.len() <= MAX_REMEMBERED {
            self.remember(end, der, Arc::clone(&certificate));
        }
        certificate
    }

    fn remember(&mut self, end: u64, der: Box<[u8]>, certificate: Arc<Certificate>) {
        if self.known.len() >= MAX_CERTIFICATES || self.bytes + der.len() > MAX_BYTES {
            self.known.clear();
            self.bytes = 0;
        }
        self.bytes += der.len();
        if let Some((old, _)) = self.known.insert(end, (der, certificate)) {
            self.bytes -= old.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspector::tests::support::der;

    const URI: &str = "spiffe://td/ns/default/dc/dc1/svc/payments";

    fn get(certificates: &mut Certificates, leaf: Leaf) -> (Arc<Certificate>, u64) {
        let mut skips = SkipCounts::default();
        let certificate = certificates.get(leaf, &mut skips);
        (certificate, skips.get(Skip::BadCertificate))
    }

    fn made(uri: &str) -> Leaf {
        Leaf::Der(der::certificate(uri).into())
    }

    #[test]
    fn equal_bytes_are_read_once() {
        let mut certificates = Certificates::default();
        let (first, skips) = get(&mut certificates, made(URI));
        let (second, _) = get(&mut certificates, made(URI));
        let (other, _) = get(&mut certificates, made("spiffe://td/ns/shop/sa/b"));
        assert!(Arc::ptr_eq(&first, &second) && !Arc::ptr_eq(&first, &other));
        assert_eq!((first.identity.service.as_deref(), skips), (Some("payments"), 0));
        assert_eq!(first.facts.as_ref().map(|facts| facts.names.len()), Some(1));
    }

    #[test]
    fn what_cannot_be_read_is_counted_each_time_and_an_empty_list_is_not() {
        let mut certificates = Certificates::default();
        for (leaf, skips) in [
            (Leaf::Der(Box::from(&[0x30, 0][..])), 1),
            (Leaf::Der(Box::from(&[0x30, 0][..])), 1),
            (Leaf::Broken, 1),
            (Leaf::Empty, 0),
        ] {
            let (certificate, counted) = get(&mut certificates, leaf.clone());
            assert_eq!((certificate.facts.is_none(), counted), (true, skips), "{leaf:?}");
        }
        assert_eq!(certificates.bytes, 0);
    }

    #[test]
    fn the_memory_is_bounded_in_count_and_bytes() {
        let mut certificates = Certificates::default();
        for number in 0..=MAX_CERTIFICATES {
            get(&mut certificates, made(&format!("spiffe://td/{number}")));
            assert!(certificates.known.len() <= MAX_CERTIFICATES && certificates.bytes <= MAX_BYTES);
        }
        assert_eq!(certificates.known.len(), 1);
        let long = "x".repeat(MAX_REMEMBERED - 1024);
        for number in 0..2 * MAX_BYTES / MAX_REMEMBERED {
            get(&mut certificates, made(&format!("spiffe://td/{number}/{long}")));
            assert!(certificates.bytes <= MAX_BYTES, "{number}");
        }
        let before = certificates.bytes;
        let (large, _) = get(&mut certificates, made(&"x".repeat(MAX_REMEMBERED)));
        assert!(large.facts.is_some());
        assert_eq!(certificates.bytes, before);
    }

    /// Two certificates that end alike: the newer one takes the place, and both are told apart.
    #[test]
    fn equal_ends_are_no_equal_certificates() {
        let mut certificates = Certificates::default();
        let Leaf::Der(one) = made("spiffe://td/ns/shop/sa/a") else { panic!("no leaf") };
        let mut two = one.clone();
        let at = one.windows(4).position(|bytes| bytes == b"sa/a").unwrap() + 3;
        two[at] = b'b';
        for _ in 0..2 {
            for (der, service) in [(&one, "a"), (&two, "b")] {
                let (certificate, _) = get(&mut certificates, Leaf::Der(der.clone()));
                assert_eq!(certificate.identity.service.as_deref(), Some(service));
                assert_eq!((certificates.known.len(), certificates.bytes), (1, one.len()));
            }
        }
    }
}
