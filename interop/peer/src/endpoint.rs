//! The iroh endpoint of a peer: no relay unless given, no DNS. Addresses come from the DHT and from the test.

use iroh::{
    Endpoint, EndpointAddr, EndpointId, RelayMap, RelayMode, RelayUrl, SecretKey, TransportAddr,
    address_lookup::{AddrFilter, memory::MemoryLookup},
    endpoint::presets,
};
use iroh_mainline_address_lookup::DhtAddressLookup;
use serde_json::json;

use crate::{args::Args, control, events::emit};

pub struct Peer {
    pub endpoint: Endpoint,
    pub secret_key: SecretKey,
    known: MemoryLookup,
}

impl Peer {
    /// `--key HEX`: its key, else a new one. `--bind IP`: its interface, else all. `--bootstrap HOST:PORT,…`: the DHT for
    /// addresses, else none. `--relay URL`: its relay, else none.
    pub async fn bind(args: &Args) -> anyhow::Result<Self> {
        let secret_key = match args.key("key")? {
            Some(bytes) => SecretKey::from_bytes(&bytes),
            None => SecretKey::generate(),
        };
        let known = MemoryLookup::new();
        let mut builder =
            Endpoint::builder(presets::Minimal).secret_key(secret_key.clone()).address_lookup(known.clone());
        if let Some(ip) = args.value::<std::net::IpAddr>("bind")? {
            builder = builder.clear_ip_transports().bind_addr((ip, 0))?;
        }
        if let Some(url) = args.value::<RelayUrl>("relay")? {
            builder = builder.relay_mode(RelayMode::Custom(RelayMap::from(url)));
        }
        if let Some(bootstrap) = args.optional("bootstrap") {
            let nodes: Vec<&str> = bootstrap.split(',').collect();
            let mut dht = n0_mainline::DhtBuilder::default();
            dht.bootstrap(&nodes);
            // The default filter publishes relays only, and there is none.
            let lookup = DhtAddressLookup::builder().dht_builder(dht).addr_filter(AddrFilter::unfiltered());
            builder = builder.address_lookup(lookup);
        }
        let endpoint = builder.bind().await?;
        Ok(Self { endpoint, secret_key, known })
    }

    /// Prints our id and addresses.
    pub fn ready(&self) {
        let addresses: Vec<String> = self.endpoint.addr().ip_addrs().map(ToString::to_string).collect();
        emit("ready", json!({ "endpointId": self.endpoint.id().to_string(), "addresses": addresses }));
    }

    /// The peers of a `--join` option or a `join` command. Their addresses are stored.
    pub fn learn<'a>(&self, peers: impl IntoIterator<Item = &'a str>) -> anyhow::Result<Vec<EndpointId>> {
        peers
            .into_iter()
            .map(|text| {
                let (id, address) = control::peer(text)?;
                if let Some(address) = address {
                    self.known.add_endpoint_info(EndpointAddr::from_parts(id, [TransportAddr::Ip(address)]));
                }
                Ok(id)
            })
            .collect()
    }
}
