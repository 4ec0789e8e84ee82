/* SPDX-License-Identifier: Apache-2.0 */
#include "post.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

enum { GZIP = 16, LINE = 57 }; /* bytes that make 76 characters of base64 */

static bool
compress_text(const char *text, size_t n, struct post *p)
{
	z_stream z = { 0 };
	uLong bound;
	bool ok;

	if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, MAX_WBITS + GZIP,
		8, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	bound = deflateBound(&z, n);
	p->bytes = malloc(bound);
	z.next_in = (Bytef *)(uintptr_t)text;
	z.avail_in = (uInt)n;
	z.next_out = p->bytes;
	z.avail_out = (uInt)bound;
	ok = p->bytes != NULL && deflate(&z, Z_FINISH) == Z_STREAM_END;
	p->size = z.total_out;
	deflateEnd(&z);
	return ok;
}

bool
post_make(const struct post_sender *s, const struct report *r, int64_t begin,
    int64_t end, struct post *out)
{
	const char *domain = r->values[EVIDENCE_DOMAIN];
	struct xml_metadata m = { .org = s->org,
		.email = s->email,
		.contact = s->contact,
		.generator = s->generator,
		.begin = begin,
		.end = end - 1 };
	struct post p = { 0 };
	char *text = NULL;
	size_t n;
	FILE *f = NULL;
	bool ok = false;

	/* The same for the same report, so that one sent twice is known. */
	if (asprintf(&p.report_id, "%" PRId64 ".%" PRId64 ".%08x.%s@%s", begin,
		end - 1, r->id, domain, s->domain) == -1 ||
	    asprintf(&p.name, "%s!%s!%" PRId64 "!%" PRId64 "!%08x.xml.gz",
		s->domain, domain, begin, end - 1, r->id) == -1 ||
	    (f = open_memstream(&text, &n)) == NULL)
		goto out;
	m.report_id = p.report_id;
	report_write(r, &m, f);
	ok = fclose(f) == 0 && compress_text(text, n, &p);
out:
	free(text);
	if (ok)
		*out = p;
	else
		post_finish(&p);
	return ok;
}

void
post_finish(struct post *p)
{
	free(p->name);
	free(p->report_id);
	free(p->bytes);
	*p = (struct post){ 0 };
}

static bool
write_all(int fd, const unsigned char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, p, n);

		if (done == -1 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

/* Under another name first: whoever collects reports sees whole ones. */
bool
post_save(const struct post *p, const char *folder)
{
	char *path = NULL, *temporary = NULL;
	bool ok = false;
	int fd = -1, e;

	if (asprintf(&path, "%s/%s", folder, p->name) == -1 ||
	    asprintf(&temporary, "%s/.%s.XXXXXX", folder, p->name) == -1)
		goto out;
	if ((fd = mkostemp(temporary, O_CLOEXEC)) == -1)
		goto out;
	ok = fchmod(fd, 0640) == 0 && write_all(fd, p->bytes, p->size) &&
	     fsync(fd) == 0 && rename(temporary, path) == 0;
	e = errno;
	if (!ok)
		unlink(temporary);
	close(fd);
	errno = e;
out:
	free(path);
	free(temporary);
	return ok;
}

/* --- the mail --- */

static void
put_base64(FILE *f, const unsigned char *p, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < n; i += 3) {
		unsigned v = (unsigned)p[i] << 16;

		v |= i + 1 < n ? (unsigned)p[i + 1] << 8 : 0;
		v |= i + 2 < n ? p[i + 2] : 0;
		fputc(digits[v >> 18], f);
		fputc(digits[v >> 12 & 63], f);
		fputc(i + 1 < n ? digits[v >> 6 & 63] : '=', f);
		fputc(i + 2 < n ? digits[v & 63] : '=', f);
		if ((i + 3) % LINE == 0 || i + 3 >= n)
			fputc('\n', f);
	}
}

/* RFC 5322, 3.3; not by strftime(3), which speaks the language of a locale. */
static void
put_date(FILE *f, int64_t now)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t t = (time_t)now;
	struct tm tm;

	gmtime_r(&t, &tm);
	fprintf(f, "Date: %.3s, %d %.3s %d %02d:%02d:%02d +0000\n",
	    days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon,
	    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void
post_mail(FILE *f, const struct post *p, const struct post_sender *s,
    const char *policy_domain, const char *address, int64_t now)
{
	fprintf(f,
	    "From: %s\n"
	    "To: %s\n"
	    "Subject: Report Domain: %s\n"
	    "\tSubmitter: %s\n"
	    "\tReport-ID: <%s>\n",
	    s->email, address, policy_domain, s->domain, p->report_id);
	put_date(f, now);
	fprintf(f,
	    "Message-ID: <%s>\n"
	    "Auto-Submitted: auto-generated\n"
	    "MIME-Version: 1.0\n"
	    "Content-Type: multipart/mixed; boundary=\"=_%s\"\n"
	    "\n"
	    "--=_%s\n"
	    "Content-Type: text/plain; charset=us-ascii\n"
	    "\n"
	    "This is a DMARC aggregate report (RFC 9990) about %s.\n"
	    "%s checked mail for what that domain asks for in its DNS.\n"
	    "\n"
	    "--=_%s\n"
	    "Content-Type: application/gzip\n"
	    "Content-Transfer-Encoding: base64\n"
	    "Content-Disposition: attachment;\n"
	    "\tfilename=\"%s\"\n"
	    "\n",
	    p->report_id, "report", "report", policy_domain, s->domain,
	    "report", p->name);
	put_base64(f, p->bytes, p->size);
	fputs("--=_report--\n", f);
}

/* From a file that has no name: a pipe could break. */
static int
run(const char *program, char *const argv[], int input)
{
	extern char **environ;
	posix_spawn_file_actions_t actions;
	int status, e;
	pid_t pid;

	if ((e = posix_spawn_file_actions_init(&actions)) != 0) {
		errno = e;
		return -1;
	}
	e = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
	if (e == 0)
		e = posix_spawn(&pid, program, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (e != 0) {
		errno = e;
		return -1;
	}
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 75;
}

static char *
plain(const char *text)
{
	return (char *)(uintptr_t)text; /* argv is not changed */
}

int
post_send(const struct post *p, const struct post_sender *s,
    const char *policy_domain, const char *address)
{
	/* The address could begin like an option. */
	char *argv[] = { plain(s->sendmail), plain("-i"), plain("-f"),
		plain(s->email), plain("--"), plain(address), NULL };
	FILE *f = tmpfile();
	int status = -1;

	if (f == NULL)
		return -1;
	post_mail(f, p, s, policy_domain, address, (int64_t)time(NULL));
	if (fflush(f) == 0 && fseek(f, 0, SEEK_SET) == 0)
		status = run(s->sendmail, argv, fileno(f));
	fclose(f);
	return status;
}
