"""Adapter: HTTP. How schemathesis asks this hub: with whose token, and about what there is. BEADLE_API names a file with both (see
hub/src/web/tests/schemathesis.rs)."""

import atexit
import collections
import json
import os
import random

import schemathesis

with open(os.environ["BEADLE_API"]) as file:
    API = json.load(file)
# By kind of principal, the header that names it for each operation: a token, or the session of a person where no token may.
NAMED = API["named"]
# By name of what is asked, values that mean something to this hub.
KNOWN = API["known"]
# Of these no other value is ever asked: what it did to the accounts and tokens of the test would end it.
FENCED = set(API["fenced"])
KINDS = sorted(NAMED)
CHANCE = random.Random(15)


def about_what_there_is(family, values, always):
    """Puts what there is in the place of most of what was made up; the same name may mean another thing to a family of operations."""
    for name in values or {}:
        known = KNOWN.get(f"{family}.{name}", KNOWN.get(name))
        if known and (always and name in FENCED or CHANCE.random() < 0.75):
            values[name] = CHANCE.choice(known)


@schemathesis.hook
def before_call(context, case, kwargs):
    operation = case.operation.definition.raw["operationId"]
    good = case.meta is None or case.meta.generation.mode.is_positive
    if good:
        family = operation.split(".")[0]
        about_what_there_is(family, case.path_parameters, True)
        about_what_there_is(family, case.query, False)
        if isinstance(case.body, dict):
            about_what_there_is(family, case.body, False)
    # Two of three times somebody who may do everything.
    kind = "everybody" if CHANCE.random() < 0.67 else CHANCE.choice(KINDS)
    of = NAMED[kind]
    header, value = of.get(operation) or CHANCE.choice(sorted(of.values()))
    # What was made up of the document's ways to say who asks goes.
    case.cookies = {}
    case.headers = {name: text for name, text in (case.headers or {}).items() if name.lower() != "authorization"}
    case.headers[header] = value


# How often each operation was answered with what.
ANSWERS = collections.defaultdict(collections.Counter)


@schemathesis.hook
def after_call(context, case, response):
    ANSWERS[case.operation.definition.raw["operationId"]][str(response.status_code)] += 1


@atexit.register
def tell():
    with open(API["answers"], "w") as file:
        json.dump(ANSWERS, file)


@schemathesis.check
def refused_is_not_done(ctx, response, case):
    """A problem is never an answer of 200, and every other answer is a problem."""
    kind = (response.headers.get("content-type") or [""])[0]
    problem = kind.startswith("application/problem+json")
    if problem == (response.status_code == 200):
        raise AssertionError(f"{response.status_code} with {kind!r}")
    if problem:
        told = response.json()
        if told["status"] != response.status_code or not told["code"] or " " not in told["detail"] or " " not in told["next"]:
            raise AssertionError(f"a problem that does not say what it is: {told}")
