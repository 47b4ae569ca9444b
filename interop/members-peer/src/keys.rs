//! "Keys of a members-only topic": HMAC-SHA256, used as Extract and Expand of HKDF for one block.

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256, Sha512};

pub const AHEAD: u32 = 12;
pub const OVERLAP: u32 = 3;
const MAX_PULL: u32 = 7;

pub fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any size");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn expand(key: &[u8; 32], info: &[&[u8]]) -> [u8; 32] {
    hmac(key, &[info, &[&[1u8][..]]].concat())
}

/// SHA-512, cut to 32 bytes.
fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha512::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize()[..32].try_into().expect("64 bytes")
}

fn eight(bytes: &[u8]) -> [u8; 8] {
    bytes[..8].try_into().expect("at least 8 bytes")
}

/// The keys that follow from name and secret.
#[derive(Debug)]
pub struct TopicKeys {
    topic: [u8; 32],
    secret: [u8; 32],
    p: [u8; 32],
    pub gossip: [u8; 32],
    channel: [u8; 32],
}

/// The keys of a minute.
pub struct EpochKeys {
    pub epoch: u32,
    pub door_tag: [u8; 8],
    pub door: [u8; 32],
    key: [u8; 32],
}

impl TopicKeys {
    pub fn new(name: &str, secret: &str) -> Self {
        let topic = hash(&[name.as_bytes()]);
        let secret = hash(&[secret.as_bytes()]);
        let p = hmac(b"topic-tracker/members/1", &[&topic, &secret]);
        Self { topic, secret, p, gossip: expand(&p, &[b"gossip topic"]), channel: expand(&p, &[b"channel"]) }
    }

    /// The tag of a signed channel for the whole swarm: mode 0.
    pub fn channel_tag(&self, name: &str) -> [u8; 8] {
        let mut tag = eight(&hmac(&self.channel, &[&[0], name.as_bytes()]));
        tag[0] &= 0x3f;
        tag
    }

    pub fn epoch(&self, epoch: u32) -> EpochKeys {
        let rotation = hash(&[&self.topic, &u64::from(epoch).to_be_bytes(), &self.secret]);
        let key = hmac(&self.p, &[&rotation, &epoch.to_be_bytes()]);
        let door_tag = eight(&expand(&key, &[b"door tag"]));
        EpochKeys { epoch, door_tag, door: expand(&key, &[b"door"]), key }
    }

    /// The keys whose door tag this is, of the minutes around `own`.
    pub fn find(&self, tag: &[u8], own: u32) -> Option<EpochKeys> {
        (own.saturating_sub(AHEAD)..=own + AHEAD).map(|epoch| self.epoch(epoch)).find(|keys| keys.door_tag == tag)
    }
}

impl EpochKeys {
    /// `stream`: author, session and channel tag.
    pub fn seal(&self, stream: &[u8]) -> [u8; 32] {
        expand(&self.key, &[b"seal", stream])
    }
}

/// The present minute.
pub fn own_minute() -> u32 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    (now.as_secs() / 60) as u32
}

/// E: the minute to speak in, if `proven` is the latest one of a door.
pub fn speaking(own: u32, proven: u32) -> u32 {
    own.max(proven.min(own + MAX_PULL))
}
