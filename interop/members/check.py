#!/usr/bin/env python3
"""Checks packages/core/test/vectors/members.json with an implementation of its own.

It follows the text of PROTOCOL.md, "Above the crate's wire", and shares no code and no library with the TypeScript implementation.
Needs Python 3.9 and the package `cryptography` (Ed25519, ChaCha20-Poly1305). The last line is `N passed, N failed`.

    python3 interop/members/check.py packages/core/test/vectors/members.json
"""
import hashlib
import hmac
import json
import struct
import sys

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SIGNED, BATCH, PART, NEIGHBORS, ACKNOWLEDGE, LAST, EXTENSION, RESERVED = (1 << i for i in range(8))
OVERLAP, AHEAD = 3, 12
P25519 = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493


def h(data):
    return hashlib.sha512(data).digest()[:32]


def mac(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


extract = mac


def expand(key, info, length=32):
    return mac(key, info + b"\x01")[:length]


class Topic:
    def __init__(self, name, secret):
        self.topic = h(name.encode())
        self.secret_hash = h(secret.encode())
        self.root = extract(b"topic-tracker/members/1", self.topic + self.secret_hash)
        self.gossip = expand(self.root, b"gossip topic")
        self.channel_key = expand(self.root, b"channel")

    def channel_tag(self, name, mode):
        tag = bytearray(mac(self.channel_key, bytes([mode]) + name.encode())[:8])
        tag[0] = (tag[0] & 0x3F) | (mode << 6)
        return bytes(tag)

    def default_seed(self, minute):
        return h(self.topic + struct.pack(">Q", minute) + self.secret_hash)

    def epoch(self, minute, seed=None):
        seed = self.default_seed(minute) if seed is None else seed
        return Epoch(extract(self.root, seed + struct.pack(">I", minute)))


class Epoch:
    def __init__(self, key):
        self.key = key
        self.door_tag = expand(key, b"door tag", 8)
        self.door_key = expand(key, b"door")

    def seal_key(self, stream):
        return expand(self.key, b"seal" + stream)


# --- Ed25519, strict ---


def is_small_order(encoded):
    """Points of order 1, 2, 4 and 8 have these y, modulo p."""
    y = int.from_bytes(encoded, "little") & (2**255 - 1)
    order8 = (
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD83D3D706A17C7,
    )
    return y % P25519 in (0, 1, P25519 - 1) + order8


def verify_strict(public, message, signature):
    if is_small_order(public) or is_small_order(signature[:32]):
        return False
    if int.from_bytes(signature[32:], "little") >= ORDER:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        return True
    except (InvalidSignature, ValueError):
        return False


# --- envelopes ---


def form(data, scope):
    """'ignore', 'reject' or None."""
    if len(data) == 0:
        return "reject"
    if data[0] != 1:
        return "ignore"
    if len(data) < 2:
        return "reject"
    flags = data[1]
    if flags & RESERVED:
        return "ignore"
    size = len(data) - (146 if flags & SIGNED else 82)
    if size < 0:
        return "reject"
    if bool(flags & NEIGHBORS) != (scope == "neighbors"):
        return "reject"
    if flags & PART and flags & BATCH or flags & LAST and flags & (PART | BATCH):
        return "reject"
    mode = (0 if flags & SIGNED else 1) + (2 if flags & NEIGHBORS else 0)
    if data[46] >> 6 != mode:
        return "reject"
    seq, index, count = struct.unpack(">QHH", data[54:66])
    last = seq + count - 1 if flags & BATCH else seq
    if seq < 1 or last > 2**53 - 1:
        return "reject"
    if flags & PART:
        fine = count >= 2 and index < count and size >= 1 and count * size <= 16 * 2**20
    else:
        fine = index == 0 and (count >= 2 if flags & BATCH else count == 1)
    return None if fine else "reject"


def take(data):
    """A length of two bytes and the bytes; and the rest. None if it does not add up."""
    if len(data) < 2:
        return None
    (length,) = struct.unpack(">H", data[:2])
    return (data[2 : 2 + length], data[2 + length :]) if len(data) >= 2 + length else None


def read_contents(plaintext, flags, count):
    """Extension and messages; None if the lengths do not add up."""
    extension = None
    if flags & EXTENSION:
        taken = take(plaintext)
        if taken is None:
            return None
        extension, plaintext = taken
    if flags & LAST:
        return None if plaintext else (extension, [])
    if not flags & BATCH:
        return extension, [plaintext]
    messages = []
    while plaintext:
        taken = take(plaintext)
        if taken is None:
            return None
        messages.append(taken[0])
        plaintext = taken[1]
    return (extension, messages) if len(messages) == count else None


def nonce_of(data):
    return data[54:62] + b"\0\0" + data[62:64]


def signed_message(topic, data):
    return b"topic-tracker/members/1 envelope" + topic.gossip + data[:-64]


def judge(topic, own_minute, data, scope):
    """Verdict, deciding step, and for an accepted envelope its plaintext and contents."""
    early = form(data, scope)
    if early:
        return early, "form", None, None
    flags = data[1]
    (epoch,) = struct.unpack(">I", data[2:6])
    if not own_minute - OVERLAP <= epoch <= own_minute + AHEAD:
        return "ignore", "epoch", None, None
    end = len(data) - 64 if flags & SIGNED else len(data)
    key = topic.epoch(epoch).seal_key(data[6:54])
    try:
        plaintext = ChaCha20Poly1305(key).decrypt(nonce_of(data), data[66:end], data[:66])
    except InvalidTag:
        return "reject", "seal", None, None
    contents = None
    if not flags & PART:
        contents = read_contents(plaintext, flags, struct.unpack(">H", data[64:66])[0])
        if contents is None:
            return "reject", "contents", None, None
    if flags & SIGNED and not verify_strict(data[6:38], signed_message(topic, data), data[-64:]):
        return "reject", "signature", None, None
    return "accept", None, plaintext, contents


def seal_again(topic, data, plaintext):
    """The same envelope, made from its fields by the author, whose seed is 32 bytes of 07."""
    (epoch,) = struct.unpack(">I", data[2:6])
    key = topic.epoch(epoch).seal_key(data[6:54])
    made = data[:66] + ChaCha20Poly1305(key).encrypt(nonce_of(data), plaintext, data[:66])
    if data[1] & SIGNED:
        private = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
        assert private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) == data[6:38]
        made += private.sign(signed_message(topic, made + bytes(64)))
    return made


# --- invitations ---

ALPHABET = "ybndrfg8ejkmcpqxot1uwisza345h769"


def z32_decode(text):
    value = 0
    for digit in text:
        value = value << 5 | ALPHABET.index(digit)
    spare = len(text) * 5 % 8
    if spare >= 5 or value & ((1 << spare) - 1):
        raise ArithmeticError("bits that belong to no byte")
    return (value >> spare).to_bytes(len(text) * 5 // 8, "big")


class Postcard:
    def __init__(self, data):
        self.data = data

    def raw(self, length):
        if length > len(self.data):
            raise EOFError
        taken, self.data = self.data[:length], self.data[length:]
        return taken

    def varint(self):
        value, shift = 0, 0
        while True:
            (byte,) = self.raw(1)
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def bytes(self):
        return self.raw(self.varint())

    def option(self, read):
        return read() if self.varint() else None


def parse_invitation(text, now):
    """The invitation as in the vectors, or the reason why it is none."""
    text = "".join(text.split()).lower()
    if not text.startswith("tt1") or len(text) > 700:
        return "NotAnInvite"
    try:
        data = z32_decode(text[3:])
    except ValueError:
        return "NotAnInvite"
    except ArithmeticError:
        return "Checksum"
    if len(data) < 5:
        return "NotAnInvite"
    body, checksum = data[:-4], data[-4:]
    if hashlib.sha256(b"tt invite 1" + body).digest()[:4] != checksum:
        return "Checksum"
    if body[0] != 1:
        return "Version"
    reader = Postcard(body[1:])
    try:
        by_id = reader.varint() == 1
        topic = reader.raw(32).hex() if by_id else reader.bytes().decode()
        invite = {
            "topic_name": None if by_id else topic,
            "topic_id": topic if by_id else None,
            "secret": reader.bytes().hex(),
            "access": ("open", "members")[reader.varint()],
            "expires": reader.option(reader.varint),
            "ring": reader.option(
                lambda: {"generation": reader.varint(), "from": reader.varint(), "secret": reader.bytes().hex()}
            ),
            "peers": [{"id": reader.raw(32).hex(), "data": reader.bytes().hex()} for _ in range(reader.varint())],
        }
    except (EOFError, UnicodeDecodeError, IndexError):
        return "Invalid"
    return "Expired" if invite["expires"] is not None and now >= invite["expires"] else invite


# --- the checks: each gives the names of what does not agree ---


def check_keys(case):
    topic = Topic(case["topic_name"], case["secret"])
    seed = bytes.fromhex(case["rotation_seed"])
    epoch = topic.epoch(case["minute"], seed)
    if case["default_rotation"] and topic.default_seed(case["minute"]) != seed:
        yield "rotation seed"
    if topic.gossip.hex() != case["gossip_topic"]:
        yield "gossip topic"
    if epoch.door_tag.hex() != case["door_tag"]:
        yield "door tag"
    if epoch.door_key.hex() != case["door_key"]:
        yield "door key"
    for channel in case["channels"]:
        if topic.channel_tag(channel["name"], channel["mode"]).hex() != channel["tag"]:
            yield f"channel {channel}"
    stream = bytes.fromhex(case["author"] + case["session"]) + topic.channel_tag("chat", 0)
    if epoch.seal_key(stream).hex() != case["seal_key"]:
        yield "seal key"


def check_door(case):
    topic = Topic(case["topic_name"], case["secret"])
    m1, m2, m3, m4 = (bytes.fromhex(case[name]) for name in ("m1", "m2", "m3", "m4"))
    if [len(m) for m in (m1, m2, m3, m4)] != [47, 38, 33, 33] or [m1[0], m2[0], m3[0], m4[0]] != [1, 2, 3, 4]:
        yield "layout"
    (epoch_d,) = struct.unpack(">I", m1[3:7])
    (epoch_a,) = struct.unpack(">I", m2[2:6])
    if m1[7:15] != topic.epoch(epoch_d).door_tag:
        yield "door tag"
    key = topic.epoch(max(epoch_d, epoch_a)).door_key
    both = m1 + m2 + bytes.fromhex(case["dialler"] + case["acceptor"]) + topic.gossip
    valid = m3[1:] == mac(key, b"\x44" + both) and m4[1:] == mac(key, b"\x41" + both + m3[1:])
    if valid != case["valid"]:
        yield "MACs"


def check_envelope(case):
    topic = Topic(case["topic_name"], case["secret"])
    data = bytes.fromhex(case["bytes"])
    verdict, step, plaintext, contents = judge(topic, case["own_minute"], data, case["scope"])
    if (verdict, step) != (case["verdict"], case["step"]):
        yield f"{verdict} at {step}, expected {case['verdict']} at {case['step']}"
    if verdict != "accept":
        return
    if plaintext.hex() != case["plaintext"]:
        yield "plaintext"
    if contents is not None:
        extension, messages = contents
        if [message.hex() for message in messages] != case["messages"]:
            yield "messages"
        if (None if extension is None else extension.hex()) != case["extension"]:
            yield "extension"
    if seal_again(topic, data, plaintext) != data:
        yield "made again"


def check_invitation(case):
    parsed = parse_invitation(case["text"], case["now"])
    if isinstance(parsed, str):
        if parsed != case.get("reason"):
            yield parsed
        return
    for field, value in parsed.items():
        if case.get(field) != value:
            yield field


def main(path):
    with open(path, encoding="utf-8") as file:
        vectors = json.load(file)
    checks = {
        "keys": check_keys,
        "doors": check_door,
        "envelopes": check_envelope,
        "bad_envelopes": check_envelope,
        "invitations": check_invitation,
        "bad_invitations": check_invitation,
    }
    passed, failed = 0, 0
    for section, check in checks.items():
        for i, case in enumerate(vectors[section]):
            wrong = list(check(case))
            if wrong:
                failed += 1
                print(f"{section} {i} ({case.get('name', case.get('topic_name'))}): {', '.join(wrong)}")
            else:
                passed += 1
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
