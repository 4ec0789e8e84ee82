/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of the command, from tables: what is parsed and what --help says
 * cannot differ.  Knows no sub-command.
 */
#ifndef COMMAND_OPTION_H
#define COMMAND_OPTION_H

#include <stdbool.h>
#include <stddef.h>

/* What the member at offset is. */
enum option_kind {
	OPTION_FLAG,   /* bool */
	OPTION_TEXT,   /* const char * */
	OPTION_LIST,   /* struct option_list: may be given again */
	OPTION_NUMBER, /* long: at least 1 */
};

struct option_list {
	const char **items; /* NULL at the end; NULL if there is none */
	size_t count;
};

struct option_row {
	const char *name;     /* without "--"; NULL ends the table */
	const char *argument; /* "FILE", for the help; NULL: a flag */
	enum option_kind kind;
	size_t offset;
	const char *text;
};

/* One table and the struct it fills. */
struct option_table {
	const struct option_row *rows;
	void *values;
};

/*
 * Take options off argv (its first word is skipped) and put them into the
 * structs; what is left are operands, moved to the front of argv, and their
 * number is returned.  "--" ends the options; so does "-" stand for itself.
 * stop: the first operand ends the options too, and the rest is left as it
 * is.  -1 after a message: an option is wrong.
 */
int option_parse(const struct option_table *tables, size_t count, int argc,
    char **argv, bool stop);
/*
 * Take off argv (its first word is skipped) only what the tables know, and
 * leave the rest in its place.  Returns how many words are left.
 */
int option_take_known(
    const struct option_table *tables, size_t count, int argc, char **argv);
void option_help(const struct option_table *tables, size_t count);

/* "millrace: " and the message, on stderr, made safe for a terminal. */
void complain(const char *, ...) __attribute__((format(printf, 1, 2)));

#endif
