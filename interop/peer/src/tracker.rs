//! `tracker`: a node of distributed-topic-tracker. Its DHT client has no bootstrap option: it asks the four public names, which must
//! resolve to the test's DHT.

use std::time::Duration;

use distributed_topic_tracker::{
    AutoDiscoveryGossip, BubbleMergeConfig, Config, GossipReceiver, GossipSender, MergeConfig,
    MessageOverlapMergeConfig, PublisherConfig, RecordPublisher,
};
use serde_json::json;

use crate::{
    args::Args,
    control::{self, Command, Scope},
    endpoint::Peer,
    events::{self, emit},
    gossip,
    topic::tracker_topic,
};

/// The crate's defaults, except that `--publish-every`, `--bubble-merge-every` and `--overlap-merge-every` (ms) set the interval of
/// a worker, without jitter. `0` turns a merge off.
fn config(args: &Args) -> anyhow::Result<Config> {
    let mut config = Config::builder();
    if let Some(every) = args.millis("publish-every")? {
        let publisher = PublisherConfig::builder().initial_delay(every).base_interval(every).max_jitter(Duration::ZERO);
        config = config.publisher_config(publisher.build());
    }
    let mut merges = MergeConfig::builder();
    if let Some(every) = args.millis("bubble-merge-every")? {
        merges = merges.bubble_merge(if every.is_zero() {
            BubbleMergeConfig::Disabled
        } else {
            let merge = BubbleMergeConfig::builder().initial_interval(every).base_interval(every);
            merge.max_jitter(Duration::ZERO).build()
        });
    }
    if let Some(every) = args.millis("overlap-merge-every")? {
        merges = merges.message_overlap_merge(if every.is_zero() {
            MessageOverlapMergeConfig::Disabled
        } else {
            let merge = MessageOverlapMergeConfig::builder().initial_interval(every).base_interval(every);
            merge.max_jitter(Duration::ZERO).build()
        });
    }
    Ok(config.merge_config(merges.build()).build())
}

pub async fn run(args: &Args) -> anyhow::Result<()> {
    let peer = Peer::bind(args).await?;
    let (gossip, router) = gossip::spawn(args, &peer)?;
    peer.ready();
    let publisher = RecordPublisher::new(
        tracker_topic(args)?,
        mainline::SigningKey::from_bytes(&peer.secret_key.to_bytes()),
        None,
        args.required("secret")?.as_bytes().to_vec(),
        config(args)?,
    );
    // Without waiting: a node that stays alone must accept `quit`, too.
    let topic = gossip.subscribe_and_join_with_auto_discovery_no_wait(publisher).await?;
    let (sender, mut receiver) = topic.split().await?;
    let mut commands = control::commands();
    let mut joined = false;
    loop {
        tokio::select! {
            event = receiver.next() => match event {
                Ok(event) => {
                    events::gossip(&event);
                    if !joined && receiver.is_joined().await? {
                        joined = true;
                        emit("joined", json!({}));
                    }
                }
                Err(error) => {
                    emit("error", json!({ "message": error.to_string() }));
                    break;
                }
            },
            command = commands.recv() => match command {
                None | Some(Command::Quit) => break,
                Some(command) => obey(command, &peer, &sender, &receiver).await?,
            },
        }
    }
    drop((sender, receiver));
    gossip::leave(&gossip, &router).await;
    Ok(())
}

async fn obey(command: Command, peer: &Peer, sender: &GossipSender, receiver: &GossipReceiver) -> anyhow::Result<()> {
    match command {
        Command::Broadcast { hex, scope } => {
            let content = hex::decode(hex)?;
            match scope {
                Scope::Swarm => sender.broadcast(content).await?,
                Scope::Neighbors => sender.broadcast_neighbors(content).await?,
            }
            emit("sent", json!({}));
        }
        Command::Join { peers } => {
            sender.join_peers(peer.learn(peers.iter().map(String::as_str))?, None).await?;
        }
        Command::Neighbors => events::neighbors(receiver.neighbors().await?.into_iter()),
        other => emit("error", json!({ "message": format!("not for this peer: {other:?}") })),
    }
    Ok(())
}
