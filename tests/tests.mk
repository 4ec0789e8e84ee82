# Tests, benchmarks, and what a fresh machine needs for them.

NEEDS_BUILD := gcc libc6-dev libmilter-dev libconfuse-dev libcjson-dev \
               libsqlite3-dev libsystemd-dev
NEEDS_TEST  := python3 libcmocka-dev

# Installs what is missing, and is quiet when nothing is.
.PHONY: needs
needs:
	@tests/lib/needs.sh $(NEEDS_BUILD)
