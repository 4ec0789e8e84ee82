#!/usr/bin/env python3
"""Every edit, with what is delivered compared byte by byte."""

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))
sys.pycache_prefix = str(TESTS.parent / "build" / "pycache")

from lib.endtoend import (  # noqa: E402
    BODY,
    PLAIN,
    RECIPIENT,
    SENDER,
    TRACE,
    EndToEnd,
    actor,
    fields,
    main,
    message,
    variants,
)
from lib.postfix import Postfix  # noqa: E402

OTHER = "carl@example.test"

# The fields after PLAIN of the message that is edited, and its body.
BEFORE = (
    "X-Many: first",
    "Subject: old",
    "x-many: second",
    "X-Last:  two blanks",
    "X-Many: third\r\n\tgoes on",
)

# Acts, what becomes of BEFORE, what comes above the trace field.
HEADER_EDITS = {
    "add": (["add X-New: n"], [*BEFORE, "X-New: n"], []),
    "insert": (["insert X-New: n"], BEFORE, ["X-New: n"]),
    "insert two": (
        ["insert X-A: 1", "insert X-B: 2"],
        BEFORE,
        ["X-B: 2", "X-A: 1"],
    ),
    "change the only": (
        ["change Subject 1 new"],
        [BEFORE[0], "Subject: new", *BEFORE[2:]],
        [],
    ),
    "change the first": (
        ["change X-Many 1 I"],
        ["X-Many: I", *BEFORE[1:]],
        [],
    ),
    "change the middle one": (
        ["change X-Many 2 II"],
        [*BEFORE[:2], "x-many: II", *BEFORE[3:]],
        [],
    ),
    "change the last": (
        ["change X-Many 3 III"],
        [*BEFORE[:4], "X-Many: III"],
        [],
    ),
    "change all": (
        ["change X-Many 1 I", "change X-Many 2 II", "change X-Many 3 III"],
        ["X-Many: I", BEFORE[1], "x-many: II", BEFORE[3], "X-Many: III"],
        [],
    ),
    "delete the only": (["delete Subject 1"], [BEFORE[0], *BEFORE[2:]], []),
    "delete the first": (["delete X-Many 1"], BEFORE[1:], []),
    "delete the middle one": (
        ["delete X-Many 2"],
        [*BEFORE[:2], *BEFORE[3:]],
        [],
    ),
    "delete the last": (["delete X-Many 3"], BEFORE[:4], []),
    "delete first and last": (
        # The third is the second once the first is gone.
        ["delete X-Many 1", "delete X-Many 2"],
        BEFORE[1:4],
        [],
    ),
    "delete all": (
        ["delete X-Many 1"] * 3,
        [BEFORE[1], BEFORE[3]],
        [],
    ),
    "change what was added": (
        ["add X-New: n", "change X-New 1 m"],
        [*BEFORE, "X-New: m"],
        [],
    ),
    "insert, then delete what was the first": (
        ["insert X-Many: zeroth", "delete X-Many 2"],
        BEFORE[1:],
        ["X-Many: zeroth"],
    ),
    "a folded value": (
        [r"add X-New: a\n\tb\n c", r"change Subject 1 d\n e"],
        [
            BEFORE[0],
            "Subject: d\r\n e",
            *BEFORE[2:],
            "X-New: a\r\n\tb\r\n c",
        ],
        [],
    ),
    "a value that brings its blanks": (
        ["add X-New:   two"],  # the first ends the name
        [*BEFORE, "X-New:  two"],
        [],
    ),
    "a value that brings its blanks, with the header wanted": (
        ["add X-New:   two", "delete X-Many 1"],
        [*BEFORE[1:], "X-New:  two"],
        [],
    ),
    "8-bit text and percent signs": (
        ["add X-New: grün 100% %s %n"],
        [*BEFORE, "X-New: grün 100% %s %n"],
        [],
    ),
    "a long value": (
        ["add X-New: " + "x" * 900],
        [*BEFORE, "X-New: " + "x" * 900],
        [],
    ),
}


# Sendmail puts one more field of a name above the first of that name.
ADDED_AGAIN = {
    "one that is there": (
        ["add X-Many: fourth"],
        {
            "postfix": [*BEFORE, "X-Many: fourth"],
            "sendmail": ["X-Many: fourth", *BEFORE],
        },
    ),
    "one that is there and changed": (
        ["add X-Many: IV", "change X-Many 1 I", "delete X-Many 2"],
        {
            "postfix": ["X-Many: I", BEFORE[1], *BEFORE[3:], "X-Many: IV"],
            "sendmail": ["X-Many: IV", "X-Many: I", BEFORE[1], *BEFORE[3:]],
        },
    ),
    "two of a name": (
        ["add X-New: a", "add X-Other: b", "add X-New: c"],
        {
            "postfix": [*BEFORE, "X-New: a", "X-Other: b", "X-New: c"],
            "sendmail": [*BEFORE, "X-New: c", "X-New: a", "X-Other: b"],
        },
    ),
    "instead of one deleted": (
        ["delete Subject 1", "add Subject: new"],
        {
            "postfix": [BEFORE[0], *BEFORE[2:], "Subject: new"],
            "sendmail": [BEFORE[0], "Subject: new", *BEFORE[2:]],
        },
    ),
}


def lines_of_64(size):
    """What the plugin's body-size puts in place, worked out here again."""
    line = bytes(range(ord("a"), ord("z") + 1))
    text = bytearray((line * (size // 26 + 1))[:size])
    for end in range(62, size, 64):
        text[end : end + 2] = b"\r\n"[: size - end]
    return bytes(text)


def fnv1a(data):
    """The checksum that the plugin reports."""
    value = 2166136261
    for byte in data:
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value


class Edits(EndToEnd):
    """Edits that are asked for at the end of the message."""

    def test_headers(self):
        for name, (acts, after, above) in HEADER_EDITS.items():
            with self.subTest(name):
                self.assert_edited(
                    [f"eom {act}" for act in acts],
                    message(*BEFORE),
                    fields(*above) + TRACE + message(*after),
                )

    def test_added_again(self):
        for name, (acts, after) in ADDED_AGAIN.items():
            with self.subTest(name):
                self.assert_edited(
                    [f"eom {act}" for act in acts],
                    message(*BEFORE),
                    message(*after[self.kind.name]),
                )

    def test_asked_for_early(self):
        """An edit waits for the end, wherever it is asked for."""
        for stage in "mail rcpt data header eoh body".split():
            with self.subTest(stage=stage):
                # Once: the header stage is there for every field.
                act = f"{stage} add X-New: n"
                self.assert_edited(
                    [act, f"{stage} skip"], message(), message("X-New: n")
                )

    def test_blanks_stay(self):
        """No edit touches a byte of the fields that nobody named."""
        odd = (
            "Subject:no blank",
            "X-Three:   three",
            "X-Tab:\ttab",
            "X-Fold:\r\n folded at once",
            "X-End: blanks  ",
            "X-Empty:",
            "X-Blank: ",
        )
        # A value without any content comes and goes without its blanks.
        for acts, wanted in (
            (["eom add X-New: n"], [*odd, "X-New: n"]),
            (["eom change X-Tab 1 t"], [*odd[:2], "X-Tab: t", *odd[3:]]),
            (["eom delete X-Three 1"], [odd[0], *odd[2:]]),
        ):
            with self.subTest(acts=acts):
                self.assert_edited(acts, message(*odd), message(*wanted))

    def test_two_instances(self):
        """The second sees and edits what the first made."""
        self.chain(
            actor("one", ["eom add X-New: one", "eom change Subject 1 one"]),
            actor(
                "two",
                [
                    "eom echo-header X-New 1",
                    "eom change Subject 1 two",
                    "eom change X-New 1 two",
                ],
            ),
        )
        got = self.delivered(message("Subject: old"))
        wanted = message(
            "Subject: two", "X-New: two", "X-Echo-Header: X-New 1=one"
        )
        self.assert_content(got, wanted)

    def test_many_fields(self):
        content = message(*(f"X-Many: {i}" for i in range(300)))
        acts = [f"eom add X-New-{i}: n" for i in range(200)]
        acts += [f"eom delete X-Many {i}" for i in range(150, 100, -1)]
        kept = [i for i in range(300) if not 100 <= i < 150]
        wanted = [f"X-Many: {i}" for i in kept]
        wanted += [f"X-New-{i}: n" for i in range(200)]
        self.assert_edited(acts, content, message(*wanted))

    # Sender and recipients

    def test_sender(self):
        for new in ("eve@example.com", ""):
            with self.subTest(new=new):
                self.acts(f"eom sender {new or '<>'}")
                got = self.delivered(message())
                self.assertEqual(got.sender, new)
                self.assertEqual(got.recipients, [RECIPIENT])
                self.assert_content(got, message())

    def test_sender_arguments(self):
        """Postfix takes none from a filter."""
        self.acts("eom sender eve@example.com RET=HDRS ENVID=e1")
        got = self.delivered(message())
        self.assertEqual(got.sender, "eve@example.com")
        if self.kind is not Postfix:
            self.assertIn("ENVID=e1", got.sender_parameters)
            self.assertIn("RET=HDRS", got.sender_parameters)

    def test_add_recipient(self):
        self.acts("eom add-rcpt carl@example.test")
        got = self.delivered(message())
        self.assertEqual(sorted(got.recipients), [RECIPIENT, OTHER])

    def test_add_recipient_arguments(self):
        orcpt = "ORCPT=rfc822;old@example.com"
        self.acts(f"eom add-rcpt {OTHER} NOTIFY=NEVER {orcpt}")
        got = self.delivered(message())
        self.assertEqual(sorted(got.recipients), [RECIPIENT, OTHER])
        given = got.recipient_parameters[got.recipients.index(OTHER)]
        self.assertIn("NOTIFY=NEVER", given)
        self.assertIn(orcpt, given)

    def test_delete_recipient(self):
        self.acts(f"eom del-rcpt {RECIPIENT}")
        got = self.delivered(message(), recipients=[RECIPIENT, OTHER])
        self.assertEqual(got.recipients, [OTHER])

    def test_replace_recipient(self):
        self.acts(f"eom del-rcpt {RECIPIENT}", f"eom add-rcpt {OTHER}")
        got = self.delivered(message())
        self.assertEqual(got.recipients, [OTHER])

    def test_delete_only_recipient(self):
        """Nobody left: that is a discard, and the log says so."""
        seen = len(self.daemon.log())
        self.acts(f"eom del-rcpt {RECIPIENT}", "eom add X-New: n")
        self.assertEqual(self.send(message()).code, 250)
        self.assert_nothing_delivered()
        self.daemon.wait_log("verdict=discard", start=seen)

    def test_all_of_it(self):
        self.acts(
            "eom sender eve@example.com",
            f"eom add-rcpt {OTHER}",
            f"eom del-rcpt {RECIPIENT}",
            "eom change Subject 1 new",
            "eom insert X-Top: t",
            r"eom body all new\r\n",
        )
        got = self.delivered(message("Subject: old"))
        self.assertEqual(
            (got.sender, got.recipients), ("eve@example.com", [OTHER])
        )
        wanted = message("Subject: new", body=b"all new\r\n")
        self.assert_content(got, fields("X-Top: t") + TRACE + wanted)

    # The body

    def test_body(self):
        for text, wanted in (
            (r"short\r\n", b"short\r\n"),
            (r".\r\n..\r\n", b".\r\n..\r\n"),
            ("no line end", b"no line end\r\n"),
            (r"grün\r\n\r\n\r\n", "grün\r\n\r\n\r\n".encode()),
        ):
            with self.subTest(text):
                self.assert_edited(
                    [f"eom body {text}"], message(), message(body=wanted)
                )

    def test_large_body(self):
        """Several packets of the protocol; header edits around it."""
        for size in (65535, 65536, 300000, 2000000):
            with self.subTest(size=size):
                new = lines_of_64(size)
                if not new.endswith(b"\r\n"):
                    new += b"\r\n"
                acts = ["add X-A: a", f"body-size {size}", "add X-B: b"]
                self.assert_edited(
                    [f"eom {act}" for act in acts],
                    message(),
                    message("X-A: a", "X-B: b", body=new),
                )

    def test_replaced_twice(self):
        """The last instance wins, and its body comes in one run."""
        self.chain(
            actor("one", ["eom body-size 200000", "eom add X-A: a"]),
            actor("two", [r"eom body two\r\n", "eom add X-B: b"]),
        )
        got = self.delivered(message())
        wanted = message("X-A: a", "X-B: b", body=b"two\r\n")
        self.assert_content(got, wanted)

    def test_large_message(self):
        """A plugin sees every byte of it and changes none."""
        body = lines_of_64(64 * 20000)
        self.acts("eom echo-body", "body continue", "eom echo")
        got = self.delivered(message(body=body))
        said = self.echoed(got)
        self.assertEqual(
            said["Body"], [f"bytes={len(body)} sum={fnv1a(body):08x}"]
        )
        self.assertIn(f"bytes={len(body)} ", said["Seen"][0])
        self.assertTrue(got.data.endswith(b"\r\n\r\n" + body))

    def test_odd_bodies(self):
        """Dots, 8-bit bytes, NUL, no body at all: as they came."""
        for body in (
            b"",
            b"\r\n",
            b".\r\n..\r\n...\r\n",
            b"\xff\xfe\x80\r\n",
            b"a\0b\r\n",
            b"\r\n\r\n\r\n",
            b"x" * 997 + b"\r\n",
        ):
            with self.subTest(body=body[:20]):
                self.acts("eom add X-New: n", "body continue", "eom echo-body")
                got = self.delivered(message(body=body))
                (said,) = self.echoed(got)["Body"]
                seen = f"bytes={len(body)} "
                if body:  # of nothing there is no sum
                    seen += f"sum={fnv1a(body):08x}"
                self.assertTrue(said.startswith(seen), said)
                wanted = message("X-New: n", f"X-Echo-Body: {said}", body=body)
                self.assert_content(got, wanted)

    # Quarantine

    def test_quarantine(self):
        """Held with its edits in; by hold and as a verdict."""
        for acts in (
            ["eom hold looks odd", "eom add X-New: n"],
            ["eom add X-New: n", "eom quarantine"],
            ["rcpt quarantine", "rcpt add X-New: n"][::-1],
        ):
            with self.subTest(acts=acts):
                self.acts(*acts)
                self.assertEqual(self.send(message()).code, 250)
                self.assert_nothing_delivered()
                (entry,) = [e for e in self.mta.queue() if e["held"]]
                self.assert_held(entry, "looks odd" in acts[0])
                self.mta.remove_held(entry["id"])

    def assert_held(self, entry, has_reason):
        self.assertEqual(
            (entry["sender"], entry["recipients"]), (SENDER, [RECIPIENT])
        )
        if self.kind is not Postfix:  # which keeps no reason
            reason = "looks odd" if has_reason else "held by actor"
            self.assertEqual(entry["reason"], reason)
        held = self.mta.queued_message(entry["id"])
        held = held.replace(b"\r\n", b"\n")
        wanted = PLAIN + fields("X-New: n") + b"\r\n" + BODY
        self.assertTrue(held.endswith(wanted.replace(b"\r\n", b"\n")), held)


variants(globals(), Edits)

if __name__ == "__main__":
    main(globals())
