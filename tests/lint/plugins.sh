#!/bin/sh
# A plugin is one constant: nothing else exported, nothing asked of the
# daemon, no library but libc and those that the Makefile names for it, no
# writable data of its own (several instances share it).
#
#   plugins.sh [folder of the built plugins]
set -eu
dir=${1:-build/plugins}
bad=0
work=$(mktemp)
trap 'rm -f "$work"' EXIT

fault() {
	echo "$1: $2" >&2
	bad=1
}

# The libraries it is linked with, and those it may be linked with.  What
# none of them has would have been a link error.
needed() {
	readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(lib[^]]*\)\.so.*/\1/p'
}

allowed() {
	echo libc
	echo libm
	sed -n "s/^PLUGIN_LIBS_$1 *:*= *//p" Makefile |
		sed 's/$(HS_LIBS)/-lhs/' | tr ' ' '\n' | sed -n 's/^-l/lib/p'
}

check() {
	so=$1
	name=$(basename "$so" .so)
	exported=$(nm -D --defined-only "$so" | awk '{ print $3 }')
	[ "$exported" = "mr_plugin_$name" ] ||
		fault "$so" "exports \"$(echo $exported)\", not mr_plugin_$name"
	allowed "$name" >"$work"
	strange=$(needed "$so" | grep -vxF -f "$work" || true)
	[ -z "$strange" ] || fault "$so" "is linked with $(echo $strange)"
	# The two symbols that every shared object brings along.
	data=$(nm "$so" | awk '$2 ~ /^[bBdDsSgGuC]$/ { print $3, $2 }' |
		while read -r symbol kind; do
			section "$so" "$symbol" || echo "$symbol"
		done)
	[ -z "$data" ] || fault "$so" "has writable data: $(echo $data)"
}

# True if the symbol is made read-only after relocation, or the linker's own.
section() {
	case $2 in
	completed.0 | __dso_handle | __TMC_END__ | _DYNAMIC | \
		_GLOBAL_OFFSET_TABLE_ | __frame_dummy_init_array_entry | \
		__do_global_dtors_aux_fini_array_entry) return 0 ;;
	esac
	objdump -t "$1" | awk -v s="$2" \
		'$NF == s { for (i = 1; i <= NF; i++)
			if ($i == ".data.rel.ro") ok = 1 } END { exit !ok }'
}

count=0
for so in "$dir"/*.so; do
	[ -e "$so" ] || continue
	check "$so"
	count=$((count + 1))
done
[ "$count" -gt 0 ] || { echo "$dir: no plugin is built" >&2; exit 1; }
[ "$bad" -eq 0 ] && echo "plugins: $count clean"
exit "$bad"
