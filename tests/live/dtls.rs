//! DTLS between OpenSSL's own server and client, told while it goes by.

use crate::traffic::{Site, client};
use crate::watch::{Watch, json, result};

#[test]
fn dtls_is_told_with_its_name_and_outcome() {
    let Some(site) = Site::new() else { return };
    let _server = site.serve_datagrams(443, "-dtls1_2 -mtu 512");
    let watch = Watch::start(&site.lab.near, "-i ens4 -j");
    for (name, options) in [
        ("whole.example", "-dtls1_2"),
        ("fragments.example", "-dtls1_2 -mtu 256 -alpn a-protocol-with-a-long-name"),
    ] {
        let mut client = client(&site.lab.far, "10.77.0.1:443", name, options);
        client.say("hello\n");
        client.without_input().wait();
    }
    watch.until_lines(2);
    let end = watch.interrupt();
    assert_eq!(end.code, Some(0));
    for (line, (name, datagrams)) in end.texts().iter().zip([("whole.example", 1), ("fragments.example", 2)])
    {
        let record = json(line);
        assert_eq!((&record["sni"], result(&record)), (&name.into(), "ok"), "{line}");
        assert_eq!(record["network"]["protocol"], "dtls");
        assert_eq!(
            (&record["tls"]["version"], &record["tls"]["version_protocol"]),
            (&"1.2".into(), &"dtls".into())
        );
        assert_eq!(record["tls"]["established"], true, "{line}");
        assert_eq!(
            (&record["handshake"]["index"], &record["handshake"]["hello_retry"]),
            (&1.into(), &true.into())
        );
        assert_eq!(record["handshake"]["hello_segments"], datagrams, "{line}");
        assert_eq!(record["destination"]["port"], 443);
    }
}
