"""A private Sendmail from the unpacked Debian packages.

It runs in mount and UTS namespaces of its own, because three things it does
cannot be configured: it logs to /dev/log only, looks itself up in /etc/hosts,
and without a dotted host name it sleeps for a minute at each start.
"""

import shutil
import signal

from . import debs, ports
from .mta import SAFE_PARENT, Mta, sasl_config
from .syslog import SyslogFile

PACKAGES = [
    *("sendmail-bin", "sendmail-cf", "sendmail-base", "m4"),
    *("openssl", "sasl2-bin", "libsasl2-modules", "libsasl2-modules-db"),
]

# Stands in for smmsp, the user of the submission program.
SUBMIT_USER = "mail"

# Arguments: folder of the instance, host name, command.
NAMESPACE = """\
set -e
folder=$1 name=$2
shift 2
hostname "$name"
mount --bind "$folder/hosts" /etc/hosts
mount -t tmpfs -o mode=755 tmpfs "$folder/dev"
for device in null zero random urandom; do
	: >"$folder/dev/$device"
	mount --bind "/dev/$device" "$folder/dev/$device"
done
: >"$folder/dev/log"
mount --bind "$folder/syslog" "$folder/dev/log"
mount --rbind "$folder/dev" /dev
exec "$@"
"""

# m4 quotes are ` and ', and FEATURE splits its arguments at commas.
COMMON_MC = """\
include(`{cf}/m4/cf.m4')dnl
OSTYPE(`linux')dnl
define(`confDOMAIN_NAME', `{hostname}')dnl
define(`confSERVICE_SWITCH_FILE', `{folder}/service.switch')dnl
define(`confHOSTS_FILE', `{folder}/hosts')dnl
define(`confTO_IDENT', `0s')dnl
define(`confLOG_LEVEL', `10')dnl
"""

DAEMON_MC = """\
define(`confPID_FILE', `{folder}/pid')dnl
define(`QUEUE_DIR', `{folder}/queue')dnl
define(`ALIAS_FILE', `')dnl
define(`STATUS_FILE', `{folder}/statistics')dnl
define(`HELP_FILE', `')dnl
define(`confMILTER_LOG_LEVEL', `10')dnl
dnl A busy machine must not change what the tests see.
define(`confQUEUE_LA', `10000')dnl
define(`confREFUSE_LA', `10000')dnl
define(`confDELAY_LA', `0')dnl
define(`confBAD_RCPT_THROTTLE', `0')dnl
define(`confPRIVACY_FLAGS', `')dnl
define(`confMAX_RCPTS_PER_MESSAGE', `0')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`accept_unqualified_senders')dnl
FEATURE(`access_db', `hash -T<TMPF> {folder}/access')dnl
FEATURE(`virtusertable', `hash {folder}/unknown')dnl
DAEMON_OPTIONS(`Name=MX, Family=inet, Addr=127.0.0.1, Port={mx}, M=A')dnl
DAEMON_OPTIONS(`Name=MSA, Family=inet, Addr=127.0.0.1, Port={msa}, M=Ea')dnl
dnl Nothing is delivered here: all goes to the sink.
define(`RELAY_MAILER_ARGS', `TCP $h {sink_port}')dnl
define(`SMART_HOST', `relay:[127.0.0.1]')dnl
define(`LOCAL_MAILER_PATH', `[IPC]')dnl
define(`LOCAL_MAILER_ARGS', `TCP [127.0.0.1] {sink_port}')dnl
define(`LOCAL_MAILER_FLAGS', `mn')dnl
MODIFY_MAILER_FLAGS(`LOCAL', `-A')dnl
define(`LOCAL_MAILER_EOL', `\\r\\n')dnl
"""

SUBMIT_MC = """\
define(`confPID_FILE', `{folder}/submit.pid')dnl
define(`STATUS_FILE', `{folder}/submit.statistics')dnl
define(`MSP_QUEUE_DIR', `{folder}/submit')dnl
define(`confRUN_AS_USER', `{user}:{user}')dnl
define(`confTRUSTED_USER', `{user}')dnl
define(`RELAY_MAILER_ARGS', `TCP $h {mx}')dnl
FEATURE(`msp', `[127.0.0.1]')dnl
"""

FAILURE_FLAGS = {"accept": "", "tempfail": "T", "reject": "R", "drop": "4"}


class Sendmail(Mta):
    """Sendmail with an mx port and a submission port (AUTH required there).

    sendmail(1) hands its mail to the mx port, as the package is set up to.
    Deferred mail is tried again by flush() only.

    Sendmail tells filters (SMFIP_RCPT_REJ) of no recipient refused by a map,
    but of local users that do not exist: nobody-here@mx.test is one.  With a
    filter that may delete recipients it accepts these at first.
    """

    name = "sendmail"
    parent = SAFE_PARENT
    _syslog = None

    def _configure(self):
        self._tree = debs.unpack("sendmail", PACKAGES)
        self._sendmail = self._tree / "usr/libexec/sendmail/sendmail"
        for name in ("queue", "dev"):
            (self.folder / name).mkdir(mode=0o700)
        (self.folder / "submit").mkdir(mode=0o770)
        shutil.chown(self.folder / "submit", SUBMIT_USER, SUBMIT_USER)
        (self.folder / "statistics").touch()
        hosts = f"127.0.0.1 localhost {self.setup.hostname}\n"
        (self.folder / "hosts").write_text(hosts)
        switch = "hosts files\naliases files\n"
        (self.folder / "service.switch").write_text(switch)
        self._make_maps()
        self._make_cf("daemon", self._daemon_mc())
        self._make_cf("submit", self._submit_mc())

    def _make_maps(self):
        """Who may relay, and which recipients do not exist."""
        setup = self.setup
        access = ["Connect:127.0.0.1 RELAY"]
        access += [f"To:{domain} RELAY" for domain in setup.domains]
        self._make_map("access", access)
        nobody = "error:5.1.1:550 User unknown"
        self._make_map(
            "unknown",
            [
                f"{name}@{domain} {nobody}"
                for name in setup.unknown
                for domain in setup.domains
            ],
        )

    def _make_map(self, name, lines):
        makemap = self._tree / "usr/libexec/sendmail/makemap"
        text = "".join(line + "\n" for line in lines)
        self._run(
            *(makemap, "-C", "/dev/null", "hash", self.folder / name),
            data=text.encode(),
        )

    def _make_cf(self, name, mc):
        """m4 turns the .mc file into the .cf file."""
        cf = self._tree / "usr/share/sendmail/cf"
        common = COMMON_MC.format(
            cf=cf, folder=self.folder, hostname=self.setup.hostname
        )
        source = self.folder / f"{name}.mc"
        source.write_text(common + mc)
        m4 = self._tree / "usr/bin/m4"
        made = self._run(m4, f"-D_CF_DIR_={cf}/", source)
        (self.folder / f"{name}.cf").write_bytes(made.stdout)

    def _daemon_mc(self):
        setup = self.setup
        text = DAEMON_MC.format(
            folder=self.folder,
            mx=self.smtp_port,
            msa=self.submission_port,
            sink_port=self.sink_port,
        )
        text += "".join(
            f"VIRTUSER_DOMAIN(`{domain}')dnl\n" for domain in setup.domains
        )
        for number, milter in enumerate(setup.milters):
            text += _input_mail_filter(f"filter{number}", milter)
        if setup.tls:
            text += self._tls()
        if setup.logins:
            text += self._sasl()
        text += "".join(line + "\n" for line in setup.extra)
        text += "MAILER(`local')dnl\nMAILER(`smtp')dnl\n"
        return text + self._local_config()

    def _submit_mc(self):
        return SUBMIT_MC.format(
            folder=self.folder, user=SUBMIT_USER, mx=self.smtp_port
        )

    def _tls(self):
        certificate, key = self._make_certificate(self._tree, self.folder)
        return (
            f"define(`confSERVER_CERT', `{certificate}')dnl\n"
            f"define(`confSERVER_KEY', `{key}')dnl\n"
            f"define(`confCACERT', `{certificate}')dnl\n"
            f"define(`confCACERT_PATH', `{self.folder}')dnl\n"
        )

    def _sasl(self):
        sasl = self.folder / "sasl"
        sasl.mkdir()
        self._make_logins(self._tree, sasl / "logins")
        (sasl / "Sendmail.conf").write_text(sasl_config(sasl / "logins"))
        return (
            "define(`confAUTH_MECHANISMS', `PLAIN LOGIN')dnl\n"
            "TRUST_AUTH_MECH(`PLAIN LOGIN')dnl\n"
            f"define(`confAUTH_REALM', `{self.setup.hostname}')dnl\n"
        )

    def _local_config(self):
        """Sendmail forgets its environment; the cf gives it a new one.

        It loads no SASL plugin from below a world-writable folder, and the
        checkout may lie in one: it gets copies.
        """
        plugins = self.folder / "sasl-plugins"
        for source in debs.env(self._tree)["SASL_PATH"].split(":"):
            shutil.copytree(source, plugins, dirs_exist_ok=True)
        return (
            "LOCAL_CONFIG\n"
            f"ESASL_PATH={plugins}\n"
            f"ESASL_CONF_PATH={self.folder}/sasl\n"
        )

    def _environment(self):
        return {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            **debs.env(self._tree),
        }

    def _launch(self):
        self._syslog = SyslogFile(self.folder / "syslog", self.log_path)
        namespace = ["unshare", "--mount", "--uts", "sh", "-c", NAMESPACE, "sh"]
        daemon = [self._sendmail, "-bD", "-C", self.folder / "daemon.cf"]
        return self._spawn(
            *(*namespace, self.folder, self.setup.hostname), *daemon
        )

    def _is_ready(self):
        wanted = (self.smtp_port, self.submission_port)
        return all(ports.listening(port) for port in wanted)

    def _ended(self):
        if self._syslog is not None:
            self._syslog.close()
            self._syslog = None

    def submit(self, data, sender, recipients):
        return self._run_inside(
            *("-C", self.folder / "submit.cf", "-i", "-f", sender),
            *("--", *recipients),
            data=data,
            check=False,
        )

    def _run_inside(self, *arguments, **options):
        """Run sendmail in the namespaces of the daemon."""
        target = ("--target", self._leader.pid)
        enter = ("nsenter", *target, "--mount", "--uts", "--root")
        return self._run(*enter, self._sendmail, *arguments, **options)

    def queue(self):
        found = sorted((self.folder / "queue").glob("[qh]f*"))
        entries = (_queue_entry(path) for path in found)
        return [entry for entry in entries if entry is not None]

    def queued_message(self, queue_id):
        queue = self.folder / "queue"
        for path in queue.glob(f"[qh]f{queue_id}"):
            body = (queue / f"df{queue_id}").read_bytes()
            return _header(path.read_bytes()) + b"\n" + body
        raise KeyError(f"no message {queue_id} in the queue")

    def remove_held(self, queue_id):
        for path in (self.folder / "queue").glob(f"?f{queue_id}"):
            path.unlink()

    def flush(self):
        self._run_inside("-C", self.folder / "daemon.cf", "-qf")

    def reload(self):
        seen = len(self.log())
        self._leader.send_signal(signal.SIGHUP)
        self.wait_log("starting daemon", start=seen)
        self._wait_until_ready()


def _input_mail_filter(name, milter):
    """One INPUT_MAIL_FILTER; filters are asked in the order given."""
    inet = milter.inet()
    if inet:
        family = milter.socket.partition(":")[0]
        where = f"{family}:{inet[1]}@{inet[0]}"
    else:
        where = f"unix:{milter.path()}"
    times = {
        "C": milter.connect,
        "S": milter.command,
        "R": milter.command,
        "E": milter.content,
    }
    given = ";".join(f"{k}:{v}s" for k, v in times.items() if v is not None)
    settings = [f"S={where}"]
    if flag := FAILURE_FLAGS[milter.on_error]:
        settings.append(f"F={flag}")
    if given:
        settings.append(f"T={given}")
    return f"INPUT_MAIL_FILTER(`{name}', `{', '.join(settings)}')dnl\n"


def _queue_entry(path):
    """Read a qf file, or an hf file: that of a quarantined message."""
    try:
        lines = path.read_text("utf-8", "backslashreplace").splitlines()
    except FileNotFoundError:
        return None  # delivered meanwhile
    held = path.name.startswith("hf")
    wanted = "q" if held else "M"
    reasons = [line[1:] for line in lines if line.startswith(wanted)]
    senders = [line[1:] for line in lines if line.startswith("S")]
    return {
        "id": path.name[2:],
        "sender": "".join(senders[:1]).strip("<>"),
        "recipients": [
            line.partition(":")[2].strip("<>")
            for line in lines
            if line.startswith("R")
        ],
        "held": held,
        "reason": "".join(reasons[:1]),
    }


def _header(control):
    """The header fields in a queue file: "H?flags?Name: value"."""
    fields, inside = [], False
    for line in control.splitlines(keepends=True):
        if line.startswith(b"H"):
            flags = line.startswith(b"H?")
            fields.append(line.split(b"?", 2)[2] if flags else line[1:])
            inside = True
        elif inside and line[:1] in (b" ", b"\t"):
            fields.append(line)
        else:
            inside = False
    return b"".join(fields)
