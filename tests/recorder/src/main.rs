//! Records quinn (a QUIC client and server) into `fixtures/recorded/quinn.pcap`.
//!
//! Client and server talk over loopback through a relay that keeps a copy of each datagram. The copies are
//! written with the project's own writer, between addresses that are made up; times are those of the relay,
//! counted from a day that was chosen. Randoms and keys are quinn's, so that each run makes another capture:
//! it is committed once, and run again only to record something else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed recording is to be seen")]

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{ClientConfig, Endpoint, ServerConfig};
use rcgen::CertifiedKey;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::net::UdpSocket;
use tokio::time::{sleep, timeout};

#[path = "../../support/mod.rs"]
mod support;

use support::packet::{Packet, Shape, Udp};
use support::scenario::Capture;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// 2026-03-06 08:00:00 UTC.
const START: u64 = 1_772_784_000_000_000_000;
const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// What the server does with a connection.
#[derive(Clone, Copy, PartialEq)]
enum Server {
    Accepts,
    Retries,
    Refuses,
    /// Its relay lets nothing through.
    IsSilent,
}

/// All datagrams so far.
struct Tape {
    begun: Instant,
    packets: Mutex<Vec<Packet>>,
}

impl Tape {
    fn keep(&self, port: u16, from_client: bool, payload: &[u8]) {
        let client = SocketAddr::from(([10, 1, 0, 1], port));
        let server = SocketAddr::from(([10, 1, 0, 2], 443));
        let (from, to) = if from_client { (client, server) } else { (server, client) };
        let mut packets = self.packets.lock().unwrap();
        let (shape, id) = (Shape::default(), u16::try_from(packets.len()).unwrap());
        packets.push(Packet {
            time: START + u64::try_from(self.begun.elapsed().as_nanos()).unwrap(),
            interface: 0,
            from_client,
            source: from.ip(),
            destination: to.ip(),
            ip: Udp { from, to, payload: payload.to_vec() }.ip(&shape, id),
            shape,
        });
    }
}

/// Passes datagrams on between one client and `server`, and keeps a copy of each.
async fn relay(socket: UdpSocket, server: Option<SocketAddr>, port: u16, tape: Arc<Tape>) {
    let mut buffer = [0; 65_536];
    let mut client = None;
    loop {
        let Ok((len, from)) = socket.recv_from(&mut buffer).await else { return };
        let from_client = Some(from) != server;
        if from_client {
            client = Some(from);
        }
        tape.keep(port, from_client, &buffer[..len]);
        if let (Some(to), Some(_)) = (if from_client { server } else { client }, server) {
            _ = socket.send_to(&buffer[..len], to).await;
        }
    }
}

struct World {
    identity: CertifiedKey<rcgen::KeyPair>,
    tape: Arc<Tape>,
    port: u16,
}

impl World {
    fn server(&self, protocols: &[&str]) -> Result<ServerConfig, Error> {
        let key = PrivatePkcs8KeyDer::from(self.identity.signing_key.serialize_der());
        let chain = vec![self.identity.cert.der().clone()];
        let mut tls = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key.into())?;
        tls.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        tls.max_early_data_size = u32::MAX;
        Ok(ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls)?)))
    }

    fn client(&self, protocols: &[&str], trusts: bool) -> Result<ClientConfig, Error> {
        let mut roots = rustls::RootCertStore::empty();
        if trusts {
            roots.add(self.identity.cert.der().clone())?;
        }
        let mut tls = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        tls.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        tls.enable_early_data = true;
        Ok(ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls)?)))
    }

    /// One connection, or two with the same ticket, from a port of its own.
    async fn connect(
        &mut self,
        name: &str,
        server: Server,
        config: &ClientConfig,
        protocols: &[&str],
        times: u32,
    ) -> Result<(), Error> {
        let endpoint = Endpoint::server(self.server(protocols)?, LOCAL)?;
        let address = endpoint.local_addr()?;
        let serving = tokio::spawn(serve(endpoint, server));
        for _ in 0..times {
            self.port += 1;
            let socket = UdpSocket::bind(LOCAL).await?;
            let middle = socket.local_addr()?;
            let reaches = (server != Server::IsSilent).then_some(address);
            let relaying = tokio::spawn(relay(socket, reaches, self.port, Arc::clone(&self.tape)));
            let mut client = Endpoint::client(LOCAL)?;
            client.set_default_client_config(config.clone());
            let connecting = client.connect(middle, name)?;
            let outcome = match connecting.into_0rtt() {
                Ok((connection, _)) => talk(connection).await,
                Err(connecting) => match timeout(Duration::from_secs(4), connecting).await {
                    Ok(Ok(connection)) => talk(connection).await,
                    Ok(Err(error)) => Err(error.into()),
                    Err(error) => Err(error.into()),
                },
            };
            println!("{name}: {outcome:?}");
            client.close(0_u32.into(), b"done");
            sleep(Duration::from_millis(30)).await;
            relaying.abort();
        }
        serving.abort();
        Ok(())
    }
}

/// Sends a few bytes, and waits for the answer and for a ticket.
async fn talk(connection: quinn::Connection) -> Result<usize, Error> {
    let (mut send, mut receive) = connection.open_bi().await?;
    send.write_all(b"a request of thirty bytes or so").await?;
    send.finish()?;
    let answer = receive.read_to_end(4096).await?;
    sleep(Duration::from_millis(20)).await;
    Ok(answer.len())
}

async fn serve(endpoint: Endpoint, server: Server) {
    while let Some(incoming) = endpoint.accept().await {
        match server {
            Server::Retries if !incoming.remote_address_validated() => incoming.retry().unwrap(),
            Server::Refuses => incoming.refuse(),
            _ => {
                tokio::spawn(async move {
                    let connection = incoming.await?;
                    let (mut send, mut receive) = connection.accept_bi().await?;
                    receive.read_to_end(4096).await?;
                    send.write_all(&[b'.'; 700]).await?;
                    send.finish()?;
                    connection.closed().await;
                    Ok::<(), Error>(())
                });
            }
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    rustls::crypto::aws_lc_rs::default_provider().install_default().unwrap();
    let names = ["plain", "retry", "resumed", "alert", "distrust", "refused", "silent"];
    let names = names.map(|name| format!("{name}.quinn.example")).to_vec();
    let identity = rcgen::generate_simple_self_signed(names)?;
    let tape = Arc::new(Tape { begun: Instant::now(), packets: Mutex::default() });
    let mut world = World { identity, tape, port: 41_000 };
    let trusting = world.client(&["h3"], true)?;
    world.connect("plain.quinn.example", Server::Accepts, &trusting, &["h3"], 1).await?;
    world.connect("retry.quinn.example", Server::Retries, &trusting, &["h3"], 1).await?;
    world.connect("resumed.quinn.example", Server::Accepts, &trusting, &["h3"], 2).await?;
    world.connect("alert.quinn.example", Server::Accepts, &trusting, &["hq-interop"], 1).await?;
    let distrusting = world.client(&["h3"], false)?;
    world.connect("distrust.quinn.example", Server::Accepts, &distrusting, &["h3"], 1).await?;
    world.connect("refused.quinn.example", Server::Refuses, &trusting, &["h3"], 1).await?;
    world.connect("silent.quinn.example", Server::IsSilent, &trusting, &["h3"], 1).await?;
    let packets = world.tape.packets.lock().unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/recorded");
    std::fs::write(folder.join("quinn.pcap"), Capture::default().file(&packets))?;
    println!("{} datagrams", packets.len());
    Ok(())
}
