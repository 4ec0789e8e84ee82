#!/bin/sh
# The manuals: mandoc has nothing to say on them, they refer to pages that
# are there, each plugin has one, and the options of the programs are those
# that the pages name.
set -eu
cd "$(dirname "$0")/../.."
b=${B:-build}
bad=0
work=$(mktemp)
trap 'rm -f "$work"' EXIT
pages=$(find daemon plugins include -name '*.[1-8]' | sort)

fault() {
	echo "$*" >&2
	bad=1
}

# mandoc knows only installed pages: whom they refer to is looked at below.
syntax() {
	if ! command -v mandoc >/dev/null; then
		fault "mandoc is not installed: apt-get install mandoc"
		return
	fi
	# Two streams: mixed, one may stand in the middle of the other's line.
	said=$(mandoc -T lint -W style $pages 2>"$work" |
		grep -v 'referenced manual not found' || true
		grep -v 'outdated mandoc.db' "$work" || true)
	[ -z "$said" ] || fault "$said"
}

references() {
	for page in $pages; do
		sed -n 's/^\.Xr \(millrace[^ ]*\) \([1-8]\).*/\1.\2/p' "$page" |
			sort -u | while read -r other; do
			case " $(basename -a $pages | tr '\n' ' ') " in
			*" $other "*) ;;
			*) echo "$page: there is no page $other" ;;
			esac
		done
	done
}

plugins() {
	for folder in plugins/*/; do
		name=$(basename "$folder")
		[ -f "$folder/millrace-$name.5" ] ||
			fault "$folder: millrace-$name.5 is missing"
	done
}

# The letters of "millraced -h" and of ".It Fl x" must be the same.
daemon_options() {
	has=$("$b/millraced" -h | grep -o -- '-[A-Za-z]\>' | sort -u)
	says=$(sed -n 's/^\.It Fl \([A-Za-z]\)\>.*/-\1/p' \
	    daemon/process/millraced.8 | sort -u)
	[ "$has" = "$says" ] ||
		fault "millraced.8: options are" $has, "but it says" $says
}

# Each --option of the command and its sub-commands, both ways.
command_options() {
	page=daemon/command/millrace.1
	if [ ! -f "$page" ] || [ ! -x "$b/millrace" ]; then
		fault "$page or $b/millrace is missing"
		return
	fi
	has=$({ "$b/millrace" --help
		for sub in $("$b/millrace" --help |
			sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p'); do
			"$b/millrace" "$sub" --help
			grep -q "^\.\(It\|Ss\|Sh\).* $sub\>" "$page" ||
				echo "millrace.1 has no $sub" >&2
		done; } | grep -o '^  *--[a-z][a-z-]*' | tr -d ' ' | sort -u)
	says=$(grep -oE '^\.It Fl (Fl |-)[a-z][a-z-]*' "$page" |
		sed -E 's/.*Fl (Fl |-)/--/' | sort -u)
	[ "$has" = "$says" ] ||
		fault "millrace.1: options are" $has, "but it says" $says
}

syntax
wrong=$(references)
[ -z "$wrong" ] || fault "$wrong"
plugins
daemon_options
command_options
[ "$bad" -eq 0 ] && echo "manuals: $(echo $pages | wc -w) pages"
exit "$bad"
