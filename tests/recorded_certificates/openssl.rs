//! Makes certificates with OpenSSL, lets its server and client talk, and asks it what the certificates say.

use std::fmt::Write;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::relay;
use super::support::packet::Packet;
use super::support::scenario::Capture;

const TRUST_DOMAIN: &str = "1c053652-8512-4373-90cf-5a7f6263a994.consul";
/// 2026-03-04 10:31:00 UTC, the first connection.
const START: u64 = 1_772_620_260_000_000_000;

/// One connection: its name, which its server name begins with, and the options of both programs.
struct Case {
    name: &'static str,
    /// Empty: the server before it goes on.
    server: &'static str,
    client: &'static str,
    /// Certificates that the capture shows, by side and file.
    shown: &'static [(&'static str, &'static str)],
}

/// `@x` in an option is the file x in the folder of this recording.
const CASES: &[Case] = &[
    Case {
        name: "mutual",
        server: "-tls1_2 -alpn h2 -cert @server.pem -key @server.key -cert_chain @chain.pem -Verify 3 -CAfile @root.pem",
        client: "-tls1_2 -cert @payments.pem -key @payments.key -cert_chain @chain.pem -sess_out @session -alpn h2",
        shown: &[("server", "server.pem"), ("client", "payments.pem")],
    },
    Case {
        name: "resumed",
        server: "",
        client: "-tls1_2 -cert @payments.pem -key @payments.key -sess_in @session",
        shown: &[],
    },
    Case {
        name: "records",
        server: "-tls1_2 -cert @wide.pem -key @wide.key -cert_chain @chain.pem -max_send_frag 512",
        client: "-tls1_2",
        shown: &[("server", "wide.pem")],
    },
    Case {
        name: "nameless",
        server: "-tls1_2 -cert @server.pem -key @server.key -Verify 3 -CAfile @root.pem",
        client: "-tls1_2 -cert @nameless.pem -key @nameless.key -cert_chain @chain.pem",
        shown: &[("server", "server.pem"), ("client", "nameless.pem")],
    },
    Case {
        name: "none",
        server: "-tls1_2 -cert @server.pem -key @server.key -verify 3 -CAfile @root.pem",
        client: "-tls1_2",
        shown: &[("server", "server.pem")],
    },
    Case {
        name: "stranger",
        server: "-tls1_2 -cert @server.pem -key @server.key -Verify 3 -verify_return_error -CAfile @root.pem",
        client: "-tls1_2 -cert @stranger.pem -key @stranger.key",
        shown: &[("server", "server.pem"), ("client", "stranger.pem")],
    },
    Case {
        name: "old",
        server: "-tls1 -cipher ALL@SECLEVEL=0 -cert @server.pem -key @server.key -Verify 3 -CAfile @root.pem",
        client: "-tls1 -cipher ALL@SECLEVEL=0 -cert @payments.pem -key @payments.key -cert_chain @chain.pem",
        shown: &[("server", "server.pem"), ("client", "payments.pem")],
    },
    Case {
        name: "encrypted",
        server: "-tls1_3 -cert @server.pem -key @server.key -Verify 3 -CAfile @root.pem",
        client: "-tls1_3 -cert @payments.pem -key @payments.key -cert_chain @chain.pem",
        shown: &[],
    },
];

/// The capture, and the truth of its certificates.
pub(crate) fn record() -> (Vec<u8>, String) {
    let folder = Folder(std::env::temp_dir().join(format!("sni-watch-record-{}", std::process::id())));
    fs::create_dir_all(&folder.0).unwrap();
    folder.certificates();
    let (mut packets, mut truth) = (Vec::new(), String::new());
    let mut server = folder.server(CASES[0].server);
    for (number, case) in CASES.iter().enumerate() {
        if number > 0 && !case.server.is_empty() {
            server = folder.server(case.server);
        }
        packets.extend(folder.connection(number, case, &server));
        for (side, file) in case.shown {
            _ = writeln!(truth, "{}\t{side}\t{}", case.name, folder.truth(file));
        }
    }
    (Capture::default().file(&packets), truth)
}

/// A server, which ends with its value.
struct Server {
    address: SocketAddr,
    child: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Folder {
    /// `openssl` with these words; `@x` is a file.
    fn openssl(&self, words: &str) -> Command {
        let mut command = Command::new("openssl");
        command.args(words.split_whitespace().map(|word| match word.strip_prefix('@') {
            Some(file) => self.0.join(file).display().to_string(),
            None => word.to_owned(),
        }));
        command.stdin(Stdio::null()).stderr(Stdio::null()).stdout(Stdio::null()).current_dir(&self.0);
        command
    }

    fn run(&self, words: &str) {
        assert!(self.openssl(words).status().unwrap().success(), "openssl {words}");
    }

    /// A root, an issuer below it, leaves below that, and a stranger of its own root.
    fn certificates(&self) {
        let consul =
            |dc: &str, service: &str| format!("URI:spiffe://{TRUST_DOMAIN}/ns/default/dc/{dc}/svc/{service}");
        let wide: Vec<String> = (0..300).map(|number| format!("DNS:host-{number:03}.example.org")).collect();
        self.root("root", "/C=DE/O=Made, Inc./CN=Made Root CA");
        self.root("stranger-root", "/CN=Another Root");
        self.leaf("issuer", "root", "/CN=Made Issuing CA 1", "basicConstraints=critical,CA:TRUE");
        fs::write(self.0.join("chain.pem"), [self.read("issuer.pem"), self.read("root.pem")].concat())
            .unwrap();
        let names = |text: String| format!("subjectAltName={text}");
        self.leaf("server", "issuer", "/CN=currency.svc.default", &names(consul("dc2", "currency")));
        self.leaf(
            "payments",
            "issuer",
            "/O=Ünïcode, \"GmbH\"/CN=payments;1",
            &names(consul("dc1", "payments")),
        );
        let kuma = "URI:spiffe://default/backend,URI:kuma://kuma.io/service/backend,DNS:b.example,IP:192.0.2.7,IP:2001:db8::7,email:me@a.example";
        self.leaf("nameless", "issuer", "/", &names(format!("critical,{kuma}")));
        self.leaf("wide", "issuer", "/CN=host-000.example.org", &names(wide.join(",")));
        self.leaf(
            "stranger",
            "stranger-root",
            "/CN=stranger",
            &names("URI:spiffe://else.where/ns/shop/sa/stranger".into()),
        );
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.0.join(file)).unwrap()
    }

    fn root(&self, name: &str, subject: &str) {
        let mut made = self.openssl(&format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -keyout @{name}.key -out @{name}.pem"
        ));
        assert!(made.args(["-utf8", "-subj", subject]).status().unwrap().success(), "{name}");
    }

    fn leaf(&self, name: &str, issuer: &str, subject: &str, extension: &str) {
        let mut asked = self.openssl(&format!(
            "req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout @{name}.key -out @{name}.csr"
        ));
        let asked = asked.args(["-utf8", "-subj", subject]).args(["-addext", extension]);
        assert!(asked.status().unwrap().success(), "{name}");
        self.run(&format!(
            "x509 -req -in @{name}.csr -CA @{issuer}.pem -CAkey @{issuer}.key -CAcreateserial -copy_extensions copy -days 3650 -out @{name}.pem"
        ));
    }

    /// Lets the programs talk, and gives the connection addresses of a mesh.
    fn connection(&self, number: usize, case: &Case, server: &Server) -> Vec<Packet> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let here = listener.local_addr().unwrap();
        let client = format!("s_client -connect {here} -servername {}.example {}", case.name, case.client);
        let mut client = self.openssl(&client).spawn().unwrap();
        let said = relay::relay(&listener, server.address);
        client.wait().unwrap();
        let number = u16::try_from(number).unwrap();
        let ends = [([10, 42, 0, 17], 41_100 + number), ([10, 128, 0, 10], 443)].map(SocketAddr::from);
        relay::packets(&said, ends[0], ends[1], START + u64::from(number) * 1_000_000_000)
    }

    fn server(&self, options: &str) -> Server {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let words = format!("s_server -quiet -accept {} {options}", address.port());
        Server { address, child: self.openssl(&words).spawn().unwrap() }
    }

    /// What `openssl x509` says of a certificate, in the columns of the truth.
    fn truth(&self, file: &str) -> String {
        let ask = |what: &str| {
            let words =
                format!("x509 -in @{file} -noout -nameopt RFC2253,-esc_msb,utf8,sep_comma_plus_space {what}");
            let said = self.openssl(&words).stdout(Stdio::piped()).output().unwrap();
            String::from_utf8(said.stdout).unwrap()
        };
        let value = |what: &str| ask(what).trim().split_once('=').unwrap().1.trim().to_owned();
        let date = |what: &str| value(&format!("{what} -dateopt iso_8601")).replace(' ', "T");
        let names = ask("-ext subjectAltName");
        let names = names.lines().nth(1).unwrap_or_default().trim().split(", ").map(|name| {
            let (kind, name) = name.split_once(':').unwrap_or_default();
            // OpenSSL does not shorten IPv6 addresses
            let address = name.parse::<std::net::IpAddr>().map(|address| address.to_string());
            if kind == "IP Address" { address.unwrap() } else { name.to_owned() }
        });
        [
            value("-subject"),
            value("-issuer"),
            date("-startdate"),
            date("-enddate"),
            value("-fingerprint -sha256").replace(':', ""),
            value("-serial"),
            names.collect::<Vec<_>>().join(" "),
        ]
        .join("\t")
    }
}
