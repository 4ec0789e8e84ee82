"""A private Postfix from the unpacked Debian package.

Nothing of the system's own Postfix is read, and no account is needed: the
package's postfix and postdrop are stood in for by users and groups that
every Debian system has.
"""

import json
import os
import re
import shutil
import signal
import time

from . import debs
from .mta import Mta, sasl_config

PACKAGES = [
    *("postfix", "openssl"),
    *("sasl2-bin", "libsasl2-modules", "libsasl2-modules-db"),
]

# Postfix insists that these share neither user nor group with each other.
OWNER, SETGID_GROUP, DELIVERY_USER = "mail", "uucp", "nobody"

OWNED_QUEUES = (
    "active bounce corrupt defer deferred flush "
    "hold incoming private saved trace"
).split()

MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
daemon_directory = {tree}/usr/lib/postfix/sbin
command_directory = {tree}/usr/sbin
shlib_directory = {tree}/usr/lib/postfix
meta_directory = {tree}/etc/postfix
sendmail_path = {tree}/usr/sbin/sendmail
mailq_path = {tree}/usr/bin/mailq
newaliases_path = {tree}/usr/bin/newaliases
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
mail_owner = {owner}
setgid_group = {setgid_group}
default_privs = {delivery_user}
import_environment = MAIL_CONFIG TZ LANG=C {environment}
export_environment = MAIL_CONFIG TZ LANG LD_LIBRARY_PATH

myhostname = {hostname}
inet_interfaces = 127.0.0.1
mynetworks = 127.0.0.0/8
smtpd_authorized_xclient_hosts = 127.0.0.1
smtpd_relay_restrictions = permit_mynetworks,
    permit_sasl_authenticated, reject_unauth_destination
smtpd_banner = $myhostname ESMTP

# Nothing is delivered here: all goes to the sink.
mydestination =
alias_maps =
local_recipient_maps =
relay_domains = {domains}
relay_recipient_maps = regexp:{folder}/etc/recipients
relay_transport = relay:[127.0.0.1]:{sink_port}
default_transport = smtp:[127.0.0.1]:{sink_port}
unknown_relay_recipient_reject_code = 550
smtp_tls_security_level = none
smtp_dns_support_level = disabled

# The tests send as fast and as wrongly as they like.
smtpd_client_connection_count_limit = 0
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 10000
smtpd_hard_error_limit = 10000
smtpd_junk_command_limit = 10000
in_flow_delay = 0
"""

MASTER_CF = """\
{smtp_port} inet n - n - - smtpd
{submission_port} inet n - n - - smtpd
  -o syslog_name=postfix/submission
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix(Mta):
    """Postfix with an mx port and a submission port (AUTH required there)."""

    name = "postfix"
    has_xclient = True

    def _configure(self):
        self._tree = debs.unpack("postfix", PACKAGES)
        self._etc = self.folder / "etc"
        self._etc.mkdir()
        self._make_queue()
        main_cf = self._main_cf()
        (self._etc / "main.cf").write_text(main_cf)
        (self._etc / "master.cf").write_text(
            MASTER_CF.format(
                smtp_port=f"127.0.0.1:{self.smtp_port}",
                submission_port=f"127.0.0.1:{self.submission_port}",
            )
        )
        names = "|".join(map(re.escape, self.setup.unknown)) or "$."
        (self._etc / "recipients").write_text(f"!/^({names})@/ known\n")
        self._backdate_config()

    def _backdate_config(self):
        """Postfix waits for seconds if a file could still be in the making."""
        then = time.time() - 60
        for path in self._etc.iterdir():
            os.utime(path, (then, then))

    def _make_queue(self):
        """The folders that the package's installation would have made."""
        queue = self.folder / "queue"
        (queue / "pid").mkdir(parents=True)
        for name in OWNED_QUEUES:
            _make_folder(queue / name, 0o700)
        _make_folder(queue / "maildrop", 0o730, SETGID_GROUP)
        _make_folder(queue / "public", 0o710, SETGID_GROUP)
        _make_folder(self.folder / "data", 0o700)

    def _main_cf(self):
        setup = self.setup
        libraries = debs.env(self._tree)
        lines = MAIN_CF.format(
            folder=self.folder,
            tree=self._tree,
            owner=OWNER,
            setgid_group=SETGID_GROUP,
            delivery_user=DELIVERY_USER,
            environment=" ".join(f"{k}={v}" for k, v in libraries.items()),
            hostname=setup.hostname,
            domains=" ".join(setup.domains),
            sink_port=self.sink_port,
        )
        lines += f"smtpd_milters = {_milters(setup.milters)}\n"
        lines += f"non_smtpd_milters = {_milters(setup.non_smtpd_milters)}\n"
        if setup.tls:
            lines += self._tls()
        if setup.logins:
            lines += self._sasl()
        return lines + "".join(line + "\n" for line in setup.extra)

    def _tls(self):
        certificate, key = self._make_certificate(self._tree, self._etc)
        return (
            "smtpd_tls_security_level = may\n"
            f"smtpd_tls_cert_file = {certificate}\n"
            f"smtpd_tls_key_file = {key}\n"
        )

    def _sasl(self):
        sasl = self._etc / "sasl"
        sasl.mkdir()
        self._make_logins(self._tree, sasl / "logins")
        shutil.chown(sasl / "logins", OWNER)
        (sasl / "smtpd.conf").write_text(sasl_config(sasl / "logins"))
        return (
            f"cyrus_sasl_config_path = {sasl}\n"
            "smtpd_sasl_local_domain = $myhostname\n"
        )

    def _environment(self):
        return {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "MAIL_CONFIG": str(self._etc),
            **debs.env(self._tree),
        }

    def _launch(self):
        master = self._tree / "usr/lib/postfix/sbin/master"
        return self._spawn(master, "-c", self._etc, "-d")

    def _is_ready(self):
        return "daemon started" in self.log()

    def _diagnose(self):
        """Its commands check the config as the master does, and tell us."""
        postqueue = self._tree / "usr/sbin/postqueue"
        return self._run(postqueue, "-p", check=False).stderr.decode()

    def submit(self, data, sender, recipients):
        sendmail = self._tree / "usr/sbin/sendmail"
        return self._run(
            *(sendmail, "-i", "-f", sender, "--", *recipients),
            data=data,
            check=False,
        )

    def queue(self):
        listed = self._run(self._tree / "usr/sbin/postqueue", "-j").stdout
        return [self._entry(json.loads(line)) for line in listed.splitlines()]

    def _entry(self, message):
        held = message["queue_name"] == "hold"
        recipients = message["recipients"]
        delays = [r["delay_reason"] for r in recipients if "delay_reason" in r]
        return {
            "id": message["queue_id"],
            "sender": message["sender"],
            "recipients": [r["address"] for r in recipients],
            "held": held,
            "reason": self._hold_reason(message["queue_id"])
            if held
            else "; ".join(delays),
        }

    def _hold_reason(self, queue_id):
        """Only the log tells why a message is held.

        Postfix 3.7 drops the text of a milter's quarantine: the reason is
        "milter triggers HOLD action" for all of them.
        """
        pattern = rf"{queue_id}: milter-hold: [^;]*: ([^;]*);"
        match = re.search(pattern, self.log())
        return match[1] if match else ""

    def queued_message(self, queue_id):
        postcat = self._tree / "usr/sbin/postcat"
        return self._run(postcat, "-q", "-b", "-h", queue_id).stdout

    def remove_held(self, queue_id):
        (self.folder / "queue" / "hold" / queue_id).unlink()

    def flush(self):
        self._run(self._tree / "usr/sbin/postqueue", "-f")

    def reload(self):
        self._backdate_config()
        seen = len(self.log())
        self._leader.send_signal(signal.SIGHUP)
        self.wait_log("reload -- version", start=seen)


def _make_folder(path, mode, group=None):
    path.mkdir()
    path.chmod(mode)
    shutil.chown(path, OWNER, group)


def _milters(milters):
    return ", ".join(_milter(milter) for milter in milters)


def _milter(milter):
    """One element of smtpd_milters with the filter's own settings."""
    inet = milter.inet()
    where = f"inet:{inet[0]}:{inet[1]}" if inet else f"unix:{milter.path()}"
    settings = {
        "default_action": milter.on_error,
        "connect_timeout": milter.connect,
        "command_timeout": milter.command,
        "content_timeout": milter.content,
        "protocol": milter.protocol,
    }
    given = [f"{k}={v}" for k, v in settings.items() if v is not None]
    return "{ " + ", ".join([where, *given]) + " }"
