//! Builds hellos and records for the tests of this folder.

/// A ClientHello in the making; version 1.2, one cipher suite, no extensions block until one is added.
#[derive(Clone)]
pub(crate) struct Builder {
    pub(crate) version: u16,
    pub(crate) session_id: Vec<u8>,
    pub(crate) extensions: Option<Vec<u8>>,
}

/// The client random of every hello built here.
pub(crate) const RANDOM: [u8; 32] = *b"0123456789abcdefghijklmnopqrstuv";

impl Builder {
    pub(crate) fn new() -> Self {
        Self { version: 0x0303, session_id: Vec::new(), extensions: None }
    }

    pub(crate) fn version(self, version: u16) -> Self {
        Self { version, ..self }
    }

    pub(crate) fn session_id(self, id: &[u8]) -> Self {
        Self { session_id: id.to_vec(), ..self }
    }

    /// Adds raw bytes to the extensions block.
    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.extensions.get_or_insert_default().extend_from_slice(bytes);
        self
    }

    pub(crate) fn extension(self, kind: u16, body: &[u8]) -> Self {
        self.raw(&extension(kind, body))
    }

    pub(crate) fn sni(self, name: &str) -> Self {
        self.extension(0, &vec16(&[&[0], &vec16(name.as_bytes())[..]].concat()))
    }

    pub(crate) fn alpn(self, names: &[&str]) -> Self {
        self.extension(16, &vec16(&names.iter().flat_map(|name| vec8(name.as_bytes())).collect::<Vec<_>>()))
    }

    pub(crate) fn versions(self, versions: &[u16]) -> Self {
        let list: Vec<u8> = versions.iter().flat_map(|version| version.to_be_bytes()).collect();
        self.extension(43, &vec8(&list))
    }

    /// The message's body.
    pub(crate) fn body(&self) -> Vec<u8> {
        let mut body = self.version.to_be_bytes().to_vec();
        body.extend(RANDOM);
        body.extend(vec8(&self.session_id));
        body.extend([0, 2, 0x13, 1, 1, 0]);
        body.extend(self.extensions.iter().flat_map(|block| vec16(block)));
        body
    }

    /// The message with its header.
    pub(crate) fn message(&self) -> Vec<u8> {
        message(1, &self.body())
    }

    /// The message in handshake records of these body sizes, the remainder in as few as possible.
    pub(crate) fn records(&self, sizes: &[usize]) -> Vec<u8> {
        records(&self.message(), sizes)
    }
}

/// A ServerHello's body in the layout of TLS 1.2 and 1.3.
pub(crate) fn server_hello(random: &[u8; 32], cipher: u16, extensions: &[u8]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend(random);
    body.extend([4, b's', b'e', b's', b's']);
    body.extend(cipher.to_be_bytes());
    body.push(0);
    body.extend(vec16(extensions));
    body
}

pub(crate) fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &vec16(body)].concat()
}

pub(crate) fn vec8(body: &[u8]) -> Vec<u8> {
    [&[u8::try_from(body.len()).unwrap()], body].concat()
}

pub(crate) fn vec16(body: &[u8]) -> Vec<u8> {
    [&u16::try_from(body.len()).unwrap().to_be_bytes()[..], body].concat()
}

/// A handshake message.
pub(crate) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let [_, len @ ..] = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind], &len[..], body].concat()
}

/// A record of version 3.1.
pub(crate) fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 3, 1], &vec16(body)[..]].concat()
}

/// Handshake records of these body sizes, the remainder in as few as possible.
pub(crate) fn records(mut handshake: &[u8], sizes: &[usize]) -> Vec<u8> {
    let mut stream = Vec::new();
    for size in sizes.iter().copied().chain(std::iter::repeat(16384)) {
        if handshake.is_empty() {
            break;
        }
        let (body, rest) = handshake.split_at(size.min(handshake.len()));
        stream.extend(record(22, body));
        handshake = rest;
    }
    stream
}
