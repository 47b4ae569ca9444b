//! `record-put` and `record-get`: a topic's records without gossip, through the crate's `RecordPublisher`. Its DHT client asks the
//! four public bootstrap names.

use distributed_topic_tracker::{Config, GossipRecordContent, RecordPublisher, unix_minute};
use mainline::SigningKey;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{args::Args, events::emit, topic::tracker_topic};

fn publisher(args: &Args) -> anyhow::Result<RecordPublisher> {
    let seed = args.key("seed")?.unwrap_or([7; 32]);
    let secret = args.required("secret")?.as_bytes().to_vec();
    Ok(RecordPublisher::new(tracker_topic(args)?, SigningKey::from_bytes(&seed), None, secret, Config::default()))
}

fn minute(args: &Args) -> anyhow::Result<u64> {
    Ok(args.value("minute")?.unwrap_or_else(|| unix_minute(0)))
}

/// `--topic --secret --seed HEX [--minute N] --peer HEX`: publishes a gossip record with one active peer.
pub async fn put(args: &Args) -> anyhow::Result<()> {
    let publisher = publisher(args)?;
    let mut content = GossipRecordContent { active_peers: [[0; 32]; 5], last_message_hashes: [[0; 32]; 5] };
    if let Some(peer) = args.key("peer")? {
        content.active_peers[0] = peer;
    }
    let record = publisher.new_record(minute(args)?, content)?;
    let bytes = record.to_bytes();
    publisher.publish_record(record, CancellationToken::new()).await?;
    emit("stored", json!({ "record": hex::encode(bytes) }));
    Ok(())
}

/// `--topic --secret [--seed HEX] [--minute N]`: prints `record` for each record that opens and verifies, then `done`.
/// Records of `--seed` are left out, as a node ignores its own.
pub async fn get(args: &Args) -> anyhow::Result<()> {
    let records = publisher(args)?.get_records(minute(args)?, CancellationToken::new()).await?;
    for record in &records {
        let content = record.content::<GossipRecordContent>()?;
        let peers: Vec<_> = content.active_peers.iter().filter(|peer| **peer != [0; 32]).map(hex::encode).collect();
        let (key, bytes) = (hex::encode(record.pub_key()), hex::encode(record.to_bytes()));
        emit("record", json!({ "publicKey": key, "activePeers": peers, "record": bytes }));
    }
    emit("done", json!({ "count": records.len() }));
    Ok(())
}
