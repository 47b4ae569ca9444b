//! `bench-records`, `bench-gossip` and `bench-topics`: measurements of the crate for our benchmarks. The first two print their
//! samples as one JSON value. The third runs until `quit`, and another program measures it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use distributed_topic_tracker::{
    AutoDiscoveryGossip, Config, DefaultSecretRotation, EncryptedRecord, GossipRecordContent, Record, RecordPublisher,
    RotationHandle, TopicId, encryption_keypair, salt, signing_keypair,
};
use iroh::{Endpoint, SecretKey, address_lookup::memory::MemoryLookup, endpoint::presets, protocol::Router};
use iroh_gossip::{
    ALPN,
    api::{Event, GossipReceiver, GossipSender},
    net::Gossip,
    proto,
};
use n0_future::StreamExt;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::{args::Args, control};

const SAMPLES: usize = 3;

/// Calls per second; one sample for each `seconds`.
fn rates(seconds: f64, mut call: impl FnMut(u64)) -> Vec<f64> {
    (0..SAMPLES)
        .map(|_| {
            let start = Instant::now();
            let mut count = 0;
            while start.elapsed().as_secs_f64() < seconds {
                call(count);
                count += 1;
            }
            count as f64 / start.elapsed().as_secs_f64()
        })
        .collect()
}

pub fn records() -> anyhow::Result<()> {
    let key = mainline::SigningKey::from_bytes(&[7; 32]);
    let topic = TopicId::new("bench".to_owned());
    let minute = 29_000_000;
    let rotation = RotationHandle::new(DefaultSecretRotation);
    let encryption = encryption_keypair(&topic, &rotation, [9; 32], minute);
    let content = GossipRecordContent { active_peers: [[3; 32]; 5], last_message_hashes: [[4; 32]; 5] };
    let record = Record::sign(topic.hash(), minute, content.clone(), &key)?;
    let sealed = record.encrypt(&encryption).to_bytes()?;
    let sign = rates(0.5, |_| {
        Record::sign(topic.hash(), minute, content.clone(), &key).expect("signs");
    });
    let seal = rates(0.5, |_| {
        record.encrypt(&encryption).to_bytes().expect("seals");
    });
    let open = rates(0.5, |_| {
        let opened = EncryptedRecord::from_bytes(sealed.clone()).and_then(|sealed| sealed.decrypt(&encryption));
        opened.and_then(|record| record.verify(&topic.hash(), minute)).expect("opens");
    });
    let derive = rates(0.5, |minute| {
        signing_keypair(&topic, minute);
        salt(&topic, minute);
        encryption_keypair(&topic, &rotation, [9; 32], minute);
    });
    println!("{}", json!({ "sign": sign, "seal": seal, "open+verify": open, "derive": derive }));
    Ok(())
}

/// An endpoint with gossip. Keep the parts as long as it is used.
async fn node(lookup: &MemoryLookup) -> anyhow::Result<(Endpoint, Gossip, Router)> {
    let builder = Endpoint::builder(presets::Minimal).secret_key(SecretKey::generate());
    let builder = builder.clear_ip_transports().bind_addr((std::net::Ipv4Addr::LOCALHOST, 0))?;
    let endpoint = builder.address_lookup(lookup.clone()).bind().await?;
    let gossip = Gossip::builder().spawn(endpoint.clone());
    let router = Router::builder(endpoint.clone()).accept(ALPN, gossip.clone()).spawn();
    lookup.add_endpoint_info(endpoint.addr());
    Ok((endpoint, gossip, router))
}

const IN_FLIGHT: usize = 32;

async fn received(receiver: &mut GossipReceiver) -> anyhow::Result<()> {
    loop {
        match receiver.next().await {
            Some(Ok(Event::Received(_))) => return Ok(()),
            Some(Ok(Event::Lagged)) => anyhow::bail!("the receiver lagged"),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(error.into()),
            None => anyhow::bail!("the topic has ended"),
        }
    }
}

/// Unique content: gossip delivers the same content only once.
fn content(size: usize, serial: u64) -> Vec<u8> {
    let mut content = vec![0; size];
    content[..8].copy_from_slice(&serial.to_le_bytes());
    content
}

/// Messages per second with 32 in flight.
async fn rate(sender: &GossipSender, receiver: &mut GossipReceiver, size: usize, first: u64) -> anyhow::Result<f64> {
    let count = 10_000;
    let room = Arc::new(Semaphore::new(IN_FLIGHT));
    let sending = tokio::spawn({
        let (sender, room) = (sender.clone(), room.clone());
        async move {
            for serial in first..first + count {
                room.acquire().await?.forget();
                sender.broadcast(content(size, serial).into()).await?;
            }
            anyhow::Ok(())
        }
    });
    let start = Instant::now();
    for _ in 0..count {
        tokio::time::timeout(Duration::from_secs(10), received(receiver)).await??;
        room.add_permits(1);
    }
    let rate = count as f64 / start.elapsed().as_secs_f64();
    sending.await??;
    Ok(rate)
}

pub async fn gossip() -> anyhow::Result<()> {
    let lookup = MemoryLookup::new();
    let (_endpoint_a, gossip_a, _router_a) = node(&lookup).await?;
    let (endpoint_b, gossip_b, _router_b) = node(&lookup).await?;
    let topic = proto::TopicId::from_bytes([5; 32]);
    let (_sender, mut receiver) = gossip_b.subscribe(topic, vec![]).await?.split();
    let (sender, _receiver) = gossip_a.subscribe_and_join(topic, vec![endpoint_b.id()]).await?.split();
    let mut figures = vec![];
    let mut serial = 0;
    for size in [100, 1024, 4000] {
        let mut latencies = vec![];
        for ping in 0..700 {
            let start = Instant::now();
            sender.broadcast(content(size, serial).into()).await?;
            received(&mut receiver).await?;
            serial += 1;
            if ping >= 200 {
                latencies.push(start.elapsed().as_secs_f64() * 1000.0);
            }
        }
        let mut samples = vec![];
        for _ in 0..SAMPLES {
            samples.push(rate(&sender, &mut receiver, size, serial).await?);
            serial += 10_000;
        }
        figures.push(json!({ "size": size, "rates": samples, "latencies": latencies }));
    }
    println!("{}", json!(figures));
    Ok(())
}

/// `--count N` topics without other nodes, on one endpoint.
pub async fn topics(args: &Args) -> anyhow::Result<()> {
    let count: usize = args.value("count")?.unwrap_or(1);
    let key = SecretKey::generate();
    let signing_key = mainline::SigningKey::from_bytes(&key.to_bytes());
    let endpoint = Endpoint::builder(presets::Minimal).secret_key(key).bind().await?;
    let gossip = Gossip::builder().spawn(endpoint.clone());
    let _router = Router::builder(endpoint).accept(ALPN, gossip.clone()).spawn();
    let mut topics = vec![];
    for number in 0..count {
        let topic = TopicId::new(format!("topic {number}"));
        let publisher = RecordPublisher::new(topic, signing_key.clone(), None, b"secret".to_vec(), Config::default());
        topics.push(gossip.subscribe_and_join_with_auto_discovery_no_wait(publisher).await?);
    }
    control::until_quit().await;
    drop(topics);
    Ok(())
}
