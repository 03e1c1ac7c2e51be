//! What a place in the mesh knows of a connection beyond its name.

/// Which way a connection goes past this place: `mesh.role`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// To another datacenter.
    Egress,
    /// From another datacenter to this one.
    Ingress,
    /// Within this datacenter.
    Local,
    /// From another datacenter to yet another.
    Transit,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 4] = [Self::Egress, Self::Ingress, Self::Local, Self::Transit];

    /// The name in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Egress => "egress",
            Self::Ingress => "ingress",
            Self::Local => "local",
            Self::Transit => "transit",
        }
    }
}

/// Why a gateway ended a handshake: `handshake.cause`. Told only where what was seen leaves no other reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The gateway has no way for this name, or none that is healthy: it resets within 1 ms, too soon to have
    /// asked another datacenter.
    NoRoute,
    /// The next gateway refused the gateway's connection.
    RemoteGatewayRefused,
    /// The service's sidecar behind this gateway refused its connection.
    SidecarRefused,
    /// The hello was passed on, and reset there: the service's sidecar is down, or its gateway knows no such name.
    RemoteReset,
    /// The gateway gave up after 5 s without a connection to the next hop.
    ConnectTimeout,
    /// The gateway waited 15 s for the rest of the hello.
    HelloTimeout,
}

impl Cause {
    /// All causes.
    pub const ALL: [Self; 6] = [
        Self::NoRoute,
        Self::RemoteGatewayRefused,
        Self::SidecarRefused,
        Self::RemoteReset,
        Self::ConnectTimeout,
        Self::HelloTimeout,
    ];

    /// The name in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoRoute => "no_route",
            Self::RemoteGatewayRefused => "remote_gateway_refused",
            Self::SidecarRefused => "sidecar_refused",
            Self::RemoteReset => "remote_reset",
            Self::ConnectTimeout => "connect_timeout",
            Self::HelloTimeout => "hello_timeout",
        }
    }
}
