# Beadle. `make demo` shows it, `make test` tests all of it; both install what is missing first (Debian 12, Rust).
CARGO ?= cargo
MINUTES ?= 30

.PHONY: help demo demo-once test bench fault soak fuzz page lint arm64 deb install footage machine schemathesis typst axe documents papers release
help:
	@sed -n 's/^## //p' Makefile

## demo         two test towns, a hub, a verified clip; stays up until Ctrl-C
demo: ready
	target/release/demo

## demo-once    the same, ends by itself (status 0 if every step worked)
demo-once: ready
	target/release/demo --once

## test         every test there is
test: install footage machine schemathesis typst axe
	scripts/suites.sh

## bench        CPU and memory per stream beside ffmpeg's: target/bench.json
bench: ready
	target/release/bench

## fault        kill -9 of box and hub at random moments
fault: ready
	BEADLE_KILLS=100 $(CARGO) test --locked --release -p beadle-hub --lib -- web::tests::at_once::killed --nocapture
	target/release/fault

## soak         a year of nights; flapping cameras, a thousand boxes on one hub, the marker under every kind of mask, a hub with 20 boxes under attack, MINUTES=30 each
soak: ready
	BEADLE_DAYS=365 $(CARGO) test --locked --release --workspace --test year -- --nocapture
	target/release/soak --minutes $(MINUTES)
	target/release/soak --fleet 1000 --minutes $(MINUTES)
	target/release/marker --minutes $(MINUTES)
	BEADLE_SIEGE_SECS=$$(($(MINUTES) * 60)) $(CARGO) test --locked --release -p beadle-hub --lib -- siege --nocapture
	BEADLE_LOAD_SECS=300 $(CARGO) test --locked --release -p beadle-tests --test suites -- full_load --nocapture

## fuzz         the parsers of everything that comes from outside: many cases, then searched for MINUTES=10 each; every mask proved; every bit of a log and of a package flipped
fuzz: install footage schemathesis
	PROPTEST_CASES=50000 $(CARGO) test --locked --release --workspace --lib
	BEADLE_EXAMPLES=500 scripts/suites.sh schemathesis
	BEADLE_EXHAUSTIVE=1 $(CARGO) test --locked --release --workspace --test proof
	BEADLE_EXHAUSTIVE=1 $(CARGO) test --locked --release -p beadle-tests --test suites -- tamper::mutation
	scripts/fuzz.sh $(if $(filter file,$(origin MINUTES)),10,$(MINUTES))

## page         the checking page docs/verify/verify.html over every case that the other verifiers are tried on, in Chromium
page: install
	rm -rf target/corpus
	BEADLE_CORPUS=$(CURDIR)/target/corpus $(CARGO) test --locked --release -p beadle-tests --test suites -- tamper::
	BEADLE_CORPUS=$(CURDIR)/target/corpus $(CARGO) test --locked --release -p beadle-tests --test suites -- --ignored --nocapture tamper::page

## lint         rustfmt and clippy
lint:
	scripts/install.sh build
	$(CARGO) fmt --all -- --check
	$(CARGO) clippy --locked --release --workspace --all-targets -- -D warnings

## arm64        the programs for 64-bit ARM, and their Debian packages
arm64:
	scripts/arm64.sh
	scripts/deb.sh --arch arm64

## deb          the Debian packages beadle-edge and beadle-hub, and their symbols: target/deb
deb: release
	scripts/deb.sh

## install      missing Debian packages (asks nothing as root)
install:
	scripts/install.sh

## footage      the test cameras' footage, once
footage: install
	scripts/footage.sh

## machine      what test machines boot from: a bare Debian 12, once (as root)
machine: install
	scripts/machine.sh

## schemathesis what tries the hub's API by its document: target/schemathesis, from the Python package index, once
schemathesis: install
	scripts/schemathesis.sh

## typst        what sets the papers' templates in tests: target/typst, from the Python package index, once
typst: install
	scripts/typst.sh

## axe          what looks at pages for barriers, in tests: target/npm/axe, from the npm registry, once
axe: install
	scripts/npm.sh axe

## documents    the program that makes PDF of papers, with what Typst needs (12 minutes of processor time, once): target/release/beadle-documents
documents: install
	$(CARGO) build --locked --release --manifest-path hub/documents/Cargo.toml --target-dir target/documents
	mkdir -p target/release
	cp target/documents/release/beadle-documents target/release/

## papers       the pictures of docs/paper.md, page by page, by that program
papers: documents
	BEADLE_WRITE=1 BEADLE_PRINTER=$(CURDIR)/target/release/beadle-documents scripts/suites.sh papers

## release      the programs: target/release
release: install
	$(CARGO) build --locked --release --workspace --bins

.PHONY: ready
ready:
	scripts/install.sh build cameras
	scripts/footage.sh
	$(CARGO) build --locked --release --workspace --bins
