#!/usr/bin/env python3
"""Checks a Beadle log folder or evidence package. Python 3.8 or later, nothing to install.

  python3 verify.py PATH [--hub VKEY]... [--head FILE]... [--live]
  python3 verify.py log PATH ...      PATH is a log folder (has *.jsonl)
  python3 verify.py bundle PATH ...   PATH is an evidence package (has SHA256SUMS)

  --hub VKEY   the hub's countersigning key, typed from the council's page or the printed
               certificate (never taken from the package). May be given more than once.
  --head FILE  a further signed head of the log that the reader knows of, such as the hub's.
  --live       the log is still being written, so an unfinished last line is normal.

Prints the verdict, then one line per finding: CODE, place, plain sentence (tab between).
Ends with status 0 for INTACT..., 1 for NOT-INTACT, 2 for CANNOT-CHECK.

How to read this file, top to bottom: (1) hashes and the tree, (2) the two signature schemes,
(3) keys, heads and proofs, (4) one line of the log, (5) a whole log, (6) a package, (7) the
command. What each rule is and why: docs/verdicts.md and SPEC.txt.
"""
import base64
import datetime
import hashlib
import json
import os
import re
import stat
import sys

MAX_LINE = 4096              # most bytes of a log line, line end included
MAX_NOTE = 65536             # most bytes of a head or proof file
MAX_LIST = 16 * 1024 * 1024  # most bytes of a list or record file of a package
MAX_SHOWN = 100              # findings printed; the rest are counted

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
    "UNKNOWN_TYPE": "lines of type {} are not known to this verifier and were not judged",
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
    "UNSEALED": "{} lines lie above the newest signed head",
    # reading
    "NO_LINE": "there is no line that can be read",
    "NO_FOLDER": "the folder cannot be read",
    "NO_FILE": "the file cannot be read",
    "MORE": "{} further findings",
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
    "NOT_EXPORTED": "no proven line of the hub's log says that this listing was exported",
    # package: records and head
    "NO_MANIFEST": "the manifest cannot be read",
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


# ECDSA on P-256 with SHA-256, for the seal.

Q = 2 ** 256 - 2 ** 224 + 2 ** 192 + 2 ** 96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
G = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
     0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)
SPKI_P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")


def ec_add(p, q):
    """Sum of two points (x, y); None is the point at infinity."""
    if p is None or q is None:
        return p or q
    if p[0] == q[0]:
        if (p[1] + q[1]) % Q == 0:
            return None
        slope = (3 * p[0] * p[0] - 3) * pow(2 * p[1], -1, Q) % Q
    else:
        slope = (q[1] - p[1]) * pow(q[0] - p[0], -1, Q) % Q
    x = (slope * slope - p[0] - q[0]) % Q
    return x, (slope * (p[0] - x) - p[1]) % Q


def ec_times(k, p):
    result = None
    while k:
        if k & 1:
            result = ec_add(result, p)
        p = ec_add(p, p)
        k >>= 1
    return result


def p256_key(spki):
    """The point in a SubjectPublicKeyInfo of P-256, or None."""
    if len(spki) != 91 or not spki.startswith(SPKI_P256) or spki[26] != 4:
        return None
    x, y = int.from_bytes(spki[27:59], "big"), int.from_bytes(spki[59:], "big")
    if x >= Q or y >= Q or (y * y - x ** 3 + 3 * x - B) % Q:
        return None
    return x, y


def der_numbers(der):
    """The two numbers of a strict DER `SEQUENCE { INTEGER r, INTEGER s }`, or None."""
    if len(der) < 8 or len(der) > 72 or der[0] != 0x30 or der[1] != len(der) - 2:
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
    key, numbers = p256_key(spki), der_numbers(signature)
    if key is None or numbers is None:
        return False
    r, s = numbers
    if not (0 < r < N and 0 < s < N):
        return False
    w = pow(s, -1, N)
    e = int.from_bytes(sha256(message), "big")
    point = ec_add(ec_times(e * w % N, G), ec_times(r * w % N, key))
    return point is not None and point[0] % N == r


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
        if len(data) > MAX_NOTE:
            raise BadNote("too long")
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
        if len(data) > MAX_NOTE:
            raise BadNote("too long")
        top, blank, note = data.partition(b"\n\n")
        try:
            lines = top.decode("ascii").split("\n")
        except UnicodeError:
            raise BadNote("not text")
        if not blank or len(lines) < 2 or lines[0] != "c2sp.org/tlog-proof@v1" or not lines[1].startswith("index "):
            raise BadNote("not a proof")
        self.index = number_of(lines[1][6:])
        self.hashes = [unbase64(line) for line in lines[2:]]
        if self.index is None or len(self.hashes) > 63 or any(h is None or len(h) != 32 for h in self.hashes):
            raise BadNote("not a proof")
        self.note = note
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
        minus, digits = re.compile(rb"(-?)([0-9]*)").match(self.data, self.at).groups()
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
            plain = re.compile(rb'[^"\\]*').match(self.data, self.at).group()
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
        if not re.fullmatch(rb"[0-9a-fA-F]{4}", digits):
            raise fault("NOT_JSON")
        if digits != digits.lower():
            raise fault("ESCAPE")
        self.at += 6
        return int(digits, 16)


DAYS = {}  # "2026-11-03" -> milliseconds at its start, or None


def time_ms(text):
    """Milliseconds since 1970 of `YYYY-MM-DDTHH:MM:SS.mmmZ`, or None when it is anything else."""
    if not isinstance(text, str) or not re.fullmatch(
            r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z", text):
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


class Record:
    __slots__ = ("log", "n", "prev", "t", "boot", "mono", "type", "who", "data", "leaf")


def read_object(text):
    """The object in `text`. json.loads does the work when the text is exactly what it would write
    back (so nothing doubled, spaced, or spelled otherwise); else the strict reader decides."""
    if len(text) <= MAX_LINE and b"\\u" not in text and text.count(b"{") + text.count(b"[") <= 32 and not LONG.search(text):
        try:
            value = LOADS(text.decode("ascii"))
            if DUMPS(value) == text.decode("ascii"):
                return value
        except (ValueError, RecursionError):
            pass
    return Reader(text).whole()


def refuse(_):
    raise ValueError


LONG = re.compile(rb"[0-9]{16}")
LOADS = json.JSONDecoder(parse_float=refuse, parse_constant=refuse).decode
DUMPS = json.JSONEncoder(separators=(",", ":")).encode


def parse_line(line):
    """One line, its line end included, to a Record."""
    if len(line) > MAX_LINE:
        raise fault("TOO_LONG")
    if line[-1:] != b"\n":
        raise fault("NO_LF")
    text = line[:-1]
    if b"\r" in text:
        raise fault("CRLF")
    if re.search(rb"[^\x20-\x7e]", text):
        raise fault("NON_ASCII")
    pairs = read_object(text)
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
    return type(value) is str and re.fullmatch("[0-9a-f]{64}", value) is not None


# ---------------------------------------------------------------- (5) a whole log

NOTES = {"UNSEALED", "TORN-TAIL", "GAP-DECLARED", "UNKNOWN-TYPE", "NO-HUB-KEY"}
CANNOT = {"UNREADABLE", "UNKNOWN-VERSION"}


class Findings:
    def __init__(self):
        self.shown, self.count, self.damage, self.cannot = [], 0, False, False

    def add(self, code, place, word, *args):
        self.tell(code, place, say(word, *args))

    def tell(self, code, place, sentence):
        self.count += 1
        if code in CANNOT:
            self.cannot = True
        elif code not in NOTES:
            self.damage = True
        if len(self.shown) < MAX_SHOWN:
            self.shown.append("%s\t%s\t%s" % (code, clean(place), clean(sentence)))

    def report(self, verdict):
        if self.damage:
            verdict = "NOT-INTACT"
        elif self.cannot:
            verdict = "CANNOT-CHECK"
        lines = [verdict] + self.shown
        if self.count > len(self.shown):
            lines.append("MORE\tlog\t" + say("MORE", self.count - len(self.shown)))
        return "\n".join(lines) + "\n"


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
    return (part(data, "cam", text), part(data, "s", count), part(data, "t0", time_ms), part(data, "t1", time_ms),
            part(data, "size", count), part(data, "sha256", lambda v: v if is_hash(v) else None))


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
        self.acks = []             # (line number, head.ack)
        self.unknown_types = set()

    def line(self, data):
        place = self.tree.size
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
            self.judge(place, r)
        self.tree.add(leaf)
        self.last_leaf = leaf

    def too_long(self, leaf):
        """A line too long to be held: its fingerprint counts all the same."""
        self.unread(self.tree.size, "RECORD-MALFORMED", say("TOO_LONG"))
        self.tree.add(leaf)
        self.last_leaf = leaf

    def unread(self, place, code, sentence):
        self.tell(code, "line %d" % place, sentence)
        self.next_n += 1
        self.before = None

    def judge(self, place, r):
        where = "line %d" % place
        if self.origin is None:
            self.origin = r.log
        if r.log != self.origin:
            self.unread(place, "FOREIGN-RECORD", say("FOREIGN_LINE", r.log, self.origin))
            return
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
        try:
            self.by_type(place, where, r)
        except BadData as bad:
            self.add("RECORD-MALFORMED", where, "BAD_VALUE", bad.args[0])

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
        if r.type == "seg.write":
            segment = seg_write(r.data)
            camera = self.cameras.setdefault(segment[0], [None, []])
            gaps = [(t0, t1) for following, t0, t1 in camera[1] if following == segment[1]]
            before, camera[0], camera[1] = camera[0], (segment[1], segment[3]), []
            if before:
                follows(self.add, segment[0], place, before, segment, gaps)
        elif r.type == "seg.gap":
            gap = seg_gap(r.data)
            self.cameras.setdefault(gap[0], [None, []])[1].append(gap[1:])
        elif r.type == "head.ack":
            self.acks.append((place, head_ack(r.data)))
        elif r.type == "log.open":
            key = part(r.data, "key", log_key)
            if place == 0:
                self.keys.lines.append((place, key))
        elif r.type == "key.roll":
            self.keys.lines.append((place, part(r.data, "new", log_key)))
        elif r.type not in KNOWN_TYPES and r.type not in self.unknown_types:
            self.unknown_types.add(r.type)
            self.add("UNKNOWN-TYPE", where, "UNKNOWN_TYPE", r.type)


KNOWN_TYPES = set(
    "log.open log.close key.roll key.seal head.ack head.seen beat sys.boot sys.stop sys.update log.torn clock.state "
    "clock.step cam.session seg.write seg.gap seg.lost mask.set mask.lift mask.end mask.fail cfg.set acc.login acc.fail "
    "acc.live acc.view hold.set hold.clear exp.clip exp.done del.range del.done fault.on fault.off spot.ok spot.bad "
    "box.add box.revoke box.replace op.add grant.set grant.fail copy.made log.read".split())


def countersignatures(head, hub_keys):
    """Hub times of the good countersignatures on a head, and whether one in a hub's name is bad."""
    times, bad = [], False
    for name, key_id, blob in head.signatures:
        keys = [key for key in hub_keys if key.name == name]
        if keys:
            key = next((key for key in keys if key.id == key_id), None)
            time = cosigned_at(key, head.body(), blob) if key else None
            if time is None:
                bad = True
            else:
                times.append(time)
    return times, bad


class LogCheck:
    """Heads against lines. A head is held as (place, Head, kind); kinds: heads, head, cosigned, given."""

    def __init__(self, folder, hub_keys, given, live):
        self.folder, self.hub_keys, self.given, self.live = folder, hub_keys, given, live
        self.findings = Findings()
        self.lines = Lines(self.findings)
        self.torn = 0
        self.sealed = 0            # size of the largest head that is well signed and agrees
        self.hub_times = []        # (size, time) of good countersignatures
        self.forks = {}            # size -> root of a well-signed head

    def run(self):
        self.read_lines()
        heads = self.read_heads()
        add, tree = self.findings.add, self.lines.tree
        if tree.size or self.torn:
            own = next((head for head, kind, _ in heads if kind == "head"), None)
            self.own_size = own.size if own else None
            self.own_good = bool(own and own.origin == self.lines.origin and own.size <= tree.size
                                 and self.lines.keys.judge(own) is None and tree.root(own.size) == own.root)
            forks = []
            for head, kind, place in heads:
                forks += self.check_head(head, kind, place, heads)
            for line, ack in self.lines.acks:
                self.check_ack("line %d" % line, *ack)
            for size in forks:
                add("PROOF-OF-FORK", "head %d" % size, "PROOF_OF_FORK", size)
            if self.sealed < tree.size:
                add("UNSEALED", "tail", "UNSEALED", tree.size - self.sealed)
            if self.torn and self.live:
                add("TORN-TAIL", "tail", "TORN_LIVE", self.torn)
        if not tree.size:
            add("UNREADABLE", "log", "NO_LINE")
        verdict = "INTACT"
        if not self.hub_keys:
            add("NO-HUB-KEY", "log", "NO_HUB_KEY")
        if not self.hub_times:
            verdict = "INTACT-NOT-YET-COUNTERSIGNED"
        else:
            times = [time for _, time in sorted(self.hub_times)]
            if any(abs(b - a) > 3600 for a, b in zip(times, times[1:])):
                verdict = "INTACT-LATE-ANCHORED"
        return self.findings.report(verdict)

    def read_lines(self):
        for name in [n for n in self.folder.list() if n.endswith(".jsonl") and "/" not in n]:
            if self.torn:
                self.findings.add("RECORD-MALFORMED", "tail", "TORN", self.torn)
                self.torn = 0
            if name != "%010d.jsonl" % self.lines.tree.size:
                self.findings.add("MISSING-OR-REORDERED", "line %d" % self.lines.tree.size, "FILE_PLACE", name, self.lines.tree.size)
            with self.folder.open(name) as file:
                while True:
                    line = file.readline(MAX_LINE + 1)
                    if not line:
                        break
                    if line[-1:] == b"\n":
                        self.lines.line(line)
                        continue
                    # No line end: the torn tail, or a line longer than any may be.
                    size, hashed = len(line), hashlib.sha256(b"\0" + line)
                    while line and line[-1:] != b"\n":
                        line = file.readline(65536)
                        size += len(line)
                        hashed.update(line)
                    if line:
                        self.lines.too_long(hashed.digest())
                    else:
                        self.torn = size
        if self.torn and not self.live:
            self.findings.add("RECORD-MALFORMED", "tail", "TORN", self.torn)

    def read_heads(self):
        """All heads that can be read, in the order they are judged; the others are named here."""
        names = self.folder.list()
        files = [n for n in names if re.fullmatch(r"heads/[^/]*\.note", n)]
        found = []
        for name in files:
            head = self.read_head("head " + name, self.folder.read(name, MAX_NOTE))
            if head:
                found.append((head, "heads", "head %d" % head.size))
        found.sort(key=lambda entry: entry[0].size)
        for name, kind in (("head.note", "head"), ("cosigned.note", "cosigned")):
            if name in names:
                head = self.read_head("head " + name, self.folder.read(name, MAX_NOTE))
                if head:
                    found.append((head, kind, "%s %d" % (kind, head.size)))
        for number, data in enumerate(self.given):
            head = self.read_head("head given %d" % (number + 1), data)
            if head:
                found.append((head, "given", "head %d" % head.size))
        return found

    def read_head(self, place, data):
        try:
            if data is None:
                raise BadNote("too long")
            return Head(data)
        except BadNote:
            self.findings.add("BAD-SIGNATURE", place, "NOT_A_HEAD")
            return None

    def check_head(self, head, kind, place, heads):
        add, tree, forks = self.findings.add, self.lines.tree, []
        if head.origin != self.lines.origin:
            add("FOREIGN-RECORD", place, "FOREIGN_HEAD", head.origin)
            return forks
        well_signed = False
        if kind != "cosigned":
            trouble = self.lines.keys.judge(head)
            if trouble:
                add(trouble[0], place, *trouble[1:])
            well_signed = trouble is None
            if well_signed and self.forks.setdefault(head.size, head.root) != head.root:
                forks.append(head.size)
        countersigned = False
        if self.hub_keys and kind in ("cosigned", "given"):
            times, bad = countersignatures(head, self.hub_keys)
            self.hub_times += [(head.size, time) for time in times]
            countersigned = bool(times)
            if bad:
                add("BAD-SIGNATURE", "cosigned %d" % head.size, "BAD_COSIGNATURE")
            elif not times and kind == "cosigned":
                add("NO-HUB-COSIGNATURE", place, "NO_COSIGNATURE")
        anchored = countersigned or (kind == "cosigned" and not self.hub_keys)
        if head.size > tree.size:
            if kind in ("heads", "head"):
                add("TRUNCATED", place, "TRUNCATED", head.size, tree.size)
            elif anchored and (self.own_size is None or head.size > self.own_size):
                add("ROLLED-BACK", place, "ROLLED_BACK", head.size, tree.size)
            return forks
        if tree.root(head.size) == head.root:
            if well_signed or anchored:
                self.sealed = max(self.sealed, head.size)
        elif kind in ("cosigned", "given") and self.own_good:
            add("FORKED", place, "FORKED", head.size)
        elif kind == "head" and head.size == tree.size and all(
                tree.root(h.size) == h.root for h, k, _ in heads if k == "heads" and h.size < head.size) and all(
                tree.root(ack[0]) == ack[1] for _, ack in self.lines.acks if ack[0] < head.size):
            add("ALTERED", place, "ALTERED", head.size)
        else:
            add("ALTERED-OR-FORKED", place, "ALTERED_OR_FORKED", head.size)
        return forks

    def check_ack(self, place, size, root, hub, time, signature):
        add, tree = self.findings.add, self.lines.tree
        for key in self.hub_keys:
            if key.name == hub:
                message = body(self.lines.origin, size, root)
                fits = signature and signature[1] == key.id and cosigned_at(key, message, signature[2]) == time
                if fits:
                    self.hub_times.append((size, time))
                else:
                    add("BAD-SIGNATURE", place, "BAD_COSIGNATURE", hub)
        if size > tree.size or tree.root(size) != root:
            if self.own_good:
                add("FORKED", place, "FORKED", size)
            else:
                add("ALTERED-OR-FORKED", place, "ALTERED_OR_FORKED", size)


# ---------------------------------------------------------------- (6) a package

BESIDE = {"SHA256SUMS", "SHA256SUMS.sig", "SHA256SUMS.tsr", "SHA256SUMS.record", "SHA256SUMS.tlog-proof"}


def safe_path(path):
    parts = path.split("/")
    return not (re.search(r"[\x00-\x1f\x7f\\]", path) or any(part in ("", ".", "..") for part in parts))


class PackageCheck:
    def __init__(self, folder, hub_keys):
        self.folder, self.hub_keys = folder, hub_keys
        self.findings = Findings()
        self.names = folder.list()

    def read(self, name):
        return self.folder.read(name, MAX_LIST) if name in self.names else None

    def run(self):
        self.sums = self.read("SHA256SUMS")
        if self.sums is None:
            self.findings.add("UNREADABLE", "file SHA256SUMS", "NO_FILE")
            return self.findings.report("CANNOT-CHECK")
        self.check_listing()
        self.manifest = self.read_manifest()
        self.check_seal()
        if self.manifest is None:
            self.findings.add("UNREADABLE", "file manifest.json", "NO_MANIFEST")
        else:
            self.check_records()
            self.check_masters()
        if not self.hub_keys:
            self.findings.add("NO-HUB-KEY", "package", "NO_HUB_KEY")
            return self.findings.report("INTACT-NOT-YET-COUNTERSIGNED")
        return self.findings.report("INTACT")

    # 1. every file is the file that was listed
    def check_listing(self):
        add, listed = self.findings.add, set()
        for number, line in enumerate(self.sums.split(b"\n")[:-1] if self.sums.endswith(b"\n") else self.sums.split(b"\n")):
            try:
                match = re.fullmatch(r"([0-9a-f]{64})  (.+)", line.decode("utf-8"), re.DOTALL)
            except UnicodeError:
                match = None
            if not match:
                add("LISTING-UNSAFE", "file SHA256SUMS", "LISTING_LINE", number + 1)
                continue
            digest, path = match.groups()
            place = "file " + path
            if not safe_path(path):
                add("LISTING-UNSAFE", place, "LISTING_PATH")
            elif path in listed:
                add("LISTING-UNSAFE", place, "LISTING_TWICE")
            elif path not in self.names:
                add("ALTERED-FILE", place, "FILE_MISSING")
            elif not self.folder.regular(path):
                add("LISTING-UNSAFE", place, "LISTING_ODD")
            elif self.folder.sha256(path).hex() != digest:
                add("ALTERED-FILE", place, "FILE_ALTERED")
            listed.add(path)
        for path in sorted(set(self.names) - listed - BESIDE):
            add("EXTRA-FILE", "file " + path, "FILE_EXTRA")

    def read_manifest(self):
        try:
            m = Reader((self.read("manifest.json") or b"").rstrip(b"\n")).whole()
            if type(m) is not dict or list(m) != ["v", "ref", "log", "cam", "t0", "t1", "master"] or m["v"] != 1:
                return None
            if any(type(m[key]) is not str for key in ("ref", "log", "cam")) or type(m["master"]) is not list:
                return None
            m["t0"], m["t1"] = time_ms(m["t0"]), time_ms(m["t1"])
            if m["t0"] is None or m["t1"] is None:
                return None
            for master in m["master"]:
                if type(master) is not dict or list(master) != ["n", "file"]:
                    return None
                if count(master["n"]) is None or type(master["file"]) is not str:
                    return None
            return m
        except Malformed:
            return None

    def line_and_proof(self, record_name, proof_name):
        """A line that lies beside its proof: (Record or None, Proof or None, proven)."""
        record = proof = None
        try:
            record = parse_line(self.read(record_name) or b"")
        except (Malformed, OtherVersion):
            pass
        try:
            proof = Proof(self.read(proof_name) or b"")
        except BadNote:
            pass
        proven = bool(record and proof and proof.index == record.n and proof.head.origin == record.log
                      and root_from_proof(record.leaf, record.n, proof.head.size, proof.hashes) == proof.head.root)
        if proven and self.hub_keys:
            times, bad = countersignatures(proof.head, self.hub_keys)
            proven = bool(times) and not bad
        return record, proof, proven

    # 2. the list is the list that was sealed, and the hub's log says so
    def check_seal(self):
        add = self.findings.add
        record, _, proven = self.line_and_proof("keys/seal.record", "keys/seal.tlog-proof")
        spki = unbase64(record.data.get("spki")) if proven and type(record.data.get("spki")) is str else None
        signature = self.read("SHA256SUMS.sig")
        if not proven or record.type != "key.seal" or spki is None:
            add("SEAL-KEY-NOT-IN-LOG", "file keys/seal.record", "SEAL_KEY")
        elif signature is None:
            add("SEAL-BROKEN", "file SHA256SUMS.sig", "SEAL_MISSING")
        elif not p256_good(spki, self.sums, signature):
            pem = self.read("keys/seal.pem") or b""
            other = unbase64("".join(pem.decode("latin-1").split("\n")[1:-2]))
            if other and p256_good(other, self.sums, signature):
                add("SEAL-KEY-NOT-IN-LOG", "file SHA256SUMS.sig", "SEAL_OTHER_KEY")
            else:
                add("SEAL-BROKEN", "file SHA256SUMS.sig", "SEAL_BROKEN")
        record, _, proven = self.line_and_proof("SHA256SUMS.record", "SHA256SUMS.tlog-proof")
        if not (proven and record.type == "exp.done" and record.data.get("sums") == sha256(self.sums).hex()
                and self.manifest and record.data.get("ref") == self.manifest["ref"]):
            add("NOT-IN-LOG", "file SHA256SUMS.record", "NOT_EXPORTED")

    # 3. every line relied on is in the box's log, under one head
    def check_records(self):
        add = self.findings.add
        self.records, shared = [], None
        for number, line in enumerate((self.read("log/records.jsonl") or b"").splitlines(True)):
            try:
                r = parse_line(line)
            except Malformed as bad:
                self.findings.tell("RECORD-MALFORMED", "line %d" % number, bad.args[0])
                continue
            except OtherVersion as other:
                add("UNKNOWN-VERSION", "line %d" % number, "VERSION", other.args[0])
                continue
            place = "line %d" % r.n
            if r.log != self.manifest["log"]:
                add("FOREIGN-RECORD", place, "FOREIGN_LINE", r.log)
                continue
            try:
                proof = Proof(self.folder.read("log/proof/%d.tlog-proof" % r.n, MAX_NOTE)
                              if "log/proof/%d.tlog-proof" % r.n in self.names else b"")
            except BadNote:
                add("PROOF-MISMATCH", place, "PROOF_MISMATCH")
                continue
            if shared is None:
                shared = proof
            reached = root_from_proof(r.leaf, r.n, proof.head.size, proof.hashes)
            if proof.index != r.n or reached is None or proof.note != shared.note:
                add("PROOF-MISMATCH", place, "PROOF_MISMATCH")
            elif reached != proof.head.root:
                add("NOT-IN-LOG", place, "NOT_IN_LOG")
            else:
                self.records.append(r)
        if shared is None:
            add("NO-HUB-COSIGNATURE", "package", "NO_COSIGNATURE")
            return
        head = shared.head
        place = "head %d" % head.size
        if head.origin != self.manifest["log"]:
            add("FOREIGN-RECORD", place, "FOREIGN_HEAD", head.origin)
        if self.hub_keys:
            times, bad = countersignatures(head, self.hub_keys)
            if bad:
                add("BAD-SIGNATURE", "cosigned %d" % head.size, "BAD_COSIGNATURE")
            elif not times:
                add("NO-HUB-COSIGNATURE", "cosigned %d" % head.size, "NO_COSIGNATURE")
        key = None
        for r in self.records:
            if r.type in ("log.open", "key.roll") and r.n + 1 < head.size:
                key = log_key(r.data.get("key" if r.type == "log.open" else "new")) or key
        state = check_log_signature(head, key) if key else ABSENT
        if state == ABSENT:
            add("UNKNOWN-KEY", place, "UNKNOWN_KEY")
        elif state == BAD:
            add("BAD-SIGNATURE", place, "BAD_SIGNATURE")

    # 4. the footage is what those lines describe, all of it, and what was asked for
    def check_masters(self):
        add, m = self.findings.add, self.manifest
        by_n = {r.n: r for r in self.records}
        gaps = [g[1:] for g in (seg_gap(r.data) for r in self.records if r.type == "seg.gap") if g and g[0] == m["cam"]]
        named, last, first, camera = set(), None, None, "camera " + m["cam"]
        for master in m["master"]:
            name, r = master["file"], by_n.get(master["n"])
            place = "file " + name
            named.add(name)
            segment = seg_write(r.data) if r and r.type == "seg.write" else None
            if not segment or segment[0] != m["cam"]:
                add("UNLOGGED-MASTER-FILE", place, "UNLOGGED_ENTRY", m["cam"], master["n"])
                continue
            _, s, t0, t1, size, digest = segment
            if (not name.startswith("master/") or name not in self.names or not self.folder.regular(name)
                    or self.folder.size(name) != size or self.folder.sha256(name).hex() != digest):
                add("SEGMENT-NOT-AS-LOGGED", place, "NOT_AS_LOGGED", master["n"])
            if last:
                if s != last[1] + 1:
                    add("SEGMENT-MISSING", camera, "SEGMENT_MISSING", s, last[1], place)
                elif t0 - last[3] > 500:
                    if covered(gaps, s, last[3], t0):
                        add("GAP-DECLARED", camera, "GAP_DECLARED", s, t0 - last[3])
                    else:
                        add("SEGMENT-MISSING", camera, "GAP_UNDECLARED", s, t0 - last[3])
            first, last = first or segment, segment
        for name in self.names:
            if name.startswith("master/") and name not in named:
                add("UNLOGGED-MASTER-FILE", "file " + name, "UNLOGGED_FILE")
        clip = next((r for r in self.records if r.type == "exp.clip" and r.data.get("ref") == m["ref"]
                     and r.data.get("cam") == m["cam"]), None)
        if first and first[2] > m["t0"] + 500 and not any(
                t0 <= m["t0"] + 500 and t1 >= first[2] - 500 for _, t0, t1 in gaps):
            add("DOES-NOT-COVER-REQUEST", camera, "STARTS_LATE")
        if last and last[3] < m["t1"] - 500 and not any(
                t0 <= last[3] + 500 and t1 >= m["t1"] - 500 for _, t0, t1 in gaps):
            add("DOES-NOT-COVER-REQUEST", camera, "ENDS_EARLY")
        if not clip:
            add("NOT-IN-LOG", "package", "NO_CLIP", m["ref"], m["cam"])
        elif not first or clip.data.get("s0") != first[1] or clip.data.get("s1") != last[1]:
            add("DOES-NOT-COVER-REQUEST", camera, "NOT_AS_EXPORTED")


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
            self.names = sorted(names, key=lambda n: n.encode("utf-8", "surrogateescape"))
        return self.names

    @staticmethod
    def fail(error):
        raise error

    def regular(self, name):
        return stat.S_ISREG(os.lstat(self.path(name)).st_mode)

    def size(self, name):
        return os.lstat(self.path(name)).st_size

    def open(self, name):
        if not self.regular(name):
            raise OSError("not a regular file")
        return open(self.path(name), "rb")

    def read(self, name, most):
        """The bytes of a file; None when it has more than `most`."""
        with self.open(name) as file:
            data = file.read(most + 1)
        return data if len(data) <= most else None

    def sha256(self, name):
        if name not in self.hashes:
            with self.open(name) as file:
                digest = hashlib.sha256()
                for block in iter(lambda: file.read(1 << 20), b""):
                    digest.update(block)
            self.hashes[name] = digest.digest()
        return self.hashes[name]


def cannot(place, word, *args):
    return "CANNOT-CHECK\nUNREADABLE\t%s\t%s\n" % (clean(place), say(word, *args))


def verify(path, hub_keys=(), given=(), live=False, kind=None):
    """The whole report as text."""
    return verify_folder(Folder(path), hub_keys, given, live, kind)


def verify_folder(folder, hub_keys, given, live, kind):
    try:
        names = folder.list()
        if kind is None:
            kind = "bundle" if "SHA256SUMS" in names else "log"
        if kind == "bundle":
            return PackageCheck(folder, list(hub_keys)).run()
        return LogCheck(folder, list(hub_keys), list(given), live).run()
    except (OSError, ValueError, RecursionError, MemoryError):
        return cannot("folder", "NO_FOLDER")


def main(args):
    path = kind = None
    hub_keys, given, live = [], [], False
    args = list(args)
    try:
        while args:
            arg = args.pop(0)
            if arg == "--live":
                live = True
            elif arg == "--hub":
                hub_keys.append(Vkey(args.pop(0).strip()))
            elif arg == "--head":
                with open(args.pop(0), "rb") as file:
                    given.append(file.read(MAX_NOTE + 1))
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
    except (OSError, BadNote) as error:
        sys.stderr.write("%s: %s\n" % (arg, error))
        return 2
    report = verify(path, hub_keys, given, live, kind)
    sys.stdout.write(report)
    verdict = report.split("\n", 1)[0]
    return 0 if verdict.startswith("INTACT") else 1 if verdict == "NOT-INTACT" else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
