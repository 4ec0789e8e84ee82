/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service "content/1": a message as rules and learners want it.
 *
 * It is taken apart once, when the first instance asks, and for all of them.
 * Text is UTF-8 whatever its charset was, HTML without its tags, encodings
 * undone.  Everything is bounded (depth, parts, decoded bytes, time: the
 * content- options of millrace.conf(5)); what goes beyond, and what is built
 * to mislead, is a finding and never a crash.
 *
 * An instance that asks wants MR_WANT_HEADERS and MR_WANT_BODY, and asks in
 * on_eom.
 */
#ifndef MR_CONTENT_H
#define MR_CONTENT_H

#include <millrace/plugin.h>

#define MR_CONTENT_SERVICE "content/1"

/* One leaf of the MIME tree, in the order of the message. */
struct mr_part {
	const char *type;     /* declared, lower case: "text/html" */
	const char *detected; /* by its first bytes; "" if not recognised */
	const char *filename; /* decoded, UTF-8; "" if there is none */
	const char *charset;  /* declared, lower case, or "" */
	uint32_t depth;       /* containers around it; 0: the message itself */
	bool attachment;      /* by its disposition or name */
	bool text;            /* its text is part of mr_content.text */
	bool encrypted;       /* an archive whose members need a password */
	uint32_t kept;        /* readable at bytes: at most content-keep */
	const void *bytes;    /* the first decoded ones */
	uint64_t size;        /* of all decoded ones */
	char sha256[65];      /* of all decoded ones, in hex */
	const char *members;  /* names in a zip archive, LF after each */
};

struct mr_url {
	const char *text;       /* as found, entities undone */
	const char *scheme;     /* "http", "https", "mailto" ... */
	const char *host;       /* A-labels, lower case; address literals too */
	const char *registered; /* see address.h; host if it has none */
	const char *path;       /* with query, percent forms undone once */
	const char *shown;      /* text of the link, if it is one; else NULL */
	bool obfuscated;        /* hxxp, decimal address, needless escapes */
};

struct mr_finding {
	const char
	    *name; /* "MIME_DEPTH", "BAD_CHARSET": see millrace.conf(5) */
	const char *detail; /* or NULL */
};

struct mr_content {
	const char *subject; /* decoded, UTF-8; "" if there is none */
	/*
	 * What a reader sees of all text parts: valid UTF-8 without NULs,
	 * tags and hidden text, blanks squeezed to one, LF after each part.
	 */
	const char *text;
	size_t text_len;
	/* Text parts decoded, but as they are: HTML with its tags.  UTF-8. */
	const char *raw;
	size_t raw_len;
	uint32_t nparts, nurls, nfindings;
	const struct mr_part *parts;
	const struct mr_url *urls;
	const struct mr_finding *findings;
};

struct mr_content_service {
	uint32_t size; /* of this struct, as built */
	/*
	 * [session] At eom.  Never NULL, at most what was found within the
	 * limits; lives as long as the message.
	 */
	const struct mr_content *(*get)(struct mr_ctx *);
};

#endif
