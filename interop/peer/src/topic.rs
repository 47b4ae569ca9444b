//! The 32 bytes of a topic's name, by the rule of the tracker, which is used for plain gossip, too.

use distributed_topic_tracker::TopicId;

use crate::args::Args;

/// `--topic NAME`.
pub fn tracker_topic(args: &Args) -> anyhow::Result<TopicId> {
    Ok(TopicId::new(args.required("topic")?.to_owned()))
}

/// The same topic as a type of iroh-gossip.
pub fn gossip_topic(args: &Args) -> anyhow::Result<iroh_gossip::proto::TopicId> {
    Ok(iroh_gossip::proto::TopicId::from_bytes(tracker_topic(args)?.hash()))
}
