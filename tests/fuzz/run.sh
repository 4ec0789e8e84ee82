#!/bin/sh
# usage: run.sh SECONDS [NAME ...]: fuzz each target from its corpus.
# New inputs are kept in build/fuzz/corpus, a crash stops the run.
seconds=$1
shift
[ $# -gt 0 ] || set -- $(ls tests/fuzz/fuzz_*.c | sed 's|.*/fuzz_||; s|\.c$||')
for name; do
	target=build/fuzz/fuzz_$name
	new=build/fuzz/corpus/$name
	mkdir -p "$new"
	eval "sources=\$SOURCES_$name"
	$CC -std=gnu11 -O1 -g -D_GNU_SOURCE -fsanitize=address,undefined,fuzzer \
	    -fno-sanitize-recover=undefined -Iinclude -Idaemon -Itests -I. \
	    -o "$target" "tests/fuzz/fuzz_$name.c" $sources build/fuzz/libmillrace.a \
	    $LIBS || exit 1
	echo "$name: $seconds s"
	"$target" -max_total_time="$seconds" -timeout=10 -print_final_stats=1 \
	    -artifact_prefix="build/fuzz/crash-$name-" "$new" \
	    "tests/fuzz/corpus/$name" >"build/fuzz/$name.log" 2>&1 || {
		tail -40 "build/fuzz/$name.log"
		echo "$name: found something, see build/fuzz/$name.log"
		exit 1
	}
	sed -n 's/^stat::number_of_executed_units: */  runs: /p' \
	    "build/fuzz/$name.log"
done
