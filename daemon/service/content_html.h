/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a reader sees of an HTML text, and where it leads.  Not a browser: it
 * takes the shortest way that browsers agree with on what mail contains, in
 * one pass and with memory of a fixed size.  Pure.
 */
#ifndef SERVICE_CONTENT_HTML_H
#define SERVICE_CONTENT_HTML_H

#include "service/content_text.h"

struct content_html {
	struct content_text *text; /* where what is seen goes */
	/*
	 * A link: the attribute with its entities undone, and what is shown
	 * for it (n is 0: nothing, or it is no link to click on).
	 */
	void (*link)(void *arg, struct span url, struct span shown);
	void *arg;
	/* Filled in. */
	unsigned forms;   /* that ask for a password */
	unsigned scripts; /* that would run */
	size_t hidden;    /* bytes of text that are not shown */
};

/* in: valid UTF-8. */
void content_html_strip(struct content_html *, struct span in);

/*
 * Undo the entity that text begins with ("&amp;").  Returns how many bytes it
 * has, and the character; 0: it is none.
 */
size_t content_html_entity(struct span text, uint32_t *code);

#endif
