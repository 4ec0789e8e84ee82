/* SPDX-License-Identifier: Apache-2.0 */
/* Names of domains, and the service "address/1" that hands them out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <millrace/fake.h>

#include "../../plugins/null/null.c"
#include "service/domain.h"
#include "service/service.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define TEN      "0123456789"

static const struct ascii_case {
	const char *in, *want;
} ascii_cases[] = {
	{ "example.com", "example.com" }, { "EXAMPLE.Com.", "example.com" },
	{ "com", "com" }, { "_dmarc.a_b.example", "_dmarc.a_b.example" },
	{ "-a-.example", "-a-.example" }, { "a.1", "a.1" },
	{ "b\xc3\xbc"
	  "cher.example",
	    "xn--bcher-kva.example" },
	{ "B\xc3\x9c"
	  "CHER.Example.",
	    "xn--bcher-kva.example" },
	/* not transitional: the sharp s is a letter of its own */
	{ "fu\xc3\x9f.example", "xn--fu-hia.example" },
	/* decomposed, and with a full-width dot */
	{ "bu\xcc\x88"
	  "cher\xe3\x80\x82"
	  "example",
	    "xn--bcher-kva.example" },
	{ "xn--bcher-kva.example", "xn--bcher-kva.example" },
	{ "XN--BCHER-KVA.example", "xn--bcher-kva.example" },
	/* 63 and 64 bytes */
	{ TEN TEN TEN TEN TEN TEN "abc.test",
	    TEN TEN TEN TEN TEN TEN "abc.test" },
	{ TEN TEN TEN TEN TEN TEN "abcd.test", NULL }, { "", NULL },
	{ ".", NULL }, { "..", NULL }, { ".example", NULL },
	{ "a..example", NULL }, { "a.example..", NULL },
	{ "a b.example", NULL }, { "a@b.example", NULL },
	{ "[192.0.2.1]", NULL }, { "*.example", NULL }, { "a\n.example", NULL },
	{ "a\xff.example", NULL },
	{ "a\xc2\xa0"
	  "b.example",
	    NULL },
	{ "\xf0\x9f\x93\xa7.example", NULL }, /* IDNA 2008 has no pictures */
};

static void
test_ascii(void **state)
{
	struct arena *arena = arena_create(512);

	(void)state;
	for (size_t i = 0; i < COUNT(ascii_cases); i++) {
		const char *found =
		    domain_to_ascii(arena, span_of(ascii_cases[i].in));

		if (ascii_cases[i].want == NULL ? found != NULL : found == NULL)
			fail_msg("%s: %s", ascii_cases[i].in, found);
		if (found != NULL)
			assert_string_equal(found, ascii_cases[i].want);
	}
	arena_destroy(&arena);
}

static void
test_length(void **state)
{
	struct arena *arena = arena_create(512);
	char name[300];

	(void)state;
	memset(name, 'a', sizeof(name));
	for (size_t i = 50; i < sizeof(name); i += 50)
		name[i] = '.';
	assert_non_null(domain_to_ascii(arena, (struct span){ name, 253 }));
	assert_null(domain_to_ascii(arena, (struct span){ name, 254 }));
	/* a NUL within */
	memcpy(name, "\xc3\xbc\0a", 4);
	assert_null(domain_to_ascii(arena, (struct span){ name, 20 }));
	arena_destroy(&arena);
}

static const struct suffix_case {
	const char *name, *registered;
	bool suffix;
} suffix_cases[] = {
	{ "example.com", "example.com", false },
	{ "a.b.example.com", "example.com", false },
	{ "A.Example.CO.UK.", "example.co.uk", false },
	{ "com", NULL, true },
	{ "co.uk", NULL, true },
	{ "github.io", NULL, true },
	{ "evil.github.io", "evil.github.io", false },
	/* a wildcard and its exception */
	{ "a.b.ck", "a.b.ck", false },
	{ "b.ck", NULL, true },
	{ "x.www.ck", "www.ck", false },
	/* a top-level domain that is not in the list */
	{ "a.b.example", "b.example", false },
	{ "example", NULL, true },
	{ "xn--fiqs8s", NULL, true },
	{ "a.b.xn--fiqs8s", "b.xn--fiqs8s", false },
	{ "\xe4\xb8\xad\xe5\x9b\xbd", NULL, true },
	{ "192.0.2.1", NULL, false },
	{ "[192.0.2.1]", NULL, false },
	{ "", NULL, false },
	{ "a..com", NULL, false },
};

static void
test_suffix(void **state)
{
	const struct mr_address_service *a = address_service.table;
	struct fake f;

	(void)state;
	fake_init(&f, &mr_plugin_null);
	for (size_t i = 0; i < COUNT(suffix_cases); i++) {
		const struct suffix_case *c = &suffix_cases[i];
		const char *found = a->registered(&f.ctx, c->name);

		if (c->registered == NULL ? found != NULL : found == NULL)
			fail_msg("%s: %s", c->name, found);
		if (found != NULL)
			assert_string_equal(found, c->registered);
		if (a->is_public_suffix(c->name) != c->suffix)
			fail_msg("%s: %d", c->name, !c->suffix);
	}
	fake_finish(&f);
}

static void
test_service(void **state)
{
	const struct mr_address_service *a = address_service.table;
	const struct mr_mailboxes *m;
	struct fake f;

	(void)state;
	fake_init(&f, &mr_plugin_null);
	assert_ptr_equal(service_find(MR_ADDRESS_SERVICE), a);
	m = a->mailboxes(&f.ctx, "=?utf-8?q?=C3=A9?= <A@B.example>, , x");
	assert_int_equal(m->count, 1);
	assert_true(m->broken);
	assert_string_equal(m->items[0].display, "\xc3\xa9");
	assert_string_equal(m->items[0].address, "A@b.example");
	assert_string_equal(m->items[0].local, "A");
	assert_string_equal(m->items[0].domain, "b.example");
	m = a->mailboxes(&f.ctx, "");
	assert_int_equal(m->count, 0);
	assert_false(m->broken);
	assert_string_equal(
	    a->decode(&f.ctx, " =?utf-8?q?=C3=A9?="), "\xc3\xa9");
	assert_string_equal(a->decode(&f.ctx, ""), "");
	assert_string_equal(a->to_ascii(&f.ctx, "A.Example."), "a.example");
	assert_null(a->to_ascii(&f.ctx, "a..example"));
	fake_finish(&f);
}

/* What the fake promises for simple fields is what the service says. */
static void
test_fake(void **state)
{
	static const char *const fields[] = { "a@b.example",
		"Ann <a@B.example>, \"Doe, John\" <c@d.example>", "",
		"a@b.example,, root", "a@b..example", "a@[192.0.2.1]" };
	const struct mr_address_service *real = address_service.table;
	const struct mr_address_service *fake = &fake_address_service;
	struct fake f;

	(void)state;
	fake_init(&f, &mr_plugin_null);
	for (size_t i = 0; i < COUNT(fields); i++) {
		const struct mr_mailboxes *a =
		    real->mailboxes(&f.ctx, fields[i]);
		const struct mr_mailboxes *b =
		    fake->mailboxes(&f.ctx, fields[i]);

		/* "b..example": the part before it may be shown */
		if (strstr(fields[i], "..") == NULL)
			assert_int_equal(a->count, b->count);
		assert_int_equal(a->broken, b->broken);
		for (uint32_t m = 0; m < b->count; m++) {
			assert_string_equal(
			    a->items[m].display, b->items[m].display);
			assert_string_equal(
			    a->items[m].address, b->items[m].address);
		}
	}
	for (size_t i = 0; i < COUNT(suffix_cases); i++) {
		const char *name = suffix_cases[i].name, *found;

		/* It knows a few only. */
		if (strstr(name, "ck") != NULL || strchr(name, '\xe4') ||
		    strspn(name, "0123456789.") > 0)
			continue;
		found = fake->registered(&f.ctx, name);
		if (suffix_cases[i].registered == NULL)
			assert_null(found);
		else
			assert_string_equal(found, suffix_cases[i].registered);
	}
	fake_finish(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ascii),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_suffix),
		cmocka_unit_test(test_service),
		cmocka_unit_test(test_fake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
