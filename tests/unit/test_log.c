/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/memory.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int kept_stderr;
static FILE *said;

static void
capture(void)
{
	fflush(stderr);
	said = tmpfile();
	assert_non_null(said);
	kept_stderr = dup(STDERR_FILENO);
	dup2(fileno(said), STDERR_FILENO);
}

/* What went to stderr since capture; the caller frees it. */
static char *
captured(void)
{
	long n;
	char *text;

	dup2(kept_stderr, STDERR_FILENO);
	close(kept_stderr);
	fseek(said, 0, SEEK_END);
	n = ftell(said);
	rewind(said);
	text = memory_zalloc((size_t)n + 1);
	assert_int_equal(fread(text, 1, (size_t)n, said), n);
	fclose(said);
	return text;
}

/* Replace the time of "2026-01-31T23:59:59.123Z" by "T", if it is one. */
static void
without_time(char *line, size_t at)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";

	assert_true(strlen(line) >= at + strlen(form));
	for (size_t i = 0; form[i] != '\0'; i++) {
		char c = line[at + i];

		if (form[i] == 'd')
			assert_in_range(c, '0', '9');
		else
			assert_int_equal(c, form[i]);
	}
	line[at] = 'T';
	memmove(line + at + 1, line + at + strlen(form),
	    strlen(line + at + strlen(form)) + 1);
}

static void
open_log(enum log_level level, enum log_format format)
{
	struct log_settings s = { level, LOG_TARGET_STDERR, format };

	log_open("worker 3", &s);
}

static const struct sentence_case {
	enum log_level level;
	const char *say;
	const char *text, *json;
} sentences[] = {
	{ LOG_LEVEL_ERROR, "it broke", "T error worker 3: it broke\n",
	    "{\"time\":\"T\",\"level\":\"error\",\"part\":\"worker 3\","
	    "\"message\":\"it broke\"}\n" },
	{ LOG_LEVEL_WARN, "a\nb\"\\\x1b",
	    "T warn worker 3: a\\x0ab\"\\x5c\\x1b\n",
	    "{\"time\":\"T\",\"level\":\"warn\",\"part\":\"worker 3\","
	    "\"message\":\"a\\nb\\\"\\\\\\u001b\"}\n" },
	{ LOG_LEVEL_INFO, "", "T info worker 3: \n",
	    "{\"time\":\"T\",\"level\":\"info\",\"part\":\"worker 3\","
	    "\"message\":\"\"}\n" },
	{ LOG_LEVEL_DEBUG, "x", "T debug worker 3: x\n",
	    "{\"time\":\"T\",\"level\":\"debug\",\"part\":\"worker 3\","
	    "\"message\":\"x\"}\n" },
};

static void
test_sentences(void **state)
{
	(void)state;
	unsetenv("JOURNAL_STREAM");
	for (size_t i = 0; i < COUNT(sentences) * 2; i++) {
		const struct sentence_case *c = &sentences[i / 2];
		char *text;

		open_log(LOG_LEVEL_DEBUG,
		    i % 2 == 0 ? LOG_FORMAT_TEXT : LOG_FORMAT_JSON);
		capture();
		log_at(c->level, "%s", c->say);
		text = captured();
		without_time(text, i % 2 == 0 ? 0 : strlen("{\"time\":\""));
		assert_string_equal(text, i % 2 == 0 ? c->text : c->json);
		free(text);
	}
}

static void
say_all(void)
{
	struct log_line line;

	log_error("1");
	log_warn("2");
	log_info("3");
	log_debug("4");
	for (int level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++) {
		log_line_begin(&line, "5");
		log_line_end(&line, (enum log_level)level);
	}
}

static void
test_levels(void **state)
{
	static const size_t lines[] = { 2, 4, 6, 8 };

	(void)state;
	for (int level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++) {
		size_t n = 0;
		char *text;

		open_log((enum log_level)level, LOG_FORMAT_TEXT);
		for (int l = LOG_LEVEL_ERROR; l <= LOG_LEVEL_DEBUG; l++)
			assert_int_equal(
			    log_wants((enum log_level)l), l <= level);
		capture();
		say_all();
		text = captured();
		for (char *p = text; *p != '\0'; p++)
			n += *p == '\n';
		assert_int_equal(n, lines[level]);
		free(text);
	}
}

static void
say_fields(void)
{
	struct log_line line;

	log_line_begin(&line, "message");
	log_line_text(&line, "id", "4Xk2");
	log_line_text(&line, "none", NULL);
	log_line_text(&line, "empty", "");
	log_line_text(&line, "from", "<a b@example.org>\n");
	log_line_int(&line, "size", -9000000000);
	log_line_real(&line, "score", 6.2);
	log_line_real(&line, "whole", 100);
	log_line_real(&line, "zero", 0);
	log_line_real(&line, "odd", NAN);
	log_line_end(&line, LOG_LEVEL_INFO);
}

static void
test_fields(void **state)
{
	static const char *const want[] = {
		"T info worker 3: message id=4Xk2 empty=\"\" "
		"from=\"<a b@example.org>\\x0a\" size=-9000000000 score=6.2 "
		"whole=100 zero=0 odd=nan\n",
		"{\"time\":\"T\",\"level\":\"info\",\"part\":\"worker 3\","
		"\"event\":\"message\",\"id\":\"4Xk2\",\"empty\":\"\","
		"\"from\":\"<a b@example.org>\\n\",\"size\":-9000000000,"
		"\"score\":6.2,\"whole\":100,\"zero\":0,\"odd\":\"nan\"}\n",
	};

	(void)state;
	for (int json = 0; json <= 1; json++) {
		char *text;

		open_log(
		    LOG_LEVEL_INFO, json ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT);
		capture();
		say_fields();
		text = captured();
		without_time(text, json ? strlen("{\"time\":\"") : 0);
		assert_string_equal(text, want[json]);
		free(text);
	}
}

/* JOURNAL_STREAM counts only if it names what stderr is. */
static void
test_journal(void **state)
{
	char stream[64], *text;
	struct stat st;

	(void)state;
	capture();
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu",
	    (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	open_log(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	log_warn("hot");
	open_log(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	log_error("hotter");
	setenv("JOURNAL_STREAM", "1:1", 1);
	open_log(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	log_info("cool");
	text = captured();
	unsetenv("JOURNAL_STREAM");
	assert_memory_equal(text, "<4>worker 3: hot\n<3>{\"time\":\"", 29);
	assert_non_null(strstr(text, "Z info worker 3: cool\n"));
	free(text);
}

static void
test_log_keeps_no_settings_of_the_caller(void **state)
{
	char part[] = "front mx";
	struct log_settings s = { LOG_LEVEL_INFO, LOG_TARGET_STDERR,
		LOG_FORMAT_TEXT };
	char *text;

	(void)state;
	log_open(part, &s);
	memset(part, 'x', sizeof(part) - 1);
	s.level = LOG_LEVEL_ERROR;
	capture();
	log_info("here");
	text = captured();
	without_time(text, 0);
	assert_string_equal(text, "T info front mx: here\n");
	free(text);
}

#define THREADS 4
#define LINES   500

static void *
speak(void *arg)
{
	char *word = arg;

	for (int i = 0; i < LINES; i++) {
		log_info("%s %d", word, i);
		if (i % 100 == 0)
			open_log(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	}
	return NULL;
}

/* Every line is whole, and there are as many as were said. */
static void
test_threads(void **state)
{
	char words[THREADS][200];
	pthread_t threads[THREADS];
	size_t n = 0;
	char *text, *rest, *line;

	(void)state;
	open_log(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	capture();
	for (int i = 0; i < THREADS; i++) {
		memset(words[i], 'a' + i, sizeof(words[i]) - 1);
		words[i][sizeof(words[i]) - 1] = '\0';
		pthread_create(&threads[i], NULL, speak, words[i]);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	rest = text = captured();
	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
		const char *word = strstr(line, "worker 3: ");
		size_t same;

		assert_non_null(word);
		word += strlen("worker 3: ");
		same = strspn(word, (char[]){ *word, '\0' });
		assert_int_equal(same, 199);
		assert_int_equal(word[same], ' ');
		n++;
	}
	assert_int_equal(n, THREADS * LINES);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_journal),
		cmocka_unit_test(test_log_keeps_no_settings_of_the_caller),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
