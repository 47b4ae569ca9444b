//! The program of docs/guides/from-the-rust-crate.md, which a test compares with this file: a topic of the crate, a greeting, and what
//! others say.

use distributed_topic_tracker::{AutoDiscoveryGossip, Config, RecordPublisher, TopicId};
use iroh::{Endpoint, SecretKey, endpoint::presets, protocol::Router};
use iroh_gossip::{ALPN, api::Event, net::Gossip};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let secret_key = SecretKey::generate();
    let endpoint = Endpoint::builder(presets::N0).secret_key(secret_key.clone()).bind().await?;
    let gossip = Gossip::builder().spawn(endpoint.clone());
    let _router = Router::builder(endpoint.clone()).accept(ALPN, gossip.clone()).spawn();

    let publisher = RecordPublisher::new(
        TopicId::new("side by side".to_string()),
        mainline::SigningKey::from_bytes(&secret_key.to_bytes()),
        None,
        b"our secret".to_vec(),
        Config::default(),
    );
    let topic = gossip.subscribe_and_join_with_auto_discovery(publisher).await?;
    let (sender, mut receiver) = topic.split().await?;
    sender.broadcast(format!("hello from {}", endpoint.id()).into_bytes()).await?;
    loop {
        if let Event::Received(message) = receiver.next().await? {
            println!("{}", String::from_utf8_lossy(&message.content));
        }
    }
}
