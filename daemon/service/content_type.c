/* SPDX-License-Identifier: Apache-2.0 */
#include "service/content_type.h"

#include <string.h>
#include <strings.h>

#define ZIP  "application/zip"
#define OLE  "application/x-ole-storage"
#define EXE  "application/x-dosexec"
#define HTML "text/html"

static const struct magic {
	size_t offset;
	const char *bytes;
	size_t n;
	const char *type;
} magics[] = {
	{ 0, "%PDF-", 5, "application/pdf" },
	{ 0, "PK\3\4", 4, ZIP },
	{ 0, "PK\5\6", 4, ZIP },
	{ 0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8, OLE },
	{ 0, "{\\rtf", 5, "application/rtf" },
	{ 0, "MZ", 2, EXE },
	{ 0,
	    "\x7f"
	    "ELF",
	    4, "application/x-elf" },
	{ 0, "\xcf\xfa\xed\xfe", 4, "application/x-mach-o" },
	{ 0, "\xce\xfa\xed\xfe", 4, "application/x-mach-o" },
	{ 0, "\xca\xfe\xba\xbe", 4, "application/java-vm" },
	{ 0, "\x4c\0\0\0\x01\x14\x02\0", 8, "application/x-ms-shortcut" },
	{ 0, "MSCF", 4, "application/vnd.ms-cab-compressed" },
	{ 0, "ITSF", 4, "application/vnd.ms-htmlhelp" },
	{ 0, "\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", 8, "application/onenote" },
	{ 0, "x\x9f>\"", 4, "application/vnd.ms-tnef" },
	{ 0, "Rar!\x1a\x07", 6, "application/vnd.rar" },
	{ 0, "7z\xbc\xaf\x27\x1c", 6, "application/x-7z-compressed" },
	{ 0, "\x1f\x8b", 2, "application/gzip" },
	{ 0, "BZh", 3, "application/x-bzip2" },
	{ 0,
	    "\xfd"
	    "7zXZ",
	    5, "application/x-xz" },
	{ 0, "\x28\xb5\x2f\xfd", 4, "application/zstd" },
	{ 0, "\x60\xea", 2, "application/x-arj" },
	{ 7, "**ACE**", 7, "application/x-ace-compressed" },
	{ 257, "ustar", 5, "application/x-tar" },
	{ 32769, "CD001", 5, "application/x-iso9660-image" },
	{ 0, "vhdxfile", 8, "application/x-vhdx" },
	{ 0, "conectix", 8, "application/x-vhd" },
	{ 0, "KDMV", 4, "application/x-vmdk" },
	{ 0, "\x89PNG\r\n\x1a\n", 8, "image/png" },
	{ 0, "\xff\xd8\xff", 3, "image/jpeg" },
	{ 0, "GIF8", 4, "image/gif" },
	{ 8, "WEBP", 4, "image/webp" },
	{ 0, "II*\0", 4, "image/tiff" },
	{ 0, "MM\0*", 4, "image/tiff" },
	{ 0, "BM", 2, "image/bmp" },
	{ 0, "8BPS", 4, "image/vnd.adobe.photoshop" },
	{ 0, "FWS", 3, "application/x-shockwave-flash" },
	{ 0, "CWS", 3, "application/x-shockwave-flash" },
	{ 0, "ID3", 3, "audio/mpeg" },
	{ 8, "WAVE", 4, "audio/x-wav" },
	{ 0, "OggS", 4, "audio/ogg" },
	{ 4, "ftyp", 4, "video/mp4" },
	{ 0, "#!", 2, "text/x-shellscript" },
	{ 0, "-----BEGIN PGP", 14, "application/pgp" },
	{ 0, "BEGIN:VCALENDAR", 15, "text/calendar" },
	{ 0, "BEGIN:VCARD", 11, "text/vcard" },
};

/* Text that is recognised by how it begins, in any case. */
static const struct {
	const char *word, *type;
} words[] = {
	{ "<!doctype html", HTML },
	{ "<html", HTML },
	{ "<head", HTML },
	{ "<body", HTML },
	{ "<script", HTML },
	{ "<svg", "image/svg+xml" },
	{ "<?xml", "text/xml" },
	{ "@echo off", "application/x-bat" },
	{ "windows registry editor", "application/x-registry" },
	{ "[internetshortcut]", "application/x-internet-shortcut" },
};

/* Kinds of zip, by the name of a member. */
static const struct {
	const char *name, *type;
} zips[] = {
	{ "word/",
	    "application/vnd.openxmlformats-officedocument.wordprocessingml"
	    ".document" },
	{ "xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml"
		 ".sheet" },
	{ "ppt/", "application/vnd.openxmlformats-officedocument.presentationml"
		  ".presentation" },
	{ "META-INF/MANIFEST.MF", "application/java-archive" },
	{ "AndroidManifest.xml", "application/vnd.android.package-archive" },
};

enum { ZIP_HEADER = 30, ZIP_MEMBERS = 1000 };

static unsigned
le16(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	return u[0] | (unsigned)u[1] << 8;
}

static uint32_t
le32(const char *p)
{
	return le16(p) | (uint32_t)le16(p + 2) << 16;
}

struct member {
	struct span name;
	unsigned flags;
	uint32_t packed, unpacked;
};

/* The next local header (APPNOTE.TXT, 4.3.7) in what is left. */
static bool
next_member(struct span *in, struct member *m)
{
	const char *p =
	    in->n >= ZIP_HEADER ? memmem(in->p, in->n, "PK\3\4", 4) : NULL;
	size_t left, n, skip;

	if (p == NULL || (left = in->n - (size_t)(p - in->p)) < ZIP_HEADER)
		return false;
	n = le16(p + 26);
	skip = ZIP_HEADER + n + le16(p + 28);
	m->flags = le16(p + 6);
	m->packed = le32(p + 18);
	m->unpacked = le32(p + 22);
	if (n > left - ZIP_HEADER)
		n = left - ZIP_HEADER;
	m->name = (struct span){ p + ZIP_HEADER, n };
	/* What is packed is jumped over, if its size is known. */
	if ((m->flags & 8) == 0 && m->packed <= left)
		skip += m->packed;
	if (skip > left)
		skip = left;
	*in = (struct span){ p + skip, left - skip };
	return true;
}

static const char *
zip_type(struct span in)
{
	struct member m;

	for (int i = 0; i < 64 && next_member(&in, &m); i++)
		for (size_t k = 0; k < sizeof(zips) / sizeof(zips[0]); k++) {
			size_t n = strlen(zips[k].name);

			if (m.name.n >= n &&
			    memcmp(m.name.p, zips[k].name, n) == 0)
				return zips[k].type;
		}
	return ZIP;
}

static const char *
word_type(struct span in)
{
	if (in.n >= 3 && memcmp(in.p, "\xef\xbb\xbf", 3) == 0)
		in = (struct span){ in.p + 3, in.n - 3 };
	if (in.n > 512)
		in.n = 512;
	in = span_trim(in);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t n = strlen(words[i].word);

		if (in.n >= n && strncasecmp(in.p, words[i].word, n) == 0)
			return words[i].type;
	}
	return "";
}

const char *
content_type_of(struct span in)
{
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		const struct magic *m = &magics[i];

		if (in.n < m->offset + m->n ||
		    memcmp(in.p + m->offset, m->bytes, m->n) != 0)
			continue;
		return strcmp(m->type, ZIP) == 0 ? zip_type(in) : m->type;
	}
	return word_type(in);
}

bool
content_zip_list(struct span in, struct buf *names, struct content_zip *zip)
{
	struct member m;

	if (in.n < 4 || memcmp(in.p, "PK\3\4", 4) != 0)
		return false;
	*zip = (struct content_zip){ 0 };
	while (zip->members < ZIP_MEMBERS && next_member(&in, &m)) {
		zip->members++;
		zip->encrypted = zip->encrypted || (m.flags & 1);
		if ((m.flags & 8) == 0) {
			zip->packed += m.packed;
			zip->unpacked += m.unpacked;
		}
		for (size_t i = 0; i < m.name.n; i++)
			buf_char(names, (unsigned char)m.name.p[i] < ' ' ||
						m.name.p[i] == 0x7f
					    ? '?'
					    : m.name.p[i]);
		buf_char(names, '\n');
	}
	return true;
}
