#!/bin/sh
# What an outside author does: install the headers, copy plugins/null, build
# it with plugin.mk from outside the tree; and take the plugin and the test
# out of millrace-plugin(3), build and run both.  Needs nothing of the tree
# but what is installed.
set -eu
tree=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A pkg-config that finds the headers in this root, first in the path.
use_root() {
	real=$(command -v pkg-config)
	mkdir "$work/bin"
	cat >"$work/bin/pkg-config" <<-END
		#!/bin/sh
		PKG_CONFIG_LIBDIR='$work/root/usr/lib/pkgconfig' exec '$real' \
		    --define-variable=prefix='$work/root/usr' "\$@"
	END
	chmod +x "$work/bin/pkg-config"
	PATH=$work/bin:$PATH
}

# Build plugin $1 in its folder as the page says, install below image/.
build() {
	from_page 'plugin.mk' | sed "s/nodot/$1/" >"$work/$1/Makefile"
	make -C "$work/$1" -s install DESTDIR="$work/image" \
	    CFLAGS="-O2 -g -Wall -Wextra -Werror"
	test -f "$work/image/usr/lib/millrace/plugins/$1.so"
}

# The literal block of the page that holds the text $1.
from_page() {
	awk -v text="$1" '
		/^\.Bd/ { block = ""; inside = 1; next }
		/^\.Ed/ { if (index(block, text)) { printf "%s", block; exit }
			inside = 0 }
		inside { block = block $0 "\n" }' \
	    "$tree/include/millrace/millrace-plugin.3" | sed 's/\\e/\\/g'
}

make -C "$tree" -s install-sdk DESTDIR="$work/root" PREFIX=/usr
use_root

mkdir "$work/null" "$work/nodot"
cp "$tree"/plugins/null/null.c "$tree"/plugins/null/millrace-null.5 \
    "$work/null"
build null
test -f "$work/image/usr/share/man/man5/millrace-null.5"

from_page 'MR_PLUGIN(nodot)' >"$work/nodot/nodot.c"
from_page 'fake_init' >"$work/nodot/test.c"
build nodot
${CC:-cc} -std=gnu11 -Wall -Wextra -Werror $(pkg-config --cflags millrace) \
    -o "$work/nodot/test" "$work/nodot/test.c"
"$work/nodot/test"

# A plugin that reaches into the daemon must fail at the link.
mkdir "$work/reach"
cat >"$work/reach/reach.c" <<'C'
#include <millrace/plugin.h>
int session_create(void);
static mr_verdict
reach_on_eom(struct mr_ctx *c)
{
	(void)c;
	return session_create();
}
MR_PLUGIN(reach) = { MR_PLUGIN_HEAD, .name = "reach", .version = "1",
	.summary = "links what is not there", .on_eom = reach_on_eom };
C
if build reach 2>"$work/reach/said"; then
	echo "a plugin that calls the daemon was linked" >&2
	exit 1
fi
grep -q 'undefined reference to .session_create' "$work/reach/said"

"$tree/tests/lint/plugins.sh" "$work/image/usr/lib/millrace/plugins"
echo "out of tree: null, nodot and its test built and run"
