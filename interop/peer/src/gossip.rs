//! `gossip`: an iroh-gossip node without the tracker.

use std::time::Duration;

use iroh::protocol::Router;
use iroh_gossip::{
    api::{GossipReceiver, GossipSender},
    net::Gossip,
    proto::{HyparviewConfig, PlumtreeConfig},
};
use n0_future::StreamExt;
use serde_json::json;

use crate::{
    args::Args,
    control::{self, Command, Scope},
    endpoint::Peer,
    events::{self, emit},
    topic::gossip_topic,
};

/// `--shuffle-every MS`, `--max-message-size BYTES`, else the defaults of iroh-gossip.
pub fn spawn(args: &Args, peer: &Peer) -> anyhow::Result<(Gossip, Router)> {
    let mut membership = HyparviewConfig::default();
    if let Some(interval) = args.millis("shuffle-every")? {
        membership.shuffle_interval = interval;
    }
    let mut builder = Gossip::builder().membership_config(membership).broadcast_config(PlumtreeConfig::default());
    if let Some(size) = args.value("max-message-size")? {
        builder = builder.max_message_size(size);
    }
    let gossip = builder.spawn(peer.endpoint.clone());
    let router = Router::builder(peer.endpoint.clone()).accept(iroh_gossip::ALPN, gossip.clone()).spawn();
    Ok((gossip, router))
}

/// Ends a node whose topic has been dropped. A shutdown closes connections at once, so this waits a moment for the Disconnects to
/// leave first.
pub async fn leave(gossip: &Gossip, router: &Router) {
    tokio::time::sleep(Duration::from_millis(250)).await;
    gossip.shutdown().await.ok();
    router.shutdown().await.ok();
    emit("closed", json!({}));
}

pub async fn run(args: &Args) -> anyhow::Result<()> {
    let peer = Peer::bind(args).await?;
    let (gossip, router) = spawn(args, &peer)?;
    peer.ready();
    let bootstrap = peer.learn(args.optional("join").into_iter().flat_map(|list| list.split(',')))?;
    let (sender, mut receiver) = gossip.subscribe(gossip_topic(args)?, bootstrap).await?.split();
    let mut commands = control::commands();
    let mut joined = false;
    loop {
        tokio::select! {
            event = receiver.next() => match event {
                Some(event) => {
                    events::gossip(&event?);
                    if !joined && receiver.is_joined() {
                        joined = true;
                        emit("joined", json!({}));
                    }
                }
                None => break,
            },
            command = commands.recv() => match command {
                None | Some(Command::Quit) => break,
                Some(command) => obey(command, &peer, &sender, &receiver).await?,
            },
        }
    }
    drop((sender, receiver));
    leave(&gossip, &router).await;
    Ok(())
}

async fn obey(command: Command, peer: &Peer, sender: &GossipSender, receiver: &GossipReceiver) -> anyhow::Result<()> {
    match command {
        Command::Broadcast { hex, scope } => {
            let content = hex::decode(hex)?.into();
            match scope {
                Scope::Swarm => sender.broadcast(content).await?,
                Scope::Neighbors => sender.broadcast_neighbors(content).await?,
            }
            emit("sent", json!({}));
        }
        Command::Join { peers } => sender.join_peers(peer.learn(peers.iter().map(String::as_str))?).await?,
        Command::Neighbors => events::neighbors(receiver.neighbors()),
        other => emit("error", json!({ "message": format!("not for this peer: {other:?}") })),
    }
    Ok(())
}
