//! `testnet`: mainline DHT nodes that know only each other, of mainline 7 or 8.

use std::net::Ipv4Addr;

use serde_json::json;

use crate::{args::Args, control, events::emit};

/// `--nodes N` nodes on `--bind IP` (default 127.0.0.1), the first on `--port P` (default 6881). With `--bootstrap` they
/// join an existing DHT on free ports. `--mainline 7|8` is the version (default 7).
pub async fn run(args: &Args) -> anyhow::Result<()> {
    match args.optional("mainline").unwrap_or("7") {
        "7" => run7(args).await,
        "8" => run8(args).await,
        other => anyhow::bail!("--mainline {other}: 7 or 8"),
    }
}

/// The two versions have the same functions and types that have nothing else in common.
macro_rules! nodes_of {
    ($run:ident, $mainline:ident) => {
        async fn $run(args: &Args) -> anyhow::Result<()> {
            use $mainline::Dht;
            let count: usize = args.value("nodes")?.unwrap_or(20);
            let port: u16 = args.value("port")?.unwrap_or(6881);
            let ip: Ipv4Addr = args.value("bind")?.unwrap_or(Ipv4Addr::LOCALHOST);
            let mut nodes = Vec::with_capacity(count);
            let bootstrap: Vec<String> = match args.optional("bootstrap") {
                Some(bootstrap) => bootstrap.split(',').map(str::to_owned).collect(),
                None => {
                    let first = Dht::builder().port(port).bind_address(ip).server_mode().no_bootstrap().build()?.as_async();
                    let port = first.info().await.local_addr().port();
                    nodes.push(first);
                    vec![format!("{ip}:{port}")]
                }
            };
            while nodes.len() < count {
                nodes.push(Dht::builder().bind_address(ip).server_mode().bootstrap(&bootstrap).build()?.as_async());
            }
            let mut addresses = Vec::with_capacity(count);
            for node in &nodes {
                node.bootstrapped().await;
                addresses.push(format!("{ip}:{}", node.info().await.local_addr().port()));
            }
            emit("testnet", json!({ "addresses": addresses }));
            control::until_quit().await;
            Ok(())
        }
    };
}

nodes_of!(run7, mainline);
nodes_of!(run8, mainline8);
