use super::api::{Access, Api};
use super::file::understand;
use crate::model::directory::{Directory, Resident};

fn told(directory: &Directory, ip: &str, port: u16) -> String {
    let Resident { service, node } = directory.resident(ip.parse().unwrap(), Some(port));
    format!("{}@{}", service.unwrap_or("-"), node.unwrap_or("-"))
}

#[test]
fn saved_answers_are_read_one_behind_the_other() {
    let path = format!("{}/fixtures/mesh/catalog.json", env!("CARGO_MANIFEST_DIR"));
    let directory = understand(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(told(&directory, "10.42.0.17", 41_022), "payments@worker-1", "a sidecar is its service");
    assert_eq!(told(&directory, "10.128.0.10", 443), "mesh-gateway@gw1");
    assert_eq!(told(&directory, "10.42.0.31", 20_000), "currency@worker-2", "an address of its own");
    assert_eq!(told(&directory, "10.42.0.23", 9090), "-@worker-2", "its node has nothing of it");
    let health = br#"[{"Node":{"Node":"n9","Address":"10.0.0.9"},"Checks":[],
        "Service":{"Service":"web-sidecar-proxy","Address":"","Port":21000,"Proxy":{"DestinationServiceName":"web"}}}]"#;
    let directory = understand(health).unwrap();
    assert_eq!(told(&directory, "10.0.0.9", 21_000), "web@n9");
    let named = br#"[{"Node":"n1","Address":"host.example","ServiceName":"web","ServiceAddress":""}]"#;
    assert!(understand(named).unwrap().is_empty(), "a host name is no address of packets");
}

#[test]
fn what_is_no_answer_is_told_with_what_it_is() {
    let is = |text: &str, expected: &str| assert_eq!(understand(text.as_bytes()).unwrap_err(), expected);
    is("", "empty; an answer of /v1/catalog/nodes or /v1/catalog/service/NAME is due");
    is(
        r#"{"consul":[],"web":["v1"]}"#,
        "names of services without addresses; answers of /v1/catalog/nodes and /v1/catalog/service/NAME have them",
    );
    is(r#"{"Chain":{}}"#, "an object, where a list is due");
    is("7", "a number, where a list is due");
    is(r#"[["Node"]]"#, "a list with a list, where nodes or services are due");
    is(r#"[{"Name":"x"}]"#, "a list with an object, where nodes or services are due");
    is(r#"[{"Node":7}]"#, "invalid type: integer `7`, expected a string");
    is(
        r#"[{"Node":"a","ServiceName":"b","ServicePort":70000}]"#,
        "invalid value: integer `70000`, expected u16",
    );
    is("[] permission", "no JSON: expected value at line 1 column 4");
    let deep = "[".repeat(100_000);
    assert!(understand(deep.as_bytes()).unwrap_err().starts_with("no JSON: recursion limit exceeded"));
}

#[test]
fn a_url_is_one_of_the_api_or_an_error() {
    let url = |typed: &str| Api::new(typed, &Access::default()).map(|api| api.url().to_owned());
    assert_eq!(url("http://127.0.0.1:8500").unwrap(), "http://127.0.0.1:8500");
    assert_eq!(url("http://consul:8500/v1/catalog/").unwrap(), "http://consul:8500");
    assert_eq!(url("https://consul.example/api/").unwrap(), "https://consul.example/api");
    for bad in ["ftp://a", "http://", "http://a b", "http://user:secret@a", "http://a/?dc=x"] {
        let error = url(bad).unwrap_err().to_string();
        assert_eq!(error, format!("--catalog {bad}: no URL such as http://127.0.0.1:8500"));
    }
    let access = Access { token: Some("a\r\nX: b".to_owned()), ..Access::default() };
    let error = Api::new("http://a", &access).unwrap_err().to_string();
    assert_eq!(error, "CONSUL_HTTP_TOKEN: no token");
    assert!(!format!("{access:?}").contains('b'), "a token is never shown");
    let missing = Access { authorities: Some("/no/such.pem".into()), ..Access::default() };
    let error = Api::new("https://a", &missing).unwrap_err().to_string();
    assert!(error.starts_with("cannot read CONSUL_CACERT /no/such.pem: "), "{error}");
    let readme = format!("{}/README.md", env!("CARGO_MANIFEST_DIR"));
    let none = Access { authorities: Some(readme.clone().into()), ..Access::default() };
    let error = Api::new("https://a", &none).unwrap_err().to_string();
    assert_eq!(error, format!("CONSUL_CACERT {readme}: no certificate in PEM"));
}
