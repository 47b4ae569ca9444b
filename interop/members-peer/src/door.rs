//! "The door", and the renewal of proofs. A hook of the endpoint runs it before a connection reaches iroh-gossip.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use chacha20poly1305::aead::{OsRng, rand_core::RngCore};
use iroh::{
    EndpointId,
    endpoint::{
        AfterHandshakeOutcome, Connection, EndpointHooks, RecvStream, SendStream, Side, VarInt, WeakConnectionHandle,
    },
    protocol::{AcceptError, ProtocolHandler},
};
use iroh_gossip::net::Gossip;
use serde_json::json;

use crate::{
    emit,
    keys::{AHEAD, EpochKeys, OVERLAP, TopicKeys, hmac, own_minute, speaking},
};

pub const ALPN: &[u8] = b"/topic-tracker/members/1";
const DOOR_TIME: Duration = Duration::from_secs(5);
const RENEW_AFTER: Duration = Duration::from_secs(60);
/// Plain iroh-gossip forwards before it validates, and this program answers no repairs.
const FLAGS: u8 = 0;

/// The data that all doors of the topic share.
#[derive(Debug)]
pub struct Members {
    pub keys: TopicKeys,
    pub id: EndpointId,
    /// The latest minute that was proven.
    proven: AtomicU32,
    /// When each peer proved itself last, by our clock.
    proofs: Mutex<HashMap<EndpointId, Instant>>,
}

impl Members {
    pub fn new(keys: TopicKeys, id: EndpointId) -> Self {
        Self { keys, id, proven: AtomicU32::new(0), proofs: Mutex::default() }
    }

    pub fn speaking(&self) -> u32 {
        speaking(own_minute(), self.proven.load(Ordering::Relaxed))
    }

    fn note(&self, peer: EndpointId, epoch: u32) {
        self.proven.fetch_max(epoch, Ordering::Relaxed);
        self.proofs.lock().expect("no panic").insert(peer, Instant::now());
    }

    /// How long the peer's proof is still valid; None if it is over.
    fn left(&self, peer: EndpointId) -> Option<Duration> {
        let at = *self.proofs.lock().expect("no panic").get(&peer)?;
        Duration::from_secs(u64::from(OVERLAP) * 60).checked_sub(at.elapsed())
    }

    fn mac(&self, keys: &EpochKeys, role: u8, m1: &[u8], m2: &[u8], ids: [EndpointId; 2], more: &[u8]) -> [u8; 32] {
        let [dialler, acceptor] = ids;
        hmac(&keys.door, &[&[role], m1, m2, dialler.as_bytes(), acceptor.as_bytes(), &self.keys.gossip, more])
    }

    /// Keys of a minute within the window.
    fn keys_of(&self, epoch: u32) -> anyhow::Result<EpochKeys> {
        ensure!(epoch.abs_diff(own_minute()) <= AHEAD, "the clocks of both sides differ too much");
        Ok(self.keys.epoch(epoch))
    }

    async fn dial(&self, peer: EndpointId, send: &mut SendStream, recv: &mut RecvStream) -> anyhow::Result<()> {
        let epoch = self.speaking();
        let m1 = [&[1, 1, FLAGS][..], &epoch.to_be_bytes(), &self.keys.epoch(epoch).door_tag, &nonce()].concat();
        send.write_all(&m1).await?;
        let m2 = message::<38>(recv, 2).await?;
        let theirs = u32::from_be_bytes(m2[2..6].try_into()?);
        let keys = self.keys_of(epoch.max(theirs))?;
        let ids = [self.id, peer];
        let mac3 = self.mac(&keys, b'D', &m1, &m2, ids, &[]);
        send.write_all(&[&[3][..], &mac3].concat()).await?;
        let m4 = message::<33>(recv, 4).await?;
        ensure!(is_equal(&m4[1..], &self.mac(&keys, b'A', &m1, &m2, ids, &mac3)), "m4 is wrong");
        self.note(peer, keys.epoch);
        Ok(())
    }

    async fn accept(&self, peer: EndpointId, send: &mut SendStream, recv: &mut RecvStream) -> anyhow::Result<()> {
        let m1 = message::<47>(recv, 1).await?;
        let epoch = u32::from_be_bytes(m1[3..7].try_into()?);
        let ours = self.speaking();
        let refusal = if m1[1] != 1 {
            2
        } else if self.keys.find(&m1[7..15], own_minute()).is_none_or(|keys| keys.epoch != epoch) {
            1
        } else if ours > epoch + AHEAD {
            3
        } else {
            0
        };
        if refusal != 0 {
            send.write_all(&[0, refusal]).await?;
            bail!("refused with code {refusal}");
        }
        let m2 = [&[2, FLAGS][..], &ours.to_be_bytes(), &nonce()].concat();
        send.write_all(&m2).await?;
        let m3 = message::<33>(recv, 3).await?;
        let keys = self.keys_of(epoch.max(ours))?;
        let ids = [peer, self.id];
        let mac3 = self.mac(&keys, b'D', &m1, &m2, ids, &[]);
        if !is_equal(&m3[1..], &mac3) {
            send.write_all(&[0, 6]).await?;
            bail!("m3 is wrong");
        }
        send.write_all(&[&[4][..], &self.mac(&keys, b'A', &m1, &m2, ids, &mac3)].concat()).await?;
        self.note(peer, keys.epoch);
        Ok(())
    }

    /// One door on a new stream, which ends with it.
    async fn door(&self, connection: &Connection, side: Side) -> anyhow::Result<()> {
        let peer = connection.remote_id();
        let door = async {
            if side == Side::Client {
                let (mut send, mut recv) = connection.open_bi().await?;
                self.dial(peer, &mut send, &mut recv).await?;
                send.finish()?;
            } else {
                let (mut send, mut recv) = connection.accept_bi().await?;
                let opened = self.accept(peer, &mut send, &mut recv).await;
                send.finish()?;
                // A refusal must arrive before the connection closes.
                if opened.is_err() {
                    tokio::time::timeout(Duration::from_secs(1), send.stopped()).await.ok();
                }
                opened?;
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(DOOR_TIME, door).await.context("the door did not open in time")?
    }

    /// Renews the proof of a connection that we dialled, and closes it when the proof is over.
    async fn renew(self: Arc<Self>, weak: WeakConnectionHandle, peer: EndpointId) {
        loop {
            tokio::time::sleep(RENEW_AFTER).await;
            let Some(connection) = weak.upgrade() else { return };
            if let Err(error) = self.door(&connection, Side::Client).await {
                emit("refused", json!({ "peer": peer.to_string(), "reason": format!("{error:#}") }));
            }
            if self.left(peer).is_none() {
                return connection.close(VarInt::from_u32(1), b"the proof of membership is over");
            }
        }
    }
}

/// The door of each new connection of the members' protocol.
#[derive(Debug)]
pub struct DoorHook(pub Arc<Members>);

impl EndpointHooks for DoorHook {
    async fn after_handshake<'a>(&'a self, connection: &'a Connection) -> AfterHandshakeOutcome {
        if connection.alpn() != ALPN {
            return AfterHandshakeOutcome::accept();
        }
        let side = connection.side();
        let peer = connection.remote_id();
        match self.0.door(connection, side).await {
            Ok(()) => {
                if side == Side::Client {
                    tokio::spawn(self.0.clone().renew(connection.weak_handle(), peer));
                }
                AfterHandshakeOutcome::Accept
            }
            Err(error) => {
                emit("refused", json!({ "peer": peer.to_string(), "reason": format!("{error:#}") }));
                AfterHandshakeOutcome::Reject { error_code: VarInt::from_u32(1), reason: b"no member".to_vec() }
            }
        }
    }
}

/// Gives an accepted connection to iroh-gossip, and answers the doors that renew its proof.
#[derive(Debug)]
pub struct MembersProtocol {
    pub members: Arc<Members>,
    pub gossip: Gossip,
}

impl ProtocolHandler for MembersProtocol {
    async fn accept(&self, connection: Connection) -> Result<(), AcceptError> {
        let peer = connection.remote_id();
        self.gossip.handle_connection(connection.clone()).await.map_err(AcceptError::from_err)?;
        loop {
            let left = self.members.left(peer).unwrap_or_default();
            tokio::select! {
                stream = connection.accept_bi() => {
                    let Ok((mut send, mut recv)) = stream else { return Ok(()) };
                    let door = self.members.accept(peer, &mut send, &mut recv);
                    if !matches!(tokio::time::timeout(DOOR_TIME, door).await, Ok(Ok(()))) {
                        emit("refused", json!({ "peer": peer.to_string(), "reason": "a renewal" }));
                    }
                    send.finish().ok();
                }
                () = tokio::time::sleep(left) => {
                    if self.members.left(peer).is_none() {
                        connection.close(VarInt::from_u32(1), b"the proof of membership is over");
                        return Ok(());
                    }
                }
            }
        }
    }
}

/// The next message, of N bytes, whose first byte is `kind`.
async fn message<const N: usize>(recv: &mut RecvStream, kind: u8) -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    recv.read_exact(&mut bytes[..2]).await?;
    ensure!(bytes[0] != 0, "refused with code {}", bytes[1]);
    ensure!(bytes[0] == kind, "message {} in place of {kind}", bytes[0]);
    recv.read_exact(&mut bytes[2..]).await?;
    Ok(bytes)
}

fn nonce() -> [u8; 32] {
    let mut bytes = [0; 32];
    OsRng.fill_bytes(&mut bytes);
    bytes
}

fn is_equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |sum, (x, y)| sum | (x ^ y)) == 0
}
