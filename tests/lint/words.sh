#!/bin/sh
# What the tree must not say: notes to oneself, paths of one machine, and
# names of companies and hosts that are not reserved for examples (RFC 2606,
# RFC 6761).
set -eu
cd "$(dirname "$0")/../.."
bad=0
files=$(find . -type f ! -path './.git/*' ! -path ./.git ! -path './build/*' \
    ! -name LICENSE ! -path './tests/lint/words.sh' \
    ! -path './tests/fuzz/corpus/*' ! -name '*.pyc' | sort)

# Read lines; what there is, is a fault of this kind.
report() {
	while read -r line; do
		echo "$line: $1" >&2
		bad=1
	done <<-END
		$2
	END
}

look() {
	found=$(grep -nIE "$2" $files || true)
	[ -z "$found" ] || report "$1" "$found"
}

look "do it or file an issue" '(^|[^A-Za-z0-9])(TODO|FIXME|XXX|HACK)([^A-Za-z0-9]|$)'
look "a path of one machine" '(^|[^A-Za-z0-9_.}-])/(work|root|home/[a-z]+|mnt)/'
look "a company: use example.com" \
    '(^|[^A-Za-z])(ACME|Acme|Contoso|Initech|Globex|GmbH|Inc\.|Ltd\.?|Corp\.)([^A-Za-z]|$)'

# Hosts in mail addresses and links; unit tests try strange ones.
hosts=$(grep -nIoiE '([a-z0-9]@|https?://)([a-z0-9-]+\.)+[a-z]{2,}' \
    $(echo "$files" | grep -v '^\./tests/unit/') |
	grep -viE '(example(\.(com|net|org))?|\.(example|test|invalid)|localhost|(apache|npmjs|rfc-editor|postfix|sqlite)\.org)$' ||
	true)
[ -z "$hosts" ] || report "a host that may be somebody's: use example.com" \
    "$hosts"
[ "$bad" -eq 0 ] && echo "words: $(echo "$files" | wc -l) files"
exit "$bad"
