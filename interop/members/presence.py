#!/usr/bin/env python3
"""Writes packages/presence/test/vectors/presence.json: notes of presence and whispers, by an implementation of its own.

It follows the text of PROTOCOL.md, "Notes and whispers", and shares no code and no library with the TypeScript implementation, which has to agree
with it. Everything is fixed, so a second run gives the same file. Needs Python 3.9 and the package `cryptography` (Ed25519).

    python3 interop/members/presence.py > packages/presence/test/vectors/presence.json
"""
import json
import struct

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HERE, LEFT, SUSPECT = 1, 2, 3
DIGEST, BUCKETS, ITEMS, WANT, NOTES, PULL, PAGE = range(1, 8)
TOPIC = bytes(range(32))
OTHER_TOPIC = bytes(range(1, 33))
STAMP = 1_800_000_000_000


def stamp6(value):
    return struct.pack(">Q", value)[2:]


class Author:
    def __init__(self, fill):
        self.seed = bytes([fill]) * 32
        self.key = Ed25519PrivateKey.from_private_bytes(self.seed)
        self.id = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def note(self, kind, stamp, body, topic=TOPIC):
        head = bytes([2, kind]) + self.id + stamp6(stamp) + body
        return head + self.key.sign(b"topic-tracker/members/1 note" + topic + head)


def here(since, minutes, state):
    return stamp6(since) + struct.pack(">H", minutes) + state


def suspect(accused):
    return b"".join(member + stamp6(stamp) for member, stamp in accused)


ADA, BO, CY = Author(7), Author(8), Author(9)


def note_case(name, author, kind, stamp, body, fields, valid=True, change=None, topic=TOPIC):
    data = author.note(kind, stamp, body, topic)
    if change is not None:
        data = data[:change] + bytes([data[change] ^ 1]) + data[change + 1 :]
    return {
        "name": name,
        "author_seed": author.seed.hex(),
        "author": author.id.hex(),
        "kind": kind,
        "stamp": stamp,
        "body": body.hex(),
        **fields,
        "valid": valid,
        "bytes": data.hex(),
    }


def here_case(name, author, stamp, since, minutes, state, **more):
    fields = {"here": {"since": since, "ttl_minutes": minutes, "state": state.hex()}}
    return note_case(name, author, HERE, stamp, here(since, minutes, state), fields, **more)


def suspect_case(name, author, stamp, accused):
    fields = {"accused": [{"member": member.hex(), "stamp": at} for member, at in accused]}
    return note_case(name, author, SUSPECT, stamp, suspect(accused), fields)


def notes():
    yield here_case("here, no state", ADA, STAMP, STAMP - 5, 25, b"")
    yield here_case("here, 32 bytes of state", BO, STAMP + 1, 0, 1, bytes(range(32)))
    yield here_case("here, the longest state, the longest time", CY, 2**48 - 1, 2**48 - 1, 10_080, bytes(1_024))
    yield note_case("left", ADA, LEFT, STAMP + 2, b"", {})
    yield suspect_case("one accused", BO, STAMP + 3, [(ADA.id, STAMP + 2)])
    yield suspect_case("eight accused", CY, STAMP + 4, [(bytes([i]) * 32, STAMP * i) for i in range(8)])
    yield here_case("of another topic", ADA, STAMP, STAMP, 25, b"", topic=OTHER_TOPIC, valid=False)
    yield here_case("its state was changed", ADA, STAMP, STAMP, 25, b"x", change=48, valid=False)
    yield here_case("its stamp was changed", ADA, STAMP, STAMP, 25, b"x", change=39, valid=False)
    yield here_case("its author was changed", ADA, STAMP, STAMP, 25, b"x", change=2, valid=False)


def malformed_bodies():
    yield {"kind": HERE, "body": "00" * 7}
    yield {"kind": HERE, "body": here(STAMP, 0, b"").hex()}
    yield {"kind": HERE, "body": here(STAMP, 10_081, b"").hex()}
    yield {"kind": HERE, "body": here(STAMP, 25, bytes(1_025)).hex()}
    yield {"kind": SUSPECT, "body": ""}
    yield {"kind": SUSPECT, "body": "00" * 37}
    yield {"kind": SUSPECT, "body": "00" * 39}
    yield {"kind": SUSPECT, "body": "00" * (9 * 38)}


def root(notes_here):
    result = bytes(8)
    for note in notes_here:
        result = bytes(a ^ b for a, b in zip(result, note[-64:]))
    return result


def counted(note):
    return struct.pack(">H", len(note)) + note


def whispers():
    one, other = ADA.note(HERE, STAMP, here(STAMP, 25, b"a")), BO.note(LEFT, STAMP, b"")
    roots = [root([]), root([one]), root([one, other]), bytes(range(8))]

    def case(name, kind, fields, data):
        return {"name": name, **fields, "bytes": (bytes([kind]) + data).hex()}

    def digest(name, flags, count, of):
        fields = {"digest": {"flags": flags, "count": count, "root": of.hex()}}
        return case(name, DIGEST, fields, struct.pack(">BI", flags, count) + of)

    yield digest("nobody is known", 0, 0, roots[0])
    yield digest("one is known", 1, 1, roots[1])
    yield digest("all flags, many", 15, 2**32 - 1, roots[2])
    for bits in (0, 2):
        some = roots[: 2**bits]
        fields = {"buckets": {"bits": bits, "roots": [each.hex() for each in some]}}
        yield case(f"{2**bits} roots", BUCKETS, fields, bytes([bits]) + b"".join(some))
    for reply, bits, buckets, items in (
        (0, 0, [0], []),
        (0, 10, [0, 1, 1_023], [(ADA.id, STAMP), (CY.id, 2**48 - 1)]),
        (1, 2, [3], [(BO.id, 0)]),
    ):
        listed = [{"prefix": member[:8].hex(), "stamp": at} for member, at in items]
        fields = {"items": {"reply": reply == 1, "bits": bits, "buckets": buckets, "items": listed}}
        data = struct.pack(">BBH", reply, bits, len(buckets)) + b"".join(struct.pack(">H", each) for each in buckets)
        yield case(f"{len(items)} items", ITEMS, fields, data + b"".join(member[:8] + stamp6(at) for member, at in items))
    for wanted in ([], [ADA.id, CY.id]):
        prefixes = [each[:8] for each in wanted]
        yield case(f"{len(wanted)} wanted", WANT, {"want": [each.hex() for each in prefixes]}, b"".join(prefixes))
    for some in ([], [one], [one, other]):
        yield case(f"{len(some)} notes", NOTES, {"notes": [each.hex() for each in some]}, b"".join(map(counted, some)))
    yield case("all", PULL, {"pull": "00" * 32}, bytes(32))
    yield case("all after one", PULL, {"pull": BO.id.hex()}, BO.id)
    for last, some in ((0, [one]), (1, [one, other]), (1, [])):
        fields = {"page": {"last": last == 1, "notes": [each.hex() for each in some]}}
        yield case(f"page of {len(some)}", PAGE, fields, bytes([last]) + b"".join(map(counted, some)))


def malformed_whispers():
    note = ADA.note(HERE, STAMP, here(STAMP, 25, b"a"))
    yield from ("", "00", "08", "ff")
    yield "01" + "00" * 12
    yield "01" + "00" * 14
    yield from ("02", "020b" + "00" * 8 * 2_048, "0200", "0200" + "00" * 9, "0201" + "00" * 8)
    yield from ("03", "03000000", "03000b0000", "0300000001", "0300000001" + "0001", "0300000002" + "0000" * 2, "0300000000" + "00" * 13)
    yield "04" + "00" * 7
    yield from ("0500", "050000", "0500ff" + "00" * 10, "05" + (counted(note)[:-1]).hex(), "05" + counted(b"\x01" + note[1:]).hex())
    yield from ("06", "06" + "00" * 31, "06" + "00" * 33)
    yield from ("07", "070100")


print(
    json.dumps(
        {
            "source": "interop/members/presence.py, which follows PROTOCOL.md, \"Notes and whispers\"",
            "gossip_topic": TOPIC.hex(),
            "notes": list(notes()),
            "malformed_bodies": list(malformed_bodies()),
            "whispers": list(whispers()),
            "malformed_whispers": list(malformed_whispers()),
        },
        indent=1,
        ensure_ascii=False,
    )
)
