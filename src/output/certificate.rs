//! Certificates in records: as JSON, made once for each, and in a line.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use crate::model::certificate::{AlternativeName, Certificate, Facts, Identity};
use crate::model::name::Flag;
use crate::model::observation::Observation;
use crate::output::escape::escape;
use crate::output::text::{Text, serialize};
use crate::output::words::Hexadecimal;

/// The `mesh.source_*` members; nothing where the client showed no certificate.
pub(super) fn source(t: &mut Text<'_>, observation: &Observation) {
    if let Some(certificate) = &observation.shown.client {
        caller(t, certificate);
    }
}

/// The same of one certificate.
pub(super) fn caller(t: &mut Text<'_>, certificate: &Certificate) {
    let [source, ..] = forms(certificate);
    t.raw(source);
}

/// Members of `tls.client` or `tls.server`.
pub(super) fn members(t: &mut Text<'_>, certificate: &Certificate, verbosity: u8) {
    let [_, brief, full] = forms(certificate);
    t.raw(brief);
    if verbosity >= 2 {
        t.raw(full);
    }
}

/// Runs of members that begin with a comma, or nothing: `mesh.source_*`; from `-v` on subject to fingerprint;
/// from `-vv` on `x509`.
fn forms(certificate: &Certificate) -> &[Box<[u8]>; 3] {
    certificate.rendered.0.get_or_init(|| {
        let mut forms = [Vec::new(), Vec::new(), Vec::new()];
        let [first, second, third] = &mut forms;
        identity(first, &certificate.identity);
        brief(second, certificate.facts.as_ref());
        if let Some(facts) = &certificate.facts {
            full(third, facts);
        }
        forms.map(Vec::into_boxed_slice)
    })
}

/// `null`: there is a certificate message, and it names no service.
pub(super) fn identity(out: &mut Vec<u8>, identity: &Identity) {
    member(out, "source_service", &identity.service);
    let others = [
        ("source_namespace", &identity.namespace),
        ("source_partition", &identity.partition),
        ("source_datacenter", &identity.datacenter),
    ];
    for (key, value) in others {
        if value.is_some() {
            member(out, key, value);
        }
    }
}

/// ECS: the fingerprint in upper case. A `null` subject: none in the certificate, or no certificate to read.
fn brief(out: &mut Vec<u8>, facts: Option<&Facts>) {
    member(out, "subject", &facts.map(|facts| &facts.subject).filter(|subject| !subject.is_empty()));
    let Some(facts) = facts else { return };
    member(out, "issuer", &facts.issuer);
    member(out, "not_before", &date(facts.not_before));
    member(out, "not_after", &date(facts.not_after));
    let fingerprint = Hexadecimal(&facts.sha256).to_string().to_ascii_uppercase();
    out.extend_from_slice(b",\"hash\":{\"sha256\":");
    serialize(out, &fingerprint);
    out.push(b'}');
}

fn full(out: &mut Vec<u8>, facts: &Facts) {
    out.extend_from_slice(b",\"x509\":{\"serial_number\":");
    serialize(out, &facts.serial);
    if !facts.names.is_empty() {
        let names: Vec<&str> = facts.names.iter().map(AlternativeName::as_str).collect();
        member(out, "alternative_names", &names);
    }
    let sides = [
        (",\"subject\":{\"common_name\":", &facts.subject_common_names),
        (",\"issuer\":{\"common_name\":", &facts.issuer_common_names),
    ];
    for (key, names) in sides.into_iter().filter(|(_, names)| !names.is_empty()) {
        out.extend_from_slice(key.as_bytes());
        serialize(out, names);
        out.push(b'}');
    }
    out.push(b'}');
}

/// `,"key":value`
fn member<T: Serialize + ?Sized>(out: &mut Vec<u8>, key: &'static str, value: &T) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":");
    serialize(out, value);
}

/// RFC 3339 in UTC; `None` beyond the years that it can write.
fn date(seconds: i64) -> Option<String> {
    Timestamp::from_second(seconds).ok().map(|time| time.to_string())
}

/// Who calls, as a line says it: `  ← payments@dc1`; nothing where no certificate tells. The local datacenter,
/// where it is known, goes without saying.
pub(super) struct Caller<'a> {
    /// The record.
    pub(super) of: &'a Observation,
    /// The local datacenter.
    pub(super) local: Option<&'a str>,
}

impl fmt::Display for Caller<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(certificate) = &self.of.shown.client else { return Ok(()) };
        let Identity { service, datacenter, .. } = &certificate.identity;
        let remote = datacenter.as_deref().filter(|datacenter| Some(*datacenter) != self.local);
        if service.is_none() && remote.is_none() {
            return Ok(());
        }
        f.write_str("  ← ")?;
        holder_service(f, &certificate.identity)?;
        match remote {
            Some(datacenter) => write!(f, "@{}", escape(datacenter)),
            None => Ok(()),
        }
    }
}

/// The service of an identity, with its namespace and partition where these are not the default.
fn holder_service(f: &mut fmt::Formatter<'_>, identity: &Identity) -> fmt::Result {
    let Some(service) = &identity.service else { return Ok(()) };
    f.write_str(&escape(service))?;
    let scopes = [&identity.namespace, &identity.partition].into_iter().flatten();
    for scope in scopes.filter(|scope| ***scope != *"default") {
        write!(f, ".{}", escape(scope))?;
    }
    Ok(())
}

/// An identity in words: `payments@dc1`; with `#`, `payments @dc1`.
pub(super) struct Who<'a>(pub(super) &'a Identity);

impl fmt::Display for Who<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        holder_service(f, self.0)?;
        match &self.0.datacenter {
            Some(datacenter) => write!(f, "{}@{}", if f.alternate() { " " } else { "" }, escape(datacenter)),
            None => Ok(()),
        }
    }
}

/// What `-vv` adds to a line: whom each certificate is for, and how long.
pub(super) fn tell(add: &mut dyn FnMut(fmt::Arguments<'_>), observation: &Observation) {
    let shown = [("client", &observation.shown.client), ("server", &observation.shown.server)];
    for (side, certificate) in shown {
        match certificate.as_deref().map(|certificate| &certificate.facts) {
            Some(Some(facts)) => {
                let until = date(facts.not_after);
                let day = until.as_deref().and_then(|until| until.split('T').next()).unwrap_or("never");
                add(format_args!("{side} certificate {} until {day}", escape(holder(facts))));
            }
            Some(None) => add(format_args!("no {side} certificate that can be read")),
            None => (),
        }
    }
}

/// A URI (in a mesh the SPIFFE ID) before a DNS name before the subject.
fn holder(facts: &Facts) -> &str {
    let first = |wanted: fn(&AlternativeName) -> bool| facts.names.iter().find(|name| wanted(name));
    let name = first(|name| matches!(name, AlternativeName::Uri(_)))
        .or_else(|| first(|name| matches!(name, AlternativeName::Dns(_))))
        .map_or(&*facts.subject, AlternativeName::as_str);
    if name.is_empty() { "(no name)" } else { name }
}

/// What a reader must know of the server name on a line.
pub(super) fn name_notes(observation: &Observation) -> impl Iterator<Item = &'static str> {
    let name = observation.name.as_deref();
    let encrypted = observation.hello.as_ref().is_some_and(|hello| hello.ech);
    let note = if name.is_some_and(|name| name.text().is_some()) {
        "outer name (ECH or GREASE)"
    } else {
        "ECH or GREASE"
    };
    let several = name.is_some_and(|name| name.flags.has(Flag::SeveralNames));
    encrypted.then_some(note).into_iter().chain(several.then_some("first of several names"))
}

#[cfg(test)]
mod tests;
