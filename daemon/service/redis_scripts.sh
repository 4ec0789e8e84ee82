#!/bin/sh
# The scripts for Redis as C text, in the order of enum redis_script: those that
# count have limit.lua before them.  Comments stay behind.
#
# usage: redis_scripts.sh FOLDER
set -eu
cd "$1"

text() {
	cat "$@" | sed -e '/^--/d' -e 's/\\/\\\\/g' -e 's/"/\\"/g' \
	    -e 's/^/"/' -e 's/$/\\n"/'
	echo ,
}

echo '#include "service/redis_private.h"'
echo 'const char *const redis_scripts[REDIS_SCRIPTS] = {'
for script in reserve refund reset merge; do
	text limit.lua "$script.lua"
done
for script in count distinct beat; do
	text "$script.lua"
done
echo '};'
