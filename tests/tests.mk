# Tests, benchmarks, and what a fresh machine needs for them.

NEEDS_BUILD := gcc libc6-dev libmilter-dev libconfuse-dev libcjson-dev \
               libsqlite3-dev libsystemd-dev \
               libidn2-dev libpsl-dev libunbound-dev \
               pkg-config libgmime-3.0-dev libssl-dev libspf2-dev \
               libopendkim-dev libmaxminddb-dev libpcre2-dev
NEEDS_TEST  := python3 libcmocka-dev mandoc openssl perl python3-spf python3-yaml \
               python3-dkim python3-nacl python3-authres ca-certificates

# What stands in for Hyperscan, such as libvectorscan-dev, does as well.
NEEDS_BUILD += $(if $(WITH_HS),$(shell $(PKG_CONFIG) --exists libhs \
               2>/dev/null || echo libhyperscan-dev))

# Both prefilters of rules are compared; Hyperscan is there for amd64 only.
NEEDS_TEST  += $(if $(filter amd64,$(shell dpkg --print-architecture \
               2>/dev/null)),libhyperscan-dev)

# Reports of DMARC are compressed.
NEEDS_BUILD += zlib1g-dev

# Debian's own: it has the modules that its packages bring.
PYTHON      ?= /usr/bin/python3

# Installs what is missing, and is quiet when nothing is.
.PHONY: needs
needs:
	@tests/lib/needs.sh $(NEEDS_BUILD)

# A plugin that acts and breaks as its configuration says.
TEST_PLUGINS := $(notdir $(wildcard tests/plugins/*))
TEST_SO      := $(TEST_PLUGINS:%=$(B)/tests/plugins/%.so)

$(TEST_SO): $(B)/tests/plugins/%.so: $$(wildcard tests/plugins/$$*/*.[ch]) \
    $(wildcard include/millrace/*.h) include/millrace/plugin.map | needs
	@mkdir -p $(@D)
	$(Q)$(CC) $(PLUGIN_CFLAGS) $(PLUGIN_LINK) -o $@ $(filter %.c,$^)

# What tests/store/ starts as a worker, and what compares limit.c with Redis.
STORE_PROGRAMS := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/store/*.c))

.PHONY: test-programs
test-programs: $(TEST_SO) $(STORE_PROGRAMS) $(B)/tests/spf/evaluate

# The evaluation of the plugin spf, for many checks a second.
$(B)/tests/spf/evaluate: tests/spf/evaluate.c $(wildcard plugins/spf/*.[ch]) \
    $(wildcard include/millrace/*.h include/millrace/fake/*.h)
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_CFLAGS) -o $@ $< $(SANITIZE) -pie $(PLUGIN_LIBS_spf)

# Unit tests: each file is a cmocka program over all of the daemon.
UNIT      := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))
UNIT_CFLAGS = $(filter-out -Wmissing-prototypes,$(ALL_CFLAGS)) -Itests -I. \
              $(HS_CFLAGS)

# A test that goes through a plugin of many files is linked with them.
UNIT_SOURCES_test_account   := $(wildcard plugins/account/*.c)
UNIT_SOURCES_test_greylist  := $(wildcard plugins/greylist/*.c)
UNIT_SOURCES_test_ratelimit := $(wildcard plugins/ratelimit/*.c)
UNIT_SOURCES_test_rules     := $(wildcard plugins/rules/*.c)

$(UNIT): $(B)/tests/%: tests/%.c $(B)/libmillrace.a \
    $$(UNIT_SOURCES_$$(notdir $$*))
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_CFLAGS) -o $@ $< \
	    $(filter-out $(PLUGIN_LESS),$(UNIT_SOURCES_$(notdir $*))) \
	    $(B)/libmillrace.a $(SANITIZE) -pie \
	    -lcmocka $(LIBS) $(PLUGIN_LIBS)

$(STORE_PROGRAMS): $(B)/tests/%: tests/%.c $(B)/libmillrace.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_CFLAGS) -o $@ $< $(B)/libmillrace.a $(SANITIZE) -pie \
	    $(LIBS)

# Fuzz targets: replayed over their corpora with every test run.
FUZZ_SOURCES_fuzz_rules := $(wildcard plugins/rules/*.c)
FUZZ      := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/fuzz/fuzz_*.c))

$(FUZZ): $(B)/tests/%: tests/%.c tests/fuzz/replay.c $(B)/libmillrace.a \
    $$(FUZZ_SOURCES_$$(notdir $$*))
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_CFLAGS) -o $@ $< tests/fuzz/replay.c \
	    $(filter-out $(PLUGIN_LESS),$(FUZZ_SOURCES_$(notdir $*))) \
	    $(B)/libmillrace.a $(SANITIZE) \
	    -pie $(LIBS) $(PLUGIN_LIBS)

$(B)/tests/unit/test_rules $(B)/tests/fuzz/fuzz_rules: $(B)/prefilter

# Do prefilters and PCRE2 agree?
RULES := $(wildcard plugins/rules/*.[ch])
$(B)/tests/rules/agree: $(B)/prefilter
$(B)/tests/rules/agree $(B)/hyperscan/agree: tests/rules/agree.c $(RULES) | needs
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_CFLAGS) -o $@ $< \
	    $(filter-out $(PLUGIN_LESS),$(filter %.c,$(RULES))) \
	    $(SANITIZE) -pie $(PLUGIN_LIBS_rules)

# The plugin rules as HYPERSCAN=1 makes it, and its tests, beside the others.
HYPERSCAN_SET := $(addprefix $(B)/hyperscan/,agree test_rules fuzz_rules \
                 plugins/rules.so)
$(HYPERSCAN_SET): HYPERSCAN := 1

$(B)/hyperscan/plugins/rules.so: $(RULES) include/millrace/plugin.map
	@mkdir -p $(@D)
	$(Q)$(CC) $(PLUGIN_CFLAGS) $(PLUGIN_LINK) -o $@ \
	    $(filter-out $(PLUGIN_LESS),$(filter %.c,$^)) $(PLUGIN_LIBS_rules)

$(B)/hyperscan/test_rules: tests/unit/test_rules.c
$(B)/hyperscan/fuzz_rules: tests/fuzz/fuzz_rules.c tests/fuzz/replay.c
$(B)/hyperscan/test_rules $(B)/hyperscan/fuzz_rules: $(RULES) \
    $(B)/libmillrace.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_CFLAGS) -o $@ $(filter-out $(PLUGIN_LESS),$(filter \
	    %.c,$^)) $(B)/libmillrace.a $(SANITIZE) -pie -lcmocka $(LIBS) \
	    $(PLUGIN_LIBS)

# Where Debian has Hyperscan; tests say that they are skipped elsewhere.
.PHONY: hyperscan
hyperscan: $(HYPERSCAN_SET)

.PHONY: unit-programs
unit-programs: $(UNIT) $(FUZZ) $(B)/tests/rules/agree

# The same sources with sanitizers, each in a folder of its own.
ASAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined
TSAN := -fsanitize=thread

.PHONY: asan tsan
asan:
	@+$(MAKE) --no-print-directory B=build/asan SANITIZE="$(ASAN)" \
	    CFLAGS="-O1 -g -fno-omit-frame-pointer" all test-programs \
	    unit-programs $(if $(shell $(PKG_CONFIG) --exists libhs && \
	    echo yes),hyperscan)
tsan:
	@+$(MAKE) --no-print-directory B=build/tsan SANITIZE="$(TSAN)" \
	    CFLAGS="-O1 -g" all test-programs

# The store's.
NEEDS_BUILD += liblmdb-dev libhiredis-dev

.PHONY: needs-test
needs-test:
	@tests/lib/needs.sh $(NEEDS_BUILD) $(NEEDS_TEST)

.PHONY: test
test: needs-test
	@+$(MAKE) --no-print-directory -j2 all test-programs
	@+$(MAKE) --no-print-directory -j2 asan
	@+$(MAKE) --no-print-directory -j2 tsan
	@$(PYTHON) -B tests/run.py $(TESTS)

# Longer: every parser for FUZZ_SECONDS, with clang's fuzzer.
FUZZ_SECONDS ?= 60
FUZZ_CLANG   := clang
FUZZ_SAN     := -fsanitize=address,undefined

.PHONY: fuzz
fuzz:
	@tests/lib/needs.sh $(NEEDS_BUILD) clang libclang-rt-14-dev
	@+$(MAKE) --no-print-directory -j2 B=build/fuzz CC=$(FUZZ_CLANG) \
	    SANITIZE="$(FUZZ_SAN),fuzzer-no-link" CFLAGS="-O1 -g" \
	    build/fuzz/libmillrace.a
	@CC="$(FUZZ_CLANG) $(HS_CFLAGS)" LIBS="$(LIBS) $(PLUGIN_LIBS)" \
	    SOURCES_rules="$(filter-out $(PLUGIN_LESS),$(FUZZ_SOURCES_fuzz_rules))" \
	    tests/fuzz/run.sh $(FUZZ_SECONDS) $(FUZZ_TARGETS)

# Longer: SPF_CHECKS records at random, the plugin's opinion and pyspf's.
SPF_CHECKS   ?= 20000

.PHONY: spf-diff
spf-diff: needs-test
	@+$(MAKE) --no-print-directory -j2 $(B)/tests/spf/evaluate
	@$(PYTHON) -B tests/spf/test_difference.py $(SPF_CHECKS)

# Longer: side by side with a bare libmilter filter.
BENCH := $(B)/tests/bench/load $(B)/tests/bench/bare

$(B)/tests/bench/load: $(filter-out tests/bench/bare.c,$(wildcard tests/bench/*.c)) \
    $(wildcard tests/bench/*.h)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(CFLAGS) $(WARNINGS) -D_GNU_SOURCE -o $@ \
	    $(filter %.c,$^)

$(B)/tests/bench/bare: tests/bench/bare.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(CFLAGS) $(WARNINGS) -D_GNU_SOURCE -o $@ $< \
	    -lmilter -lpthread

# run: the host alone; the others: beside their peers from Debian.
BENCHES ?= run auth limits spam

.PHONY: bench
bench: needs-test
	@+$(MAKE) --no-print-directory -j2 all test-programs $(BENCH)
	@for one in $(BENCHES); do \
	    $(PYTHON) -B tests/bench/$$one.py $(BENCH_OPTIONS) || exit 1; done

# Longer: how well spam is told from ham, on a corpus that is fetched.
.PHONY: accuracy
accuracy: needs-test
	@+$(MAKE) --no-print-directory -j2 all
	@$(PYTHON) -B tests/spam/accuracy.py $(ACCURACY_OPTIONS)

# Longer: the store under faults, STORE_SOAK times as long as in a test.
STORE_SOAK ?= 20

.PHONY: store-soak
store-soak: needs-test
	@+$(MAKE) --no-print-directory -j2 all test-programs
	@STORE_SOAK=$(STORE_SOAK) $(PYTHON) -B tests/run.py -v store

# Longer: known mistakes of others, each put into a copy of the tree.
.PHONY: mutants
mutants: needs-test
	@$(PYTHON) -B tests/store/mutants.py
	@$(PYTHON) -B tests/mutants/limits.py

.PHONY: demo
demo:
	@tests/lib/needs.sh $(NEEDS_BUILD) python3
	@+$(MAKE) --no-print-directory -j2 all
	@$(PYTHON) -B tests/demo/demo.py $(if $(KEEP),--keep)
