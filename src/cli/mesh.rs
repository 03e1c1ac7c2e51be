//! The options that speak of the mesh: what it means to do, and who lives where.

use std::path::PathBuf;

use crate::catalog::Catalog;
use crate::catalog::api::Access;
use crate::cli::world::World;
use crate::error::Error;

/// What is known of the mesh from elsewhere.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Mesh")]
pub struct MeshOptions {
    /// Compare with what the mesh means to do; repeatable
    ///
    /// FILE is a service-resolver (JSON as `consul config read` prints it, or HCL), Consul's answer to
    /// /v1/discovery-chain/SERVICE, or Envoy's `/config_dump`. At the end it is told which of its names were seen,
    /// which never, which others its services were asked for by, and which name each client asked for last. A
    /// service-resolver does not say which datacenter it is for: --local-dc does.
    #[arg(long, value_name = "FILE", env = "SNI_WATCH_EXPECT")]
    pub expect: Vec<PathBuf>,

    /// Name addresses by Consul's catalog: URL of its API, or saved answers
    ///
    /// Such as <http://127.0.0.1:8500>, with the token in `CONSUL_HTTP_TOKEN` and authorities in `CONSUL_CACERT`. Asked
    /// every 30 s beside the watch, which never waits for it; the reading of files waits 2 s for the first answer.
    /// A file holds answers of /v1/catalog/nodes, /v1/catalog/service/NAME or /v1/health/service/NAME, one or
    /// several. Records get `source.service`, `source.node`, `destination.service` and `destination.node`.
    #[arg(long, value_name = "URL|FILE", env = "SNI_WATCH_CATALOG")]
    pub catalog: Option<String>,
}

impl MeshOptions {
    /// Reads the catalog's file, or gets ready to ask for it.
    ///
    /// # Errors
    /// As [`Catalog::open`].
    pub(crate) fn catalog(&self, world: &World<'_>) -> Result<Option<Catalog>, Error> {
        let Some(typed) = &self.catalog else { return Ok(None) };
        let set = |name: &str| (world.variable)(name).filter(|value| !value.is_empty());
        let access = Access {
            token: set("CONSUL_HTTP_TOKEN").map(|token| token.to_string_lossy().trim().to_owned()),
            authorities: set("CONSUL_CACERT").map(PathBuf::from),
        };
        Catalog::open(typed, &access).map(Some)
    }
}
