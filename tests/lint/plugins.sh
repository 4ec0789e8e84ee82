#!/bin/sh
# A plugin is one constant and libc: nothing else exported, nothing asked of
# the daemon, no writable data of its own (several instances share it).
#
#   plugins.sh [folder of the built plugins]
set -eu
dir=${1:-build/plugins}
bad=0

fault() {
	echo "$1: $2" >&2
	bad=1
}

# What libc and the loader bring, by the names that nm appends.
libraries='@GLIBC_|^__gmon_start__$|^_ITM_|^__cxa_finalize'

check() {
	so=$1
	name=$(basename "$so" .so)
	exported=$(nm -D --defined-only "$so" | awk '{ print $3 }')
	[ "$exported" = "mr_plugin_$name" ] ||
		fault "$so" "exports \"$(echo $exported)\", not mr_plugin_$name"
	strange=$(nm -D --undefined-only "$so" | awk '{ print $2 }' |
		grep -Ev "$libraries" || true)
	[ -z "$strange" ] || fault "$so" "needs $(echo $strange)"
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
