//! Each row at work, cut anywhere; what must never be taken for one; random bytes.

use super::row::Step;
use super::*;
use crate::hello::testing::Builder;

/// A client's words up to its hello, and what they are.
struct Case {
    names: &'static [&'static str],
    client: Vec<u8>,
    /// The server's first bytes.
    server: &'static [u8],
    source: Option<&'static str>,
    destination: Option<&'static str>,
}

fn case(names: &'static [&'static str], client: impl AsRef<[u8]>, server: &'static [u8]) -> Case {
    Case { names, client: client.as_ref().to_vec(), server, source: None, destination: None }
}

fn to(destination: &'static str, case: Case) -> Case {
    Case { destination: Some(destination), ..case }
}

fn between(source: &'static str, destination: &'static str, case: Case) -> Case {
    Case { source: Some(source), ..to(destination, case) }
}

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const START_TLS: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";
const BIND: &[u8] = b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00";
const SSL_REQUEST: &[u8] = b"\x00\x00\x00\x08\x04\xd2\x16\x2f";

fn mysql(flags: u8, filler: u8) -> Vec<u8> {
    let mut bytes = vec![32, 0, 0, 1, 0x85, flags, 0xff, 0x20, 0, 0, 0, 1, 0x2d];
    bytes.extend([filler; 19]);
    bytes.extend([7; 4]);
    bytes
}

fn rdp(tail: &[u8]) -> Vec<u8> {
    let len = u8::try_from(11 + tail.len()).unwrap();
    [&[3, 0, 0, len, len - 5, 0xe0, 0, 0, 0, 0, 0], tail].concat()
}

/// Every row, with and without what may stand ahead of the request.
fn cases() -> Vec<Case> {
    [mail(), chat(), proxies(), binary(), several()].into_iter().flatten().collect()
}

fn mail() -> Vec<Case> {
    vec![
        case(&["smtp"], "EHLO a.example\r\nSTARTTLS\r\n", b"220 mx.example ESMTP\r\n"),
        case(&["smtp"], "ehlo a\nhelp\nstarttls \n", b""),
        case(&["smtp"], "STARTTLS\r\n", b"220 2.0.0 Ready to start TLS\r\n"),
        case(&["lmtp"], "LHLO a.example\r\nSTARTTLS\r\n", b"220 lmtp\r\n"),
        case(&[UNTOLD], "STARTTLS\r\n", b""),
        case(&["imap"], ". CAPABILITY\r\n. STARTTLS\r\n", b"* OK IMAP4rev1\r\n"),
        case(&["imap"], "a001 id (\"name\" \"x\")\r\nA002 starttls\r\n", b""),
        case(&["pop3"], "CAPA\r\nSTLS\r\n", b"+OK ready\r\n"),
        case(&["pop3"], "STLS\r\n", b""),
        case(&["ftp"], "FEAT\r\nAUTH TLS\r\n", b"220 (vsFTPd 3.0.5)\r\n"),
        case(&["ftp"], "AUTH GSSAPI\r\nAUTH SSL\r\n", b"220-many\r\n220 lines\r\n"),
        case(&["nntp"], "MODE READER\r\nSTARTTLS\r\n", b"200 news\r\n"),
        case(&["nntp"], "STARTTLS\r\n", b"382 Continue\r\n"),
        case(&["sieve"], "STARTTLS\r\n", b"\"IMPLEMENTATION\" \"x\"\r\n"),
        // refused the first time
        case(&["smtp"], "EHLO a\r\nSTARTTLS\r\nNOOP\r\nSTARTTLS\r\n", b""),
    ]
}

fn chat() -> Vec<Case> {
    let open = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' to='x' version='1.0'>";
    let ask = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
    let long = "<starttls xmlns=\"urn:ietf:params:xml:ns:xmpp-tls\"> <required/>\n</starttls>";
    vec![
        case(&["irc"], "CAP LS 302\r\nSTARTTLS\r\n", b""),
        case(&["irc"], "STARTTLS\r\n", b":irc.example NOTICE * :*** Looking up\r\n"),
        case(&["xmpp"], format!("{open}\n{ask}"), b"<?xml version='1.0'?>"),
        case(&["xmpp"], format!("{open}{long}"), b""),
        case(&["xmpp"], ask, b""),
    ]
}

fn proxies() -> Vec<Case> {
    let connect = "CONNECT www.example.org:443 HTTP/1.1\r\nHost: www.example.org:443\r\n\r\n";
    let forwarded = "CONNECT [2001:db8::1]:443 HTTP/1.1\r\nForwarded: for=\"[2001:db8::7]:4711\";proto=http, for=a\r\n\r\n";
    let chain = "CONNECT a.example:443 HTTP/1.0\r\nX-Forwarded-For: 192.0.2.7, 10.0.0.1\r\n\r\n";
    let options = "OPTIONS * HTTP/1.1\r\nUpgrade: h2c, TLS/1.2\r\nConnection: Upgrade\r\n\r\n";
    let gnutella =
        "GNUTELLA CONNECT/0.6\r\nUpgrade: TLS/1.0\r\n\r\nGNUTELLA/0.6 200 OK\r\nConnection: Upgrade\r\n\r\n";
    let v2 = |rest: &[u8]| [SIGNATURE, rest].concat();
    let v4 = v2(b"\x21\x11\x00\x0f\xc0\x00\x02\x07\xc6\x33\x64\x01\x12\x34\x01\xbb\x04\x00\x00");
    let unix = [&b"\x21\x31\x00\xd8/run/a"[..], &[0; 102], b"/run/b", &[0; 102]].concat();
    vec![
        to("www.example.org", case(&["http_connect"], connect, b"HTTP/1.1 200 OK\r\n\r\n")),
        to("www.example.org", case(&["http_connect"], [connect, connect].concat(), b"HTTP/1.1 407 No\r\n")),
        between("2001:db8::7", "2001:db8::1", case(&["http_connect"], forwarded, b"")),
        between("192.0.2.7", "a.example", case(&["http_connect"], chain, b"")),
        case(&["http_upgrade"], options, b"HTTP/1.1 101 Switching Protocols\r\n"),
        case(&["gnutella"], gnutella, b"GNUTELLA/0.6 200 OK\r\n"),
        to(
            "192.0.2.9",
            case(&["socks5"], b"\x05\x02\x00\x01\x05\x01\x00\x01\xc0\x00\x02\x09\x01\xbb", b"\x05\x00"),
        ),
        to(
            "a.example",
            case(&["socks5"], b"\x05\x01\x02\x01\x01u\x02pw\x05\x01\x00\x03\x09a.example\x01\xbb", b""),
        ),
        to(
            "2001:db8::9",
            case(
                &["socks5"],
                b"\x05\x01\x00\x05\x01\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x09\x01\xbb",
                b"",
            ),
        ),
        to("192.0.2.9", case(&["socks4"], b"\x04\x01\x01\xbb\xc0\x00\x02\x09user\0", b"")),
        to("a.example", case(&["socks4"], b"\x04\x01\x01\xbb\0\0\0\x01\0a.example\0", b"")),
        between(
            "192.0.2.7",
            "198.51.100.1",
            case(&["proxy_v1"], "PROXY TCP4 192.0.2.7 198.51.100.1 4660 443\r\n", b""),
        ),
        between("2001:db8::7", "::1", case(&["proxy_v1"], "PROXY TCP6 2001:db8::7 ::1 4660 443\r\n", b"")),
        case(&["proxy_v1"], "PROXY UNKNOWN\r\n", b""),
        between("192.0.2.7", "198.51.100.1", case(&["proxy_v2"], v4, b"")),
        between("/run/a", "/run/b", case(&["proxy_v2"], v2(&unix), b"")),
        // a proxy's own check, with addresses that say nothing
        case(&["proxy_v2"], v2(b"\x20\x11\x00\x0c\xc0\x00\x02\x07\xc6\x33\x64\x01\x12\x34\x01\xbb"), b""),
    ]
}

fn binary() -> Vec<Case> {
    vec![
        case(&["postgresql"], SSL_REQUEST, b"S"),
        case(&["postgresql"], [b"\0\0\0\x08\x04\xd2\x16\x30", SSL_REQUEST].concat(), b"N"),
        case(&["mysql"], mysql(0xae, 0), b"\x4a\0\0\0\x0a8.0.28\0"),
        case(&["ldap"], START_TLS, b""),
        case(&["ldap"], [BIND, START_TLS].concat(), b""),
        case(&["rdp"], rdp(b"\x01\x00\x08\x00\x0b\x00\x00\x00"), b""),
        case(&["rdp"], rdp(b"Cookie: mstshash=me\r\n\x01\x00\x08\x00\x03\x00\x00\x00"), b""),
        case(&["consul_rpc"], [3], b""),
        case(&["consul_rpc"], [7], b""),
        case(&["nomad_rpc"], [4], b""),
        case(&["telnet"], b"\xff\xfd\x2e\xff\xfa\x2e\x01\xff\xf0", b"\xff\xfb\x2e"),
        case(&["amqp"], b"AMQP\x02\x01\x00\x00", b""),
        case(&["nats"], b"", b"INFO {\"tls_required\":true}\r\n"),
    ]
}

fn several() -> Vec<Case> {
    let proxy = "PROXY TCP4 192.0.2.7 198.51.100.1 4660 25\r\n";
    let through = between(
        "192.0.2.7",
        "198.51.100.1",
        case(&["proxy_v1", "smtp"], [proxy, "EHLO a\r\nSTARTTLS\r\n"].concat(), b""),
    );
    let behind = [proxy.as_bytes(), b"CONNECT a.example:443 HTTP/1.1\r\n\r\n", SSL_REQUEST].concat();
    let names = &["proxy_v1", "http_connect", "postgresql"];
    vec![through, between("192.0.2.7", "a.example", case(names, behind, b""))]
}

/// Feeds `client` in pieces that end at `cuts`; where the hello begins, and the dialogue.
fn feed(client: &[u8], server: &[u8], cuts: impl IntoIterator<Item = usize>) -> (Option<usize>, Dialogue) {
    let mut dialogue = Dialogue::default();
    dialogue.greet(server);
    let mut done = 0;
    for cut in cuts.into_iter().chain([client.len()]) {
        let held = client.get(done..cut).unwrap_or_default();
        match dialogue.client(held) {
            Heard::More(len) => done += len,
            Heard::Tls(len) => return (Some(done + len), dialogue),
            Heard::Nothing => return (None, dialogue),
        }
    }
    (None, dialogue)
}

fn hello() -> Vec<u8> {
    Builder::new().sni("late.example").records(&[])
}

#[test]
fn rows_have_names_of_their_own_and_a_case() {
    assert!(PREFACES.len() <= 32, "a set of rows has 32 bits");
    for (at, row) in PREFACES.iter().enumerate() {
        let name = row.name();
        assert!(PREFACES[..at].iter().all(|other| other.name() != name) && name != UNTOLD);
        assert!(cases().iter().any(|case| case.names == [name]), "no case shows {name}");
    }
}

#[test]
fn the_hello_begins_behind_the_request_however_it_is_cut() {
    for case in cases() {
        let what = format!("{:?} {:?}", case.names, case.client.escape_ascii().to_string());
        let client = [&case.client[..], &hello()].concat();
        let everywhere = (0..client.len()).map(|cut| vec![cut]);
        let all: Vec<Vec<usize>> = everywhere.chain([(0..client.len()).collect(), vec![]]).collect();
        for cuts in all {
            let (found, dialogue) = feed(&client, case.server, cuts.iter().copied());
            assert_eq!(found, Some(case.client.len()), "{what}, cut at {cuts:?}");
            assert_eq!(dialogue.names(), case.names, "{what}, cut at {cuts:?}");
            let named = dialogue.named();
            assert_eq!(named.source.as_deref(), case.source, "{what}");
            assert_eq!(named.destination.as_deref(), case.destination, "{what}");
        }
    }
}

#[test]
fn first_bytes_tell_whose_they_are() {
    for case in cases().iter().filter(|case| !case.client.is_empty()) {
        let client = [&case.client[..], &hello()].concat();
        let same_words = case.names == ["telnet"];
        let expected = if same_words { Opening::Either } else { Opening::Client };
        assert_eq!(opening(&client[..8.max(case.client.len() - 1)]), expected, "{:?}", case.names);
    }
    assert_eq!(opening(b"\xff\xfd\x18\xff\xfd\x20"), Opening::Either);
    for greeting in [
        &b"220 mx.example ESMTP\r\n"[..],
        b"* OK ready\r\n",
        b"+OK ready\r\n",
        b"200 news\r\n",
        b"\"IMPLEMENTATION\" \"x\"\r\n",
        b"\x4a\0\0\0\x0a8.0.28\0",
        b"INFO {\"server_id\":1}\r\n",
        b":irc.example NOTICE * :*** hi\r\n",
    ] {
        assert_eq!(opening(greeting), Opening::Server, "{:?}", greeting.escape_ascii().to_string());
    }
    for other in [
        &b"GET / HTTP/1.1\r\nHost: a\r\n"[..],
        b"POST /starttls HTTP/1.1\r\n",
        b"SSH-2.0-OpenSSH_9.2p1\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"RFB 003.008\n",
        b"\x13BitTorrent protocol",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"*1\r\n$4\r\nPING\r\n",
        b"\0\0\0\0\0\0\0\0\0\0",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x17\x03\x03\x00\x20abcdefgh",
        b"starttlsx\r\n",
    ] {
        assert_eq!(opening(other), Opening::Nothing, "{:?}", other.escape_ascii().to_string());
    }
}

#[test]
fn what_was_not_announced_is_no_hello() {
    let request = "POST /x HTTP/1.1\r\nContent-Length: 99\r\n\r\n";
    for ahead in [
        &b"EHLO a\r\n"[..],
        b"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSTARTTLS\r\n",
        b"EHLO a\r\nAUTH PLAIN AGEAYg==\r\nSTARTTLS\r\n",
        b"EHLO a\r\nBDAT 10 LAST\r\nSTARTTLS\r\n",
        b"EHLO a\r\nSTARTTLS\r\nRSET\r\n",
        b"EHLO a\r\nNOSTARTTLS\r\n",
        b"EHLO a\r\nSTARTTLS\r",
        b"a1 LOGIN me secret\r\na2 STARTTLS\r\n",
        b"a1 STARTTLS now\r\n",
        b"USER me\r\nSTLS\r\n",
        b"STLS\r\n\r\n",
        b"USER me\r\nPASS x\r\nAUTH TLS\r\n",
        b"AUTHINFO USER me\r\nSTARTTLS\r\n",
        b"CAP LS\r\nJOIN #a\r\nSTARTTLS\r\n",
        b"CONNECT a.example:443 HTTP/1.1\r\nHost: a\r\n",
        b"CONNECT a.example:80 HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        b"CONNECT a.example:22 HTTP/1.1\r\n\r\nSSH-2.0-x\r\n",
        b"CONNECT a.example:443 FTP/1.1\r\n\r\n",
        request.as_bytes(),
        b"OPTIONS * HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nX-Upgrade: TLS/1.2\r\n\r\n",
        b"GNUTELLA CONNECT/0.6\r\nUpgrade: TLS/1.0\r\n\r\n",
        b"GNUTELLA CONNECT/0.6\r\n\r\nGNUTELLA/0.6 200 OK\r\nContent-Encoding: deflate\r\n\r\n",
        b"<?xml version='1.0'?><stream:stream to='x'>",
        b"<stream:stream to='x'><starttls/>",
        b"<stream:stream to='x'><auth mechanism='PLAIN'>",
        b"<stream:stream to='x'><message><body><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 4660\r\n",
        b"PROXY TCP4 2001:db8::1 198.51.100.1 4660 443\r\n",
        b"PROXY TCP9 192.0.2.7 198.51.100.1 4660 443\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 4660 70000\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x11\x11\x00\x0c\xc0\x00\x02\x07\xc6\x33\x64\x01\x12\x34\x01\xbb",
        b"\r\n\r\n\0\r\nQUIT\n\x22\x11\x00\x00",
        b"\x05\x01\x00",
        b"\x05\x01\x00\x05\x02\x00\x01\xc0\x00\x02\x09\x01\xbb",
        b"\x05\x01\x00\x05\x01\x00\x02\xc0\x00\x02\x09\x01\xbb",
        b"\x04\x02\x01\xbb\xc0\x00\x02\x09user\0",
        b"\x04\x01\x00\x00\xc0\x00\x02\x09user\0",
        b"\x00\x00\x00\x08\x04\xd2\x16\x2e",
        b"\x00\x00\x00\x08\x00\x03\x00\x00",
        BIND,
        b"\x30\x0c\x02\x01\x01\x66\x07\x02\x01\x03\x04\x00\x80\x00",
        b"\x03\x03",
        b"\x01",
        b"\x05",
        b"\xff\xfd\x2e",
        b"AMQP\x03\x01\x00\x00",
        b"AMQP\x00\x00\x09\x01",
    ] {
        let client = [ahead, &hello()].concat();
        let what = ahead.escape_ascii().to_string();
        assert_eq!(feed(&client, b"", []).0, None, "{what}");
        assert_eq!(feed(&client, b"", 0..client.len()).0, None, "{what}, byte by byte");
    }
    for wrong in
        [mysql(0xa6, 0), mysql(0xae, 1), rdp(b"Cookie: mstshash=me\r\n"), rdp(b"\x01\x00\x08\x00\0\0\0\0")]
    {
        assert_eq!(feed(&[&wrong[..], &hello()].concat(), b"", []).0, None, "{wrong:?}");
    }
}

#[test]
fn a_hello_is_never_found_in_a_message_of_any_row() {
    // the bytes of a whole hello stand where a line, a field or a tag may hold anything
    for (ahead, behind) in [
        (&b"EHLO "[..], &b"\r\n"[..]),
        (b"CONNECT a:443 HTTP/1.1\r\nCookie: ", b"\r\n"),
        (b"<stream:stream to='", b"'>"),
        (b"a1 ID (", b")\r\n"),
    ] {
        let client = [ahead, &hello(), behind].concat();
        assert_eq!(feed(&client, b"", []).0, None, "{:?}", ahead.escape_ascii().to_string());
    }
}

#[test]
fn dialogues_have_bounds() {
    let lines = "NOOP\r\n".repeat(MAX_CLIENT / 6 + 1);
    let (found, dialogue) = feed(&[lines.as_bytes(), b"STARTTLS\r\n", &hello()].concat(), b"", []);
    assert!(found.is_none() && dialogue.spent <= MAX_CLIENT);
    let endless = [&b"CONNECT a:443 HTTP/1.1\r\nX: "[..], &vec![b'x'; 2 * MAX_UNIT]].concat();
    assert_eq!(Dialogue::default().client(&endless), Heard::Nothing);
    let nested = "PROXY UNKNOWN\r\n".repeat(MAX_ROWS + 1);
    let (found, dialogue) = feed(&[nested.as_bytes(), &hello()].concat(), b"", []);
    assert!(found.is_none() && dialogue.names().len() < MAX_ROWS);
    let long = format!("CONNECT {}:443 HTTP/1.1\r\n\r\n", "a".repeat(row::MAX_NAME + 1));
    let (found, dialogue) = feed(&[long.as_bytes(), &hello()].concat(), b"", []);
    assert!(found.is_some() && dialogue.named().destination.is_none());
}

#[test]
fn replies_are_passed_over_unit_by_unit() {
    for (client, reply) in [
        (&b"CONNECT a:443 HTTP/1.1\r\n\r\n"[..], &b"HTTP/1.1 200 OK\r\nVia: x\r\n\r\n"[..]),
        (b"\x05\x01\x00\x05\x01\x00\x01\xc0\x00\x02\x09\x01\xbb", b"\x05\x00\x05\x00\x00\x01\0\0\0\0\0\0"),
        (
            b"\x05\x01\x00\x05\x01\x00\x01\xc0\x00\x02\x09\x01\xbb",
            b"\x05\x02\x01\x00\x05\x00\x00\x03\x01a\0\0",
        ),
        (b"\x04\x01\x01\xbb\xc0\x00\x02\x09\0", b"\0\x5a\0\0\0\0\0\0"),
        (SSL_REQUEST, b"S"),
        (b"AMQP\x02\x01\x00\x00", b"AMQP\x02\x01\x00\x00"),
        (b"\xff\xfd\x2e\xff\xfa\x2e\x01\xff\xf0", b"\xff\xfb\x2e\xff\xfa\x2e\x01\xff\xf0"),
    ] {
        let (found, dialogue) = feed(&[client, &hello()].concat(), b"", []);
        assert_eq!(found, Some(client.len()));
        let server = [reply, b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76"].concat();
        let mut at = 0;
        while at < reply.len() {
            let Step::Take(len) = dialogue.reply(&server[at..]) else { panic!("{reply:?} at {at}") };
            at += len;
        }
        assert_eq!(at, reply.len(), "{reply:?}");
    }
}

/// Dialogues with random damage, in random pieces: no panic, no byte counted twice, no hello where none is.
#[test]
fn damaged_dialogues_are_read_or_refused() {
    let mut state = 7_u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let cases = cases();
    for _ in 0..8_000 {
        let case = &cases[random(cases.len())];
        let mut client = [&case.client[..], &hello()].concat();
        for _ in 0..random(4) {
            let at = random(client.len());
            match random(3) {
                0 => client[at] = u8::try_from(random(256)).unwrap(),
                1 => drop(client.remove(at)),
                _ => client.insert(at, b"\r\n \0\x16\x05<"[random(7)]),
            }
        }
        fuzz_dialogue(&client, random(2) == 0);
    }
}

#[test]
fn pieces_of_a_hello_are_no_sure_beginning() {
    let name = "currency.default.dc2.internal.1c053652-8512-4373-90cf-5a7f6263a994.consul";
    let stream = Builder::new().sni(name).session_id(&[7; 32]).alpn(&["h2", "http/1.1"]).records(&[]);
    for at in 1..stream.len() {
        for end in at + 1..=stream.len() {
            assert!(!is_sure(&stream[at..end]), "{at}..{end}");
        }
    }
    // status_request, and signature algorithms
    assert!(!is_sure(&[5, 1, 0, 0, 0, 0, 0, 10]) && !is_sure(&[4, 1, 5, 1, 6, 1, 2, 1, 0, 0]));
    assert!(is_sure(b"STARTTLS\r\n") && !is_sure(b"STARTTLS") && !is_sure(b""));
}
