#!/usr/bin/env python3
"""Checks a Beadle log folder or evidence package. Python 3.8 or later, nothing to install.

  python3 verify.py PATH [--hub VKEY]... [--head FILE]... [--live]
  python3 verify.py log PATH ...      PATH is a log folder (has *.jsonl)
  python3 verify.py bundle PATH ...   PATH is an evidence package (has SHA256SUMS)

  --hub VKEY   the hub's countersigning key, typed from the council's page or the printed
               certificate (never taken from the package). May be given more than once.
  --head FILE  a further signed head of the log that the reader knows of, such as the hub's.
  --live       the log is still being written, so an unfinished last line is normal.
  --authority FILE   root certificates (PEM) of an authority for time stamps that the reader trusts.
  --witness VKEY     the key of a witness that the reader trusts. Both may be given more than once.

Prints the verdict, then one line per finding: CODE, place, plain sentence (tab between).
Ends with status 0 for INTACT..., 1 for NOT-INTACT, 2 for CANNOT-CHECK.

How to read this file, top to bottom: (1) hashes and the tree, (2) the two signature schemes,
(3) keys, heads and proofs, (4) one line of the log, (5) a whole log, (6) a package, (7) the
command. What each rule is and why: docs/verdicts.md and SPEC.txt.
"""
import array
import base64
import datetime
import hashlib
import json
import os
import re
import stat
import sys

if sys.version_info < (3, 8):
    sys.stderr.write("verify.py: this is Python %d.%d and 3.8 or later is needed; nothing was checked. Take a newer Python, or "
                     "another computer.\n" % sys.version_info[:2])
    sys.exit(2)

MAX_LINE = 4096              # most bytes of a log line, line end included
MAX_FILE = 4096 * 65536      # most bytes of a file that is read whole: the most a file of log lines can have
MAX_SHOWN = 100              # findings of a class printed, besides the first of each further code; the rest are counted

# ---------------------------------------------------------------- the sentences
# One place for every sentence; the Rust verifier has the same table (shared/src/verify/words.rs).

WORDS = {
    # RECORD-MALFORMED, UNKNOWN-VERSION
    "TOO_LONG": "too long: the line has more than 4096 bytes",
    "NO_LF": "torn: the line has no final LF",
    "CRLF": "CRLF: the line holds a carriage return",
    "NON_ASCII": "non-ASCII: the line holds a byte outside printable ASCII",
    "WHITE_SPACE": "white space outside a string",
    "NOT_JSON": "not JSON: the line is not one JSON object",
    "DUPLICATE_KEY": "duplicate key \"{}\" in one object",
    "FLOAT": "float: a number has a fraction or an exponent",
    "MINUS_ZERO": "bad value: zero has a minus sign",
    "OUT_OF_RANGE": "number out of range",
    "ESCAPE": "bad value: a string is not escaped the way the log does it",
    "TOO_DEEP": "bad value: nested more than 32 deep",
    "UNKNOWN_KEY_IN_LINE": "unknown key \"{}\"",
    "MISSING_KEY": "missing key \"{}\"",
    "KEY_ORDER": "key order: the keys are not v, log, n, prev, t, boot, mono, type, who, data",
    "BAD_VALUE": "bad value: \"{}\" is not of its form",
    "BAD_TIME": "bad time: \"{}\" is not like 2026-11-03T14:01:03.000Z",
    "VERSION": "version {} of the record is not known to this verifier",
    "MONO": "mono backwards: from {} to {} within one start",
    "TORN": "torn: {} bytes after the last whole line",
    # lines
    "FOREIGN_LINE": "the line belongs to log {} and not to {}",
    "OUT_OF_PLACE": "the line says it is number {} where number {} belongs: lines are missing or out of order",
    "FILE_PLACE": "file {} begins here after {} lines: a file is missing or out of order",
    "NOT_OPENED": "the first line of a log is log.open and not {}",
    "NOT_STARTED": "the second line of a log is sys.boot and not {}",
    "CHAIN": "the line does not quote the hash of the line before it: one of the two was changed",
    "BOOT_UNLOGGED": "the start counter goes from {} to {} without a sys.boot line that raises it",
    "BOOT_SAME": "a sys.boot line that does not raise the start counter {}",
    "SILENCE": "{} ms without a line; a running box writes every 60 seconds",
    "STEP": "the wall clock moved by {} ms against the steady clock and no clock.step says so",
    "SEGMENT_JUMP": "line {}: segment {} follows segment {}",
    "SEGMENT_HOLE": "line {}: {} ms before segment {} are missing and no gap is declared",
    "GAP_DECLARED": "line {}: {} ms before segment {} are declared as a gap",
    "LIFT_NOT_LOGGED": "the recording from {} to {} of camera {} is without its mask, and no line says that the mask was lifted then",
    "NOT_PROVED": "the recording of camera {} is said to have its mask proved, by no proof at all",
    "UNKNOWN_TYPE": "lines of type {} are not known to this verifier and were not judged",
    "MASK_NOT_SET": "the recording of camera {} is said to be under mask {}, and no line sets that mask",
    "MASK_UNNAMED": "the recording of camera {} is said to be {}, and names no mask",
    "MASK_NOT_AS_SET": "mask {} of camera {} is in force, and the recording from {} bears mask {}",
    "MASK_NOT_KNOWN": "the recording of camera {} says of its mask {}, which is not one of none, burned, proved, lifted",
    "LIFT_PEOPLE": "the lift of mask {} of camera {} names {} people; it takes two",
    "LIFT_LONG": "the lift of mask {} of camera {} is to last until {}, which is more than 24 hours",
    "SEGMENT_BACKWARDS": "segment {} of camera {} begins at {} and does not end after that: {}",
    "SEGMENT_AHEAD": "segment {} of camera {} ends at {}, {} ms after the line was written that describes it",
    "SEGMENT_OVERLAP": "segment {} of camera {} begins {} ms before the end of the one before it, and no clock was set between",
    "LOGGED_LATE": "segment {} of camera {} was put on record {} ms after its end",
    "SHORT_HOLES": "{} holes of 101 to 500 ms between segments, {} ms in all, are not declared as gaps: so short a hole counts as none",
    "CAMERA_SILENT": "the camera recorded in this start, and of the last {} ms of the log there is neither a recording nor a gap",
    "RESTART_BACK": "over a restart the wall clock went back by {} ms and no clock.step says so",
    "CLOCK_OVER_RESTART": "over a restart the wall clock went on by {} ms, though the machine says it had run for {} ms: it was set",
    "AFTER_CLOSE": "the log was closed, and lines follow",
    "DELETION_NOT_LOGGED": "a deletion is said to be done that no line of this log announced",
    "TORN_LIVE": "{} bytes after the last whole line, which is still being written",
    # heads
    "NOT_A_HEAD": "the file is not a signed head",
    "FOREIGN_HEAD": "the head belongs to log {} and not to {}",
    "WRONG_KEY": "the head is signed by key {} where key {} is in force",
    "UNKNOWN_KEY": "no key of this log has signed the head",
    "BAD_SIGNATURE": "the signature under the log's own key does not verify",
    "BAD_COSIGNATURE": "the countersignature by {} does not verify",
    "HUB_NAME_ONLY": "a signature bears the name {} but is not of that key",
    "NO_COSIGNATURE": "no hub key given has countersigned the head",
    "TRUNCATED": "the head counts {} lines and the log has {}",
    "ROLLED_BACK": "the hub has countersigned {} lines and the log has {}",
    "FORKED": "the hub has countersigned another history of {} lines than this one, which the log's own newest head fits",
    "ALTERED": "the lines do not give the root of the newest head of {} lines: a line was changed",
    "ALTERED_OR_FORKED": "the lines do not give the root stated for {} lines: lines were changed, or this is another history",
    "PROOF_OF_FORK": "two heads of {} lines with different roots are both signed by keys of this log",
    "NO_HUB_KEY": "no hub key was given, so no countersignature was checked",
    "LATE_FIRST": "the first {} lines were first countersigned at {}, {} s after the first of them was written",
    "ABOVE_COUNTERSIGNED": "{} lines, written over {} s, lie above the newest countersignature",
    "CLOCK_APART": "at {} of {} countersignatures the recorder's clock and the hub's were more than 60 s apart, at line {} the most: {} s {}",
    "HUB_CLOCK_BACK": "the hub countersigned {} lines at {}, after fewer lines at {}: its clock was set back",
    "UNSEALED": "{} lines lie above the newest signed head",
    # reading
    "NO_LINE": "there is no line that can be read",
    "NO_FOLDER": "the folder cannot be read",
    "NO_FILE": "the file cannot be read",
    "PC_FILE": "the file is one that computers leave in folders; it is no part of what was judged",
    "MORE_DAMAGE": "{} further findings of damage",
    "MORE_BLIND": "{} further findings of what cannot be checked",
    "MORE_NOTES": "{} further notes",
    # package: listing
    "LISTING_LINE": "line {} of the listing cannot be read",
    "LISTING_PATH": "the listing names a path that may lead elsewhere",
    "LISTING_TWICE": "the listing names the file twice",
    "LISTING_ODD": "the listing names something that is not a plain file",
    "FILE_MISSING": "the file is listed but is not there",
    "FILE_ALTERED": "the file is not the one that was listed",
    "FILE_EXTRA": "the file is not in the listing",
    # package: seal
    "SEAL_KEY": "no proven line of the hub's log names the seal key",
    "SEAL_OTHER_KEY": "the seal was made with another key than the one the hub's log names",
    "SEAL_BROKEN": "the seal does not fit the listing",
    "SEAL_MISSING": "there is no seal",
    "TOKEN_UNCHECKED": "no root certificate of an authority was given, so the time stamp was not judged; openssl ts -verify checks it (SPEC.txt 6)",
    "TOKEN_FOREIGN": "no root certificate that was given vouches for the time stamp, so it was not judged",
    "TOKEN_BAD": "it is no time stamp, or of something else, or not signed by whom it names",
    "STAMPED": "an authority under root certificate {} stamped the listing at {}",
    "NOT_EXPORTED": "no proven line of the hub's log says that this listing was exported",
    # package: records and head
    "NO_MANIFEST": "the manifest cannot be read",
    "NOT_A_BOX_LOG": "the manifest names the log {}, which is not a box's: <scheme>/box/<name>/<number>",
    "PROOF_MISMATCH": "the proof of the line is missing or is not this line's",
    "NOT_IN_LOG": "the line is not in the log under its head, or the proof is another's (PROOF-MISMATCH)",
    "NO_KEY_LINE": "no line among the records names the key that signed the head",
    # package: masters
    "UNLOGGED_ENTRY": "the records hold no segment of camera {} at line {}",
    "UNLOGGED_FILE": "the manifest does not name this file",
    "ENTRY_MISSING": "the manifest names the file but it is not there",
    "NOT_AS_LOGGED": "the file is not the one line {} describes",
    "COVER_START": "the recordings begin at {} and were asked for from {}",
    "COVER_END": "the recordings end at {} and were asked for to {}",
    "COVER_NONE": "there is no recording from {} to {} and no gap is declared",
    "NO_CLIP": "the records hold no exp.clip line for {} and camera {}",
    "NO_LATER_CLIP": "it holds no line of a later log of this recorder with a proof that leads to its head",
    "ASKED_BACKWARDS": "the time asked for, from {} to {}, does not end after it begins",
    "ASKED_OTHERWISE": "line {} says that {} to {} was asked for, and the manifest {} to {}",
    "ASKED_UNSAID": "line {} does not say for what time was asked; the manifest alone does",
    "CLOCK_UNSHOWN": "no record before the first recording says how the recorder's clock was kept",
    "COPY_UNPROVEN": "no proven line of the hub's log stands for this copy",
    "COPY_OTHER": "no line of the hub's log describes this copy, and there are such lines",
    "COPY_UNCOMPARED": "no line of the hub's log is here that describes this copy, so it was compared with nothing but the seal",
    "ANCHORED": "an authority under root certificate {} stamped at {} what the hub had seen: the first {} lines of this log, with {} of {} recordings here",
    "WITNESSED": "{} attested at {} what the hub had seen: the first {} lines of this log, with {} of {} recordings here",
    "SEEN_UNPROVEN": "no proven line of the hub's log says that it had seen the lines of this log",
    "NOT_ANCHORED": "no time stamp of an authority that was given is here that covers lines of this log",
    "NOT_WITNESSED": "no witness that was given attested lines of this log here",
    "WITNESS_UNCHECKED": "{} attested it too; no key of that name was given, so it was not judged",
    "CLIP_SPAN": "line {} does not say that segments {} to {} were exported",
}


def clean(text):
    """One ? for every character outside printable ASCII."""
    return re.sub("[^ -~]", "?", text)


def say(word, *args):
    """The sentence with its {} filled from left to right."""
    parts = WORDS[word].split("{}")
    return parts[0] + "".join(str(arg) + part for arg, part in zip(args, parts[1:]))


# ---------------------------------------------------------------- (1) hashes and the tree

def sha256(data):
    return hashlib.sha256(data).digest()


def leaf_hash(line):
    """A line's fingerprint: SHA-256 of a zero byte and the line, its line end included."""
    return hashlib.sha256(b"\0" + line).digest()


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


class Tree:
    """The RFC 6962 tree. levels[k] holds the roots of all full blocks of 2**k leaves."""

    def __init__(self):
        self.levels = [[]]
        self.size = 0

    def add(self, leaf):
        self.size += 1
        k = 0
        levels = self.levels
        while True:
            row = levels[k]
            row.append(leaf)
            if len(row) % 2:
                return
            leaf = hashlib.sha256(b"\1" + row[-2] + leaf).digest()
            k += 1
            if k == len(levels):
                levels.append([])

    def root(self, size):
        """Root over the first `size` leaves, size <= self.size."""
        result = None
        k = 0
        while size >> k:
            if size >> k & 1:
                block = self.levels[k][(size >> k) - 1]
                result = block if result is None else node(block, result)
            k += 1
        return sha256(b"") if result is None else result


def root_from_proof(leaf, index, size, hashes):
    """The root that a proof of leaf `index` in `size` leaves leads to; None if its length is wrong."""
    if not 0 <= index < size:
        return None
    result, last, rest = leaf, size - 1, list(hashes)
    while last > 0:
        if index % 2 or index < last:
            if not rest:
                return None
            other = rest.pop(0)
            result = node(other, result) if index % 2 else node(result, other)
        index //= 2
        last //= 2
    return None if rest else result


def consistent(old, size, old_root, root, proof):
    """Whether the tree of `size` leaves begins with that of `old` (RFC 9162 2.1.4.2), 0 < old <= size."""
    if old == size:
        return not proof and old_root == root
    path = list(proof)
    if old & (old - 1) == 0:
        first = old_root
    elif path:
        first = path.pop(0)
    else:
        return False
    a, b, one, other = old - 1, size - 1, first, first
    while a & 1:
        a >>= 1
        b >>= 1
    for item in path:
        if b == 0:
            return False
        if a & 1 or a == b:
            one, other = node(item, one), node(item, other)
            while a and not a & 1:
                a >>= 1
                b >>= 1
        else:
            other = node(other, item)
        a >>= 1
        b >>= 1
    return b == 0 and one == old_root and other == root


# ---------------------------------------------------------------- (2) signatures
# Ed25519 as in RFC 8032. A point is (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z.

P = 2 ** 255 - 19
L = 2 ** 252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
D2 = 2 * D % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)
ZERO = (0, 1, 1, 0)


def ed_add(p, q):
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = p[3] * q[3] % P * D2 % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def ed_double(p):
    a = p[0] * p[0] % P
    b = p[1] * p[1] % P
    h = a + b
    e = h - (p[0] + p[1]) ** 2 % P
    g = a - b
    f = 2 * p[2] * p[2] % P + g
    return e * f % P, g * h % P, f * g % P, e * h % P


def ed_decode(data):
    """The point that 32 bytes stand for, or None."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, (number & (1 << 255) - 1) % P
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * v ** 3 % P * pow(u * v ** 7 % P, (P - 5) // 8, P) % P
    if (v * x * x - u) % P:
        x = x * ROOT_OF_MINUS_1 % P
        if (v * x * x - u) % P:
            return None
    if x % 2 != sign:
        x = (P - x) % P
    return x, y, 1, x * y % P


def ed_encode(p):
    z = pow(p[2], -1, P)
    x, y = p[0] * z % P, p[1] * z % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


class Multiples:
    """Multiples of one point. After a few uses it keeps a table, so that ten thousand signatures
    of one key are checked in seconds."""

    def __init__(self, point):
        self.point, self.uses, self.table = point, 0, None

    def times(self, k):
        self.uses += 1
        if self.uses <= 50:
            result, p = ZERO, self.point
            while k:
                if k & 1:
                    result = ed_add(result, p)
                p = ed_double(p)
                k >>= 1
            return result
        if self.table is None:
            self.build()
        x, y, z, t = ZERO
        for row in self.table:
            byte = k & 255
            k >>= 8
            if byte:
                minus, plus, product = row[byte]
                a = (y - x) * minus % P
                b = (y + x) * plus % P
                c = t * product % P
                e, f, g, h = b - a, z + z - c, z + z + c, b + a
                x, y, z, t = e * f % P, g * h % P, f * g % P, e * h % P
        return x, y, z, t

    def build(self):
        """table[i][j] = j * 256**i * point, in the form the sums above want."""
        self.table, base = [], self.point
        for _ in range(32):
            row, p = [None], base
            for _ in range(255):
                z = pow(p[2], -1, P)
                x, y = p[0] * z % P, p[1] * z % P
                row.append(((y - x) % P, (y + x) % P, D2 * x * y % P))
                p = ed_add(p, base)
            self.table.append(row)
            base = p


_Y = 4 * pow(5, P - 2, P) % P
BASE = Multiples(ed_decode(_Y.to_bytes(32, "little")))
KEYS = {}  # key bytes -> multiples of minus that key, or None when it is no key


def ed25519_good(key, message, signature):
    if len(signature) != 64 or len(key) != 32:
        return False
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    if s >= L:
        return False
    if key not in KEYS:
        point = ed_decode(key)
        KEYS[key] = point and Multiples(((P - point[0]) % P, point[1], 1, (P - point[3]) % P))
    minus_key = KEYS[key]
    if minus_key is None:
        return False
    k = int.from_bytes(hashlib.sha512(r + key + message).digest(), "little") % L
    return ed_encode(ed_add(BASE.times(s), minus_key.times(k))) == r


# ECDSA: on P-256 with SHA-256 for the seal, and as authorities for time stamps use it.

class Curve:
    """y*y = x*x*x - 3*x + b modulo q; g is the base point, of order n; numbers have `size` bytes."""

    def __init__(self, q, n, b, gx, gy):
        self.q, self.n, self.b, self.g = q, n, b, (gx, gy)
        self.size = q.bit_length() // 8

    def point(self, data):
        """The point in 04, x, y; or None."""
        size = self.size
        if len(data) != 1 + 2 * size or data[0] != 4:
            return None
        x, y, q = int.from_bytes(data[1:1 + size], "big"), int.from_bytes(data[1 + size:], "big"), self.q
        if x >= q or y >= q or (y * y - x ** 3 + 3 * x - self.b) % q:
            return None
        return x, y

    def add(self, p, q):
        """Sum of two points (x, y); None is the point at infinity."""
        if p is None or q is None:
            return p or q
        if p[0] == q[0]:
            if (p[1] + q[1]) % self.q == 0:
                return None
            slope = (3 * p[0] * p[0] - 3) * pow(2 * p[1], -1, self.q) % self.q
        else:
            slope = (q[1] - p[1]) * pow(q[0] - p[0], -1, self.q) % self.q
        x = (slope * slope - p[0] - q[0]) % self.q
        return x, (slope * (p[0] - x) - p[1]) % self.q

    def times(self, k, p):
        result = None
        while k:
            if k & 1:
                result = self.add(result, p)
            p = self.add(p, p)
            k >>= 1
        return result

    def good(self, point, digest, signature):
        """Whether a signature (DER) over what has this hash is that of the key with this point."""
        key, numbers = self.point(point), der_numbers(signature, 2 * self.size + 8)
        if key is None or numbers is None:
            return False
        r, s = numbers
        if not (0 < r < self.n and 0 < s < self.n):
            return False
        w = pow(s, -1, self.n)
        e = int.from_bytes(digest[:self.size], "big")
        found = self.add(self.times(e * w % self.n, self.g), self.times(r * w % self.n, key))
        return found is not None and found[0] % self.n == r


P256 = Curve(2 ** 256 - 2 ** 224 + 2 ** 192 + 2 ** 96 - 1,
             0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
             0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
             0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
             0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)
P384 = Curve(2 ** 384 - 2 ** 128 - 2 ** 96 + 2 ** 32 - 1,
             0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
             0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
             0xAA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7,
             0x3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F)
SPKI_P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")


def is_p256(spki):
    return len(spki) == 91 and spki.startswith(SPKI_P256) and spki[26] == 4


def der_numbers(der, most):
    """The two numbers of a strict DER `SEQUENCE { INTEGER r, INTEGER s }`, or None."""
    if len(der) < 8 or len(der) > most or der[0] != 0x30 or der[1] != len(der) - 2:
        return None
    numbers, rest = [], der[2:]
    for _ in range(2):
        if len(rest) < 3 or rest[0] != 2 or not 1 <= rest[1] <= len(rest) - 2:
            return None
        body, rest = rest[2:2 + rest[1]], rest[2 + rest[1]:]
        if body[0] & 0x80 or (body[0] == 0 and (len(body) == 1 or not body[1] & 0x80)):
            return None
        numbers.append(int.from_bytes(body, "big"))
    return None if rest else numbers


def p256_good(spki, message, signature):
    return is_p256(spki) and P256.good(spki[26:], sha256(message), signature)


# Time stamps of outside authorities (RFC 3161), in DER: their parts, their signatures (RSA of 2,048 bits and more, ECDSA), and
# whether their certificates lead to a root that the reader trusts. shared/src/timestamp says the same in Rust.

class BadDer(Exception):
    pass


BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, OID, UTC_TIME, GENERALIZED_TIME, SEQUENCE, SET = (
    0x01, 0x02, 0x03, 0x04, 0x06, 0x17, 0x18, 0x30, 0x31)
ID = {name: bytes.fromhex(number) for name, number in (
    ("sha256", "608648016503040201"), ("sha384", "608648016503040202"), ("sha512", "608648016503040203"),
    ("signed data", "2a864886f70d010702"), ("TSTInfo", "2a864886f70d0109100104"), ("content type", "2a864886f70d010903"),
    ("message digest", "2a864886f70d010904"), ("signing certificate", "2a864886f70d010910020c"),
    ("signing certificate v2", "2a864886f70d010910022f"), ("extended key usage", "551d25"), ("basic constraints", "551d13"),
    ("time stamping", "2b06010505070308"), ("rsa", "2a864886f70d010101"), ("ec", "2a8648ce3d0201"),
    ("p256", "2a8648ce3d030107"), ("p384", "2b81040022"))}
HASHES = {ID[name]: name for name in ("sha256", "sha384", "sha512")}
WAYS = {bytes.fromhex(number): way for number, way in (
    ("2a864886f70d01010b", ("rsa", "sha256")), ("2a864886f70d01010c", ("rsa", "sha384")), ("2a864886f70d01010d", ("rsa", "sha512")),
    ("2a8648ce3d040302", ("ec", "sha256")), ("2a8648ce3d040303", ("ec", "sha384")))}
RSA_PREFIX = {"sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
              "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
              "sha512": bytes.fromhex("3051300d060960864801650304020305000440")}


class Der:
    """A strict reader."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def over(self):
        return self.at == len(self.data)

    def end(self):
        if not self.over():
            raise BadDer()

    def any(self):
        """Tag, content and all of the next element."""
        data, at = self.data, self.at
        if len(data) - at < 2 or data[at] & 0x1f == 0x1f:
            raise BadDer()
        size, head = data[at + 1], 2
        if size >= 0x80:
            digits = data[at + 2:at + 2 + size - 0x80]
            size, head = int.from_bytes(digits, "big"), 2 + size - 0x80
            if not 3 <= head <= 5 or len(digits) != head - 2 or digits[0] == 0 or size < 0x80:
                raise BadDer()
        if at + head + size > len(data):
            raise BadDer()
        self.at = at + head + size
        return data[at], data[at + head:self.at], data[at:self.at]

    def maybe(self, tag):
        """The content of the next element if it has this tag; else None, and it is left where it is."""
        at = self.at
        try:
            found, content, _ = self.any()
        except BadDer:
            found, content = None, None
        if found == tag:
            return content
        self.at = at
        return None

    def take(self, tag):
        content = self.maybe(tag)
        if content is None:
            raise BadDer()
        return content

    def inside(self, tag):
        return Der(self.take(tag))

    def whole(self, tag):
        at = self.at
        self.take(tag)
        return self.data[at:self.at]


def der(tag, content):
    """Writes an element."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(digits)]) + digits + content


def der_number(content):
    """A number that is not negative, in its one spelling."""
    if not content or content[0] & 0x80 or content[0] == 0 and len(content) > 1 and not content[1] & 0x80:
        raise BadDer()
    return int.from_bytes(content, "big")


def der_time(reader):
    """A moment of a certificate as 14 digits."""
    data, size = reader.maybe(UTC_TIME), 13
    if data is None:
        data, size = reader.take(GENERALIZED_TIME), 15
    if len(data) != size or not re.fullmatch(b"[0-9]+Z", data) or data[-1:] != b"Z":
        raise BadDer()
    digits = data[:-1].decode()
    return digits if size == 15 else ("20" if digits < "5" else "19") + digits


def rsa_good(key, which, message, signature):
    numbers = Der(key).inside(SEQUENCE)
    if len(der(SEQUENCE, numbers.data)) != len(key):
        return False
    n, e = der_number(numbers.take(INTEGER)), der_number(numbers.take(INTEGER))
    numbers.end()
    size = (n.bit_length() + 7) // 8
    if not 2048 <= n.bit_length() <= 8192 or not n & 1 or not e & 1 or not 3 <= e < 2 ** 33 or len(signature) != size:
        return False
    number, tail = int.from_bytes(signature, "big"), RSA_PREFIX[which] + hashlib.new(which, message).digest()
    padded = b"\0\1" + b"\xff" * (size - len(tail) - 3) + b"\0" + tail
    return number < n and pow(number, e, n) == int.from_bytes(padded, "big")


def signed_by(spki, way, given, message, signature):
    """Whether the key signed the message in that way; `given`: the hash that is named beside it."""
    kind, which = ("rsa", given) if way == ID["rsa"] else WAYS.get(way, (None, None))
    if kind is None or which is None or given not in (None, which):
        return False
    try:
        key = Der(spki).inside(SEQUENCE)
        of = key.inside(SEQUENCE)
        key_kind, curve = of.take(OID), of.maybe(OID)
        bits = key.take(BIT_STRING)
        key.end()
        if bits[:1] != b"\0" or key_kind != ID[kind]:
            return False
        if kind == "rsa":
            return rsa_good(bits[1:], which, message, signature)
    except BadDer:
        return False
    curve = {ID["p256"]: P256, ID["p384"]: P384}.get(curve)
    return curve is not None and curve.good(bits[1:], hashlib.new(which, message).digest(), signature)


class Certificate:
    def __init__(self, whole):
        file = Der(whole)
        certificate = file.inside(SEQUENCE)
        file.end()
        self.whole, self.signed = whole, certificate.whole(SEQUENCE)
        self.way = certificate.inside(SEQUENCE).take(OID)
        bits = certificate.take(BIT_STRING)
        certificate.end()
        if bits[:1] != b"\0":
            raise BadDer()
        self.signature = bits[1:]
        tbs = Der(self.signed).inside(SEQUENCE)
        tbs.maybe(0xa0)
        self.serial = tbs.take(INTEGER)
        tbs.take(SEQUENCE)
        self.issuer = tbs.whole(SEQUENCE)
        validity = tbs.inside(SEQUENCE)
        self.start, self.until = der_time(validity), der_time(validity)
        validity.end()
        self.subject, self.spki = tbs.whole(SEQUENCE), tbs.whole(SEQUENCE)
        tbs.maybe(0x81)
        tbs.maybe(0x82)
        wrapped = tbs.maybe(0xa3)
        self.extensions = b"" if wrapped is None else Der(wrapped).take(SEQUENCE)
        tbs.end()

    def extension(self, kind):
        """(critical, value), or None."""
        try:
            every = Der(self.extensions)
            while not every.over():
                one = every.inside(SEQUENCE)
                found, critical, value = one.take(OID), one.maybe(BOOLEAN) == b"\xff", one.take(OCTET_STRING)
                one.end()
                if found == kind:
                    return critical, value
        except BadDer:
            pass
        return None

    def stamps_times(self):
        found = self.extension(ID["extended key usage"])
        try:
            uses = Der(found[1]).inside(SEQUENCE) if found and found[0] else None
            is_it = uses is not None and uses.take(OID) == ID["time stamping"]
            return is_it and uses.over()
        except BadDer:
            return False

    def is_authority(self):
        found = self.extension(ID["basic constraints"])
        try:
            return found is not None and Der(found[1]).inside(SEQUENCE).take(BOOLEAN) == b"\xff"
        except BadDer:
            return False

    def is_signed_by(self, issuer):
        return issuer.subject == self.issuer and signed_by(issuer.spki, self.way, None, self.signed, self.signature)

    def leads(self, between, roots, at, depth=0):
        """Which of the roots vouches for it, at a second of 14 digits; or None."""
        if at < self.start or self.until < at:
            return None
        for root in roots:
            if root.whole == self.whole or self.is_signed_by(root):
                return root
        if depth < 4:
            for other in between:
                if other.whole != self.whole and other.is_authority() and self.is_signed_by(other):
                    root = other.leads(between, roots, at, depth + 1)
                    if root:
                        return root
        return None


def certificates_of(pem):
    """All certificates of a PEM file."""
    bodies = re.findall("-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", pem, re.S)
    datas = [unbase64("".join(re.split("[ \t\n\r\f]+", body))) for body in bodies]
    if not datas or None in datas:
        raise BadDer()
    return [Certificate(data) for data in datas]


def root_name(root):
    """What a root is called in a report."""
    return sha256(root.whole).hex()[:16]


class Stamp:
    """The parts of an authority's answer."""

    def __init__(self, answer):
        if len(answer) > 65536:
            raise BadDer()
        file = Der(answer)
        response = file.inside(SEQUENCE)
        file.end()
        if response.inside(SEQUENCE).take(INTEGER) not in (b"\0", b"\1"):
            raise BadDer()
        content = response.inside(SEQUENCE)
        response.end()
        if content.take(OID) != ID["signed data"]:
            raise BadDer()
        wrapped = content.inside(0xa0)
        content.end()
        data = wrapped.inside(SEQUENCE)
        wrapped.end()
        data.take(INTEGER)
        data.take(SET)
        inner = data.inside(SEQUENCE)
        if inner.take(OID) != ID["TSTInfo"]:
            raise BadDer()
        wrapped = inner.inside(0xa0)
        inner.end()
        self.info = wrapped.take(OCTET_STRING)
        wrapped.end()
        every, self.certificates = Der(data.maybe(0xa0) or b""), []
        while not every.over():
            self.certificates.append(Certificate(every.any()[2]))
        if len(self.certificates) > 8:
            raise BadDer()
        data.maybe(0xa1)
        signers = data.inside(SET)
        data.end()
        signer = signers.inside(SEQUENCE)
        signers.end()
        signer.take(INTEGER)
        who = signer.inside(SEQUENCE)
        self.issuer, self.serial = who.whole(SEQUENCE), who.take(INTEGER)
        who.end()
        self.hash = HASHES.get(signer.inside(SEQUENCE).take(OID))
        self.attributes = signer.take(0xa0)
        self.way = signer.inside(SEQUENCE).take(OID)
        self.signature = signer.take(OCTET_STRING)
        signer.maybe(0xa1)
        signer.end()

    def attribute(self, kind):
        """What the one attribute of this type holds, or None."""
        values, every = [], Der(self.attributes)
        while not every.over():
            one = every.inside(SEQUENCE)
            found, value = one.take(OID), one.take(SET)
            one.end()
            if found == kind:
                values.append(value)
        return values[0] if len(values) == 1 else None

    def read_info(self):
        """The hash that was stamped and the time, as digits and a fraction."""
        file = Der(self.info)
        info = file.inside(SEQUENCE)
        file.end()
        if info.take(INTEGER) != b"\1":
            raise BadDer()
        info.take(OID)
        stamped = info.inside(SEQUENCE)
        if stamped.inside(SEQUENCE).take(OID) != ID["sha256"]:
            raise BadDer()
        imprint = stamped.take(OCTET_STRING)
        stamped.end()
        info.take(INTEGER)
        time = re.fullmatch(b"([0-9]{14})(?:\\.([0-9]{1,9}))?Z", info.take(GENERALIZED_TIME))
        if not time:
            raise BadDer()
        for tag in (SEQUENCE, BOOLEAN, INTEGER, 0xa0, 0xa1):
            info.maybe(tag)
        info.end()
        return imprint, time.group(1).decode(), (time.group(2) or b"0").decode()

    def names(self, signer):
        """Whether the signed attributes name that certificate as the signer's."""
        second = self.attribute(ID["signing certificate v2"])
        value = second if second is not None else self.attribute(ID["signing certificate"])
        if value is None:
            return False
        first = Der(value).inside(SEQUENCE).inside(SEQUENCE).inside(SEQUENCE)
        which = "sha1"
        if second is not None:
            algorithm = first.maybe(SEQUENCE)
            which = "sha256" if algorithm is None else HASHES.get(Der(algorithm).take(OID))
        return which is not None and hashlib.new(which, signer.whole).digest() == first.take(OCTET_STRING)

    def good(self, imprint, roots):
        """The root it leads to and its time, or None."""
        over, seconds, fraction = self.read_info()
        signers = [c for c in self.certificates if c.issuer == self.issuer and c.serial == self.serial]
        if (self.hash is None or over != imprint or not signers
                or self.attribute(ID["content type"]) != der(OID, ID["TSTInfo"])
                or self.attribute(ID["message digest"]) != der(OCTET_STRING, hashlib.new(self.hash, self.info).digest())
                or not self.names(signers[0]) or not signers[0].stamps_times()
                or not signed_by(signers[0].spki, self.way, self.hash, der(SET, self.attributes), self.signature)):
            return None
        root = signers[0].leads(self.certificates, roots, seconds)
        if root is None:
            return None
        parts = tuple(seconds[a:b] for a, b in ((0, 4), (4, 6), (6, 8), (8, 10), (10, 12), (12, 14)))
        return root, "%s-%s-%sT%s:%s:%s." % parts + (fraction + "00")[:3] + "Z"


FOREIGN = "foreign"


def judge_stamp(answer, imprint, roots):
    """(root, time) of a good time stamp over what has this hash; FOREIGN when it names none of the roots; None when it is bad."""
    try:
        stamp = Stamp(answer)
        if not any(root.subject == c.issuer or root.whole == c.whole for c in stamp.certificates for root in roots):
            return FOREIGN
        return stamp.good(imprint, roots)
    except BadDer:
        return None


# ---------------------------------------------------------------- (3) keys, heads and proofs

class BadNote(Exception):
    pass


def unbase64(text):
    """Strict standard base64, or None."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (ValueError, UnicodeError):
        return None
    return data if base64.b64encode(data).decode() == text else None


def number_of(text):
    """A decimal number as heads and proofs write it, below 2**63, or None."""
    if re.fullmatch("0|[1-9][0-9]{0,18}", text) and int(text) < 2 ** 63:
        return int(text)
    return None


def name_ok(name):
    return re.fullmatch("[^ +\x00-\x1f\x7f-\x9f]+", name) is not None


class Vkey:
    """name+keyid+base64(algorithm and key); algorithm 1 = log key, 4 = countersigning key."""

    def __init__(self, text):
        parts = text.split("+", 2)
        if len(parts) != 3 or not name_ok(parts[0]):
            raise BadNote("not a key")
        self.name, blob = parts[0], unbase64(parts[2])
        if blob is None or len(blob) != 33 or blob[0] not in (1, 4):
            raise BadNote("not a key")
        self.alg, self.key = blob[0], blob[1:]
        self.id = sha256(self.name.encode() + b"\n" + blob)[:4]
        if parts[1] != self.id.hex():
            raise BadNote("key id does not fit the key")
        self.text = text


class Head:
    """A signed head: name of the log, number of lines, root; then signatures (name, id, rest)."""

    def __init__(self, data):
        try:
            text = data.decode("utf-8")
        except UnicodeError:
            raise BadNote("not text")
        lines = text.split("\n")
        if re.search("[\x00-\x09\x0b-\x1f\x7f]", text):
            raise BadNote("control characters")
        if len(lines) < 6 or lines[-1] != "" or lines[3] != "":
            raise BadNote("not a head")
        self.origin, size, root = lines[0], number_of(lines[1]), unbase64(lines[2])
        if not self.origin or size is None or root is None or len(root) != 32:
            raise BadNote("not a head")
        self.size, self.root, self.signatures = size, root, []
        for line in lines[4:-1]:
            dash, _, rest = line.partition(" ")
            name, _, blob = rest.partition(" ")
            blob = unbase64(blob)
            if dash != "\u2014" or not name_ok(name) or blob is None or len(blob) < 5:
                raise BadNote("not a signature line")
            self.signatures.append((name, blob[:4], blob[4:]))

    def body(self):
        return body(self.origin, self.size, self.root)

    def same(self, other):
        return self.body() == other.body() and self.signatures == other.signatures


def body(origin, size, root):
    """The three signed lines of a head."""
    return ("%s\n%d\n%s\n" % (origin, size, base64.b64encode(root).decode())).encode()


CHECKED = {}  # every signature is worked out once


def good(key, message, signature):
    entry = (key, message, signature)
    if entry not in CHECKED:
        CHECKED[entry] = ed25519_good(key, message, signature)
    return CHECKED[entry]


GOOD, ABSENT, BAD = "good", "absent", "bad"


def check_log_signature(head, vkey):
    state = ABSENT
    for name, key_id, blob in head.signatures:
        if name == vkey.name and key_id == vkey.id:
            if vkey.alg != 1 or not good(vkey.key, head.body(), blob):
                return BAD
            state = GOOD
    return state


def cosigned_at(vkey, message, blob):
    """The hub's time in a countersignature over a head's three lines, or None when it is bad."""
    if len(blob) != 72 or vkey.alg != 4 or blob[0] & 0x80:
        return None
    time = int.from_bytes(blob[:8], "big")
    signed = b"cosignature/v1\ntime %d\n" % time + message
    return time if good(vkey.key, signed, blob[8:]) else None


class Proof:
    """c2sp.org/tlog-proof@v1: number of the line, hashes, the countersigned head."""

    def __init__(self, data):
        top, blank, note = data.partition(b"\n\n")
        try:
            lines = top.decode("ascii").split("\n")
        except UnicodeError:
            raise BadNote("not text")
        if not blank or len(lines) < 2 or lines[0] != "c2sp.org/tlog-proof@v1" or not lines[1].startswith("index "):
            raise BadNote("not a proof")
        self.index = number_of(lines[1][6:])
        self.hashes = [unbase64(line) for line in lines[2:]]
        if self.index is None or any(h is None or len(h) != 32 for h in self.hashes):
            raise BadNote("not a proof")
        self.head = Head(note)


# ---------------------------------------------------------------- (4) one line of the log

class Malformed(Exception):
    pass


class OtherVersion(Exception):
    pass


KEYS_OF_A_LINE = ["v", "log", "n", "prev", "t", "boot", "mono", "type", "who", "data"]
SHORT = {'"': '"', "\\": "\\", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def fault(word, *args):
    return Malformed(say(word, *args))


class Reader:
    """Strict JSON, from left to right; stops at the first fault. Gives the same as json.loads,
    but says what is wrong, and refuses what the log does not allow."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def peek(self):
        return self.data[self.at:self.at + 1]

    def unexpected(self):
        return fault("WHITE_SPACE" if self.peek() == b" " else "NOT_JSON")

    def whole(self):
        value = self.value(1)
        if self.peek():
            raise self.unexpected()
        return value

    def value(self, depth):
        c = self.peek()
        if c in (b"{", b"["):
            if depth > 32:
                raise fault("TOO_DEEP")
            return self.object(depth) if c == b"{" else self.array(depth)
        if c == b'"':
            return self.string()
        if c and c in b"-0123456789":
            return self.number()
        for word, value in ((b"true", True), (b"false", False), (b"null", None)):
            if c == word[:1]:
                if not self.data.startswith(word, self.at):
                    raise fault("NOT_JSON")
                self.at += len(word)
                return value
        raise self.unexpected()

    def object(self, depth):
        self.at += 1
        pairs = {}
        if self.peek() == b"}":
            self.at += 1
            return pairs
        while True:
            if self.peek() != b'"':
                raise self.unexpected()
            key = self.string()
            if key in pairs:
                raise fault("DUPLICATE_KEY", key)
            if self.peek() != b":":
                raise self.unexpected()
            self.at += 1
            pairs[key] = self.value(depth + 1)
            if self.peek() == b"}":
                self.at += 1
                return pairs
            if self.peek() != b",":
                raise self.unexpected()
            self.at += 1

    def array(self, depth):
        self.at += 1
        values = []
        if self.peek() == b"]":
            self.at += 1
            return values
        while True:
            values.append(self.value(depth + 1))
            if self.peek() == b"]":
                self.at += 1
                return values
            if self.peek() != b",":
                raise self.unexpected()
            self.at += 1

    def number(self):
        minus, digits = re.compile(br"(-?)([0-9]*)").match(self.data, self.at).groups()
        self.at += len(minus) + len(digits)
        if not digits or (len(digits) > 1 and digits[:1] == b"0"):
            raise fault("NOT_JSON")
        if self.peek() and self.peek() in b".eE":
            raise fault("FLOAT")
        if minus and digits == b"0":
            raise fault("MINUS_ZERO")
        if len(digits) > 16 or int(digits) >= 2 ** 53:
            raise fault("OUT_OF_RANGE")
        return int(minus + digits)

    def string(self):
        self.at += 1
        out = []
        while True:
            plain = re.compile(br'[^"\\]*').match(self.data, self.at).group()
            self.at += len(plain)
            try:
                out.append(plain.decode("utf-8"))
            except UnicodeError:
                raise fault("NON_ASCII")
            if self.peek() == b'"':
                self.at += 1
                return "".join(out)
            if not self.peek():
                raise fault("NOT_JSON")
            out.append(self.escape())

    def escape(self):
        letter = self.data[self.at + 1:self.at + 2].decode("latin-1")
        if letter == "u":
            code = self.unit()
            if 0xD800 <= code <= 0xDBFF and self.data.startswith(b"\\u", self.at):
                low = self.unit()
                if not 0xDC00 <= low <= 0xDFFF:
                    raise fault("ESCAPE")
                return chr(0x10000 + ((code - 0xD800) << 10) + low - 0xDC00)
            if code in (8, 9, 10, 12, 13) or 0x20 <= code <= 0x7E or 0xD800 <= code <= 0xDFFF:
                raise fault("ESCAPE")
            return chr(code)
        if letter == "/":
            raise fault("ESCAPE")
        if letter not in SHORT:
            raise fault("NOT_JSON")
        self.at += 2
        return SHORT[letter]

    def unit(self):
        digits = self.data[self.at + 2:self.at + 6]
        if not re.fullmatch(br"[0-9a-fA-F]{4}", digits):
            raise fault("NOT_JSON")
        if digits != digits.lower():
            raise fault("ESCAPE")
        self.at += 6
        return int(digits, 16)


DAYS = {}  # "2026-11-03" -> milliseconds at its start, or None


def time_ms(text):
    """Milliseconds since 1970 of `YYYY-MM-DDTHH:MM:SS.mmmZ`, or None when it is anything else."""
    if type(text) is not str or not TIME.fullmatch(text):
        return None
    day = text[:10]
    if day not in DAYS:
        try:
            since = datetime.date(int(day[:4]), int(day[5:7]), int(day[8:])).toordinal() - 719163
            DAYS[day] = None if day[:4] == "9999" else since * 86400000
        except ValueError:
            DAYS[day] = None
    if DAYS[day] is None:
        return None
    return DAYS[day] + ((int(text[11:13]) * 60 + int(text[14:16])) * 60 + int(text[17:19])) * 1000 + int(text[20:23])


def time_text(ms):
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=ms)
    return "%s.%03dZ" % (moment.replace(microsecond=0).isoformat(), ms % 1000)


class Record:
    __slots__ = ("log", "n", "prev", "t", "boot", "mono", "type", "who", "data", "leaf")


def read_object(line):
    """The object in a line's text. json.loads does the work when the text is exactly what it would write
    back (so nothing doubled, spaced, or spelled otherwise); else the strict reader decides."""
    if "\\u" not in line and line.count("{") + line.count("[") <= 32:
        try:
            value = LOADS(line)
            if DUMPS(value) == line:
                return value
        except (ValueError, RecursionError):
            pass
    return Reader(line.encode()).whole()


def refuse(_):
    raise ValueError


def short_number(digits):
    return int(digits) if len(digits) < 16 else refuse(digits)


LOADS = json.JSONDecoder(parse_int=short_number, parse_float=refuse, parse_constant=refuse).decode
DUMPS = json.JSONEncoder(separators=(",", ":")).encode
HASH = re.compile("[0-9a-f]{64}")
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z")


def parse_line(line):
    """One line, its line end included, to a Record."""
    if len(line) > MAX_LINE:
        raise fault("TOO_LONG")
    if line[-1:] != b"\n":
        raise fault("NO_LF")
    if b"\r" in line:
        raise fault("CRLF")
    plain = line[:-1].decode("latin-1")
    if not plain.isascii() or not plain.isprintable():
        raise fault("NON_ASCII")
    pairs = read_object(plain)
    if not isinstance(pairs, dict):
        raise fault("NOT_JSON")
    keys = list(pairs)
    if keys != KEYS_OF_A_LINE or type(pairs["v"]) is not int or pairs["v"] != 1:
        if keys and keys[0] == "v" and type(pairs["v"]) is int and pairs["v"] != 1:
            raise OtherVersion(pairs["v"])
        for key in keys:
            if key not in KEYS_OF_A_LINE:
                raise fault("UNKNOWN_KEY_IN_LINE", key)
        for key in KEYS_OF_A_LINE:
            if key not in pairs:
                raise fault("MISSING_KEY", key)
        if keys != KEYS_OF_A_LINE:
            raise fault("KEY_ORDER")
        raise fault("BAD_VALUE", "v")
    record = Record()
    if type(pairs["log"]) is not str or not pairs["log"]:
        raise fault("BAD_VALUE", "log")
    record.log = pairs["log"]
    record.n = count_of(pairs, "n")
    if not is_hash(pairs["prev"]):
        raise fault("BAD_VALUE", "prev")
    record.prev = bytes.fromhex(pairs["prev"])
    if type(pairs["t"]) is not str:
        raise fault("BAD_VALUE", "t")
    record.t = time_ms(pairs["t"])
    if record.t is None:
        raise fault("BAD_TIME", "t")
    record.boot = count_of(pairs, "boot")
    record.mono = count_of(pairs, "mono")
    for key in ("type", "who"):
        if type(pairs[key]) is not str:
            raise fault("BAD_VALUE", key)
    record.type, record.who, record.data = pairs["type"], pairs["who"], pairs["data"]
    if type(record.data) is not dict:
        raise fault("BAD_VALUE", "data")
    record.leaf = leaf_hash(line)
    return record


def count_of(pairs, key):
    if type(pairs[key]) is not int:
        raise fault("BAD_VALUE", key)
    if pairs[key] < 0:
        raise fault("OUT_OF_RANGE")
    return pairs[key]


def is_hash(value):
    return type(value) is str and HASH.fullmatch(value) is not None


# ---------------------------------------------------------------- (5) a whole log

DAMAGE, NOTES, CANNOT = (set(codes.split()) for codes in (
    "AFTER-CLOSE ALTERED ALTERED-FILE ALTERED-OR-FORKED BAD-SIGNATURE BOOT-NOT-LOGGED CHAIN-BREAK CLOCK-STEP-NOT-LOGGED "
    "DELETION-NOT-LOGGED DOES-NOT-COVER-REQUEST EXTRA-FILE FOREIGN-RECORD FORKED LIFT-NOT-AUTHORISED LIFT-NOT-LOGGED "
    "LISTING-UNSAFE MASK-NOT-AS-SET MASK-NOT-KNOWN MASK-NOT-PROVED MASK-NOT-SET MISSING-OR-REORDERED NO-HUB-COSIGNATURE "
    "NOT-IN-LOG PROOF-MISMATCH PROOF-OF-FORK RECORD-MALFORMED REQUEST-NOT-AS-LOGGED ROLLED-BACK SEAL-BROKEN "
    "SEAL-KEY-NOT-IN-LOG SEGMENT-MISSING SEGMENT-NOT-AS-LOGGED SEGMENT-TIMES SILENCE TIME-STAMP-BAD TRUNCATED UNKNOWN-KEY "
    "UNLOGGED-MASTER-FILE WORKING-COPY-NOT-AS-LOGGED WRONG-KEY",
    "ABOVE-COUNTERSIGNED ANCHORED CAMERA-SILENT CLOCK-APART CLOCK-NOT-SHOWN CLOCK-OVER-RESTART GAP-DECLARED HUB-CLOCK-BACK LATE-FIRST "
    "LOGGED-LATE NO-HUB-KEY NOT-ANCHORED NOT-WITNESSED PC-FILE REQUEST-NOT-LOGGED SHORT-HOLES TIME-STAMP-NOT-CHECKED TIME-STAMPED "
    "TORN-TAIL UNKNOWN-TYPE UNSEALED WITNESS-NOT-CHECKED WITNESSED WORKING-COPY-NOT-COMPARED",
    "UNREADABLE UNKNOWN-VERSION"))


class Findings:
    """Damage is printed first, then what could not be checked, then notes."""

    def __init__(self):
        self.classes = [[], [], []]          # lines printed
        self.codes = [set(), set(), set()]   # codes printed
        self.left = [0, 0, 0]                # lines left out

    def add(self, code, place, word, *args):
        self.tell(code, place, say(word, *args))

    def tell(self, code, place, sentence):
        which = 1 if code in CANNOT else 2 if code in NOTES else 0
        if len(self.classes[which]) >= MAX_SHOWN and code in self.codes[which]:
            self.left[which] += 1
            return
        self.codes[which].add(code)
        self.classes[which].append("%s\t%s\t%s" % (code, clean(place), clean(sentence)))

    def report(self, verdict):
        if self.classes[0]:
            verdict = "NOT-INTACT"
        elif self.classes[1]:
            verdict = "CANNOT-CHECK"
        lines = [verdict]
        for shown, left, word in zip(self.classes, self.left, ("MORE_DAMAGE", "MORE_BLIND", "MORE_NOTES")):
            lines += shown
            if left:
                lines.append("MORE\tlog\t" + say(word, left))
        return "\n".join(lines) + "\n"


LEFT_FILES = {"thumbs.db", "ehthumbs.db", "desktop.ini", ".ds_store"}
LEFT_FOLDERS = {"system volume information", "$recycle.bin", ".trashes", ".spotlight-v100", ".fseventsd", "__macosx"}


def ascii_lower(name):
    return re.sub("[A-Z]", lambda letter: letter.group().lower(), name)


def left_by_a_computer(path):
    """Whether a path names what computers leave in the folders they show, and no file of anybody's."""
    folders = ascii_lower(path).split("/")
    name = folders.pop()
    return name.startswith("._") or name in LEFT_FILES or any(folder in LEFT_FOLDERS for folder in folders)


def covered(start, end, spans):
    """Whether spans (t0, t1), laid end to end with at most 500 ms between, reach from start to end."""
    reached = start
    for t0, t1 in sorted(spans, key=lambda span: span[0]):
        if t0 <= reached + 500:
            reached = max(reached, t1)
    return reached >= end - 500


class BadData(Exception):
    """Names the first part of a line's data that is missing or not of its form."""


def part(data, key, form):
    value = form(data.get(key))
    if value is None:
        raise BadData("data." + key)
    return value


def text(value):
    return value if type(value) is str else None


def count(value):
    return value if type(value) is int and value >= 0 else None


def digest_b64(value):
    data = unbase64(value) if type(value) is str else None
    return data if data is not None and len(data) == 32 else None


def log_key(value):
    try:
        vkey = Vkey(value) if type(value) is str else None
    except BadNote:
        return None
    return vkey if vkey and vkey.alg == 1 else None


def seg_write(data):
    """(camera, s, begin, end, size, sha256) of a seg.write line's data."""
    segment = (part(data, "cam", text), part(data, "s", count), part(data, "t0", time_ms), part(data, "t1", time_ms),
               part(data, "size", count), part(data, "sha256", lambda v: v if is_hash(v) else None))
    if "day" in data:
        part(data, "day", lambda day: day if is_near(day, segment[2]) else None)
    return segment


def is_near(day, t):
    """Whether a value is the local day, in whatever zone, of a moment."""
    start = time_ms(day + "T00:00:00.000Z") if type(day) is str else None
    return start is not None and abs(t // 86400000 - start // 86400000) <= 1


def seg_gap(data):
    """(camera, next, begin, end) of a seg.gap line's data."""
    return part(data, "cam", text), part(data, "next", count), part(data, "t0", time_ms), part(data, "t1", time_ms)


def head_ack(data):
    """(size, root, hub, time, signature as (name, id, rest) or None) of a head.ack line's data."""
    size, root, hub = part(data, "size", count), part(data, "root", digest_b64), part(data, "hub", text)
    time, blob = part(data, "time", count), unbase64(part(data, "sig", text))
    signature = (hub, blob[:4], blob[4:]) if name_ok(hub) and blob is not None and len(blob) > 4 else None
    return size, root, hub, time, signature


def follows(add, cam, line, before, segment, gaps):
    """How a segment follows the one before it, (s, end), of its camera."""
    s, end = before
    hole = segment[2] - end
    if segment[1] != s + 1:
        add("SEGMENT-MISSING", "camera " + cam, "SEGMENT_JUMP", line, segment[1], s)
    elif hole > 500 and covered(end, segment[2], gaps):
        add("GAP-DECLARED", "camera " + cam, "GAP_DECLARED", line, hole, segment[1])
    elif hole > 500:
        add("SEGMENT-MISSING", "camera " + cam, "SEGMENT_HOLE", line, hole, segment[1])


def follows_another(origin):
    """Whether a log follows another one of its writer: its number says so."""
    return scheme_of(origin, BOX_LOG, HUB_LOG) is not None and int(origin.rpartition("/")[2]) > 1


class Masks:
    """Whether what was recorded without its mask was recorded while the mask was lifted by whoever may, what was recorded
    under a mask was under the one in force, and what is called proved was proved. Feed it every line in order."""
    SLACK = 2000           # ms a picture's time, reckoned from the camera's own clock, may be off the time of a line
    UNDER_WAY = 160000     # ms for which what was under way when a mask was set is still recorded as it was begun
    LONGEST = 24 * 3600000 + 60000

    def __init__(self, add, origin, sparse):
        self.add, self.sparse, self.later, self.opened = add, sparse, follows_another(origin), None
        self.lifts = []     # [camera, mask, from, to, ended, whether the clock was set since, or went back over a restart]
        self.known = {}     # camera -> masks that a line sets
        self.force = {}     # camera -> [mask, since, lifted] in this start
        self.before = None  # time of the line before

    def expect(self, r):
        """A line that sets a mask is known of, though it may lie further on: a package has not every line."""
        cam = text(r.data.get("cam"))
        # What is lifted was set.
        keys = {"mask.set": ("mask",), "mask.lift": ("mask", "instead")}.get(r.type, ())
        masks = {text(r.data.get(key)) for key in keys} - {None}
        if cam is not None and masks:
            self.known.setdefault(cam, set()).update(masks)

    def line(self, r):
        before, self.before = self.before, r.t
        back = before is not None and r.t < before
        if r.type == "seg.write":
            cam, how = text(r.data.get("cam")), text(r.data.get("how"))
            if cam is not None and how is not None:
                self.segment(r, how, cam, text(r.data.get("mask")))
        elif r.type == "log.open":
            self.opened = r.t
        elif r.type in ("mask.set", "mask.lift", "mask.end"):
            self.expect(r)
            cam, mask = text(r.data.get("cam")), text(r.data.get("mask"))
            if cam is not None and mask is not None:
                self.change(r, cam, mask)
        elif r.type == "clock.step":
            for lift in self.lifts:
                lift[5] = True
            for force in self.force.values():
                force[1] = r.t if before is None else max(before, r.t)
        elif r.type == "sys.boot":
            self.force.clear()
            if back:
                for lift in self.lifts:
                    lift[5] = True

    def change(self, r, cam, mask):
        """A mask is set, lifted, or in force again."""
        force = self.force.get(cam)
        if r.type == "mask.set":
            self.force[cam] = [mask, r.t, False]
        elif r.type == "mask.lift":
            if force:
                force[2] = True
            until = time_ms(r.data.get("until"))
            if until is not None:
                self.authorised(r, cam, mask, until)
                self.lifts.append([cam, mask, r.t, until, False, False])
        else:
            if text(r.data.get("why")) == "config":
                self.force.pop(cam, None)
            elif force:
                force[1:] = r.t, False
            for lift in self.lifts:
                if not lift[4] and lift[:2] == [cam, mask]:
                    lift[3:5] = r.t, True

    def authorised(self, r, cam, mask, until):
        """A lift takes two people, and lasts a day at most."""
        by = r.data.get("by")
        people = {who for who in by if type(who) is str and who} if type(by) is list else set()
        if len(people) < 2:
            self.add("LIFT-NOT-AUTHORISED", "line %d" % r.n, "LIFT_PEOPLE", mask, cam, len(people))
        if until - r.t > self.LONGEST:
            self.add("LIFT-NOT-AUTHORISED", "line %d" % r.n, "LIFT_LONG", mask, cam, time_text(until))

    def segment(self, r, how, cam, mask):
        where = "line %d" % r.n
        if how not in ("none", "burned", "proved", "lifted"):
            self.add("MASK-NOT-KNOWN", where, "MASK_NOT_KNOWN", cam, how)
            return
        if how == "proved" and not count(r.data.get("proofs")):
            self.add("MASK-NOT-PROVED", where, "NOT_PROVED", cam)
        t0, t1 = time_ms(r.data.get("t0")), time_ms(r.data.get("t1"))
        if mask is None and how != "none":
            self.add("MASK-NOT-SET", where, "MASK_UNNAMED", cam, how)
        elif mask is not None and how != "lifted" and not self.set(cam, mask, t0):
            self.add("MASK-NOT-SET", where, "MASK_NOT_SET", cam, mask)
        if t0 is None or t1 is None:
            return
        force = self.force.get(cam)
        if (force and not force[2] and t0 > force[1] + self.UNDER_WAY and how != "lifted"
                and (how == "none" or mask != force[0])):
            self.add("MASK-NOT-AS-SET", where, "MASK_NOT_AS_SET", force[0], cam, time_text(t0), "none" if mask is None else mask)
        if how == "lifted" and not self.within(r, cam, mask, t0, t1):
            self.add("LIFT-NOT-LOGGED", where, "LIFT_NOT_LOGGED", time_text(t0), time_text(t1), cam)

    def set(self, cam, mask, t0):
        """Whether a line sets the mask; or whether it may be one of the log before this one."""
        known = self.known.get(cam, ())
        earlier = self.sparse or not known or t0 is None or self.opened is not None and t0 < self.opened
        return self.later and earlier or mask in known

    def within(self, r, cam, mask, t0, t1):
        """Whether a lift holds the segment."""
        lapse = re.fullmatch("timelapse-([0-9]{1,2})", text(r.data.get("rate")) or "")
        slack = self.SLACK + (int(lapse.group(1)) * 1000 if lapse else 0)  # in time-lapse a picture stands until the next
        return any(lift[:2] == [cam, mask] and (lift[5] or t0 >= lift[2] - self.SLACK and t1 <= lift[3] + slack)
                   for lift in self.lifts)


class Camera:
    """What is known of a camera's times."""

    def __init__(self, allowed):
        self.last = None              # (number, end, how far its times may be off) of its last segment
        self.allowed = list(allowed)  # see Times.allowed
        self.forward = 0              # how far the clock was set forward since its last line
        self.holes = [0, 0]           # holes that count as none: how many, how long in all
        self.heard = None             # start counter and steady clock of its newest line
        self.gap_open = False


class Times:
    """Whether the times that a log states can be. What a recorder may honestly write is no damage: footage recovered after a
    crash is dated by the clock of before it, and a clock that was set back puts two segments over one another. Both are
    reckoned as an allowance in ms that a start and a step give and that time uses up. Feed it every line in order."""
    SILENCE, STEP = 75000, 250
    AHEAD = 60000      # how far ahead of its line a segment may end
    LATE = 240000      # a segment that is logged later than this after its end, in one start, is noted
    HOLE = 100         # a hole that counts as none is noted when it is longer than this
    SILENT = 600000    # a camera of which nothing is on record for so long before the log ends is noted
    MOST = 1000 * 365 * 86400000

    def __init__(self, add, origin, sparse):
        self.add, self.sparse, self.later = add, sparse, follows_another(origin)
        self.opened = self.started = self.before = self.back = None
        # ms; until a segment that begins after this; in a log that follows another one, until the first segment recorded under it
        self.allowed = [0, 0, self.later]
        self.cameras, self.ranges, self.closed = {}, set(), False

    def line(self, r, segment):
        """`segment`: of a seg.write line whose data is of its form."""
        where = "line %d" % r.n
        if self.closed and not self.sparse:
            self.closed = False
            self.add("AFTER-CLOSE", where, "AFTER_CLOSE")
        self.start(r, where)
        if r.type == "seg.write":
            if segment:
                self.segment(r, where, segment)
        elif r.type == "log.open":
            self.opened = r.t
        elif r.type == "log.close":
            self.closed = True
        elif r.type == "gap.open":
            camera = self.cameras.get(text(r.data.get("cam")))
            if camera:
                camera.gap_open = True
        elif r.type == "del.range":
            self.ranges.add(r.n)
        elif r.type == "del.done" and not self.sparse and not self.later and count(r.data.get("n")) not in self.ranges:
            self.add("DELETION-NOT-LOGGED", where, "DELETION_NOT_LOGGED")
        self.before = r.t, r.boot, r.mono

    def start(self, r, where):
        """The two clocks from the line before to this one, over a start and within it."""
        if self.back and r.type != "log.torn":
            n, ms = self.back
            self.back = None
            if r.type not in ("clock.step", "sys.boot") and not self.sparse:
                self.add("CLOCK-STEP-NOT-LOGGED", "line %d" % n, "RESTART_BACK", ms)
        if self.before is None:
            if r.type == "sys.boot":
                self.started = r.t
            return
        t, boot, mono = self.before
        moved, steady = r.t - t, r.mono - mono
        if r.boot != boot:
            # The last line of a start may be as much older than the last picture of it as a writer may be silent.
            if r.n > 1:
                self.allow(self.SILENCE + max(0, -moved), r.t)
            if r.type == "sys.boot" and moved < 0:
                self.back = r.n, -moved
            # A machine that was started between the two has run for `mono` at most.
            possible = moved >= r.mono - self.STEP or steady >= 0 and abs(moved - steady) <= self.STEP
            if r.type == "sys.boot" and moved >= 0 and not possible and not self.sparse:
                self.add("CLOCK-OVER-RESTART", where, "CLOCK_OVER_RESTART", moved, r.mono)
        elif r.type == "clock.step" or self.sparse:
            step = moved - steady
            if step < -self.STEP:
                self.allow(-step, r.t)
            elif step > self.STEP:
                for camera in self.cameras.values():
                    camera.forward = min(camera.forward + step, self.MOST)
        if r.type == "sys.boot" and r.n > 1:
            self.started = r.t

    def allow(self, ms, t):
        until = t + min(ms, self.MOST) + self.SILENCE
        for allowed in [self.allowed] + [camera.allowed for camera in self.cameras.values()]:
            allowed[:2] = min(allowed[0] + ms, self.MOST), max(allowed[1], until)

    def segment(self, r, where, segment):
        name, s, t0, t1 = segment[:4]
        off = r.data.get("off_ms")
        off = min(max(off, 0), self.MOST) if type(off) is int else 0
        camera = self.cameras.get(name)
        if camera is None:
            camera = self.cameras[name] = Camera(self.allowed)
        allowed = camera.allowed
        if t1 <= t0:
            self.add("SEGMENT-TIMES", where, "SEGMENT_BACKWARDS", s, name, time_text(t0), time_text(t1))
        ahead = t1 - r.t
        if ahead > self.AHEAD + off + allowed[0] and not allowed[2]:
            self.add("SEGMENT-TIMES", where, "SEGMENT_AHEAD", s, name, time_text(t1), ahead)
        recovered = self.started is None or t1 < self.started
        if -ahead > self.LATE + off + camera.forward and not recovered and not self.sparse:
            self.add("LOGGED-LATE", where, "LOGGED_LATE", s, name, -ahead)
        if camera.last:
            before, end, end_off = camera.last
            over, most = end - t0, 500 + off + end_off
            if over > most and not allowed[2]:
                if over <= most + allowed[0]:
                    allowed[0] = max(allowed[0] - over, 0)
                else:
                    self.add("SEGMENT-TIMES", where, "SEGMENT_OVERLAP", s, name, over)
            if s == before + 1 and self.HOLE < -over <= 500:
                camera.holes[0] += 1
                camera.holes[1] -= over
        if t0 > allowed[1]:
            allowed[0] = 0
        if allowed[2] and (self.opened is None or t0 >= self.opened) and ahead <= self.AHEAD:
            allowed[2] = False
        camera.forward, camera.last, camera.heard, camera.gap_open = 0, (s, t1, off), (r.boot, r.mono), False

    def end(self):
        """What the lines as a whole leave to be noted."""
        for name in sorted(self.cameras, key=lambda name: name.encode()):
            camera, place = self.cameras[name], "camera " + name
            if camera.holes[0]:
                self.add("SHORT-HOLES", place, "SHORT_HOLES", *camera.holes)
            if self.before and not self.sparse and not camera.gap_open:
                silent = self.before[2] - camera.heard[1]
                if camera.heard[0] == self.before[1] and silent > self.SILENT:
                    self.add("CAMERA-SILENT", place, "CAMERA_SILENT", silent)


class Anchors:
    """How far the hub's countersignatures reach into a log, and what its clock says of the recorder's."""
    LATE, FIRST, APART = 3600, 300, 60  # seconds

    def __init__(self, add):
        self.add = add
        self.passed = array.array("L")  # seconds up to each line, by the recorder's own clocks
        self.ms, self.before = 0, None

    def line(self, r):
        """`r`: None of a line that cannot be read, or is of another log."""
        if r:
            if self.before:
                t, boot, mono = self.before
                self.ms += max(0, r.mono - mono if r.boot == boot else r.t - t)
            self.before = r.t, r.boot, r.mono
        self.passed.append(min(self.ms // 1000, 0xFFFFFFFF))

    def secs(self, line):
        return self.passed[min(line, len(self.passed) - 1)] if self.passed else 0

    def judge(self, said, size):
        """`said`: (size, hub time, (line, its time) or None) of every good countersignature; the verdict, if all else is well."""
        said.sort(key=lambda c: (c[0], c[1], c[2][0] if c[2] else 1 << 64))
        if not said:
            return "INTACT-NOT-YET-COUNTERSIGNED"
        late = any(after[1] - before[1] > self.LATE for before, after in zip(said, said[1:]))
        first, last = said[0], said[-1]
        secs = self.secs(first[2][0] if first[2] else max(0, first[0] - 1))
        if secs > self.FIRST:
            self.add("LATE-FIRST", "line 0", "LATE_FIRST", first[0], hub_time(first[1]), secs)
            late = late or secs > self.LATE
        above = size - last[0]
        if above > 0:
            secs = self.secs(size - 1) - self.secs(max(0, last[0] - 1))
            self.add("ABOVE-COUNTERSIGNED", "tail", "ABOVE_COUNTERSIGNED", above, secs)
            late = late or secs > self.LATE
        self.clocks(said)
        return "INTACT-LATE-ANCHORED" if late else "INTACT"

    def clocks(self, said):
        """The recorder's clock against the hub's, and the hub's against itself."""
        apart = [(c[2][1] // 1000 - c[1], c[2][0]) for c in said if c[2]]
        wide = [entry for entry in apart if abs(entry[0]) > self.APART]
        if wide:
            secs, line = max(wide, key=lambda entry: abs(entry[0]))
            self.add("CLOCK-APART", "log", "CLOCK_APART", len(wide), len(apart), line, abs(secs), "ahead" if secs > 0 else "behind")
        for before, after in zip(said, said[1:]):
            if after[1] < before[1]:
                self.add("HUB-CLOCK-BACK", "cosigned %d" % after[0], "HUB_CLOCK_BACK", after[0], hub_time(after[1]), hub_time(before[1]))
                return


def hub_time(secs):
    """A hub's time as it is said; as a number where the calendar ends."""
    return time_text(secs * 1000) if secs < 253370764800 else "%d s after 1970" % secs


class LogKeys:
    """The keys of a log by position: which one signs a head of which size."""

    def __init__(self):
        self.lines = []  # (line number, Vkey)

    def in_force(self, size):
        """A head that ends with a key line is still signed by the old key."""
        for n, key in reversed(self.lines):
            if n + 1 < size:
                return key
        return self.lines[0][1] if self.lines else None

    def judge(self, head):
        """None when the key in force signed the head; else code, word, and what fills the sentence."""
        right = self.in_force(head.size)
        if right is None:
            return "UNKNOWN-KEY", "UNKNOWN_KEY"
        state = check_log_signature(head, right)
        if state == GOOD:
            return None
        if state == BAD:
            return "BAD-SIGNATURE", "BAD_SIGNATURE"
        for _, key in self.lines:
            state = check_log_signature(head, key)
            if state == GOOD:
                return "WRONG-KEY", "WRONG_KEY", key.id.hex(), right.id.hex()
            if state == BAD:
                return "BAD-SIGNATURE", "BAD_SIGNATURE"
        return "UNKNOWN-KEY", "UNKNOWN_KEY"


class Lines:
    """The rules between one line and the next. Feed it every line in order."""

    def __init__(self, findings):
        self.add, self.tell = findings.add, findings.tell
        self.tree = Tree()
        self.origin = None
        self.last_leaf = bytes(32)
        self.next_n = 0            # number the next line should bear
        self.lagging = False       # in a run of lines whose number is too small
        self.before = None         # (t, boot, mono) of the line before, when it could be read and is of this log
        self.cameras = {}          # camera -> [(s, end) of its last segment or None, gaps declared since]
        self.keys = LogKeys()
        self.masks = self.times = None
        self.anchors = Anchors(findings.add)
        self.acks = []             # (line number, its time, head.ack)
        self.readable = False      # at least one line of this log could be read
        self.unknown_types = set()

    def line(self, data):
        place, own = self.tree.size, None
        try:
            r = parse_line(data)
        except Malformed as bad:
            leaf = leaf_hash(data)
            self.unread(place, "RECORD-MALFORMED", bad.args[0])
        except OtherVersion as other:
            leaf = leaf_hash(data)
            self.unread(place, "UNKNOWN-VERSION", say("VERSION", other.args[0]))
        else:
            leaf = r.leaf
            own = r if self.judge(place, r) else None
        self.anchors.line(own)
        self.tree.add(leaf)
        self.last_leaf = leaf

    def too_long(self, leaf):
        """A line too long to be held: its fingerprint counts all the same."""
        self.unread(self.tree.size, "RECORD-MALFORMED", say("TOO_LONG"))
        self.anchors.line(None)
        self.tree.add(leaf)
        self.last_leaf = leaf

    def unread(self, place, code, sentence):
        self.tell(code, "line %d" % place, sentence)
        self.next_n += 1
        self.before = None

    def judge(self, place, r):
        """Whether the line is of this log."""
        where = "line %d" % place
        if self.origin is None:
            self.origin = r.log
        if r.log != self.origin:
            self.unread(place, "FOREIGN-RECORD", say("FOREIGN_LINE", r.log, self.origin))
            return False
        expected = self.next_n
        if r.n == expected:
            self.lagging = False
            self.next_n += 1
            if r.prev != self.last_leaf:
                self.add("CHAIN-BREAK", where, "CHAIN")
            self.order(place, where, r)
        else:
            if r.n > expected or not self.lagging:
                self.add("MISSING-OR-REORDERED", where, "OUT_OF_PLACE", r.n, expected)
            self.lagging = r.n < expected
            self.next_n = max(expected, r.n + 1)
        self.before = r.t, r.boot, r.mono
        self.readable = True
        segment = None
        try:
            segment = self.by_type(place, where, r)
        except BadData as bad:
            self.add("RECORD-MALFORMED", where, "BAD_VALUE", bad.args[0])
        if self.masks is None:
            self.masks, self.times = Masks(self.add, r.log, False), Times(self.add, r.log, False)
        self.masks.line(r)
        self.times.line(r, segment)
        return True

    def order(self, place, where, r):
        """Start counter and clocks, for a line in its place."""
        if place == 0 and r.type != "log.open":
            self.add("MISSING-OR-REORDERED", where, "NOT_OPENED", r.type)
        if place == 1 and r.type != "sys.boot":
            self.add("MISSING-OR-REORDERED", where, "NOT_STARTED", r.type)
        if self.before is None:
            return
        t, boot, mono = self.before
        if r.boot != boot:
            if r.boot < boot or r.type != "sys.boot":
                self.add("BOOT-NOT-LOGGED", where, "BOOT_UNLOGGED", boot, r.boot)
            return
        if r.mono < mono:
            self.add("RECORD-MALFORMED", where, "MONO", mono, r.mono)
        if r.type == "sys.boot" and place != 1:
            self.add("BOOT-NOT-LOGGED", where, "BOOT_SAME", boot)
        if r.mono - mono > 75000:
            self.add("SILENCE", where, "SILENCE", r.mono - mono)
        step = (r.t - t) - (r.mono - mono)
        if abs(step) > 250 and r.type != "clock.step":
            self.add("CLOCK-STEP-NOT-LOGGED", where, "STEP", step)

    def by_type(self, place, where, r):
        """The segment of a seg.write line, else None."""
        if r.type == "seg.write":
            segment = seg_write(r.data)
            camera = self.cameras.setdefault(segment[0], [None, []])
            gaps = [(t0, t1) for following, t0, t1 in camera[1] if following == segment[1]]
            before, camera[0], camera[1] = camera[0], (segment[1], segment[3]), []
            if before:
                follows(self.add, segment[0], place, before, segment, gaps)
            return segment
        if r.type == "seg.gap":
            gap = seg_gap(r.data)
            self.cameras.setdefault(gap[0], [None, []])[1].append(gap[1:])
        elif r.type == "head.ack":
            self.acks.append((place, r.t, head_ack(r.data)))
        elif r.type == "log.open":
            key = part(r.data, "key", log_key)
            if place == 0:
                self.keys.lines.append((place, key))
        elif r.type == "key.roll":
            self.keys.lines.append((place, part(r.data, "new", log_key)))
        elif r.type not in KNOWN_TYPES and r.type not in self.unknown_types:
            self.unknown_types.add(r.type)
            self.add("UNKNOWN-TYPE", where, "UNKNOWN_TYPE", r.type)
        return None


KNOWN_TYPES = set(
    "log.open log.close key.roll key.seal head.ack head.seen beat sys.boot sys.stop sys.update log.torn clock.state "
    "clock.step cam.set cam.session cam.accept seg.write seg.gap gap.open seg.lost rate.set sound.set mask.set mask.lift mask.end mask.fail cfg.set acc.login acc.fail "
    "acc.live acc.view acc.look look.stop acc.refuse hold.set hold.kept hold.clear hold.done exp.look exp.clip exp.done exp.stamp del.range del.done del.confirm approver.set hub.set fault.on fault.off spot.ok spot.bad "
    "box.add box.renew box.revoke box.replace cert.set op.add op.grant op.revoke op.ask op.drop op.name op.password op.close op.signout op.factor op.unfactor op.break decl.set op.accept op.token op.untoken acc.token owner.add owner.set act.fail grant.set grant.fail request.open request.change request.submit request.authorise request.refuse request.cancel request.done request.release request.close rate.order rate.fail lift.ask mask.order order.fail "
    "hub.anchor hub.witness approver.ask approver.order order.touch backup.begin backup.end hub.restore log.base rollback.ask rollback.settle move.order box.line pull.pause pull.resume sweep.order sweep.fail log.order log.fail hold.ask hold.extend hold.drop hold.free "
    "copy.made copy.save reg.mark reg.copy reg.hand reg.receipt reg.return reg.end reg.media reg.still copy.class copy.drop copy.dispose copy.gone copy.clear log.read log.review".split())


def check_cosignature(vkey, message, signature):
    """GOOD with the hub's time, ABSENT when the line is of another key, BAD; a pair."""
    if signature[0] != vkey.name or signature[1] != vkey.id:
        return ABSENT, None
    time = cosigned_at(vkey, message, signature[2])
    return (BAD, None) if time is None else (GOOD, time)


def first_known(states):
    """The first state that is not ABSENT."""
    return next((state for state in states if state[0] != ABSENT), (ABSENT, None))


SLUG = "[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
NUMBER = "0|[1-9][0-9]{0,14}"
BOX_LOG = re.compile("([^/]*)/box/(%s)/(?:%s)" % (SLUG, NUMBER))
HUB_LOG = re.compile("([^/]*)/hub/(?:%s)" % NUMBER)
HUB_KEY = re.compile("([^/]*)/hub/[^/]+")


def is_scheme(name):
    parts = name.split(".")
    return len(name) <= 200 and all(len(part) <= 63 and re.fullmatch(SLUG, part) for part in parts)


def scheme_of(origin, *forms):
    """The scheme of a log whose whole name has one of the forms; None when it has none of them."""
    for form in forms:
        found = form.fullmatch(origin)
        if found and is_scheme(found[1]) and (form is not BOX_LOG or len(found[2]) <= 63):
            return found[1]
    return None


def is_later(origin, before):
    """Whether a log is a later one of the recorder that another one is of."""
    if scheme_of(origin, BOX_LOG) is None or scheme_of(before, BOX_LOG) is None:
        return False
    (name, _, number), (other, _, earlier) = origin.rpartition("/"), before.rpartition("/")
    return name == other and int(number) > int(earlier)


def is_hub_key_of(name, origin):
    """Whether a hub's key may vouch for a log: one of its own scheme."""
    found, scheme = HUB_KEY.fullmatch(name), scheme_of(origin, BOX_LOG, HUB_LOG)
    return found is not None and scheme is not None and found[1] == scheme


def keys_for(origin, hub_keys):
    return [key for key in hub_keys if is_hub_key_of(key.name, origin)]


def countersigned(head, hub_keys):
    """Newest hub time of a good countersignature or None; and (word, name) of every line that bears a
    hub's name and is not good."""
    newest, faults = None, []
    hub_keys = keys_for(head.origin, hub_keys)
    for signature in head.signatures:
        named = [key for key in hub_keys if key.name == signature[0]]
        if named:
            state, time = first_known([check_cosignature(key, head.body(), signature) for key in named])
            if state == GOOD:
                newest = time if newest is None else max(newest, time)
            else:
                faults.append(("BAD_COSIGNATURE" if state == BAD else "HUB_NAME_ONLY", signature[0]))
    return newest, faults


KEPT, NEWEST, COSIGNED, GIVEN = "heads/*", "head.note", "cosigned.note", "--head"


class LogCheck:
    def __init__(self, folder, hub_keys, given, live):
        self.folder, self.hub_keys, self.given, self.live = folder, hub_keys, given, live
        self.findings = Findings()
        self.add = self.findings.add
        self.lines = Lines(self.findings)
        self.torn = 0              # bytes of an unfinished last line, in a log still being written
        self.sealed = 0            # size of the largest well-signed head that agrees
        self.said = []             # (size, hub time, (line, its time) or None) of good countersignatures
        self.ack_disagreed = False

    def run(self):
        self.read_lines()
        if not self.lines.readable:
            self.add("UNREADABLE", "log", "NO_LINE")
        heads = self.read_heads()
        self.about_newest(heads)
        for source, head in heads:
            self.check_head(source, head)
        for line, t, ack in self.lines.acks:
            self.check_ack(line, t, *ack)
        self.check_forks([head for _, head in heads])
        if not self.hub_keys:
            self.add("NO-HUB-KEY", "log", "NO_HUB_KEY")
        above = self.lines.tree.size - self.sealed
        if above > 0:
            self.add("UNSEALED", "tail", "UNSEALED", above)
        if self.torn:
            self.add("TORN-TAIL", "tail", "TORN_LIVE", self.torn)
        verdict = "INTACT-HUB-KEY-NOT-GIVEN"
        if self.hub_keys:
            verdict = self.lines.anchors.judge(self.said, self.lines.tree.size)
        return self.findings.report(verdict)

    def read_lines(self):
        names = []
        for name in self.folder.list():
            if left_by_a_computer(name):
                self.add("PC-FILE", "file " + name, "PC_FILE")
            elif name.endswith(".jsonl") and "/" not in name:
                names.append(name)
        for name in names:
            count = self.lines.tree.size
            if name != "%010d.jsonl" % count:
                self.add("MISSING-OR-REORDERED", "line %d" % count, "FILE_PLACE", name, count)
            try:
                file = self.folder.open(name)
            except OSError:
                self.add("UNREADABLE", "file " + name, "NO_FILE")
                continue
            with file:
                self.read_file(file, name == names[-1])
        if self.lines.times:
            self.lines.times.end()

    def read_file(self, file, is_last):
        while True:
            line = file.readline(MAX_LINE + 1)
            if line[-1:] == b"\n":
                self.lines.line(line)
                continue
            # No line end here: the end of the file, or a line longer than any may be, which is only hashed.
            size, hashed = len(line), hashlib.sha256(b"\0" + line)
            while line and line[-1:] != b"\n":
                line = file.readline(1 << 16)
                size += len(line)
                hashed.update(line)
            if line:
                self.lines.too_long(hashed.digest())
                continue
            if size and self.live and is_last:
                self.torn = size
            elif size:
                self.add("RECORD-MALFORMED", "tail", "TORN", size)
            return

    def read_heads(self):
        """All heads of this log in the order they are judged in; the others are named here."""
        names = self.folder.list()
        kept = [name for name in names if name.startswith("heads/") and name.count("/") == 1 and not left_by_a_computer(name)]
        kept.sort(key=lambda name: (len(name.encode()), name.encode()))
        paths = [(KEPT, name) for name in kept] + [(name, name) for name in (NEWEST, COSIGNED) if name in names]
        texts, heads = [], []
        for source, name in paths:
            try:
                texts.append((source, name, self.folder.read(name)))
            except OSError:
                self.add("UNREADABLE", "file " + name, "NO_FILE")
        texts += [(GIVEN, "given %d" % (i + 1), data) for i, data in enumerate(self.given)]
        for source, name, data in texts:
            try:
                head = Head(data)
            except BadNote:
                self.add("BAD-SIGNATURE", "head " + name, "NOT_A_HEAD")
                continue
            if self.lines.origin not in (None, head.origin):
                self.add("FOREIGN-RECORD", "head %d" % head.size, "FOREIGN_HEAD", head.origin, self.lines.origin)
            else:
                heads.append((source, head))
        return heads

    def agrees(self, size, root):
        return size <= self.lines.tree.size and self.lines.tree.root(size) == root

    def about_newest(self, heads):
        """Of head.note: its size, whether it is well signed and agrees, and whether only what lies above
        every smaller known root can have changed."""
        self.newest, self.newest_agrees, self.only_above = 0, False, False
        for source, head in heads:
            if source == NEWEST:
                self.newest = head.size
                self.newest_agrees = self.agrees(head.size, head.root) and self.lines.keys.judge(head) is None
                known = [(h.size, h.root) for _, h in heads] + [ack[:2] for _, _, ack in self.lines.acks]
                self.only_above = head.size == self.lines.tree.size and all(
                    self.agrees(size, root) for size, root in known if size < head.size)

    def check_head(self, source, head):
        place = "cosigned %d" % head.size
        witnessed = source == COSIGNED
        if source in (COSIGNED, GIVEN):
            time, faults = countersigned(head, self.hub_keys)
            if source == COSIGNED and self.hub_keys and time is None and not faults:
                self.add("NO-HUB-COSIGNATURE", place, "NO_COSIGNATURE")
            for word, name in faults:
                self.add("BAD-SIGNATURE", place, word, name)
            if time is not None:
                self.said.append((head.size, time, None))
            counts = time is not None or not self.hub_keys
            witnessed = witnessed or counts
            if witnessed and self.disagrees(head.size, head.root, counts, place):
                return
        place = "head %d" % head.size
        trouble = self.lines.keys.judge(head)
        if trouble:
            self.add(trouble[0], place, *trouble[1:])
        if self.agrees(head.size, head.root):
            if not trouble:
                self.sealed = max(self.sealed, head.size)
        elif head.size > self.lines.tree.size:
            self.add("TRUNCATED", place, "TRUNCATED", head.size, self.lines.tree.size)
        elif source == NEWEST and self.only_above:
            self.add("ALTERED", place, "ALTERED", head.size)
        else:
            self.add("ALTERED-OR-FORKED", place, "ALTERED_OR_FORKED", head.size)

    def disagrees(self, size, root, counts, place):
        """A root the hub countersigned, against the lines."""
        if self.agrees(size, root):
            return False
        if size > self.lines.tree.size:
            if counts and size > self.newest:
                self.add("ROLLED-BACK", place, "ROLLED_BACK", size, self.lines.tree.size)
        elif counts and self.newest_agrees:
            self.add("FORKED", place, "FORKED", size)
        else:
            self.add("ALTERED-OR-FORKED", place, "ALTERED_OR_FORKED", size)
        return True

    def check_ack(self, line, t, size, root, hub, time, signature):
        place = "line %d" % line
        named, counts = [key for key in keys_for(self.lines.origin or "", self.hub_keys) if key.name == hub], True
        if named:
            message = body(self.lines.origin, size, root)
            state, stated = first_known([check_cosignature(key, message, signature) if signature else (BAD, None)
                                         for key in named])
            if state == GOOD and stated == time:
                self.said.append((size, time, (line, t)))
            else:
                counts = False
                self.add("BAD-SIGNATURE", place, "HUB_NAME_ONLY" if state == ABSENT else "BAD_COSIGNATURE", hub)
        if not self.ack_disagreed:  # where lines were changed all later ones disagree too: the first says it
            self.ack_disagreed = self.disagrees(size, root, counts, place)

    def check_forks(self, heads):
        """Two heads of one size with different roots, both signed by keys of this log, convict on their own."""
        roots = {}
        for head in heads:
            if any(check_log_signature(head, key) == GOOD for _, key in self.lines.keys.lines):
                roots.setdefault(head.size, set()).add(head.root)
        for size in sorted(roots):
            if len(roots[size]) > 1:
                self.add("PROOF-OF-FORK", "head %d" % size, "PROOF_OF_FORK", size)


# ---------------------------------------------------------------- (6) a package

BESIDE = {"SHA256SUMS", "SHA256SUMS.sig", "SHA256SUMS.tsr", "SHA256SUMS.record", "SHA256SUMS.tlog-proof"}


def pieces(data):
    """Lines with their line ends; the last may have none."""
    return re.findall(br"[^\n]*\n|[^\n]+", data)


def safe_path(path):
    return not re.search(r"[\x00-\x1f\x7f\\]", path) and all(part not in ("", ".", "..") for part in path.split("/"))


def pem_bytes(pem):
    """The bytes in a PEM public key, or None."""
    try:
        text = pem.decode("utf-8").strip()
    except UnicodeError:
        return None
    head, tail = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"
    if not text.startswith(head) or not text[len(head):].endswith(tail):
        return None
    return unbase64("".join(re.split("[ \t\n\r\f]+", text[len(head):-len(tail)])))


def read_manifest(data):
    """ref, log, cam, t0, t1, master as [(n, file)]; None when it is not of its form."""
    try:
        m = Reader(data[:-1] if data[-1:] == b"\n" else data).whole()
        keys = ["v", "ref", "log", "cam", "t0", "t1", "master", "still"]
        if type(m) is not dict or list(m) not in (keys[:7], keys):
            return None
        if type(m["v"]) is not int or m["v"] != 1 or type(m["master"]) is not list:
            return None
        out = {key: part(m, key, text) for key in ("ref", "log", "cam")}
        out.update((key, part(m, key, time_ms)) for key in ("t0", "t1"))
        if not all(type(entry) is dict and list(entry) == ["n", "file"] for entry in m["master"]):
            return None
        out["master"] = [(part(entry, "n", count), part(entry, "file", text)) for entry in m["master"]]
        out["still"] = m.get("still")
        if "still" in m:  # of a still picture: what it was made of, and the line of the segment
            if type(m["still"]) is not dict or list(m["still"]) != ["parent", "n", "file"] or m["master"]:
                return None
            out["still"] = {"parent": part(m["still"], "parent", text), "n": part(m["still"], "n", count), "file": part(m["still"], "file", text)}
        return out
    except (Malformed, BadData):
        return None


def reached(leaf, proof):
    return root_from_proof(leaf, proof.index, proof.head.size, proof.hashes)


class PackageCheck:
    def __init__(self, folder, hub_keys, roots, witnesses):
        self.folder, self.hub_keys, self.roots, self.witnesses = folder, hub_keys, roots, witnesses
        self.findings = Findings()
        self.add = self.findings.add
        self.names = set(folder.list())
        self.listed = set()

    def read(self, name):
        """The bytes of a file, or None."""
        try:
            return self.folder.read(name) if name in self.names else None
        except OSError:
            return None

    def run(self):
        sums = self.read("SHA256SUMS")
        if sums is None:
            self.add("UNREADABLE", "file SHA256SUMS", "NO_FILE")
            return self.findings.report("CANNOT-CHECK")
        self.check_listing(sums)
        manifest = self.read("manifest.json")
        manifest = read_manifest(manifest) if manifest is not None else None
        self.check_seal(sums, manifest)
        if "SHA256SUMS.tsr" in self.names:
            found = self.stamp("SHA256SUMS.tsr", sums)
            if found:
                self.add("TIME-STAMPED", "file SHA256SUMS.tsr", "STAMPED", root_name(found[0]), found[1])
        if manifest:
            self.segments, self.gaps, self.clips, self.head = {}, [], [], None
            self.check_records(manifest)
            self.check_masters(manifest)
            self.check_copies(manifest)
            self.check_outside(manifest)
        else:
            self.add("UNREADABLE", "file manifest.json", "NO_MANIFEST")
        if not self.hub_keys:
            self.add("NO-HUB-KEY", "package", "NO_HUB_KEY")
        return self.findings.report("INTACT" if self.hub_keys else "INTACT-HUB-KEY-NOT-GIVEN")

    # 1. every file is the file that was listed
    def check_listing(self, sums):
        for number, line in enumerate(pieces(sums)):
            try:
                digest, two, path = line.decode("utf-8").partition("  ")
            except UnicodeError:
                digest, two, path = "", "", ""
            if not two or path[-1:] != "\n" or not is_hash(digest):
                self.add("LISTING-UNSAFE", "file SHA256SUMS", "LISTING_LINE", number + 1)
                continue
            path = path[:-1]
            place = "file " + path
            if not safe_path(path):
                self.add("LISTING-UNSAFE", place, "LISTING_PATH")
            elif path in self.listed:
                self.add("LISTING-UNSAFE", place, "LISTING_TWICE")
            else:
                self.listed.add(path)
                if path not in self.names:
                    self.add("ALTERED-FILE", place, "FILE_MISSING")
                    continue
                try:
                    if self.folder.sha256(path).hex() != digest:
                        self.add("ALTERED-FILE", place, "FILE_ALTERED")
                except OSError:
                    self.add("LISTING-UNSAFE", place, "LISTING_ODD")
        for path in self.folder.list():
            if path not in self.listed and path not in BESIDE:
                self.add(*(("PC-FILE", "file " + path, "PC_FILE") if left_by_a_computer(path)
                           else ("EXTRA-FILE", "file " + path, "FILE_EXTRA")))

    # 2. the list is the list that was sealed, and the hub's log says so
    def check_seal(self, sums, manifest):
        scheme = scheme_of(manifest["log"], BOX_LOG) if manifest else None
        line, proven = self.hub_line("keys/seal.record", "keys/seal.tlog-proof", scheme)
        spki = None
        if line and line.type == "key.seal" and text(line.data.get("spki")) is not None:
            spki = unbase64(line.data["spki"])
            spki = spki if spki is not None and is_p256(spki) else None
        if spki is None or not proven:
            self.add("SEAL-KEY-NOT-IN-LOG", "file keys/seal.record", "SEAL_KEY")
        seal, place = self.read("SHA256SUMS.sig"), "file SHA256SUMS.sig"
        if seal is None:
            self.add("SEAL-BROKEN", place, "SEAL_MISSING")
        elif spki is None or not p256_good(spki, sums, seal):
            pem = self.read("keys/seal.pem")
            other = pem_bytes(pem) if pem is not None else None
            if other is None or not p256_good(other, sums, seal):
                self.add("SEAL-BROKEN", place, "SEAL_BROKEN")
            elif spki is not None:
                self.add("SEAL-KEY-NOT-IN-LOG", place, "SEAL_OTHER_KEY")
        line, proven = self.hub_line("SHA256SUMS.record", "SHA256SUMS.tlog-proof", scheme)
        if not (proven and line.type == "exp.done" and line.data.get("sums") == sha256(sums).hex()
                and text(line.data.get("ref")) == (manifest["ref"] if manifest else None)):
            self.add("NOT-IN-LOG", "file SHA256SUMS.record", "NOT_EXPORTED")

    def hub_line(self, record_name, proof_name, scheme):
        """A line of the log of the scheme's own hub, and whether its proof leads to its head. What is wrong
        with that head is said here."""
        return self.proven(self.read(record_name), proof_name, scheme)

    def proven(self, data, proof_name, scheme):
        """The same of a line that is at hand."""
        place = "file " + proof_name
        try:
            line = parse_line(data) if data is not None else None
        except (Malformed, OtherVersion):
            line = None
        if line and (scheme is None or scheme_of(line.log, HUB_LOG) != scheme):
            line = None
        proof = self.proof(proof_name)
        if proof is None:
            return line, False
        self.hub_says(proof.head, place, place)
        data = self.read("keys/hub-log.vkey")
        try:
            key = Vkey(data.decode("utf-8").rstrip("\n")) if data is not None else None
        except (UnicodeError, BadNote):
            key = None
        if key:
            state = check_log_signature(proof.head, key)
            if state != GOOD:
                self.add(*(("BAD-SIGNATURE", place, "BAD_SIGNATURE") if state == BAD else ("UNKNOWN-KEY", place, "UNKNOWN_KEY")))
        proven = (line is not None and line.log == proof.head.origin and line.n == proof.index
                  and reached(line.leaf, proof) == proof.head.root)
        return line, proven

    def proof(self, name):
        data = self.read(name)
        try:
            return Proof(data) if data is not None else None
        except BadNote:
            return None

    def hub_says(self, head, place, countersigned_place):
        if self.hub_keys:
            time, faults = countersigned(head, self.hub_keys)
            if time is None and not faults:
                self.add("NO-HUB-COSIGNATURE", place, "NO_COSIGNATURE")
            for word, name in faults:
                self.add("BAD-SIGNATURE", countersigned_place, word, name)

    # 3. every line relied on is in the box's log, under one head
    def check_records(self, manifest):
        if scheme_of(manifest["log"], BOX_LOG) is None:
            self.add("FOREIGN-RECORD", "file manifest.json", "NOT_A_BOX_LOG", manifest["log"])
        data = self.read("log/records.jsonl")
        if data is None:
            self.add("UNREADABLE", "file log/records.jsonl", "NO_FILE")
            return
        lines, shared = [], []  # shared: [head, how many proofs end in it]
        for number, line in enumerate(pieces(data)):
            r = trouble = proof = None
            try:
                r = parse_line(line)
            except Malformed as bad:
                trouble = "RECORD-MALFORMED", "record %d" % number, bad.args[0]
            except OtherVersion as other:
                trouble = "UNKNOWN-VERSION", "record %d" % number, say("VERSION", other.args[0])
            if r and r.log == manifest["log"]:
                proof = self.proof("log/proof/%d.tlog-proof" % r.n)
            if proof:
                for entry in shared:
                    if entry[0].same(proof.head):
                        entry[1] += 1
                        break
                else:
                    shared.append([proof.head, 1])
            lines.append((r, trouble, proof))
        head = max(shared, key=lambda entry: entry[1])[0] if shared else None
        self.head = head
        keys, clock_shown = [], None
        masks, times = Masks(self.add, manifest["log"], True), Times(self.add, manifest["log"], True)
        for r, trouble, _ in lines:
            if not trouble and r.log == manifest["log"]:
                masks.expect(r)
        for r, trouble, proof in lines:
            if trouble:
                self.findings.tell(*trouble)
                continue
            place = "line %d" % r.n
            if r.log != manifest["log"]:
                self.add("FOREIGN-RECORD", place, "FOREIGN_LINE", r.log, manifest["log"])
                continue
            segment = None
            try:
                segment = self.by_type(r, keys)
            except BadData as bad:
                self.add("RECORD-MALFORMED", place, "BAD_VALUE", bad.args[0])
            if clock_shown is None and r.type in ("clock.state", "seg.write"):
                clock_shown = r.type == "clock.state"
            masks.line(r)
            times.line(r, segment)
            root = None
            if proof and proof.index == r.n and proof.head.same(head):
                root = reached(r.leaf, proof)
            if root is None:
                self.add("PROOF-MISMATCH", place, "PROOF_MISMATCH")
            elif root != head.root:
                self.add("NOT-IN-LOG", place, "NOT_IN_LOG")
        if head:
            self.check_head(head, manifest, keys)
        times.end()
        if clock_shown is False:
            self.add("CLOCK-NOT-SHOWN", "package", "CLOCK_UNSHOWN")

    def by_type(self, r, keys):
        """The segment of a seg.write line, else None."""
        if r.type == "seg.write":
            self.segments[r.n] = seg_write(r.data)
            return self.segments[r.n]
        if r.type == "exp.clip":
            self.clips.append(r)
        elif r.type == "seg.gap":
            self.gaps.append(seg_gap(r.data))
        elif r.type == "head.ack":
            head_ack(r.data)
        elif r.type == "log.open":
            key = part(r.data, "key", log_key)
            if r.n == 0:
                keys.append((0, key))
        elif r.type == "key.roll":
            keys.append((r.n, part(r.data, "new", log_key)))
        return None

    def check_head(self, head, manifest, lines):
        place = "head %d" % head.size
        if head.origin != manifest["log"]:
            self.add("FOREIGN-RECORD", place, "FOREIGN_HEAD", head.origin, manifest["log"])
        self.hub_says(head, place, "cosigned %d" % head.size)
        keys = LogKeys()
        for n, key in sorted(lines, key=lambda line: line[0]):
            if n == 0 or n + 1 < head.size:
                keys.lines.append((n, key))
        if not keys.lines:
            self.add("UNKNOWN-KEY", place, "NO_KEY_LINE")
        else:
            trouble = keys.judge(head)
            if trouble:
                self.add(trouble[0], place, *trouble[1:])

    # 4. the footage is what those lines describe, all of it, and what was asked for
    def check_masters(self, m):
        gaps, held = [gap for gap in self.gaps if gap[0] == m["cam"]], []
        for n, name in m["master"]:
            place, segment = "file " + name, self.segments.get(n)
            if not segment or segment[0] != m["cam"]:
                self.add("UNLOGGED-MASTER-FILE", place, "UNLOGGED_ENTRY", m["cam"], n)
                continue
            if name in self.names:
                try:
                    as_logged = self.folder.sha256(name).hex() == segment[5]
                except OSError:
                    as_logged = False
                if not as_logged:
                    self.add("SEGMENT-NOT-AS-LOGGED", place, "NOT_AS_LOGGED", n)
            elif name not in self.listed:
                self.add("ALTERED-FILE", place, "ENTRY_MISSING")
            if held:
                declared = [gap[2:] for gap in gaps if gap[1] == segment[1]]
                follows(self.add, m["cam"], n, (held[-1][1], held[-1][3]), segment, declared)
            held.append(segment)
        named = {name for _, name in m["master"]}
        for name in self.folder.list():
            if name.startswith("master/") and name not in named and (name in self.listed or not left_by_a_computer(name)):
                self.add("UNLOGGED-MASTER-FILE", "file " + name, "UNLOGGED_FILE")
        if m["still"] is not None:  # nothing of the recording is here but that picture, and the line of the segment it is of
            n, name = m["still"]["n"], m["still"]["file"]
            if n not in self.segments or self.segments[n][0] != m["cam"]:
                self.add("UNLOGGED-MASTER-FILE", "file " + name, "UNLOGGED_ENTRY", m["cam"], n)
            elif name not in self.names and name not in self.listed:
                self.add("ALTERED-FILE", "file " + name, "ENTRY_MISSING")
            return
        self.check_coverage(m, held, [gap[2:] for gap in gaps])
        self.check_clip(m, held, self.later_clip(m))

    def check_clip(self, m, held, later):
        clips = [r for r in self.clips + later if r.data.get("ref") == m["ref"] and r.data.get("cam") == m["cam"]]
        if not clips:
            self.add("NOT-IN-LOG", "package", "NO_CLIP", m["ref"], m["cam"])
            return
        t0, t1 = time_ms(clips[-1].data.get("t0")), time_ms(clips[-1].data.get("t1"))
        if t0 is None or t1 is None:
            self.add("REQUEST-NOT-LOGGED", "package", "ASKED_UNSAID", clips[-1].n)
        elif (t0, t1) != (m["t0"], m["t1"]):
            self.add("REQUEST-NOT-AS-LOGGED", "package", "ASKED_OTHERWISE", clips[-1].n, time_text(t0), time_text(t1),
                     time_text(m["t0"]), time_text(m["t1"]))
        if held and not any(self.exported(r, held[0][1], held[-1][1], r in later) for r in clips):
            self.add("DOES-NOT-COVER-REQUEST", "package", "CLIP_SPAN", clips[-1].n, held[0][1], held[-1][1])

    @staticmethod
    def exported(line, first, last, later):
        """Of a log that has ended only the part that was countersigned is here: what was handed out may reach beyond it."""
        s0, s1 = count(line.data.get("s0")), count(line.data.get("s1"))
        if later:
            return s0 is not None and s1 is not None and s0 <= first and last <= s1
        return (s0, s1) == (first, last)

    def later_clip(self, m):
        """The exp.clip line of footage whose log has ended: it lies in a later log of the same recorder. None or one."""
        if "log/clip.record" not in self.names:
            return []
        data, proof, place = self.read("log/clip.record"), self.proof("log/clip.tlog-proof"), "file log/clip.tlog-proof"
        try:
            line = parse_line(data) if data is not None else None
        except (Malformed, OtherVersion):
            line = None
        if proof:
            self.hub_says(proof.head, place, place)
        if (line and proof and is_later(line.log, m["log"]) and line.type == "exp.clip" and line.log == proof.head.origin
                and line.n == proof.index and reached(line.leaf, proof) == proof.head.root):
            return [line]
        self.add("NOT-IN-LOG", "file log/clip.record", "NO_LATER_CLIP")
        return []

    def check_coverage(self, m, held, gaps):
        t0, t1 = m["t0"], m["t1"]
        if t1 <= t0:
            self.add("REQUEST-NOT-AS-LOGGED", "file manifest.json", "ASKED_BACKWARDS", time_text(t0), time_text(t1))
        if not held:
            if not covered(t0, t1, gaps):
                self.add("DOES-NOT-COVER-REQUEST", "package", "COVER_NONE", time_text(t0), time_text(t1))
            return
        if not covered(t0, held[0][2], gaps):
            self.add("DOES-NOT-COVER-REQUEST", "package", "COVER_START", time_text(held[0][2]), time_text(t0))
        if not covered(held[-1][3], t1, gaps):
            self.add("DOES-NOT-COVER-REQUEST", "package", "COVER_END", time_text(held[-1][3]), time_text(t1))


    def is_copy(self, r, m):
        """Whether a line of the hub's log says that what is below working/, or the still picture, was made."""
        still = m["still"]
        if still is None:
            return r.type == "copy.made" and r.data.get("cam") == m["cam"] and r.data.get("what") == "working"
        segment = self.segments.get(still["n"])
        try:
            taken = part(r.data, "t", time_ms)
        except BadData:
            return False
        return (r.type == "reg.still" and r.data.get("parent") == still["parent"] and r.data.get("log") == m["log"]
                and type(r.data.get("n")) is int and r.data.get("n") == still["n"]
                and segment is not None and segment[2] <= taken < segment[3])

    # 5. what is below working/ and still/ are the copies that the hub's log says were made
    def check_copies(self, m):
        scheme, data, hashes = scheme_of(m["log"], BOX_LOG), self.read("log/copies.jsonl"), set()
        for line in pieces(data or b""):
            try:
                n = parse_line(line).n
            except (Malformed, OtherVersion):
                n = None
            r, proven = self.proven(line, "log/copies/%d.tlog-proof" % n, scheme) if n is not None else (None, False)
            sha = r.data.get("sha256") if proven else None
            if is_hash(sha) and r.data.get("ref") == m["ref"] and self.is_copy(r, m):
                hashes.add(sha)
            else:
                self.add("NOT-IN-LOG", "file log/copies.jsonl", "COPY_UNPROVEN")
        for name in self.folder.list():
            if not name.startswith(("working/", "still/")) or name not in self.listed and left_by_a_computer(name):
                continue
            if data is None:
                self.add("WORKING-COPY-NOT-COMPARED", "file " + name, "COPY_UNCOMPARED")
                continue
            try:
                known = self.folder.sha256(name).hex() in hashes
            except OSError:
                known = False
            if not known:
                self.add("WORKING-COPY-NOT-AS-LOGGED", "file " + name, "COPY_OTHER")

    # 6. what others than the scheme say: authorities for time stamps, and witnesses
    def stamp(self, name, over):
        """Root and time of a time stamp that is good, or None; what else it is, is found."""
        place, answer = "file " + name, self.read(name)
        if not self.roots:
            self.add("TIME-STAMP-NOT-CHECKED", place, "TOKEN_UNCHECKED")
            return None
        found = None if answer is None else judge_stamp(answer, sha256(over), self.roots)
        if found == FOREIGN:
            self.add("TIME-STAMP-NOT-CHECKED", place, "TOKEN_FOREIGN")
            return None
        if found is None:
            self.add("TIME-STAMP-BAD", place, "TOKEN_BAD")
        return found

    def check_outside(self, m):
        anchored = witnessed = False
        if "outside/seen.tlog-proof" in self.names:
            seen = self.seen(m)
            if seen is None:
                self.add("NOT-IN-LOG", "file outside/seen.record", "SEEN_UNPROVEN")
            else:
                head, about = seen
                for name in self.folder.list():
                    if name.startswith("outside/") and name.endswith(".tsr"):
                        found = self.stamp(name, head.body())
                        if found:
                            self.add("ANCHORED", "file " + name, "ANCHORED", root_name(found[0]), found[1], *about)
                            anchored = True
                witnessed = self.attested(head, about)
        if self.roots and not anchored:
            self.add("NOT-ANCHORED", "package", "NOT_ANCHORED")
        if self.witnesses and not witnessed:
            self.add("NOT-WITNESSED", "package", "NOT_WITNESSED")

    def seen(self, m):
        """The head of the hub's log in which a line says how much of the recorder's log the hub had seen; and how many lines that are,
        how many recordings below it, how many recordings. None when it is not proven, or that head is not of the log here."""
        scheme = scheme_of(m["log"], BOX_LOG)
        r, proven = self.hub_line("outside/seen.record", "outside/seen.tlog-proof", scheme)
        if not proven or r.type != "head.seen" or r.data.get("log") != m["log"] or self.head is None or self.head.origin != m["log"]:
            return None
        size, root, data = count(r.data.get("size")), r.data.get("root"), self.read("outside/seen.consistency")
        root = unbase64(root) if type(root) is str else None
        if not size or root is None or len(root) != 32 or data is None:
            return None
        path = []
        for line in pieces(data):
            try:
                item = unbase64(line[:-1].decode("ascii"))
            except UnicodeError:
                item = None
            if line[-1:] != b"\n" or item is None or len(item) != 32:
                return None
            path.append(item)
        here = self.head
        if size <= here.size:
            one = consistent(size, here.size, root, here.root, path)
        else:
            one = here.size > 0 and consistent(here.size, size, here.root, root, path)
        if not one:
            return None
        lines = [n for n, _ in m["master"]] if m["still"] is None else [m["still"]["n"]]
        return self.proof("outside/seen.tlog-proof").head, (size, sum(n < size for n in lines), len(lines))

    def attested(self, head, about):
        """Whether a witness that was given has cosigned the head."""
        place, found, told = "file outside/seen.tlog-proof", False, set()
        for key in self.witnesses:
            times = [cosigned_at(key, head.body(), blob) for name, key_id, blob in head.signatures
                     if name == key.name and key_id == key.id]
            if None in times:
                self.add("BAD-SIGNATURE", place, "BAD_COSIGNATURE", key.name)
            elif times:
                self.add("WITNESSED", place, "WITNESSED", key.name, hub_time(max(times)), *about)
                found = True
        known = {key.name for key in self.witnesses} | {head.origin}
        for name, _, _ in head.signatures:
            if name not in known and not is_hub_key_of(name, head.origin) and name not in told:
                told.add(name)
                self.add("WITNESS-NOT-CHECKED", place, "WITNESS_UNCHECKED", name)
        return found


# ---------------------------------------------------------------- (7) the command

class Folder:
    """The only part that touches the disk. Links are listed, never followed."""

    def __init__(self, root):
        self.root, self.names, self.hashes = root, None, {}

    def path(self, name):
        return os.path.join(self.root, *name.split("/"))

    def list(self):
        if self.names is None:
            names = []
            for base, folders, files in os.walk(self.root, onerror=self.fail):
                below = os.path.relpath(base, self.root).replace(os.sep, "/")
                links = [f for f in folders if os.path.islink(os.path.join(base, f))]
                names += [f if below == "." else below + "/" + f for f in files + links]
            # A name that is not UTF-8 is listed with U+FFFD for each byte that is none, and cannot be read.
            names = {re.sub("[\ud800-\udfff]", "\ufffd", name) for name in names}
            self.names = sorted(names, key=lambda n: n.encode("utf-8"))
        return self.names

    @staticmethod
    def fail(error):
        raise error

    def open(self, name, most=MAX_FILE):
        found = os.lstat(self.path(name))
        if not stat.S_ISREG(found.st_mode) or (most and found.st_size > most):
            raise OSError("not a regular file, or too large")
        return open(self.path(name), "br")

    def read(self, name):
        with self.open(name) as file:
            return file.read()

    def sha256(self, name):
        if name not in self.hashes:
            with self.open(name, None) as file:
                digest = hashlib.sha256()
                for block in iter(lambda: file.read(1 << 20), b""):
                    digest.update(block)
            self.hashes[name] = digest.digest()
        return self.hashes[name]


def verify(path, hub_keys=(), given=(), live=False, kind=None, roots=(), witnesses=()):
    """The whole report as text."""
    return verify_folder(Folder(path), hub_keys, given, live, kind, roots, witnesses)


def verify_folder(folder, hub_keys, given, live, kind, roots, witnesses):
    try:
        names = folder.list()
    except (OSError, ValueError):
        place = "package" if kind == "bundle" else "log"
        return "CANNOT-CHECK\nUNREADABLE\t%s\t%s\n" % (place, say("NO_FOLDER"))
    if kind == "bundle" or (kind is None and "SHA256SUMS" in names):
        return PackageCheck(folder, list(hub_keys), list(roots), list(witnesses)).run()
    return LogCheck(folder, list(hub_keys), list(given), live).run()


def main(args):
    path = kind = None
    hub_keys, given, live, roots, witnesses = [], [], False, [], []
    args = list(args)
    try:
        while args:
            arg = args.pop(0)
            if arg == "--live":
                live = True
            elif arg == "--hub":
                hub_keys.append(Vkey(args.pop(0).strip()))
            elif arg == "--witness":
                witnesses.append(Vkey(args.pop(0).strip()))
            elif arg == "--authority":
                with open(args.pop(0), "br") as file:
                    roots += certificates_of(file.read(MAX_FILE).decode("utf-8", "replace"))
            elif arg == "--head":
                with open(args.pop(0), "br") as file:
                    given.append(file.read(MAX_FILE))
            elif arg in ("log", "bundle") and kind is None and path is None:
                kind = arg
            elif not arg.startswith("-") and path is None:
                path = arg
            else:
                raise IndexError
        if path is None:
            raise IndexError
    except IndexError:
        sys.stderr.write(__doc__)
        return 2
    except BadDer:
        sys.stderr.write("%s: the file holds no certificate in PEM\n" % arg)
        return 2
    except (OSError, BadNote) as error:
        sys.stderr.write("%s: %s\n" % (arg, error))
        return 2
    report = verify(path, hub_keys, given, live, kind, roots, witnesses)
    sys.stdout.write(report)
    verdict = report.split("\n", 1)[0]
    return 0 if verdict.startswith("INTACT") else 1 if verdict == "NOT-INTACT" else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
