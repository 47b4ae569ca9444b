//! `relay`: a relay server for endpoints that cannot reach each other.

use std::net::IpAddr;

use iroh_relay::server::{RelayConfig, Server, ServerConfig};
use serde_json::json;

use crate::{args::Args, control, events::emit};

/// On `--bind IP`, any port, over plain HTTP: the hosts of a test have no names for a certificate.
pub async fn run(args: &Args) -> anyhow::Result<()> {
    let ip: IpAddr = args.required("bind")?.parse()?;
    let mut config = ServerConfig::default();
    config.relay = Some(RelayConfig::new((ip, 0)));
    let server = Server::spawn(config).await?;
    let address = server.http_addr().expect("it serves HTTP");
    emit("relay", json!({ "url": format!("http://{address}/") }));
    control::until_quit().await;
    server.shutdown().await?;
    Ok(())
}
