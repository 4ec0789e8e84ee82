#!/bin/sh
# Options of the plugins and of the daemon against their manuals, both ways:
#
#   options.sh [command that prints `millrace plugins --json`]
set -eu
cd "$(dirname "$0")/../.."
b=${B:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Whatever the mode of build/ is, plugins must belong to us alone.
listing() {
	mkdir "$work/so"
	for so in "$b"/plugins/*.so; do
		install -m 755 "$so" "$work/so"
	done
	echo "plugin-dir = \"$work/so\"" >"$work/conf"
	echo "include(\"$PWD/conf/millrace.conf\")" >>"$work/conf"
	"$b/millrace" plugins --conf "$work/conf" --json
}

if [ $# -eq 0 ]; then
	set -- listing
fi
"$@" >"$work/plugins"
${CC:-gcc} -std=gnu11 -D_GNU_SOURCE -Iinclude -Idaemon \
    -DMR_PLUGINDIR='"/usr/local/lib/millrace/plugins"' \
    -o "$work/dump" tests/lint/tables.c daemon/config/options.c
"$work/dump" >"$work/tables"
python3 -B tests/lint/options.py "$work/plugins" plugins \
    "$work/tables" daemon/config/millrace.conf.5
