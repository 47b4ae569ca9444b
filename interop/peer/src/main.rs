//! The Rust crates as a program. `interop/test` runs it against the TypeScript packages.
//!
//! `interop-peer COMMAND --option value …` prints one JSON object per line on standard output and reads one command per line on
//! standard input (see [`control`]). It ends with its standard input, so it never outlives its parent. Logs go to standard error
//! and are off unless `RUST_LOG` is set.

mod addresses;
mod args;
mod bench;
mod control;
mod endpoint;
mod events;
mod gossip;
mod items;
mod records;
mod relay;
mod tap;
mod testnet;
mod topic;
mod tracker;

use args::Args;

const USAGE: &str = "interop-peer COMMAND --option value …

  tracker   a node of distributed-topic-tracker: --topic --secret
  gossip    an iroh-gossip node without the tracker: --topic [--join ID[@IP:PORT],…]
  tap       an endpoint that prints each gossip frame that it receives, and sends the frames of its commands
  testnet   mainline DHT nodes: --nodes --port --mainline 7|8
  relay     a relay server: --bind IP
  put, get  one mutable DHT item
  record-put, record-get   one record of a topic, without gossip
  resolve   the addresses of an endpoint id in the DHT
  bench-records, bench-gossip, bench-topics   measurements of the crate for our benchmarks";

#[tokio::main]
async fn main() {
    events::start();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let result = run().await;
    if let Err(error) = &result {
        eprintln!("interop-peer: {error:#}");
    }
    // The thread that reads standard input cannot be stopped, so the process exits.
    std::process::exit(if result.is_ok() { 0 } else { 1 });
}

async fn run() -> anyhow::Result<()> {
    let args = Args::parse(std::env::args().skip(1))?;
    match args.command() {
        "tracker" => tracker::run(&args).await,
        "gossip" => gossip::run(&args).await,
        "tap" => tap::run(&args).await,
        "testnet" => testnet::run(&args).await,
        "relay" => relay::run(&args).await,
        "put" => items::put(&args).await,
        "get" => items::get(&args).await,
        "record-put" => records::put(&args).await,
        "record-get" => records::get(&args).await,
        "resolve" => addresses::resolve(&args).await,
        "bench-records" => bench::records(),
        "bench-gossip" => bench::gossip().await,
        "bench-topics" => bench::topics(&args).await,
        other => anyhow::bail!("{other:?} is no command\n\n{USAGE}"),
    }
}
