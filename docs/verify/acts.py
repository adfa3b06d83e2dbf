#!/usr/bin/env python3
"""What the hub's own log says of people's acts, read by nothing of the hub's: Python's own library, this file and the copy of the log.

usage: acts.py sample LOG YYYY-MM COUNT     the month's sample of staff acts, drawn anew (audit.md 2.18): one act a line, in the order drawn
       acts.py exhibits LOG [LOG…]          what became of every exhibit and every request, as JSON, and what does not add up

LOG is a folder that `beadle-hub log export` wrote. Of a hub that was put back all its logs are named, oldest first: their numbers go on (log.base). Whether the copy is whole and unaltered is for verify.py to say: run that first.
Exit status: 0 done, 1 something does not add up, 2 this could not be read."""

import base64
import hashlib
import json
import pathlib
import sys


class Unreadable(Exception):
    pass


def lines(log):
    """Every line of the log in order: its bytes, and what they say."""
    files = sorted(log.glob("[0-9]*.jsonl"))
    if not files:
        raise Unreadable(f"{log}: there is no log here; name the folder that holds 0000000000.jsonl")
    count = 0
    for file in files:
        for raw in file.read_bytes().splitlines(keepends=True):
            if not raw.endswith(b"\n"):
                return
            said = json.loads(raw)
            if said["n"] != count:
                raise Unreadable(f"{file}: line {count} calls itself {said['n']}; run verify.py on this copy")
            count += 1
            yield raw, said


def numbered(logs):
    """What the lines of all logs say, each with the number by which others name it."""
    for log in logs:
        base = 0
        for _, said in lines(log):
            if said["type"] == "log.base":
                base = said["data"]["base"]
            yield dict(said, n=base + said["n"])


# The sample.

def months(name):
    """A month and the one after it, as times in the log begin."""
    year, month = int(name[:4]), int(name[5:])
    if name != f"{year:04}-{month:02}" or not 1 <= month <= 12:
        raise ValueError(name)
    after = (year + 1, 1) if month == 12 else (year, month + 1)
    return name, "%04d-%02d" % after


def sample(log, name, count):
    try:
        month, after = months(name)
    except ValueError:
        raise Unreadable(f"{name!r} is no month like 2026-11") from None
    note = log / "months" / f"{after}.note"
    if not note.exists():
        raise Unreadable(f"{note} is not there: the head that the sample of {month} is drawn by")
    size, root = note.read_text().split("\n")[1:3]
    size, root = int(size), base64.b64decode(root, validate=True)
    # Where somebody outside stamped that head, nobody could know beforehand by what the sample is drawn.
    stamps = [said["data"]["sha256"] for _, said in lines(log) if said["type"] == "hub.anchor" and said["data"]["size"] == size]
    if stamps:
        root = hashlib.sha256(root + bytes.fromhex(stamps[0])).digest()
    drawn = []
    for raw, said in lines(log):
        # Times are of one length and in UTC: those of a month begin with its name.
        if said["who"].startswith("op:") and said["t"].startswith(month + "-"):
            leaf = hashlib.sha256(b"\0" + raw).digest()
            drawn.append((hashlib.sha256(root + leaf).digest(), said))
    drawn.sort(key=lambda one: one[0])
    print(f"{month}: {len(drawn)} acts, drawn by {root.hex()}", file=sys.stderr)
    for _, said in drawn[:count]:
        print(said["n"], said["t"], said["type"], said["who"])


# What became of copies: of each, as what it was made and where it is.

def register(said, kind, data, of, need):
    if kind in ("reg.mark", "reg.media"):
        return
    copies = of["handed"]
    if kind == "reg.copy":
        need(data["copy"] not in copies, said, "this copy was registered before")
        need(data["save"] in of.get("save", []), said, "no save of it was begun by that line")
        masters = [c for c in copies.values() if c["what"] == "master" and c["at"] != "gone"]
        need(data["what"] != "master" or not masters, said, "there is a master already")
        copies[data["copy"]] = {"what": data["what"], "at": "here", "hand": None}
        return
    copy = copies.get(data["copy"])
    need(copy is not None, said, "no such copy was registered")
    if copy is None:
        return
    if kind == "reg.hand":
        need(copy["at"] in ("here", "back"), said, f"it was {copy['at']}")
        need(data["what"] != "master" or copy["what"] == "master", said, "it is no master")
        copy.update(at="out", hand=said["n"])
    elif kind == "reg.receipt":
        need(copy["at"] == "out" and copy["hand"] == data["hand"], said, "it was not handed over by that line")
    elif kind == "reg.return":
        need(copy["at"] == "out", said, f"it was {copy['at']}")
        copy.update(at="back", what="working")
    elif kind == "reg.end":
        need(copy["at"] in ("here", "back"), said, f"it was {copy['at']}")
        copy.update(at="gone")


# What became of what was asked for.

def exhibits(logs):
    all_lines = list(numbered(logs))
    undone = {said["data"]["line"] for said in all_lines if said["type"] == "act.fail"}
    requests, held, wrong = {}, {}, []

    def need(true, said, what):
        if not true:
            wrong.append(f"line {said['n']} ({said['type']}): {what}")

    # By the salted hash of its purpose, which no two requests share: the request an exhibit was granted for.
    of_purpose, of_ask = {}, {}
    for said in all_lines:
        if said["n"] in undone:
            continue
        kind, data, n = said["type"], said["data"], said["n"]
        if kind == "request.open":
            need(data["request"] not in requests, said, "this number was given out before")
            requests[data["request"]] = {"class": data["class"], "state": "Draft", "by": said["who"], "exhibits": [], "opened": n}
            continue
        if kind.startswith("request."):
            of = requests.get(data["request"])
            need(of is not None, said, "no such request was opened")
            if of is None:
                continue
            stands = of["state"]
            if kind == "request.submit":
                need(stands == "Draft", said, f"it was {stands}")
                of.update(state="Submitted" if data["ask"] is not None else "Authorised", submitted=n, submitter=said["who"])
                of_purpose[data["purpose"]] = data["request"]
            elif kind == "request.authorise":
                need(stands == "Submitted", said, f"it was {stands}")
                need(said["who"] != of.get("submitter") and len(set(data["by"])) == 2, said, "it takes two people")
                of.update(state="Authorised", authorised=n)
            elif kind == "request.refuse":
                need(stands == "Submitted", said, f"it was {stands}")
                of.update(state="Refused", ended=n)
            elif kind == "request.cancel":
                need(stands in ("Draft", "Submitted", "Authorised"), said, f"it was {stands}")
                of.update(state="Cancelled", ended=n)
            elif kind == "request.done":
                need(stands == "Authorised", said, f"it was {stands}")
                of.update(state=data["state"], done=n)
            elif kind == "request.release":
                need(stands in ("Ready", "Partial", "Released"), said, f"it was {stands}")
                of.update(state="Released", released=n)
            elif kind == "request.close":
                need(stands in ("Ready", "Partial", "Released"), said, f"it was {stands}")
                of.update(state="Closed", closed=n)
            continue
        name = data.get("ref") or data.get("exh")
        if kind == "grant.set":
            need(name not in held, said, "this exhibit was granted before")
            number = of_purpose.get(data["purpose"])
            need(number is not None, said, "no request asks for it")
            if number is not None:
                need(requests[number]["state"] == "Authorised", said, f"its request was {requests[number]['state']}")
                requests[number]["exhibits"].append(name)
            held[name] = {"request": number, "camera": data["cam"], "granted": n, "copies": 0, "made": None, "views": 0, "saves": 0, "handed": {}, "disposing": None, "gone": None}
            continue
        if kind == "reg.still":
            # A still picture: an exhibit of its own, granted with the one it was made of.
            need(name not in held and data["parent"] in held, said, "its number was given out before, or it was made of nothing")
            held[name] = {"request": held.get(data["parent"], {}).get("request"), "camera": held.get(data["parent"], {}).get("camera"), "granted": n, "copies": 1, "made": None, "views": 0, "saves": 0, "handed": {}, "disposing": None, "gone": None}
            continue
        if kind.startswith("reg."):
            of = held.get(name)
            need(of is not None and of["gone"] is None, said, f"{name} was never granted, or was gone")
            if of is not None:
                register(said, kind, data, of, need)
            continue
        if kind not in ("copy.made", "exp.done", "acc.view", "copy.save", "copy.drop", "copy.dispose", "copy.gone", "copy.class"):
            continue
        of = held.get(name)
        need(of is not None, said, f"{name} was never granted")
        if of is None:
            continue
        need(of["gone"] is None, said, f"{name} was gone")
        if kind == "copy.made":
            of["copies"] += 1
        elif kind == "exp.done":
            need(of["made"] is None and of["copies"] > 0, said, "it was made before, or of nothing")
            of["made"] = n
        elif kind in ("acc.view", "copy.save"):
            # What is being fetched can be watched as it arrives; only what was made can be saved.
            need((kind == "acc.view" or of["made"] is not None) and of["disposing"] is None, said, f"{name} was not there")
            need(data["purpose"] and data["reference"], said, "no purpose or no reference")
            of["views" if kind == "acc.view" else "saves"] += 1
            if kind == "copy.save":
                of.setdefault("save", []).append(n)
        elif kind == "copy.drop":
            of_ask[name] = said["who"]
        elif kind == "copy.dispose":
            if name in of_ask:
                need(len(set(data["by"])) == 2 and data["by"][0] == of_ask[name], said, "it was asked for, and takes another person")
            of["disposing"] = n
        elif kind == "copy.gone":
            need(of["disposing"] == data["n"] and data["left"] == 0, said, "it is not the end of its copy.dispose, or something is left")
            of["gone"] = n
    for name, of in held.items():
        request = requests.get(of["request"], {})
        if request.get("state") in ("Ready",) and of["made"] is None:
            wrong.append(f"{name}: its request is Ready and it was never made")
        if of["disposing"] is not None and of["gone"] is None:
            wrong.append(f"{name}: its disposal was begun and not ended")
    print(json.dumps({"requests": {f"R-{n:06}": of for n, of in requests.items()}, "exhibits": held, "wrong": wrong}, indent=1))
    return not wrong


def main(words):
    if len(words) == 4 and words[0] == "sample" and words[3].isdigit():
        sample(pathlib.Path(words[1]), words[2], int(words[3]))
        return 0
    if len(words) >= 2 and words[0] == "exhibits":
        return 0 if exhibits([pathlib.Path(word) for word in words[1:]]) else 1
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (Unreadable, OSError, ValueError, KeyError) as why:
        print(f"acts.py: {why}", file=sys.stderr)
        sys.exit(2)
