//! What was seen of the names that the mesh means to use, ready to be told.

use std::net::IpAddr;
use std::sync::Arc;

use crate::intent::target::Role;
use crate::model::frame::Timestamp;
use crate::model::name::Name;

/// What was seen of one name, or of all that a target has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What the name is for.
    pub role: Role,
    /// The name, with `*` for what the file does not tell.
    pub name: Box<str>,
    /// A name of the target as it was seen, where one was.
    pub seen: Option<Arc<Name>>,
    /// Connections that asked for it, each once however many legs of it were seen.
    pub connections: u64,
    /// Clients that ever asked for it.
    pub clients: u64,
    /// Those whose newest hello to the service it was, in order.
    pub current: Vec<IpAddr>,
    /// First and last hello.
    pub span: Option<(Timestamp, Timestamp)>,
}

/// What was seen of one service, or of all that a gateway knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The file, as typed.
    pub file: Box<str>,
    /// What the file is: `service-resolver`, `discovery-chain` or `config_dump`.
    pub source: &'static str,
    /// The service; `None`: all.
    pub service: Option<Box<str>>,
    /// Expected names in the order of the file, then unexpected ones in the order in which they came.
    pub rows: Vec<Row>,
    /// Connections to further unexpected names, for which there was no room.
    pub unlisted: u64,
}

impl Expectation {
    /// Expected names that nobody asked for.
    pub fn never_seen(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.role != Role::Unexpected && row.connections == 0)
    }

    /// How many rows are expected names.
    pub fn expected(&self) -> usize {
        self.rows.iter().filter(|row| row.role != Role::Unexpected).count()
    }

    /// Clients by the role of the name that they asked for last; roles without any are left out.
    pub fn current(&self) -> impl Iterator<Item = (Role, usize)> {
        let of =
            |role| self.rows.iter().filter(move |row| row.role == role).map(|row| row.current.len()).sum();
        Role::ALL.into_iter().map(move |role| (role, of(role))).filter(|(_, clients)| *clients > 0)
    }
}
