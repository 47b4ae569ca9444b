//! `put` and `get`: one mutable item (BEP 44) through mainline. A seq is a decimal string, because it may exceed 2^53.

use mainline::{Dht, MutableItem, SigningKey, async_dht::AsyncDht};
use n0_future::StreamExt;
use serde_json::json;

use crate::{args::Args, events::emit};

pub fn client(args: &Args) -> anyhow::Result<AsyncDht> {
    let nodes: Vec<&str> = args.required("bootstrap")?.split(',').collect();
    Ok(Dht::builder().bootstrap(&nodes).build()?.as_async())
}

/// `--bootstrap --seed HEX [--salt HEX] --seq N [--cas N] --value HEX`
pub async fn put(args: &Args) -> anyhow::Result<()> {
    let seed = args.key("seed")?.ok_or_else(|| anyhow::anyhow!("--seed is missing"))?;
    let salt = args.bytes("salt")?;
    let value = hex::decode(args.required("value")?)?;
    let seq = args.value("seq")?.ok_or_else(|| anyhow::anyhow!("--seq is missing"))?;
    let item = MutableItem::new(SigningKey::from_bytes(&seed), &value, seq, salt.as_deref());
    let dht = client(args)?;
    dht.bootstrapped().await;
    dht.put_mutable(item.clone(), args.value("cas")?).await?;
    emit("stored", json!({ "key": hex::encode(item.key()), "target": item.target().to_string() }));
    Ok(())
}

/// `--bootstrap --key HEX [--salt HEX]`: prints `item` for each answer, also for equal ones, then `done`.
pub async fn get(args: &Args) -> anyhow::Result<()> {
    let key = args.key("key")?.ok_or_else(|| anyhow::anyhow!("--key is missing"))?;
    let salt = args.bytes("salt")?;
    let dht = client(args)?;
    dht.bootstrapped().await;
    let mut items = dht.get_mutable(&key, salt.as_deref(), None);
    let mut count = 0;
    while let Some(item) = items.next().await {
        count += 1;
        emit("item", json!({ "seq": item.seq().to_string(), "value": hex::encode(item.value()) }));
    }
    emit("done", json!({ "count": count }));
    Ok(())
}
