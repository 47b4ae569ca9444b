//! `tap`: the other end of a gossip connection, without a gossip node. It prints every frame that it receives, decoded with
//! iroh-gossip's own types and encoded again, and sends the frames of its commands.

use std::sync::Arc;

use iroh::{
    EndpointId,
    endpoint::{Connection, RecvStream, SendStream},
};
use iroh_gossip::proto::topic::Message;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::{
    args::Args,
    control::{self, Command},
    endpoint::Peer,
    events::emit,
};

/// Larger than any frame that a node may send.
const MAX_FRAME: usize = 1 << 20;

pub async fn run(args: &Args) -> anyhow::Result<()> {
    let peer = Peer::bind(args).await?;
    peer.endpoint.set_alpns(vec![iroh_gossip::ALPN.to_vec()]);
    peer.ready();
    let current: Arc<Mutex<Option<Connection>>> = Arc::default();
    let accepting = tokio::spawn({
        let (endpoint, current) = (peer.endpoint.clone(), current.clone());
        async move {
            while let Some(incoming) = endpoint.accept().await {
                match incoming.await {
                    Ok(connection) => watch(connection, &current).await,
                    Err(error) => emit("error", json!({ "message": error.to_string() })),
                }
            }
        }
    });
    let mut commands = control::commands();
    // Frames go to the last stream. A stream is open as long as its sender is kept.
    let mut streams: Vec<SendStream> = Vec::new();
    while let Some(command) = commands.recv().await {
        match command {
            Command::Quit => break,
            Command::Connect { peer: to } => {
                let id = peer.learn([to.as_str()])?[0];
                let connection = peer.endpoint.connect(id, iroh_gossip::ALPN).await?;
                watch(connection, &current).await;
            }
            Command::Send { frames, fresh } => {
                let connection = current.lock().await.clone();
                let Some(connection) = connection else {
                    emit("error", json!({ "message": "no peer is connected" }));
                    continue;
                };
                if streams.is_empty() || fresh {
                    streams.push(connection.open_uni().await?);
                }
                let stream = streams.last_mut().expect("there is one now");
                for frame in frames {
                    let frame = hex::decode(frame)?;
                    stream.write_all(&(frame.len() as u32).to_be_bytes()).await?;
                    stream.write_all(&frame).await?;
                }
                emit("sent", json!({}));
            }
            other => emit("error", json!({ "message": format!("not for this peer: {other:?}") })),
        }
    }
    accepting.abort();
    peer.endpoint.close().await;
    emit("closed", json!({}));
    Ok(())
}

async fn watch(connection: Connection, current: &Mutex<Option<Connection>>) {
    emit("connected", json!({ "peer": connection.remote_id().to_string() }));
    *current.lock().await = Some(connection.clone());
    tokio::spawn(async move {
        let mut number = 0;
        while let Ok(stream) = connection.accept_uni().await {
            tokio::spawn(read(stream, number));
            number += 1;
        }
        emit("disconnected", json!({ "reason": connection.closed().await.to_string() }));
    });
}

/// Prints each frame as `frame` {stream, index, hex, message, canonical}. The first frame of a stream is the topic id.
async fn read(mut stream: RecvStream, number: usize) {
    let mut index = 0;
    loop {
        let mut length = [0; 4];
        if let Err(error) = stream.read_exact(&mut length).await {
            return emit("stream-end", json!({ "stream": number, "reason": error.to_string() }));
        }
        let length = u32::from_be_bytes(length) as usize;
        if length > MAX_FRAME {
            return emit("error", json!({ "message": format!("a frame of {length} bytes") }));
        }
        let mut frame = vec![0; length];
        if let Err(error) = stream.read_exact(&mut frame).await {
            return emit("stream-end", json!({ "stream": number, "reason": error.to_string() }));
        }
        let mut fields = describe(index, &frame);
        fields["stream"] = number.into();
        fields["index"] = index.into();
        fields["hex"] = hex::encode(&frame).into();
        emit("frame", fields);
        index += 1;
    }
}

fn describe(index: usize, frame: &[u8]) -> Value {
    if index == 0 {
        return json!({ "message": "topic", "canonical": frame.len() == 32 });
    }
    match postcard::from_bytes::<Message<EndpointId>>(frame) {
        Ok(message) => {
            let canonical = postcard::to_stdvec(&message).is_ok_and(|bytes| bytes == frame);
            json!({ "message": format!("{message:?}"), "canonical": canonical })
        }
        Err(error) => json!({ "message": format!("undecodable: {error}"), "canonical": false }),
    }
}
