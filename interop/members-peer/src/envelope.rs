//! "The envelope" of a signed channel: seals, judges and opens.

use std::collections::{HashMap, HashSet};

use anyhow::{bail, ensure};
use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit,
    aead::{Aead, Payload},
};
use iroh::{EndpointId, SecretKey, Signature};

use crate::keys::{AHEAD, OVERLAP, TopicKeys, own_minute};

const LABEL: &[u8] = b"topic-tracker/members/1 envelope";
const SIGNED: u8 = 0x01;
const BATCH: u8 = 0x02;
const PART: u8 = 0x04;
const NEIGHBORS: u8 = 0x08;
const LAST: u8 = 0x20;
const EXTENSION: u8 = 0x40;
const RESERVED: u8 = 0x80;
const HEADER: usize = 66;
const AROUND: usize = HEADER + 16 + 64;
/// The bytes of one message that iroh-gossip carries (4,096 bytes with the frame).
const MAX_CONTENT: usize = 4055;
/// Messages in parts that are put together at a time.
const MAX_ASSEMBLIES: usize = 64;

/// The messages of ours in one channel.
pub struct Writer {
    pub secret_key: SecretKey,
    pub session: [u8; 8],
    pub channel: [u8; 8],
    pub seq: u64,
}

impl Writer {
    /// The envelopes of one message: one, or its parts.
    pub fn write(&mut self, topic: &TopicKeys, epoch: u32, message: &[u8]) -> anyhow::Result<Vec<Vec<u8>>> {
        self.seq += 1;
        let room = MAX_CONTENT - AROUND;
        if message.len() <= room {
            return Ok(vec![self.seal(topic, epoch, SIGNED, 0, 1, message)?]);
        }
        let parts: Vec<_> = message.chunks(room).collect();
        let count = u16::try_from(parts.len())?;
        (0..count)
            .map(|index| self.seal(topic, epoch, SIGNED | PART, index, count, parts[usize::from(index)]))
            .collect()
    }

    fn seal(
        &self,
        topic: &TopicKeys,
        epoch: u32,
        flags: u8,
        index: u16,
        count: u16,
        plaintext: &[u8],
    ) -> anyhow::Result<Vec<u8>> {
        let author = self.secret_key.public();
        let stream = [&author.as_bytes()[..], &self.session, &self.channel].concat();
        let mut envelope = [
            &[1, flags][..],
            &epoch.to_be_bytes(),
            &stream,
            &self.seq.to_be_bytes(),
            &index.to_be_bytes(),
            &count.to_be_bytes(),
        ]
        .concat();
        let cipher = ChaCha20Poly1305::new(&topic.epoch(epoch).seal(&stream).into());
        let sealed = cipher
            .encrypt(&nonce(self.seq, index).into(), Payload { msg: plaintext, aad: &envelope })
            .map_err(|_| anyhow::anyhow!("not sealed"))?;
        envelope.extend(sealed);
        let signature = self.secret_key.sign(&[LABEL, &topic.gossip, &envelope].concat());
        envelope.extend(signature.to_bytes());
        Ok(envelope)
    }
}

fn nonce(seq: u64, index: u16) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&seq.to_be_bytes());
    bytes[10..].copy_from_slice(&index.to_be_bytes());
    bytes
}

/// A message of a channel.
pub struct Received {
    pub author: EndpointId,
    pub seq: u64,
    pub message: Vec<u8>,
}

type Place = ([u8; 48], u64);

/// Reads a channel. Without repairs, a message that gossip loses is missing, and messages come in the order of their arrival.
pub struct Reader {
    pub channel: [u8; 8],
    seen: HashSet<(Place, u16)>,
    parts: HashMap<Place, Vec<Option<Vec<u8>>>>,
}

impl Reader {
    pub fn new(channel: [u8; 8]) -> Self {
        Self { channel, seen: HashSet::new(), parts: HashMap::new() }
    }

    /// The messages of an envelope; an error says why it is ignored or rejected.
    pub fn read(&mut self, topic: &TopicKeys, is_swarm: bool, envelope: &[u8]) -> anyhow::Result<Vec<Received>> {
        ensure!(envelope.len() >= AROUND, "{} bytes", envelope.len());
        let flags = envelope[1];
        ensure!(envelope[0] == 1 && flags & RESERVED == 0, "another version");
        let stream: [u8; 48] = envelope[6..54].try_into()?;
        let mode = stream[40] >> 6;
        ensure!(mode == u8::from(flags & SIGNED == 0) + 2 * u8::from(flags & NEIGHBORS != 0), "mode");
        ensure!((flags & NEIGHBORS == 0) == is_swarm, "scope");
        if stream[40..] != self.channel {
            return Ok(vec![]);
        }
        let epoch = u32::from_be_bytes(envelope[2..6].try_into()?);
        let own = own_minute();
        ensure!(epoch + OVERLAP >= own && epoch <= own + AHEAD, "the minute {epoch}");
        let author = EndpointId::from_bytes(stream[..32].try_into()?)?;
        let seq = u64::from_be_bytes(envelope[54..62].try_into()?);
        let index = u16::from_be_bytes(envelope[62..64].try_into()?);
        let count = u16::from_be_bytes(envelope[64..66].try_into()?);
        ensure!((1..1 << 53).contains(&seq) && index < count, "seq {seq}, index {index} of {count}");
        let place = (stream, seq);
        ensure!(!self.seen.contains(&(place, index)), "known already");
        let (signed, signature) = envelope.split_at(envelope.len() - 64);
        let (header, sealed) = signed.split_at(HEADER);
        let cipher = ChaCha20Poly1305::new(&topic.epoch(epoch).seal(&stream).into());
        let Ok(plaintext) = cipher.decrypt(&nonce(seq, index).into(), Payload { msg: sealed, aad: header }) else {
            bail!("it does not open");
        };
        let signature = Signature::from_bytes(signature.try_into()?);
        author.verify(&[LABEL, &topic.gossip, signed].concat(), &signature)?;
        self.seen.insert((place, index));
        if flags & LAST != 0 {
            return Ok(vec![]);
        }
        let messages = if flags & BATCH != 0 {
            batch(&plaintext, usize::from(count))?
        } else if flags & PART != 0 {
            self.part(place, index, count, plaintext).into_iter().collect()
        } else {
            vec![plaintext]
        };
        let without_extension =
            |message: Vec<u8>| if flags & EXTENSION == 0 { message } else { after_extension(message) };
        Ok(messages
            .into_iter()
            .zip(seq..)
            .map(|(message, seq)| Received { author, seq, message: without_extension(message) })
            .collect())
    }

    /// The whole message, if this was its last part.
    fn part(&mut self, place: Place, index: u16, count: u16, plaintext: Vec<u8>) -> Option<Vec<u8>> {
        if !self.parts.contains_key(&place) && self.parts.len() >= MAX_ASSEMBLIES {
            return None;
        }
        let parts = self.parts.entry(place).or_insert_with(|| vec![None; usize::from(count)]);
        *parts.get_mut(usize::from(index))? = Some(plaintext);
        if parts.iter().any(Option::is_none) {
            return None;
        }
        self.parts.remove(&place).map(|parts| parts.into_iter().flatten().flatten().collect())
    }
}

fn batch(plaintext: &[u8], count: usize) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut messages = Vec::new();
    let mut rest = plaintext;
    while let Some((length, more)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length));
        ensure!(length <= more.len(), "a batch that does not add up");
        messages.push(more[..length].to_vec());
        rest = &more[length..];
    }
    ensure!(rest.is_empty() && messages.len() == count, "a batch that does not add up");
    Ok(messages)
}

fn after_extension(message: Vec<u8>) -> Vec<u8> {
    let Some((length, rest)) = message.split_first_chunk::<2>() else { return message };
    rest.get(usize::from(u16::from_be_bytes(*length))..).unwrap_or_default().to_vec()
}
