//! Answers of Consul's catalog: nodes, and instances of a service.
//!
//! Source: Consul's HTTP API, `/v1/catalog/nodes`, `/v1/catalog/service/NAME`, `/v1/catalog/services` and
//! `/v1/health/service/NAME`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;
use serde_json::Value;

use crate::model::directory::{Directory, Entry};

/// A row of `/v1/catalog/nodes` or `/v1/catalog/service/NAME`; all that is looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Row {
    node: String,
    address: String,
    tagged_addresses: Option<BTreeMap<String, Value>>,
    service_name: String,
    service_address: String,
    service_port: u16,
    service_proxy: Option<Proxy>,
}

/// The service that a proxy stands for.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Proxy {
    destination_service_name: String,
}

/// A row of `/v1/health/service/NAME`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Health {
    node: HealthNode,
    service: HealthService,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HealthNode {
    node: String,
    address: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HealthService {
    service: String,
    #[serde(default)]
    address: String,
    #[serde(default)]
    port: u16,
    proxy: Option<Proxy>,
}

impl From<Health> for Row {
    fn from(Health { node, service }: Health) -> Self {
        Self {
            node: node.node,
            address: node.address,
            tagged_addresses: None,
            service_name: service.service,
            service_address: service.address,
            service_port: service.port,
            service_proxy: service.proxy,
        }
    }
}

impl Row {
    /// Adds what the row says. An address that is a host name says nothing of packets.
    fn add(&self, directory: &mut Directory) {
        let node = Some(&*self.node).filter(|node| !node.is_empty());
        let tagged = self.tagged_addresses.iter().flat_map(BTreeMap::values).filter_map(Value::as_str);
        let of_node =
            || std::iter::once(&*self.address).chain(tagged).filter_map(|text| text.parse::<IpAddr>().ok());
        if self.service_name.is_empty() {
            of_node().for_each(|ip| directory.add(&Entry { ip, port: None, service: None, node }));
            return;
        }
        let proxied = self.service_proxy.as_ref().map(|proxy| &*proxy.destination_service_name);
        let service = proxied.filter(|service| !service.is_empty()).unwrap_or(&self.service_name);
        // an instance without an address of its own is at its node's
        let own = if self.service_address.is_empty() { &self.address } else { &self.service_address };
        if let Ok(ip) = own.parse() {
            let port = Some(self.service_port).filter(|port| *port > 0);
            directory.add(&Entry { ip, port, service: Some(service), node });
        }
    }
}

/// Adds the rows of an answer.
///
/// # Errors
/// What stands there instead of rows.
pub(super) fn add(answer: Value, directory: &mut Directory) -> Result<(), String> {
    let Value::Array(rows) = answer else {
        return Err(match answer {
            Value::Object(map) if map.values().all(Value::is_array) && !map.is_empty() => {
                "names of services without addresses; answers of /v1/catalog/nodes and /v1/catalog/service/NAME \
                 have them"
                    .to_owned()
            }
            other => format!("{}, where a list is due", what(&other)),
        });
    };
    for row in rows {
        let health = row.get("Service").is_some_and(Value::is_object);
        let known = ["Node", "Address"].iter().any(|key| row.get(key).is_some());
        if !known {
            return Err(format!("a list with {}, where nodes or services are due", what(&row)));
        }
        let read = if health {
            serde_json::from_value::<Health>(row).map(Row::from)
        } else {
            serde_json::from_value(row)
        };
        let row: Row = read.map_err(|error| error.to_string())?;
        row.add(directory);
    }
    Ok(())
}

/// The names in an answer of `/v1/catalog/services`.
///
/// # Errors
/// What stands there instead.
pub(super) fn services(answer: Value) -> Result<Vec<String>, String> {
    match answer {
        Value::Object(map) => Ok(map.into_iter().map(|(name, _)| name).collect()),
        other => Err(format!("{}, where an object is due", what(&other))),
    }
}

/// What a value is.
fn what(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
