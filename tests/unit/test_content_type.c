/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "service/content_type.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define S(text)                                                                \
	{                                                                      \
		(text), sizeof(text) - 1                                       \
	}

/* A member of a zip archive: a local header (APPNOTE.TXT, 4.3.7). */
#define MEMBER(flags, packed, unpacked, name, n)                               \
	"PK\3\4\x14\0" flags "\0\0\0\0\0\0\0\0\0\0" packed unpacked n          \
	"\0\0\0" name

static const struct type_case {
	struct span in;
	const char *want;
} cases[] = {
	{ S(""), "" },
	{ S("hello"), "" },
	{ S("%PDF-1.7"), "application/pdf" },
	{ S("MZ\x90\0"), "application/x-dosexec" },
	{ S("\x7f"
	    "ELF\2"),
	    "application/x-elf" },
	{ S("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1x"), "application/x-ole-storage" },
	{ S("\x4c\0\0\0\x01\x14\x02\0\0"), "application/x-ms-shortcut" },
	{ S("Rar!\x1a\x07\x01"), "application/vnd.rar" },
	{ S("\x89PNG\r\n\x1a\n"), "image/png" },
	{ S("GIF89a"), "image/gif" },
	{ S("\xef\xbb\xbf \n<!DOCTYPE html>"), "text/html" },
	{ S("<HTML>"), "text/html" },
	{ S("@ECHO OFF\r\n"), "application/x-bat" },
	{ S(MEMBER("\0\0", "\1\0\0\0", "\1\0\0\0", "a.txt", "\5")),
	    "application/zip" },
	{ S(MEMBER("\0\0", "\1\0\0\0", "\1\0\0\0", "word/x.xml", "\12")),
	    "application/vnd.openxmlformats-officedocument.wordprocessingml"
	    ".document" },
	{ S(MEMBER(
	      "\0\0", "\0\0\0\0", "\0\0\0\0", "META-INF/MANIFEST.MF", "\24")),
	    "application/java-archive" },
};

static void
test_type(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(
		    content_type_of(cases[i].in), cases[i].want);
}

static const struct zip_case {
	struct span in;
	bool zip, encrypted;
	const char *names;
	uint64_t packed, unpacked;
} zips[] = {
	{ S("no"), false, false, "", 0, 0 },
	{ S("PK\3\4"), true, false, "", 0, 0 },
	{ S(MEMBER("\0\0", "\1\0\0\0", "\2\0\0\0", "a.txt", "\5") "x" MEMBER(
	      "\1\0", "\0\0\0\0", "\3\0\0\0", "b.exe", "\5")),
	    true, true, "a.txt\nb.exe\n", 1, 5 },
	/* sizes that come later; a name that goes beyond the end */
	{ S(MEMBER("\x08\0", "\xff\xff\0\0", "\xff\xff\0\0", "a\tb",
	      "\3") "data" MEMBER("\0\0", "\0\0\0\0", "\0\0\0\0", "b", "\xff")),
	    true, false, "a?b\nb\n", 0, 0 },
};

static void
test_zip(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(zips); i++) {
		struct buf names = { 0 };
		struct content_zip z = { 0 };

		buf_put(&names, "", 0);
		assert_int_equal(
		    content_zip_list(zips[i].in, &names, &z), zips[i].zip);
		assert_string_equal(names.p, zips[i].names);
		assert_int_equal(z.encrypted, zips[i].encrypted);
		assert_int_equal(z.packed, zips[i].packed);
		assert_int_equal(z.unpacked, zips[i].unpacked);
		buf_finish(&names);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_type),
		cmocka_unit_test(test_zip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
