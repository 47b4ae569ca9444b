//! A member of a members-only topic on plain iroh and iroh-gossip, written from PROTOCOL.md, "Above the crate's wire". It shows
//! that others can implement it: `keys`, `door` and `envelope` are the parts of that text.
//!
//! `members-peer members --topic NAME --secret TEXT --channel NAME [--join ID@IP:PORT,…] [--bind IP]` has the events and
//! commands of `../peer`, where `broadcast` writes to the channel and `message` is one of its messages, `from` its author.

mod door;
mod envelope;
mod keys;

use std::{collections::HashMap, io::Write, net::IpAddr, sync::Arc, sync::LazyLock, time::Instant};

use anyhow::Context;
use chacha20poly1305::aead::{OsRng, rand_core::RngCore};
use door::{ALPN, DoorHook, Members, MembersProtocol};
use envelope::{Reader, Writer};
use iroh::{
    Endpoint, EndpointAddr, EndpointId, RelayMode, SecretKey, TransportAddr, address_lookup::memory::MemoryLookup,
    endpoint::presets, protocol::Router,
};
use iroh_gossip::{
    api::{Event, GossipSender},
    net::Gossip,
    proto::{DeliveryScope, TopicId},
};
use n0_future::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Prints an event as one line of JSON.
pub fn emit(event: &str, mut fields: Value) {
    fields["event"] = event.into();
    fields["t"] = (STARTED.elapsed().as_micros() as f64 / 1000.0).into();
    let mut out = std::io::stdout().lock();
    // Not an error: the parent may stop reading.
    let _ = writeln!(out, "{fields}").and_then(|()| out.flush());
}

#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
enum Command {
    Broadcast { hex: String },
    Join { peers: Vec<String> },
    Quit,
}

/// The commands on standard input; the channel closes at its end.
fn commands() -> mpsc::Receiver<Command> {
    let (sender, receiver) = mpsc::channel(64);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            match serde_json::from_str(&line) {
                Ok(command) => {
                    if sender.blocking_send(command).is_err() {
                        break;
                    }
                }
                Err(error) => emit("error", json!({ "message": format!("{line}: {error}") })),
            }
        }
    });
    receiver
}

#[tokio::main]
async fn main() {
    LazyLock::force(&STARTED);
    let result = run().await;
    if let Err(error) = &result {
        eprintln!("members-peer: {error:#}");
    }
    // The thread that reads standard input cannot be stopped, so the process exits.
    std::process::exit(if result.is_ok() { 0 } else { 1 });
}

async fn run() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(2).collect();
    let options: HashMap<&str, &str> = words.chunks_exact(2).map(|pair| (pair[0].as_str(), pair[1].as_str())).collect();
    let required = |name: &str| options.get(name).copied().with_context(|| format!("{name} is missing"));
    let secret_key = SecretKey::generate();
    let keys = keys::TopicKeys::new(required("--topic")?, required("--secret")?);
    let channel = keys.channel_tag(required("--channel")?);
    let gossip_topic = TopicId::from_bytes(keys.gossip);
    let members = Arc::new(Members::new(keys, secret_key.public()));

    let known = MemoryLookup::new();
    let mut builder = Endpoint::builder(presets::Minimal)
        .secret_key(secret_key.clone())
        .relay_mode(RelayMode::Disabled)
        .address_lookup(known.clone())
        .hooks(DoorHook(members.clone()));
    if let Some(ip) = options.get("--bind") {
        builder = builder.clear_ip_transports().bind_addr((ip.parse::<IpAddr>()?, 0))?;
    }
    let endpoint = builder.bind().await?;
    let gossip = Gossip::builder().alpn(ALPN).spawn(endpoint.clone());
    let protocol = MembersProtocol { members: members.clone(), gossip: gossip.clone() };
    let router = Router::builder(endpoint.clone()).accept(ALPN, protocol).spawn();
    let addresses: Vec<String> = endpoint.addr().ip_addrs().map(ToString::to_string).collect();
    emit("ready", json!({ "endpointId": endpoint.id().to_string(), "addresses": addresses }));

    let learn = |peers: &mut dyn Iterator<Item = &str>| -> anyhow::Result<Vec<EndpointId>> {
        peers
            .map(|text| {
                let (id, address) = text.split_once('@').context("a peer is ID@IP:PORT")?;
                let id: EndpointId = id.parse()?;
                known.add_endpoint_info(EndpointAddr::from_parts(id, [TransportAddr::Ip(address.parse()?)]));
                Ok(id)
            })
            .collect()
    };
    let bootstrap = learn(&mut options.get("--join").into_iter().flat_map(|list| list.split(',')))?;
    let (sender, mut receiver) = gossip.subscribe(gossip_topic, bootstrap).await?.split();
    let mut session = [0; 8];
    OsRng.fill_bytes(&mut session);
    let mut writer = Writer { secret_key, session, channel, seq: 0 };
    let mut reader = Reader::new(channel);
    let mut commands = commands();
    let mut is_joined = false;
    loop {
        tokio::select! {
            event = receiver.next() => match event {
                Some(event) => handle(event?, &members, &mut reader, &mut is_joined),
                None => break,
            },
            command = commands.recv() => match command {
                Some(Command::Broadcast { hex }) => {
                    publish(&members, &mut writer, &sender, &hex::decode(hex)?).await?;
                    emit("sent", json!({}));
                }
                Some(Command::Join { peers }) => {
                    sender.join_peers(learn(&mut peers.iter().map(String::as_str))?).await?;
                }
                None | Some(Command::Quit) => break,
            },
        }
    }
    drop((sender, receiver));
    // A shutdown closes connections at once: a moment for the Disconnects to leave first.
    tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    gossip.shutdown().await.ok();
    router.shutdown().await.ok();
    emit("closed", json!({}));
    Ok(())
}

async fn publish(members: &Members, writer: &mut Writer, sender: &GossipSender, message: &[u8]) -> anyhow::Result<()> {
    for envelope in writer.write(&members.keys, members.speaking(), message)? {
        sender.broadcast(envelope.into()).await?;
    }
    Ok(())
}

fn handle(event: Event, members: &Members, reader: &mut Reader, is_joined: &mut bool) {
    match event {
        Event::NeighborUp(peer) => {
            emit("neighbor-up", json!({ "peer": peer.to_string() }));
            if !std::mem::replace(is_joined, true) {
                emit("joined", json!({}));
            }
        }
        Event::NeighborDown(peer) => emit("neighbor-down", json!({ "peer": peer.to_string() })),
        Event::Received(message) => {
            let is_swarm = matches!(message.scope, DeliveryScope::Swarm(_));
            match reader.read(&members.keys, is_swarm, &message.content) {
                Ok(received) => {
                    for each in received {
                        let text = String::from_utf8_lossy(&each.message);
                        let (hex, from) = (hex::encode(&each.message), each.author.to_string());
                        emit(
                            "message",
                            json!({ "text": text, "hex": hex, "from": from, "scope": "swarm", "seq": each.seq }),
                        );
                    }
                }
                Err(error) => emit("ignored", json!({ "reason": format!("{error:#}") })),
            }
        }
        Event::Lagged => emit("lagged", json!({})),
    }
}
