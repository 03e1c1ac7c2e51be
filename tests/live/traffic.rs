//! Real servers and clients, as children that end with their test.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::netns::{Lab, NEAR, inside};
use crate::watch::PATIENCE;

/// A lab with a folder that holds a certificate and its key.
pub struct Site {
    pub lab: Lab,
    folder: Folder,
}

impl Site {
    /// None, and the reason printed, where this cannot be had.
    pub fn new() -> Option<Self> {
        for (tool, version) in [("openssl", "version"), ("curl", "--version")] {
            let found = Command::new(tool).arg(version).stdout(Stdio::null()).stderr(Stdio::null()).status();
            if found.is_err() {
                println!("skipped: needs {tool}");
                return None;
            }
        }
        let site = Self { lab: Lab::new()?, folder: Folder::new() };
        let key = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test";
        let made = Command::new("openssl")
            .args(key.split(' '))
            .args([Path::new("-keyout"), &site.file("key"), Path::new("-out"), &site.file("certificate")])
            .stderr(Stdio::null())
            .status();
        assert!(made.unwrap().success(), "openssl req");
        Some(site)
    }

    /// A file of this test.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.0.join(name)
    }

    /// A web server on `port` of the near end.
    pub fn serve(&self, port: u16, options: &str) -> Process {
        self.serve_in(&self.lab.near, port, options)
    }

    /// A web server on `port` of all addresses of `namespace`.
    pub fn serve_in(&self, namespace: &str, port: u16, options: &str) -> Process {
        let mut command = Command::new("openssl");
        command
            .args(["s_server", "-quiet", "-www", "-accept", &port.to_string()])
            .args([Path::new("-cert"), &self.file("certificate"), Path::new("-key"), &self.file("key")])
            .args(options.split_whitespace());
        let server = Process::start(namespace, command);
        until_listening(namespace, port);
        server
    }

    /// A DTLS server on `port` of the near end.
    pub fn serve_datagrams(&self, port: u16, options: &str) -> Process {
        let mut command = Command::new("openssl");
        command
            .args(["s_server", "-quiet", "-accept", &port.to_string()])
            .args([Path::new("-cert"), &self.file("certificate"), Path::new("-key"), &self.file("key")])
            .args(options.split_whitespace());
        let server = Process::start(&self.lab.near, command);
        until_there(&self.lab.near, port, ["udp", "udp6"], "07");
        server
    }

    /// A client at the far end, to `to`, without input: it leaves after the handshake.
    pub fn connect(&self, to: &str, name: &str, options: &str) {
        client(&self.lab.far, to, name, options).without_input().wait();
    }

    /// `curl` at the far end, to `port` of the near one.
    pub fn curl(&self, name: &str, port: u16, options: &str) {
        let mut command = Command::new("curl");
        command
            .args(["-sk", "--max-time", "10", "--resolve", &format!("{name}:{port}:{NEAR}")])
            .args(options.split_whitespace())
            .arg(format!("https://{name}:{port}/"));
        Process::start(&self.lab.far, command).without_input().wait();
    }
}

/// An `openssl s_client` in `namespace`; an empty name is not sent.
pub fn client(namespace: &str, to: &str, name: &str, options: &str) -> Process {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-quiet", "-no_ign_eof", "-connect", to]);
    if name.is_empty() {
        command.arg("-noservername");
    } else {
        command.args(["-servername", name]);
    }
    command.args(options.split_whitespace());
    Process::start(namespace, command)
}

/// A folder of one test, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let id = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("live-{}-{id}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A child process, killed when dropped.
pub struct Process {
    child: Child,
    input: Option<ChildStdin>,
}

impl Process {
    fn start(namespace: &str, mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = inside(namespace, move || command.spawn().unwrap()).join().unwrap();
        Self { input: child.stdin.take(), child }
    }

    /// Writes to its standard input.
    pub fn say(&mut self, text: &str) {
        self.input.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Ends its standard input: a client then leaves after the handshake.
    pub fn without_input(mut self) -> Self {
        self.input = None;
        self
    }

    /// Waits until it ends by itself.
    pub fn wait(mut self) {
        let start = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < PATIENCE, "a client does not end");
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something listens on a TCP port of the namespace, without a packet.
fn until_listening(namespace: &str, port: u16) {
    until_there(namespace, port, ["tcp", "tcp6"], "0A");
}

/// Waits until a socket of the tables is in a state: of TCP, 0A is LISTEN; of UDP, 07 is unconnected.
fn until_there(namespace: &str, port: u16, tables: [&'static str; 2], state: &'static str) {
    let is_there = move || {
        // proc(5): local address as HEX:PORT in the second column, the state in the fourth.
        let wanted = format!(":{port:04X}");
        tables.iter().any(|table| {
            let text = fs::read_to_string(format!("/proc/thread-self/net/{table}")).unwrap_or_default();
            text.lines()
                .map(|line| line.split_whitespace().collect::<Vec<_>>())
                .any(|columns| columns.len() > 3 && columns[1].ends_with(&wanted) && columns[3] == state)
        })
    };
    let wait = move || {
        let start = Instant::now();
        while !is_there() {
            assert!(start.elapsed() < PATIENCE, "nobody listens on port {port}");
            thread::sleep(Duration::from_millis(5));
        }
    };
    inside(namespace, wait).join().unwrap();
}

/// What a server does with a hello that it was sent.
#[derive(Clone, Copy, Debug)]
pub enum Rudeness {
    /// Closes without having read it: a RST.
    Reset,
    /// Reads it and closes: a FIN.
    Close,
    /// Holds the connection until the client leaves.
    Silence,
}

/// Serves one client at `address` in `namespace`, rudely.
pub fn rude(namespace: &str, address: (&'static str, u16), rudeness: Rudeness) -> thread::JoinHandle<()> {
    let (tell, ready) = mpsc::channel();
    let server = inside(namespace, move || {
        let listener = TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        tell.send(()).unwrap();
        let mut stream = accept(&listener);
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut bytes = [0; 4096];
        // A socket that is closed with unread bytes sends a RST in the place of a FIN (RFC 2525 §2.17).
        match rudeness {
            Rudeness::Reset => drop(stream.peek(&mut bytes).unwrap()),
            Rudeness::Close => drop(stream.read(&mut bytes).unwrap()),
            Rudeness::Silence => while stream.read(&mut bytes).is_ok_and(|len| len > 0) {},
        }
    });
    ready.recv_timeout(PATIENCE).unwrap();
    server
}

fn accept(listener: &TcpListener) -> TcpStream {
    let start = Instant::now();
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false).unwrap();
                return stream;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => panic!("{error}"),
        }
        assert!(start.elapsed() < PATIENCE, "no client came");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Tries to connect from `namespace` so often, and fails; each try waits so long.
pub fn try_in_vain(namespace: &str, to: &'static str, times: usize, wait: Duration) {
    inside(namespace, move || {
        let to: SocketAddr = to.parse().unwrap();
        for _ in 0..times {
            TcpStream::connect_timeout(&to, wait).unwrap_err();
        }
    })
    .join()
    .unwrap();
}
