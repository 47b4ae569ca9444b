//! `resolve`: prints the addresses that iroh's mainline address lookup finds for an endpoint id.

use anyhow::Context;
use iroh::{EndpointId, address_lookup::AddressLookup};
use iroh_mainline_address_lookup::DhtAddressLookup;
use n0_future::StreamExt;
use serde_json::json;

use crate::{args::Args, events::emit};

/// `--bootstrap --peer ID`
pub async fn resolve(args: &Args) -> anyhow::Result<()> {
    let peer: EndpointId = args.required("peer")?.parse()?;
    let nodes: Vec<&str> = args.required("bootstrap")?.split(',').collect();
    let mut dht = n0_mainline::DhtBuilder::default();
    dht.bootstrap(&nodes);
    let lookup = DhtAddressLookup::builder().dht_builder(dht).no_publish().build()?;
    let mut answers = lookup.resolve(peer).context("the lookup resolves nothing")?;
    let mut count = 0;
    while let Some(answer) = answers.next().await {
        count += 1;
        let info = answer?;
        let mut addresses: Vec<String> = info.ip_addrs().map(ToString::to_string).collect();
        addresses.sort();
        let relays: Vec<String> = info.relay_urls().map(ToString::to_string).collect();
        emit("addresses", json!({ "addresses": addresses, "relays": relays }));
    }
    emit("done", json!({ "count": count }));
    Ok(())
}
