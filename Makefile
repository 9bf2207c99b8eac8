# A thin door to CMake and the test runner, for people and CI. `make help` lists what is behind it.

BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
SECONDS ?= 60
URL ?=
VERSION ?=
SEED ?=
TARGET ?=
JOBS ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

need = @sh core/cmake/requirements.sh
configure = cmake -S . -B $(BUILD) -G Ninja --log-level=WARNING
compile = cmake --build $(BUILD) -j $(JOBS)
run = BUILD="$(BUILD)" JOBS="$(JOBS)" FUZZ_SECONDS="$(SECONDS)" ATTACK_SECONDS="$(SECONDS)" \
	CHAOS_SECONDS="$(SECONDS)" SEED="$(SEED)" URL="$(URL)" sh tests/run.sh

.PHONY: build demo test bench lint lint-quick format sanitize valgrind fuzz attack chaos install dist dist-test deb deb-test image image-test faults release docs clean help

build:
	$(need) build
	@test -f $(BUILD)/build.ninja || $(configure) -DACURAST_TESTS=OFF >/dev/null
	@$(compile)

demo: build
	$(need) demo
	@sh core/tools/demo.sh $(BUILD)

test:
	$(need) test
	@$(run) c hostile python node binding_python binding_node binding_go

lint:
	$(need) lint
	@$(run) lint

lint-quick:
	$(need) lint
	@sh tests/support/lint.sh $(BUILD) quick

format:
	$(need) lint
	@sh tests/support/lint.sh $(BUILD) format

sanitize:
	$(need) test
	@$(run) address address_node address_go thread race_go

valgrind:
	$(need) valgrind
	@$(run) valgrind

fuzz:
	$(need) fuzz
	@$(run) fuzz

attack:
	$(need) $(if $(URL),attack,test)
	@$(run) attack

chaos:
	$(need) test
	@$(run) chaos

bench:
	$(need) bench
	@$(configure) -DACURAST_TESTS=ON >/dev/null
	@$(compile) --target bench
	@python3 tests/bench/bench.py $(BUILD)

install:
	$(need) build
	@$(configure) -DCMAKE_INSTALL_PREFIX="$(PREFIX)" $(if $(wildcard $(BUILD)/build.ninja),,-DACURAST_TESTS=OFF) >/dev/null
	@$(compile)
	@DESTDIR="$(DESTDIR)" cmake --install $(BUILD)

dist:
	$(need) dist
	@DIST="$(BUILD)/dist" JOBS="$(JOBS)" python3 packaging/dist.py dist $(TARGET)

dist-test:
	$(need) dist_test
	@DIST="$(BUILD)/dist" JOBS="$(JOBS)" python3 packaging/tests/run.py dist $(TARGET)

deb:
	$(need) deb
	@BUILD="$(BUILD)" JOBS="$(JOBS)" sh packaging/debian.sh dist

deb-test: deb
	$(need) deb_test
	@BUILD="$(BUILD)" sh packaging/tests/debian.sh dist

image:
	$(need) dist
	@DIST="$(BUILD)/dist" JOBS="$(JOBS)" python3 packaging/programs.py dist $(TARGET)

image-test: image
	@python3 packaging/tests/image.py dist/acurast-service-*.oci.tar.gz dist/acurast-programs-*-$(or $(TARGET),$(shell uname -m)-linux-musl).tar.gz

faults:
	$(need) dist
	@DIST="$(BUILD)/dist" python3 packaging/faults.py

release:
	$(need) dist dist_test deb deb_test
	@python3 packaging/release.py prepare "$(VERSION)"
	@rm -rf dist
	@$(MAKE) --no-print-directory dist TARGET=
	@$(MAKE) --no-print-directory dist-test deb-test image-test
	@python3 packaging/release.py provenance dist

docs:
	$(need) docs
	@python3 -B docs/build.py $(BUILD) $(BUILD)/site
	@echo "$(BUILD)/site/index.html"

clean:
	rm -rf $(BUILD) dist tests/interop/node_modules bindings/python/core bindings/python/build bindings/python/src/*.egg-info \
		$(addprefix bindings/node/,node_modules build core prebuilds LICENSE examples/dapp/node_modules)

help:
	@echo "make            the library and the programs: $(BUILD)/lib, $(BUILD)/bin"
	@echo "make demo       deployment scripts, asked by dApps in C, Node, Python and Go; ends by itself"
	@echo "make test       all tests: C, Python (against the programs), Node (the vendor's client), the bindings"
	@echo "make lint       warnings as errors (gcc, clang), clang-tidy, format, symbols, headers, documents"
	@echo "make lint-quick what of it compiles nothing, in some seconds; make format mends the format"
	@echo "make sanitize   the tests under ASan with UBSan, then under TSan; the Go binding under ASan and its race detector"
	@echo "make valgrind   the unit tests under valgrind"
	@echo "make fuzz       the fuzz targets, SECONDS=60 together"
	@echo "make attack     every attack that we know on a service of the protocol: URL=ws://127.0.0.1:9001, on this machine alone;"
	@echo "                without URL on our own; SECONDS=60 for the noisy ones together"
	@echo "make chaos      what senders are told, compared with what receivers get, under faults of all kinds: SECONDS=60 SEED="
	@echo "make bench      the benchmark, beside a bare libwebsockets relay, a relay by hand and NATS; ROWS= picks rows;"
	@echo "                BASE=COMMIT compares with the service of an older commit instead, BASE=FILE with that program"
	@echo "make install    PREFIX=/usr/local DESTDIR="
	@echo "make dist       wheels, npm's packages, static libraries, sources: dist/; TARGET=x86_64-linux-gnu builds those of one platform"
	@echo "make dist-test  installs and uses them where they say that they run: bare systems in folders, other processors by qemu"
	@echo "make deb        Debian packages of the library and the service, in dist/; make deb-test uses them in a bare system"
	@echo "make image      the static programs, and the image of a container without an engine, in dist/; image-test runs it as process 1"
	@echo "make docs       one site of all documents, with a reference for each language: $(BUILD)/site"
	@echo "make faults     whether Debian has mended a library that is bundled"
	@echo "make release    VERSION=0.2.0: the version, a commit, a tag, all artefacts, built and used; publishes nothing (RELEASING.md)"
	@echo "make clean      removes $(BUILD)/, and what the bindings and their tests put beside their sources"
	@echo "Missing packages are installed by apt-get where that is possible, else they are listed."
