//! `--catalog`: who lives at an address, by Consul's API or by answers that were saved.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;

use crate::captures::{FAILOVER, START, connection, failover, pcap};
use crate::run::{Done, Folder, Running, command, run, sni_watch, words};
use crate::support::scenario;

/// Status and body; without a status it is silence until the client goes away.
type Said = (&'static str, &'static str);

/// What is said to a path.
type Answer = fn(&str) -> Said;

/// A server of HTTP on the loopback, one thread a connection, for as long as the test runs.
fn serve(answer: Answer) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, requests) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let sender = sender.clone();
            thread::spawn(move || talk(stream, answer, &|request| drop(sender.send(request))));
        }
    });
    (address, requests)
}

/// Answers requests until the client goes away.
fn talk(stream: impl Read + Write, answer: Answer, tell: &dyn Fn(String)) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut request = String::new();
        loop {
            let begun = request.len();
            match stream.read_line(&mut request) {
                Ok(1..) if request[begun..].trim().is_empty() => break,
                Ok(1..) => {}
                _ => return,
            }
        }
        let path = request.split(' ').nth(1).unwrap().to_owned();
        tell(request);
        let (status, body) = answer(&path);
        if status.is_empty() {
            drop(stream.read(&mut [0]));
            return;
        }
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let stream = stream.get_mut();
        if stream.write_all(format!("{head}{body}").as_bytes()).and_then(|()| stream.flush()).is_err() {
            return;
        }
    }
}

/// Consul, as far as it is asked.
fn consul(path: &str) -> Said {
    let body = match path {
        "/v1/catalog/nodes?stale" => {
            r#"[{"ID":"","Node":"worker-1","Address":"10.42.0.17","TaggedAddresses":{"lan":"10.42.0.17"},"Meta":null},
                {"Node":"client-1","Address":"10.0.0.1"},
                {"Node":"gw1","Address":"10.128.0.10","TaggedAddresses":null}]"#
        }
        "/v1/catalog/services?stale" => r#"{"consul":[],"pay/ments \"x\"":["v1"],"mesh-gateway":[]}"#,
        "/v1/catalog/service/mesh-gateway?stale" => {
            r#"[{"Node":"gw1","Address":"10.128.0.10","ServiceName":"mesh-gateway","ServiceAddress":"","ServicePort":443}]"#
        }
        "/v1/catalog/service/pay%2Fments%20%22x%22?stale" => {
            r#"[{"Node":"worker-1","Address":"10.42.0.17","ServiceName":"pay/ments \"x\"","ServicePort":8080}]"#
        }
        "/v1/catalog/service/consul?stale" => "[]",
        _ => return ("404 Not Found", ""),
    };
    ("200 OK", body)
}

fn forbidden(_: &str) -> Said {
    (
        "403 Forbidden",
        "Permission denied: token with AccessorID '\u{1b}[2J' lacks permission 'node:read'\nmore",
    )
}

fn silent(_: &str) -> Said {
    ("", "")
}

/// Elsewhere, where the token must not follow.
fn moved(_: &str) -> Said {
    ("301 Moved Permanently\r\nLocation: http://127.0.0.1:1/", "")
}

/// Ends of the first record: client and server.
fn ends(done: &Done) -> String {
    let record: Value = serde_json::from_str(done.out.lines().next().unwrap()).unwrap();
    format!("{} {}", record["source"], record["destination"])
}

const TO_THE_GATEWAY: &str = "--dc dc2 --service currency --client 10.42.0.17 -c 1";

#[test]
fn saved_answers_name_addresses_in_every_output() {
    let line = format!("-r {FAILOVER} {TO_THE_GATEWAY} --catalog fixtures/mesh/catalog.json");
    let done = sni_watch(&format!("{line} -j"));
    assert_eq!(
        ends(&done),
        r#"{"ip":"10.42.0.17","port":41022,"service":"payments","node":"worker-1"} {"ip":"10.128.0.10","port":443,"service":"mesh-gateway","node":"gw1"}"#
    );
    let out = sni_watch(&line).good();
    assert!(out.lines().any(|line| line.ends_with("  [payments@worker-1 > mesh-gateway@gw1]")), "{out}");
    let fields = "-e source.service -e source.node -e destination.service";
    assert_eq!(sni_watch(&format!("{line} -T fields {fields}")).good(), "payments\tworker-1\tmesh-gateway\n");
    let csv = sni_watch(&format!("{line} -o csv {fields}")).good();
    assert_eq!(csv.lines().last(), Some("payments,worker-1,mesh-gateway"));
    // the address of one service only, and one that nobody has
    let dc1 = sni_watch(&format!("-r {FAILOVER} --dc dc1 -c 1 -j --catalog fixtures/mesh/catalog.json"));
    assert!(
        ends(&dc1).ends_with(r#"{"ip":"10.42.0.31","port":20000,"service":"currency","node":"worker-2"}"#)
    );
    let stranger =
        sni_watch(&format!("-r {FAILOVER} --client 10.42.0.29 -c 1 -j --catalog fixtures/mesh/catalog.json"));
    assert!(ends(&stranger).starts_with(r#"{"ip":"10.42.0.29","port":"#), "{}", ends(&stranger));
    assert!(!ends(&stranger).contains("10.42.0.29\",\"service"));
}

#[test]
fn the_api_is_asked_with_the_token_and_each_name_as_one_piece_of_the_path() {
    let (address, requests) = serve(consul);
    let line = format!("-r {FAILOVER} {TO_THE_GATEWAY} -j --catalog http://{address}");
    let mut asked = command(&words(&line));
    asked.env("CONSUL_HTTP_TOKEN", "b1gs33cr3t").env("http_proxy", "http://127.0.0.1:1");
    let done = run(asked);
    assert_eq!((done.err.as_str(), done.code), ("", Some(0)));
    assert_eq!(
        ends(&done),
        r#"{"ip":"10.42.0.17","port":41022,"service":"pay/ments \"x\"","node":"worker-1"} {"ip":"10.128.0.10","port":443,"service":"mesh-gateway","node":"gw1"}"#
    );
    let requests: Vec<String> = requests.try_iter().collect();
    assert_eq!(requests.len(), 5, "{requests:?}");
    assert!(requests.iter().all(|request| request.to_lowercase().contains("x-consul-token: b1gs33cr3t")));
}

#[test]
fn an_api_that_refuses_or_is_not_there_is_told_once_and_records_go_on() {
    let bare = sni_watch(&format!("-r {FAILOVER} -j")).good();
    let (address, _) = serve(forbidden);
    let done = sni_watch(&format!("-r {FAILOVER} -j --catalog http://{address}"));
    let told = format!(
        "sni-watch: catalog http://{address}: nodes: 403 Forbidden: Permission denied: token with AccessorID \
         \\'\\u{{1b}}[2J\\' lacks permission \\'node:read\\'; tried again every 5 s\n\
         catalog http://{address}: 1 of 1 looks failed\n"
    );
    done.is(&bare, &told, 0);
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let done = sni_watch(&format!("-r {FAILOVER} -j --catalog http://{nobody}"));
    assert_eq!((done.out.as_str(), done.code), (bare.as_str(), Some(0)));
    assert!(done.err.contains("Connection refused"), "{}", done.err);
    assert_eq!(done.err.matches("tried again").count(), 1);
    let (address, _) = serve(moved);
    let done = sni_watch(&format!("-r {FAILOVER} -j --catalog http://{address}"));
    assert!(done.err.contains("nodes: 301 Moved Permanently; tried again"), "{}", done.err);
    let (address, _) = serve(|_| ("200 OK", "{\"not\": 7}"));
    let done = sni_watch(&format!("-r {FAILOVER} -j --catalog http://{address}"));
    assert!(done.err.contains("nodes: an object, where a list is due; tried"), "{}", done.err);
}

#[test]
fn a_slow_api_delays_no_record_and_no_end() {
    let (address, requests) = serve(silent);
    let begun = Instant::now();
    let bare = sni_watch(&format!("-r {FAILOVER} -j")).good();
    let done = sni_watch(&format!("-r {FAILOVER} -j --catalog http://{address}"));
    done.is(&bare, "", 0);
    assert!(begun.elapsed() < Duration::from_secs(10), "files wait 2 s: {:?}", begun.elapsed());
    requests.recv_timeout(Duration::from_secs(1)).unwrap();
    // a pipe waits for nothing: its records come while the API is silent, and so does the end
    let mut running = Running::piped(&format!("-r - -j --catalog http://{address}"));
    let whole = failover();
    running.feed(&whole[..24]);
    requests.recv_timeout(Duration::from_secs(10)).unwrap();
    running.feed(&whole[24..]);
    assert!(running.line().starts_with("{\"@timestamp\""));
    let done = running.ends_within(Duration::from_millis(500), Signal::SIGINT);
    assert_eq!(done.code, Some(0));
}

#[test]
fn a_catalog_that_comes_later_names_what_comes_then() {
    let (address, _requests) = serve(consul);
    let mut running = Running::piped(&format!("-r - -j --catalog http://{address}"));
    let connections: Vec<_> = (1..2000).map(|at| connection(at, "x")).collect();
    let mut fed = 0;
    let named = connections.iter().any(|one| {
        let file = pcap(&scenario::packets(std::slice::from_ref(one), START));
        // one file's header, and packets upon packets
        running.feed(&file[if fed == 0 { 0 } else { 24 }..]);
        fed += 1;
        running.line().contains("\"node\":\"client-1\"")
    });
    assert!(named, "{fed} records without a node");
    assert_eq!(running.end().code, Some(0));
}

/// The first answer is a refusal.
fn forbidden_once(path: &str) -> Said {
    static ASKED: AtomicBool = AtomicBool::new(false);
    if ASKED.swap(true, Ordering::SeqCst) {
        consul(path)
    } else {
        ("500 Internal Server Error", "No cluster leader")
    }
}

#[test]
fn an_api_that_comes_back_is_asked_again_and_told() {
    let (address, _requests) = serve(forbidden_once);
    let mut running = Running::piped(&format!("-r - -j --catalog http://{address}"));
    let feed = |running: &mut Running, at: u16| {
        let file = pcap(&scenario::packets(&[connection(at, "x")], START));
        running.feed(&file[if at == 1 { 0 } else { 24 }..]);
        running.line().contains("\"node\":\"client-1\"")
    };
    let told = format!("sni-watch: catalog http://{address}: ");
    // it is told with a record; the next look is 5 s later
    assert!((1..2000).any(|at| {
        thread::sleep(Duration::from_millis(10));
        feed(&mut running, at)
    }));
    let down = format!("{told}nodes: 500 Internal Server Error: No cluster leader; tried again every 5 s\n");
    let up = format!("{told}answers again\n");
    let done = running.end();
    assert_eq!(done.err, format!("{down}{up}catalog http://{address}: 1 of 2 looks failed\n"));
}

/// A key and a certificate for 127.0.0.1 that openssl makes: PEM files in `folder`.
fn certificate(folder: &Folder) -> Option<(String, String)> {
    let (key, certificate) = (folder.path("key.pem"), folder.path("ca.pem"));
    let config = folder.write(
        "openssl.cnf",
        b"[req]\ndistinguished_name=dn\nx509_extensions=own\nprompt=no\n[dn]\nCN=consul\n\
          [own]\nsubjectAltName=IP:127.0.0.1\nbasicConstraints=critical,CA:FALSE\n",
    );
    let line = format!(
        "req -x509 -config {config} -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout {key} -out {certificate}"
    );
    let made = Command::new("openssl").args(words(&line)).output().ok()?;
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Some((key, certificate))
}

#[test]
fn an_encrypted_api_is_trusted_by_its_authority_only() {
    let folder = Folder::new();
    let Some((key, authority)) = certificate(&folder) else {
        println!("skipped: needs openssl");
        return;
    };
    let chain = vec![CertificateDer::from_pem_file(&authority).unwrap()];
    let key = PrivateKeyDer::from_pem_file(&key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let session = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            thread::spawn(move || talk(rustls::StreamOwned::new(session, stream), consul, &drop));
        }
    });
    let line = format!("-r {FAILOVER} {TO_THE_GATEWAY} -j --catalog https://{address}");
    let mut trusting = command(&words(&line));
    trusting.env("CONSUL_CACERT", &authority);
    let done = run(trusting);
    assert_eq!((done.err.as_str(), done.code), ("", Some(0)));
    assert!(ends(&done).ends_with(r#""service":"mesh-gateway","node":"gw1"}"#), "{}", ends(&done));
    // by the system's authorities it is a stranger
    let done = sni_watch(&line);
    assert_eq!(done.code, Some(0));
    assert!(done.err.contains("certificate") && done.err.contains("tried again"), "{}", done.err);
    assert!(!ends(&done).contains("gw1"));
}

#[test]
fn a_catalog_that_cannot_be_one_is_an_error_at_once() {
    let folder = Folder::new();
    let file = folder.write("services.json", br#"{"consul":[],"web":["v1"]}"#);
    let done = sni_watch(&format!("-r no/such.pcap --catalog {file}"));
    let begin = format!("sni-watch: --catalog {file}: names of services without addresses; ");
    assert!(done.err.starts_with(&begin), "{}", done.err);
    assert_eq!(done.code, Some(2));
    let missing = "sni-watch: cannot read --catalog no/such: No such file or directory (os error 2)\n";
    sni_watch(&format!("-r {FAILOVER} --catalog no/such")).is("", missing, 1);
    let told = "sni-watch: --catalog ftp://a: no URL such as http://127.0.0.1:8500\n";
    sni_watch(&format!("-r {FAILOVER} --catalog ftp://a")).is("", told, 2);
}
