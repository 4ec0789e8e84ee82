#!/bin/sh
# Every configuration that is handed out must be accepted: millraced -t.
set -eu
cd "$(dirname "$0")/../.."
b=${B:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A copy whose paths are ours, and whose mail server need not be here.
prepare() {
	mkdir "$work/plugins" "$work/etc"
	cp -R conf/examples/lists conf/examples/dkim "$work/etc"
	cp -R conf/rules "$work/rules"
	for so in "$b"/plugins/*.so; do
		install -m 755 "$so" "$work/plugins"
	done
	for conf in conf/millrace.conf conf/examples/*.conf; do
		sed -e "s|/etc/millrace/|$work/etc/|g" \
		    -e "s|/usr/local/share/millrace/|$work/|g" "$conf" \
		    >"$work/etc/$(basename "$conf")"
	done
}

# The keys that the table of the example names.
make_keys() {
	echo "plugin-dir = \"$work/plugins\"" >"$work/keys.conf"
	echo "include(\"$PWD/conf/millrace.conf\")" >>"$work/keys.conf"
	for key in "2026a rsa" "2026e ed25519"; do
		"$b/millrace" --conf "$work/keys.conf" dkim keygen \
		    --out "$work/etc/dkim" --domain example.com \
		    --selector "${key% *}" --algorithm "${key#* }" \
		    >/dev/null
	done
}

# What the test overrides stands in a file that includes the example.  A
# warning is as bad as an error, but for the file to begin with: its
# instances do nothing yet.
check() {
	{
		echo "plugin-dir = \"$work/plugins\""
		echo "run-dir = \"$work/run\""
		echo "spool-dir = \"$work/spool\""
		echo "journal = \"$work/journal.db\""
		echo "include(\"$1\")"
	} >"$work/check.conf"
	"$b/millraced" -t -c "$work/check.conf" >"$work/said" 2>&1 &&
		! grep -v ' access: it has no list' "$work/said" |
		grep -qv '^[^ ]*: ok: ' && return
	echo "$(basename "$1"):" >&2
	cat "$work/said" >&2
	return 1
}

prepare
make_keys
bad=0 count=0
for conf in "$work"/etc/*.conf; do
	check "$conf" || bad=1
	count=$((count + 1))
done
[ "$count" -gt 2 ] || { echo "no examples were found" >&2; exit 1; }
[ "$bad" -eq 0 ] && echo "examples: $count accepted"
exit "$bad"
