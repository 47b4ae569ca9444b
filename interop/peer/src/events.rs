//! The events of the peer: one JSON object per line, each with `event` and `t`, the milliseconds since the start of the process.
//! The names are those of the TypeScript node's events, so that a test can use either.

use std::{io::Write, sync::LazyLock, time::Instant};

use iroh::EndpointId;
use iroh_gossip::{
    api::{Event, Message},
    proto::DeliveryScope,
};
use serde_json::{Map, Value, json};

static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Starts the clock of `t`.
pub fn start() {
    LazyLock::force(&STARTED);
}

/// Prints an event; `fields` is a JSON object.
pub fn emit(event: &str, fields: Value) {
    let mut line = Map::new();
    line.insert("event".into(), event.into());
    line.insert("t".into(), (STARTED.elapsed().as_micros() as f64 / 1000.0).into());
    if let Value::Object(fields) = fields {
        line.extend(fields);
    }
    let mut out = std::io::stdout().lock();
    // Not an error: the parent may stop reading.
    let _ = writeln!(out, "{}", Value::Object(line));
    let _ = out.flush();
}

pub fn neighbors(peers: impl Iterator<Item = EndpointId>) {
    let mut peers: Vec<String> = peers.map(|peer| peer.to_string()).collect();
    peers.sort();
    emit("neighbors", json!({ "peers": peers }));
}

pub fn gossip(event: &Event) {
    match event {
        Event::NeighborUp(peer) => emit("neighbor-up", json!({ "peer": peer.to_string() })),
        Event::NeighborDown(peer) => emit("neighbor-down", json!({ "peer": peer.to_string() })),
        Event::Received(message) => emit("message", received(message)),
        Event::Lagged => emit("lagged", json!({})),
    }
}

fn received(message: &Message) -> Value {
    let (scope, round) = match &message.scope {
        // The number inside is private; its serialization is that number.
        DeliveryScope::Swarm(round) => ("swarm", json!(round)),
        DeliveryScope::Neighbors => ("neighbors", json!(0)),
    };
    json!({
        "text": String::from_utf8_lossy(&message.content),
        "hex": hex::encode(&message.content),
        "from": message.delivered_from.to_string(),
        "scope": scope,
        "round": round,
    })
}
