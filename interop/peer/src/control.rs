//! The commands of the peer: one JSON object per line on standard input; `do` is the name.

use iroh::EndpointId;
use serde::Deserialize;
use tokio::sync::mpsc;

use crate::events::emit;

#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Command {
    /// Send these bytes (hex) to the swarm, or to the neighbours only. Answered by `sent`.
    Broadcast {
        hex: String,
        #[serde(default)]
        scope: Scope,
    },
    /// Join these peers. An address may follow the key.
    Join { peers: Vec<String> },
    /// Print the active view.
    Neighbors,
    /// Leave the topic, disconnect from all neighbours and end.
    Quit,
    /// For the tap: send these frames to the connected peer, on the last stream or a fresh one.
    Send {
        frames: Vec<String>,
        #[serde(default)]
        fresh: bool,
    },
    /// For the tap: connect to a peer.
    Connect { peer: String },
}

#[derive(Debug, Default, Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    #[default]
    Swarm,
    Neighbors,
}

/// The commands on standard input. The channel closes at its end. A line that is not a command is reported.
pub fn commands() -> mpsc::Receiver<Command> {
    let (sender, receiver) = mpsc::channel(64);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines() {
            let Ok(line) = line else { break };
            match serde_json::from_str(&line) {
                Ok(command) => {
                    if sender.blocking_send(command).is_err() {
                        break;
                    }
                }
                Err(error) => emit("error", serde_json::json!({ "message": format!("{line}: {error}") })),
            }
        }
    });
    receiver
}

/// Waits for `Quit` or the end of standard input.
pub async fn until_quit() {
    let mut commands = commands();
    while let Some(command) = commands.recv().await {
        if matches!(command, Command::Quit) {
            break;
        }
    }
}

/// `ID` or `ID@IP:PORT`.
pub fn peer(text: &str) -> anyhow::Result<(EndpointId, Option<std::net::SocketAddr>)> {
    Ok(match text.split_once('@') {
        Some((id, address)) => (id.parse()?, Some(address.parse()?)),
        None => (text.parse()?, None),
    })
}
