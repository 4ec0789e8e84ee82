/* SPDX-License-Identifier: Apache-2.0 */
/* A report as a file and as a mail (RFC 9990, 3.5). */
#ifndef DMARC_POST_H
#define DMARC_POST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "report.h"

struct post_sender {
	const char *org, *email, *contact, *generator;
	const char *domain; /* of email: who reports */
	const char *sendmail;
};

/* The report of a period, ready to be sent. */
struct post {
	char *name;      /* of its file: no "/" in it */
	char *report_id; /* without brackets */
	unsigned char *bytes;
	size_t size; /* compressed */
};

/* begin and end in seconds, end not included.  False: no memory. */
bool post_make(const struct post_sender *, const struct report *, int64_t begin,
    int64_t end, struct post *);
void post_finish(struct post *);

/* Into the folder, under its name.  False and errno. */
bool post_save(const struct post *, const char *folder);

/*
 * Hand it to the program sendmail.  Returns its exit status (sysexits; 75:
 * try again), or -1 and errno: it could not be run.
 */
int post_send(const struct post *, const struct post_sender *,
    const char *policy_domain, const char *address);

/* The mail alone. */
void post_mail(FILE *, const struct post *, const struct post_sender *,
    const char *policy_domain, const char *address, int64_t now);

#endif
