#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Processes that are killed or stopped from outside, and the daemon's end."""

import os
import signal
import socket
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib.milter import Closed, Milter, ProtocolError    # noqa: E402
from lib.scene import (BODY, RECIPIENT, SENDER, Scene, actor,   # noqa: E402
                       control, echo, fronts, instances, records, serving,
                       wait_for)

ALL = actor('all', *(f'{stage} continue' for stage in (
    'connect', 'helo', 'mail', 'rcpt', 'data', 'header', 'eoh', 'body')),
    'eom echo', 'eom echo-body')
STOPPING = ('replycode', '421 4.3.2 Mail filter is being stopped, please '
                         'try again later')


def descendants(pid):
    """All processes below one."""
    found = []
    with open(f'/proc/{pid}/task/{pid}/children') as f:
        for child in f.read().split():
            found += [int(child), *descendants(child)]
    return found


def alive(pid):
    """And no zombie."""
    try:
        with open(f'/proc/{pid}/stat') as f:
            return f.read().rpartition(')')[2].split()[0] not in 'ZX'
    except FileNotFoundError:
        return False


def living(d):
    """As serving(): one just killed may stand there until it is reaped."""
    return {pid: w for pid, w in serving(d).items() if alive(pid)}


def busy(d):
    """The worker that has a session."""
    return wait_for(lambda: [pid for pid, w in living(d).items()
                             if w['sessions']])[0]


class Workers(Scene):
    def test_killed_at_every_stage(self):
        """No instance is blamed, and nothing is put off."""
        d = self.daemon(ALL, trouble=True)
        steps = [lambda m: m.mail(SENDER), lambda m: m.rcpt(RECIPIENT),
                 lambda m: m.data(), lambda m: m.header('Subject', 'x'),
                 lambda m: m.eoh(), lambda m: m.body(BODY)]
        for count in range(len(steps) + 1):
            with self.session(d) as m:
                for step in steps[:count]:
                    self.assertEqual(step(m), 'continue')
                os.kill(busy(d), signal.SIGKILL)
                for step in steps[count:]:
                    self.assertEqual(step(m), 'continue')
                edits, verdict = m.eom()
                self.assertEqual(verdict, 'accept')
                self.assertIn('bytes=15 ', echo(edits, 'Body')[0])
                m.quit()
            wait_for(lambda: not any(w['sessions']
                                     for w in serving(d).values()))
        self.assertEqual(instances(d)['all']['deaths'], 0)
        self.assertEqual(fronts(d)['mx']['given_up'], 0)
        self.assertIn('no instance is to blame', d.log())

    def test_killed_while_a_plugin_runs(self):
        d = self.daemon(actor('slow', 'eom sleep 1500', 'eom add X-A: 1'),
                        trouble=True)
        with self.session(d) as m:
            pid = []
            killer = threading.Timer(
                0.1, lambda: os.kill(busy(d), signal.SIGKILL))
            killer.start()
            self.assertEqual(self.message(m)[1], 'accept')
            killer.join()
        record = records(d)[0]
        self.assertEqual([f['instance'] for f in record['faults']], [None])
        self.assertEqual(instances(d)['slow']['deaths'], 0)

    def test_killed_between_messages_costs_nothing(self):
        d = self.daemon(ALL, trouble=True)
        with self.session(d) as m:
            for n in range(3):
                self.message(m)
                records(d, n + 1)   # what is not written yet dies with it
                os.kill(busy(d), signal.SIGKILL)
                wait_for(lambda: not any(w['sessions']
                                         for w in serving(d).values()))
            self.message(m)
        self.assertEqual([r['faults'] for r in records(d, 4)], [[]] * 4)

    def test_killed_twice_in_a_message_puts_it_off(self):
        d = self.daemon(ALL, trouble=True)
        with self.session(d) as m:
            m.mail(SENDER)
            os.kill(busy(d), signal.SIGKILL)
            self.assertEqual(m.rcpt(RECIPIENT), 'continue')
            os.kill(busy(d), signal.SIGKILL)
            self.assertEqual(m.data()[1][:10], '451 4.3.0 ')
            self.assertEqual(self.message(m)[1], 'accept')

    def test_the_dead_are_replaced(self):
        d = self.daemon(ALL, trouble=True)
        for _ in range(3):
            for pid in self.two(d):
                os.kill(pid, signal.SIGKILL)
            began = time.monotonic()
            with self.session(d) as m:
                self.assertEqual(self.message(m)[1], 'accept')
            took = time.monotonic() - began
        print(f'a session after all workers were killed: {took * 1e3:.0f} ms')

    def two(self, d):
        def both():
            found = living(d)
            return found if len(found) == 2 else None
        return wait_for(both)

    def test_stopped_while_idle(self):
        """It may have been woken for a connection that it never takes."""
        d = self.daemon(ALL, trouble=True)
        slowest = 0
        for pid in self.two(d):
            os.kill(pid, signal.SIGSTOP)
            self.addCleanup(self.kill, pid)
            for _ in range(10):
                start = time.monotonic()
                with self.session(d) as m:
                    self.assertEqual(self.message(m)[1], 'accept')
                slowest = max(slowest, time.monotonic() - start)
            os.kill(pid, signal.SIGCONT)
        print(f'20 sessions beside a stopped worker: the slowest '
              f'{slowest:.2f} s')
        self.assertEqual(fronts(d)['mx']['given_up'], 0)

    def test_stopped_in_a_message(self):
        d = self.daemon(ALL, trouble=True)
        with self.session(d) as m:
            m.mail(SENDER)
            pid = busy(d)
            os.kill(pid, signal.SIGSTOP)
            self.addCleanup(self.kill, pid)
            began = time.monotonic()
            self.assertEqual(m.rcpt(RECIPIENT), 'continue')
            took = time.monotonic() - began
            self.assertEqual(m.eom()[1], 'accept')
        print(f'a stopped worker held its session up for {took:.1f} s')
        self.assertLess(took, 9)    # Sendmail waits 10 s
        # It would hold up others: its place is taken.
        d.wait_log(f'worker {pid} has not moved')
        wait_for(lambda: len(serving(d)) == 2 and pid not in serving(d))

    def kill(self, pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def test_the_generation_process_killed(self):
        d = self.daemon(ALL, trouble=True)
        with self.session(d) as m:
            m.mail(SENDER)
            with open(f'/proc/{busy(d)}/stat') as f:
                parent = int(f.read().rpartition(')')[2].split()[1])
            os.kill(parent, signal.SIGKILL)
            self.assertEqual(m.rcpt(RECIPIENT), 'continue')
            self.assertEqual(m.eom()[1], 'accept')
            self.assertEqual(self.message(m)[1], 'accept')
        d.wait_log('generation 2 is in force')


class Fronts(Scene):
    def test_killed_its_listener_refuses_nobody(self):
        d = self.daemon(ALL, trouble=True)
        wait_for(lambda: len(serving(d)) == 2)
        slowest = 0
        for _ in range(3):
            old = fronts(d)['mx']['pid']
            os.kill(old, signal.SIGKILL)
            began = time.monotonic()
            # The connection waits in the listening socket's queue.
            with self.session(d) as m:
                self.assertEqual(self.message(m)[1], 'accept')
            slowest = max(slowest, time.monotonic() - began)
            self.assertNotEqual(fronts(d)['mx']['pid'], old)
            time.sleep(0.6)     # or it counts as one that dies at once
        print(f'a session after its front was killed: '
              f'{slowest * 1e3:.0f} ms')
        self.assertLess(slowest, 2)

    def test_killed_under_load(self):
        """Connections all the time: none refused."""
        d = self.daemon(ALL, trouble=True)
        refused, served, cut = [], [], []
        stop = threading.Event()

        def client():
            while not stop.is_set():
                try:
                    with self.session(d) as m:
                        self.send(m)
                    served.append(1)
                except (ConnectionRefusedError, FileNotFoundError) as e:
                    refused.append(e)
                except (Closed, ConnectionError, BrokenPipeError) as e:
                    cut.append(e)

        clients = [threading.Thread(target=client) for _ in range(4)]
        for c in clients:
            c.start()
        for _ in range(3):
            time.sleep(0.3)
            os.kill(fronts(d)['mx']['pid'], signal.SIGKILL)
        time.sleep(0.3)
        stop.set()
        for c in clients:
            c.join()
        print(f'front killed 3 times: {len(served)} sessions served, '
              f'{len(cut)} cut, {len(refused)} refused')
        self.assertEqual(refused, [])
        self.assertGreater(len(served), 20)

    def test_one_of_two_listeners(self):
        text = ('listener "one" { socket = "unix:@/one.sock" chain = {"a"} }'
                'listener "two" { socket = "unix:@/two.sock" chain = {"a"} }'
                + actor('a', 'eom add X-A: 1'))
        d = self.daemon(text=text, trouble=True)
        with self.session(d, self.address(d, 'two.sock')) as two:
            os.kill(fronts(d)['one']['pid'], signal.SIGKILL)
            with self.session(d, self.address(d, 'one.sock')) as one:
                self.assertEqual(self.message(one)[1], 'accept')
            self.assertEqual(self.message(two)[1], 'accept')


class Master(Scene):
    def test_killed_everything_ends(self):
        d = self.daemon(ALL)
        with self.session(d) as m:
            m.mail(SENDER)
            wait_for(lambda: len(serving(d)) == 2)
            family = descendants(d.process.pid)
            self.assertGreaterEqual(len(family), 5)
            d.process.kill()
            d.process.wait()
            wait_for(lambda: not any(alive(pid) for pid in family))
            with self.assertRaises((Closed, OSError)):
                m.rcpt(RECIPIENT)

    def test_and_a_new_one_starts_over_its_remains(self):
        d = self.daemon(ALL)
        family = descendants(d.process.pid)
        d.process.kill()
        d.process.wait()
        wait_for(lambda: not any(alive(pid) for pid in family))
        d.log_file.close()
        os.unlink(d.path('log'))
        d.start()
        with self.session(d) as m:
            self.assertEqual(self.message(m)[1], 'accept')


class Stop(Scene):
    def test_at_once_when_nothing_is_in_flight(self):
        d = self.daemon(ALL)
        with self.session(d) as m:
            self.message(m)
            family = descendants(d.process.pid)
            began = time.monotonic()
            self.assertEqual(d.stop(), 0)
            print(f'stopped in {time.monotonic() - began:.2f} s')
        self.assertFalse(any(alive(pid) for pid in family))
        self.assertFalse(os.path.exists(d.path('mx.sock')))
        self.assertFalse(os.path.exists(d.path('run/control.sock')))

    def test_what_is_in_flight_is_finished(self):
        d = self.daemon(ALL)
        with self.session(d) as m, self.session(d) as late:
            m.mail(SENDER)
            m.rcpt(RECIPIENT)
            d.process.send_signal(signal.SIGTERM)
            self.wait_told(d)
            self.assertEqual(self.send(late).verdict, STOPPING)
            self.assertEqual(m.data(), 'continue')
            self.assertEqual(m.eoh(), 'continue')
            self.assertEqual(m.body(BODY), 'continue')
            edits, verdict = m.eom()
            self.assertEqual(verdict, 'accept')
            self.assertEqual(len(echo(edits, 'Body')), 1)
            self.assertEqual(d.process.wait(10), 0)

    def test_421_is_said_where_the_mta_listens(self):
        """A chain that is asked at eom only must not let it through."""
        d = self.daemon(actor('a', 'eom add X-A: 1'),
                        actor('slow', 'eom sleep 400', sender='slow@x'))
        with self.session(d) as m, self.session(d) as late:
            m.mail('<slow@x>')
            m.rcpt(RECIPIENT)
            m.send_packet('E')
            wait_for(lambda: fronts(d)['mx']['messages'] == 1)
            d.process.send_signal(signal.SIGTERM)
            self.wait_told(d)
            message = self.send(late)
            self.assertEqual((message.verdict, message.edits), (STOPPING, []))
            answers = [m.recv_packet()[0], m.recv_packet()[0]]
            self.assertEqual(answers, ['h', 'a'])

    def wait_told(self, d):
        """Until the front has heard of it, too."""
        d.wait_log('front mx: new messages are answered 421')

    def test_new_connections_are_served_while_it_stops(self):
        d = self.daemon(ALL)
        with self.session(d) as m:
            m.mail(SENDER)
            d.process.send_signal(signal.SIGTERM)
            self.wait_told(d)
            with self.session(d) as new:
                self.assertEqual(new.mail(SENDER), STOPPING)
            self.assertEqual(m.rcpt(RECIPIENT), 'continue')
            self.assertEqual(m.eom()[1], 'accept')

    def test_the_limit(self):
        d = self.daemon(ALL, stop_limit='300ms')
        with self.session(d) as m:
            m.mail(SENDER)
            began = time.monotonic()
            self.assertEqual(d.stop(), 0)
            self.assertLess(time.monotonic() - began, 5)
            with self.assertRaises((Closed, OSError)):
                m.rcpt(RECIPIENT)

    def test_a_second_sigterm_or_sigint_stops_now(self):
        for first, second in ((signal.SIGTERM, signal.SIGTERM),
                              (signal.SIGTERM, signal.SIGINT),
                              (signal.SIGINT, None)):
            d = self.daemon(ALL)
            with self.session(d) as m:
                m.mail(SENDER)
                family = descendants(d.process.pid)
                began = time.monotonic()
                d.process.send_signal(first)
                if second is not None:
                    d.wait_log('stopping: no new message')
                    d.process.send_signal(second)
                d.process.wait(5)
                self.assertLess(time.monotonic() - began, 3)
                self.assertFalse(any(alive(pid) for pid in family))

    def test_a_slow_reader_gets_its_answer_whole(self):
        """The answer is not cut off because nothing is in flight any more."""
        size = 8 << 20
        d = self.daemon(actor('a', f'eom body-size {size}',
                              'eom sleep 200'))
        with self.session(d) as m:
            m.mail(SENDER)
            m.rcpt(RECIPIENT)
            m.send_packet('E')
            wait_for(lambda: fronts(d)['mx']['messages'] == 1)
            d.process.send_signal(signal.SIGTERM)
            time.sleep(1.0)
            got = 0
            while True:
                command, data = m.recv_packet()
                if command != 'b':
                    break
                got += len(data)
            self.assertEqual((got, command), (size, 'a'))

    def test_stop_during_a_reload(self):
        d = self.daemon(ALL, actor('o', 'open sleep 500', 'eom continue'))
        d.process.send_signal(signal.SIGHUP)
        time.sleep(0.1)
        began = time.monotonic()
        self.assertEqual(d.stop(timeout=10), 0)
        self.assertLess(time.monotonic() - began, 5)
        self.assertNotIn('generation 2 is in force', d.log())

    def test_records_of_the_last_messages_are_written(self):
        from lib.scene import read_journal
        d = self.daemon(ALL)
        with self.session(d) as m:
            for _ in range(200):
                self.message(m)
        d.stop()
        self.assertEqual(len(read_journal(d)), 200)


class Control(Scene):
    """What hangs on to the control socket disturbs nobody."""

    def test_clients_that_say_nothing(self):
        d = self.daemon(ALL)
        silent = []
        for _ in range(20):
            s = socket.socket(socket.AF_UNIX)
            s.connect(d.path('run/control.sock'))
            silent.append(s)
        with self.session(d) as m:
            self.assertEqual(self.message(m)[1], 'accept')
        self.assertEqual(control(d, 'status')['generation'], 1)
        for s in silent:
            s.close()

    def test_rubbish(self):
        d = self.daemon(ALL)
        for data in (b'\n', b'STATUS\n', b'x' * 10000, b'\0\0\0\0\n',
                     b'status now\n', b'\xff\n'):
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(10)
                s.connect(d.path('run/control.sock'))
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                try:
                    answer = s.recv(65536)
                except ConnectionResetError:
                    answer = b''
            self.assertTrue(not answer or b'error' in answer, answer)
        self.assertEqual(control(d, 'status')['generation'], 1)

    def test_the_socket_is_for_root_alone(self):
        d = self.daemon(ALL)
        self.assertEqual(os.stat(d.path('run/control.sock')).st_mode & 0o777,
                         0o600)


if __name__ == '__main__':
    unittest.main()
