//! Consul's HTTP API, asked for all that has an address.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::Agent;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};

use crate::catalog::answer;
use crate::error::Error;
use crate::model::directory::Directory;

/// Longest wait for one answer.
const ANSWER: Duration = Duration::from_secs(10);

/// Longest time for all answers of one look at the catalog.
const LOOK: Duration = Duration::from_secs(60);

/// Largest answer in bytes.
const MAX_BYTES: u64 = 64 << 20;

/// Services that are asked for at most.
const MAX_SERVICES: usize = 20_000;

/// How to get at the API.
#[derive(Clone, Default)]
pub struct Access {
    /// `CONSUL_HTTP_TOKEN`.
    pub token: Option<String>,
    /// `CONSUL_CACERT`: the authorities to trust, in place of the system's.
    pub authorities: Option<PathBuf>,
}

impl fmt::Debug for Access {
    /// The token is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("authorities", &self.authorities).finish_non_exhaustive()
    }
}

/// The API at one address.
#[derive(Debug)]
pub struct Api {
    agent: Agent,
    url: Box<str>,
    access: Access,
}

impl Api {
    /// Nothing is asked yet. A path behind the host is that of the API's root.
    ///
    /// # Errors
    /// See [`crate::catalog::Catalog::open`].
    pub fn new(typed: &str, access: &Access) -> Result<Self, Error> {
        let refused = |why: &str| Error::Usage(format!("--catalog {typed}: {why}"));
        let url = typed.trim_end_matches('/');
        let url = url.strip_suffix("/v1/catalog").unwrap_or(url);
        let encrypted = match url.split_once("://") {
            Some(("http", rest)) if !rest.is_empty() => false,
            Some(("https", rest)) if !rest.is_empty() => true,
            _ => return Err(refused("no URL such as http://127.0.0.1:8500")),
        };
        if url.contains(['?', '#', '@']) || url.parse::<ureq::http::Uri>().is_err() {
            return Err(refused("no URL such as http://127.0.0.1:8500"));
        }
        if access.token.as_ref().is_some_and(|token| token.bytes().any(|byte| !byte.is_ascii_graphic())) {
            return Err(Error::Usage("CONSUL_HTTP_TOKEN: no token".to_owned()));
        }
        let mut config = Agent::config_builder()
            .timeout_global(Some(ANSWER))
            .user_agent(concat!("sni-watch/", env!("CARGO_PKG_VERSION")))
            // the token is for this host only
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .proxy(None);
        if encrypted {
            config = config.tls_config(tls(access)?);
        }
        Ok(Self { agent: config.build().new_agent(), url: url.into(), access: access.clone() })
    }

    /// The API's root as typed.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Asks for nodes and services, and for the instances of each.
    ///
    /// # Errors
    /// Why there is no whole answer, in words.
    pub fn look(&self) -> Result<Directory, String> {
        let end = Instant::now() + LOOK;
        let mut directory = Directory::default();
        answer::add(self.get("nodes", end)?, &mut directory).map_err(|why| format!("nodes: {why}"))?;
        let services =
            answer::services(self.get("services", end)?).map_err(|why| format!("services: {why}"))?;
        directory.left_out += services.len().saturating_sub(MAX_SERVICES) as u64;
        for service in services.iter().take(MAX_SERVICES) {
            let path = format!("service/{}", encoded(service));
            answer::add(self.get(&path, end)?, &mut directory).map_err(|why| format!("{path}: {why}"))?;
        }
        Ok(directory)
    }

    /// One answer. Any server may give it (`stale`): its leader has other work.
    fn get(&self, path: &str, end: Instant) -> Result<Value, String> {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(format!("no whole answer in {} s", LOOK.as_secs()));
        }
        let mut request = self.agent.get(format!("{}/v1/catalog/{path}?stale", self.url));
        if let Some(token) = &self.access.token {
            request = request.header("X-Consul-Token", token);
        }
        let request = request.config().timeout_global(Some(ANSWER.min(left))).build();
        let mut answer = request.call().map_err(|error| shown(&error.to_string()))?;
        let status = answer.status();
        let body = answer.body_mut().with_config().limit(MAX_BYTES).read_to_vec();
        let body = body.map_err(|error| shown(&error.to_string()))?;
        if !status.is_success() {
            let words = String::from_utf8_lossy(&body);
            let words = shown(words.lines().next().unwrap_or_default());
            return Err(format!("{path}: {status}{}{words}", if words.is_empty() { "" } else { ": " }));
        }
        serde_json::from_slice(&body).map_err(|error| format!("{path}: no JSON: {error}"))
    }
}

/// A stranger's words on one line of a terminal.
fn shown(words: &str) -> String {
    words.chars().take(120).flat_map(char::escape_default).collect()
}

/// A service's name as a piece of a path (RFC 3986 §2.3).
fn encoded(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    name.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// TLS with ring, and the authorities of `CONSUL_CACERT` or of the system.
fn tls(access: &Access) -> Result<TlsConfig, Error> {
    let authorities = match &access.authorities {
        Some(path) => from_file(path)?,
        None => rustls_native_certs::load_native_certs()
            .certs
            .into_iter()
            .map(|one| Certificate::from_der(&one).to_owned())
            .collect(),
    };
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(authorities)))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build())
}

/// Certificates in PEM.
fn from_file(path: &Path) -> Result<Vec<Certificate<'static>>, Error> {
    let failed = |source| Error::Io { action: "cannot read CONSUL_CACERT", path: path.to_owned(), source };
    let text = fs::read(path).map_err(failed)?;
    let certificate = |item| match item {
        Ok(PemItem::Certificate(one)) => Some(one),
        _ => None,
    };
    let found: Vec<_> = ureq::tls::parse_pem(&text).filter_map(certificate).collect();
    if found.is_empty() {
        return Err(Error::Usage(format!("CONSUL_CACERT {}: no certificate in PEM", path.display())));
    }
    Ok(found)
}
