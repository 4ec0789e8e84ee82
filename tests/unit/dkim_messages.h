/* SPDX-License-Identifier: Apache-2.0 */
/* Messages and keys for the tests of the plugin dkim. */
#ifndef TESTS_DKIM_MESSAGES_H
#define TESTS_DKIM_MESSAGES_H

#include <stdbool.h>

#include "../../plugins/dkim/bodyhash.c"
#include "../../plugins/dkim/canon.c"
#include "../../plugins/dkim/key.c"
#include "../../plugins/dkim/pubkey.c"
#include "../../plugins/dkim/record.c"
#include "../../plugins/dkim/sign.c"
#include "../../plugins/dkim/signature.c"
#include "../../plugins/dkim/tags.c"
#include "../../plugins/dkim/verify.c"

/* RFC 8463, appendix A: keys, message and both signatures. */
#define RFC_ED25519_SECRET                                                     \
	"-----BEGIN PRIVATE KEY-----\n"                                        \
	"MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"   \
	"-----END PRIVATE KEY-----\n"
#define RFC_ED25519_RECORD                                                     \
	"v=DKIM1; k=ed25519; "                                                 \
	"p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define RFC_RSA_RECORD                                                         \
	"v=DKIM1; k=rsa; "                                                     \
	"p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWR"                 \
	"iGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/b"                 \
	"yYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKr"                 \
	"M3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K"                 \
	"4w3QIDAQAB"
#define RFC_H                                                                  \
	"h=from : to :\n subject : date : message-id : from : subject : "      \
	"date;\n "
#define RFC_ED25519_SIGNATURE                                                  \
	" v=1; a=ed25519-sha256; c=relaxed/relaxed;\n"                         \
	" d=football.example.com; i=@football.example.com;\n"                  \
	" q=dns/txt; s=brisbane; t=1528637909; " RFC_H                         \
	"bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\n"                   \
	" b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\n"        \
	" Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="
#define RFC_RSA_SIGNATURE                                                      \
	" v=1; a=rsa-sha256; c=relaxed/relaxed;\n"                             \
	" d=football.example.com; i=@football.example.com;\n"                  \
	" q=dns/txt; s=test; t=1528637909; " RFC_H                             \
	"bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\n"                   \
	" b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\n"        \
	" DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\n"        \
	" dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8="
#define RFC_BODY                                                               \
	"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"

/*
 * Memory for libopendkim that notices a write behind its end: a sanitizer
 * does not see what a library that was built without it writes.
 */
enum { GUARD_BYTES = 32, GUARD = 0xa5 };

static void *
guarded_malloc(void *closure, size_t n)
{
	unsigned char *block = malloc(n + 2 * GUARD_BYTES);

	(void)closure;
	if (block == NULL)
		return NULL;
	memcpy(block, &n, sizeof(n));
	memset(block + GUARD_BYTES + n, GUARD, GUARD_BYTES);
	return block + GUARD_BYTES;
}

static void
guarded_free(void *closure, void *p)
{
	unsigned char *block = (unsigned char *)p - GUARD_BYTES;
	size_t n;

	(void)closure;
	memcpy(&n, block, sizeof(n));
	for (size_t i = 0; i < GUARD_BYTES; i++)
		if (block[GUARD_BYTES + n + i] != GUARD) {
			fprintf(stderr, "a write behind %zu bytes\n", n);
			abort();
		}
	free(block);
}

static __attribute__((unused)) struct verifier *
guarded_verifier(const struct verify_limits *limits)
{
	struct verifier *v = calloc(1, sizeof(*v));

	v->limits = *limits;
	if (!verifier_open(v, guarded_malloc, guarded_free))
		abort();
	return v;
}

#endif
