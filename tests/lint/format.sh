#!/bin/sh
# All C files look as .clang-format says.  Versions differ in taste, so that
# only version 14, Debian 12's, is asked.
set -eu
cd "$(dirname "$0")/../.."
for tool in clang-format-14 clang-format; do
	case $("$tool" --version 2>/dev/null) in
	*"version 14."*) ;;
	*) continue ;;
	esac
	files=$(find daemon plugins include tests -name '*.[ch]' | sort)
	"$tool" --dry-run -Werror $files || exit 1
	echo "format: $(echo $files | wc -w) files"
	exit 0
done
echo "format: skipped, clang-format 14 is not installed"
