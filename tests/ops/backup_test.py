#!/usr/bin/env python3
"""A drill: a copy is taken while people talk, restored elsewhere, and the conversation goes on.

    HARDSHELL_BUILD=build/dev tests/ops/backup_test.py
"""

import hashlib
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("HARDSHELL_BUILD", ROOT / "build/dev")).resolve()
PASSWORD = {"RESTIC_PASSWORD": "password-of-the-drill"}


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class ModelDouble:
    """Answers with what it was told, and keeps each request."""

    def __init__(self, place):
        self.record = place / "requests"
        self.process = subprocess.Popen(
            [BUILD / "tests/support/model_double", "--echo", "--record", self.record],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.port = int(self.process.stdout.readline())

    def last_request(self):
        return self.record.read_text().splitlines()[-1]

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


class Gateway:
    """Hardshell on a state directory; a `machine` of its own: other run directory, other port."""

    def __init__(self, place, state):
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(place),
                            "OPENCLAW_STATE_DIR": str(state),
                            "HARDSHELL_RUN_DIR": str(place / "run"),
                            "HARDSHELL_METRICS_PORT": str(free_port()),
                            "OPENCLAW_GATEWAY_TOKEN": "token-of-the-drill",
                            "OPENCLAW_GATEWAY_PORT": str(free_port())}
        self.log = open(place / "log", "wb")
        self.process = subprocess.Popen([BUILD / "hardshell", "gateway", "--allow-unconfigured"],
                                        env=self.environment, stdout=self.log,
                                        stderr=subprocess.STDOUT)
        url = f"http://127.0.0.1:{self.environment['OPENCLAW_GATEWAY_PORT']}/startupz"
        for _ in range(600):
            try:
                urllib.request.urlopen(url, timeout=5).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("it did not start: " + (place / "log").read_text())

    def ask(self, text):
        run = subprocess.run([BUILD / "hardshell", "agent", "-m", text], env=self.environment,
                             capture_output=True, text=True, timeout=60, check=False)
        return run.stdout.strip() or run.stderr

    def stop(self):
        self.process.terminate()
        code = self.process.wait(30)
        self.log.close()
        return code


def run(script, *words, more=PASSWORD, within=()):
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "RESTIC_CACHE_DIR":
                   str(pathlib.Path(tempfile.gettempdir()) / "restic-cache-of-the-drill"), **more}
    return subprocess.run([*within, ROOT / "ops" / script, *map(str, words)], env=environment,
                          capture_output=True, text=True, timeout=120, check=False)


class Drill(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.place = pathlib.Path(self.scratch.name)
        self.place.chmod(0o755)

    def machine(self, name):
        place = self.place / name
        place.mkdir()
        return place

    def state_with_model(self, name, model):
        state = self.place / name
        state.mkdir()
        (state / "openclaw.json").write_text(json.dumps({
            "gateway": {"mode": "local"},
            "models": {"providers": {"double": {
                "baseUrl": f"http://127.0.0.1:{model.port}", "api": "anthropic-messages",
                "apiKey": "key-of-the-double", "models": [{"id": "one", "name": "One"}]}}},
            "agents": {"defaults": {"model": {"primary": "double/one"}}}}))
        return state

    def test_a_conversation_goes_on_from_a_copy_taken_while_it_ran(self):
        model = ModelDouble(self.place)
        self.addCleanup(model.close)
        state = self.state_with_model("state", model)
        first = Gateway(self.machine("first"), state)
        self.assertEqual(first.ask("my cat is called Ada"), "You said: my cat is called Ada")
        stop = threading.Event()

        def talk():
            while not stop.is_set():
                first.ask("and on it goes")
        talker = threading.Thread(target=talk)
        talker.start()
        try:
            copies = [run("backup.sh", self.place / "copies", state) for _ in range(2)]
        finally:
            stop.set()
            talker.join()
        for copy in copies:
            self.assertEqual(copy.returncode, 0, copy.stderr)
        self.assertEqual(first.stop(), 0)

        restored = run("restore.sh", self.place / "copies", self.place / "new state")
        self.assertEqual(restored.returncode, 0, restored.stderr)
        second = Gateway(self.machine("second"), self.place / "new state")
        try:
            # A copy taken between a question and its answer holds that question, too.
            self.assertRegex(second.ask("what is her name?"), "^You said: .*what is her name\\?$")
            self.assertIn("my cat is called Ada", model.last_request())
        finally:
            self.assertEqual(second.stop(), 0)

    def copy_of(self, texts):
        state = self.place / "small state"
        for name, text in texts.items():
            (state / name).parent.mkdir(parents=True, exist_ok=True)
            (state / name).write_text(text)
        copied = run("backup.sh", self.place / "copies", state)
        self.assertEqual(copied.returncode, 0, copied.stderr)

    def test_a_directory_with_something_in_it_is_left_alone(self):
        self.copy_of({"openclaw.json": "{}"})
        taken = self.machine("taken")
        (taken / "precious").write_text("mine")
        restored = run("restore.sh", self.place / "copies", taken)
        self.assertEqual(restored.returncode, 1)
        self.assertIn("not empty", restored.stderr)
        self.assertEqual([one.name for one in taken.iterdir()], ["precious"])

    def test_a_new_volume_with_lost_and_found_is_empty(self):
        self.copy_of({"agents/main/sessions/a.jsonl": "{}\n"})
        volume = self.machine("volume")
        (volume / "lost+found").mkdir()
        restored = run("restore.sh", self.place / "copies", volume)
        self.assertEqual(restored.returncode, 0, restored.stderr)
        self.assertEqual((volume / "agents/main/sessions/a.jsonl").read_text(), "{}\n")

    def test_the_wrong_password_opens_nothing(self):
        self.copy_of({"openclaw.json": "{}"})
        wrong = {"RESTIC_PASSWORD": "another"}
        restored = run("restore.sh", self.place / "copies", self.place / "new", more=wrong)
        self.assertEqual(restored.returncode, 1)
        self.assertIn("wrong password", restored.stderr)
        self.assertEqual(list((self.place / "new").iterdir()), [])
        copied = run("backup.sh", self.place / "copies", self.place / "small state", more=wrong)
        self.assertEqual(copied.returncode, 1)
        self.assertIn("wrong password", copied.stderr)

    def test_a_restore_that_was_cut_off_is_no_hindrance(self):
        self.copy_of({"openclaw.json": "{}"})
        (self.place / "new/.restoring/half").mkdir(parents=True)
        restored = run("restore.sh", self.place / "copies", self.place / "new")
        self.assertEqual(restored.returncode, 0, restored.stderr)
        self.assertEqual([one.name for one in (self.place / "new").iterdir()], ["openclaw.json"])

    @unittest.skipIf(os.geteuid() != 0, "needs root, to mount a small volume")
    def test_a_volume_without_room_is_told_once_and_left_alone(self):
        self.copy_of({"workspace/film": "x" * (4 << 20)})
        volume = self.machine("volume")
        small = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o size=1m none "$2" || exit 77; '
                 '"$0" "$1" "$2"; code=$?; ls -A "$2"; exit $code')
        restored = run("restore.sh", self.place / "copies", volume, within=small)
        if restored.returncode == 77 or "unshare:" in restored.stderr:
            self.skipTest("nothing may be mounted here")
        self.assertEqual(restored.returncode, 1, restored.stderr)
        self.assertIn("has 4 MiB and only 1 MiB are free", restored.stderr)
        self.assertEqual((restored.stdout, len(restored.stderr.splitlines())), ("", 1))

    def test_of_several_hosts_none_is_guessed(self):
        for host in ("mine", "theirs"):
            state = self.machine(host)
            (state / "openclaw.json").write_text(host)
            copied = run("backup.sh", self.place / "copies", state,
                         more={**PASSWORD, "HARDSHELL_BACKUP_HOST": host})
            self.assertEqual(copied.returncode, 0, copied.stderr)
        restored = run("restore.sh", self.place / "copies", self.place / "new")
        self.assertEqual(restored.returncode, 1)
        self.assertIn("mine, theirs", restored.stderr)
        for variable in ("HARDSHELL_BACKUP_HOST", "FLY_APP_NAME"):
            place = self.place / variable
            restored = run("restore.sh", self.place / "copies", place,
                           more={**PASSWORD, variable: "mine"})
            self.assertEqual(restored.returncode, 0, restored.stderr)
            self.assertEqual((place / "openclaw.json").read_text(), "mine")
        moved = run("restore.sh", self.place / "copies", self.place / "new",
                    more={**PASSWORD, "FLY_APP_NAME": "of another name"})
        self.assertEqual(moved.returncode, 1)
        self.assertIn("mine, theirs", moved.stderr)

    def test_what_is_no_state_is_no_backup(self):
        copied = run("backup.sh", self.place / "copies", self.machine("empty"))
        self.assertEqual(copied.returncode, 1)
        self.assertIn("no file", copied.stderr)

    def test_a_copy_does_not_lie_in_what_it_is_a_copy_of(self):
        state = self.machine("state")
        (state / "openclaw.json").write_text("{}")
        copied = run("backup.sh", state / "copies", state)
        self.assertEqual(copied.returncode, 1)
        self.assertIn("lost with it", copied.stderr)
        self.assertEqual([one.name for one in state.iterdir()], ["openclaw.json"])

    def test_a_configuration_elsewhere_is_told(self):
        state = self.machine("state")
        (state / ".env").write_text("KEY=x")
        copied = run("backup.sh", self.place / "copies", state,
                     more={**PASSWORD, "OPENCLAW_CONFIG_PATH": "/etc/openclaw.json"})
        self.assertEqual(copied.returncode, 0, copied.stderr)
        self.assertIn("/etc/openclaw.json does not lie in", copied.stderr)

    def test_a_damaged_copy_is_put_nowhere(self):
        self.copy_of({"openclaw.json": "{}", "workspace/notes": "x" * 5000})
        for pack in (self.place / "copies/data").glob("*/*"):
            pack.chmod(0o600)
            data = bytearray(pack.read_bytes())
            for index in range(len(data)):
                data[index] ^= 0xFF
            pack.write_bytes(bytes(data))
        restored = run("restore.sh", self.place / "copies", self.place / "new")
        self.assertEqual(restored.returncode, 1, restored.stdout)
        self.assertEqual(list((self.place / "new").iterdir()), [])

    def restored_of_stage(self, spoil):
        """What restore.sh says of a copy that `spoil` has changed behind backup.sh's back."""
        stage = self.machine("stage")
        (stage / "state").mkdir()
        sums = []
        for number in range(9):
            text = f"conversation {number}"
            (stage / f"state/{number}.jsonl").write_text(text)
            sums.append(f"{hashlib.sha256(text.encode()).hexdigest()}  ./{number}.jsonl\n")
        (stage / "MANIFEST").write_text("".join(sums))
        spoil(stage, sums)
        for words in (["init"], ["backup", "--tag", "hardshell", str(stage)]):
            subprocess.run(["restic", "--no-cache", "--repo", self.place / "copies", *words],
                           env={"PATH": os.environ["PATH"], **PASSWORD}, check=True,
                           capture_output=True)
        return run("restore.sh", self.place / "copies", self.place / "new")

    def assert_put_nowhere(self, restored):
        self.assertEqual(restored.returncode, 1, restored.stdout)
        self.assertIn("nothing was put in place", restored.stderr)
        self.assertEqual(list((self.place / "new").iterdir()), [])

    def test_a_file_that_is_not_what_it_was_is_put_nowhere(self):
        restored = self.restored_of_stage(
            lambda stage, _: (stage / "state/4.jsonl").write_text("conversation 5"))
        self.assertIn("4.jsonl", restored.stdout + restored.stderr)
        self.assert_put_nowhere(restored)

    def test_a_list_of_checksums_that_is_damaged_is_no_list(self):
        def spoil(stage, sums):
            (stage / "MANIFEST").write_text("".join(sums[:8]) + "x" + sums[8])
        restored = self.restored_of_stage(spoil)
        self.assertIn("improperly formatted", restored.stderr)
        self.assert_put_nowhere(restored)

    def test_a_file_that_has_no_checksum_is_put_nowhere(self):
        restored = self.restored_of_stage(
            lambda stage, sums: (stage / "MANIFEST").write_text("".join(sums[:8])))
        self.assertIn("9 files and a MANIFEST of 8", restored.stderr)
        self.assert_put_nowhere(restored)

    def test_a_whole_copy_of_that_kind_is_put_in_place(self):
        restored = self.restored_of_stage(lambda *_: None)
        self.assertEqual(restored.returncode, 0, restored.stderr)
        self.assertEqual(len(list((self.place / "new").iterdir())), 9)

    def test_without_a_password_nothing_is_copied(self):
        copied = run("backup.sh", self.place / "copies", self.place, more={})
        self.assertEqual(copied.returncode, 1)
        self.assertIn("RESTIC_PASSWORD", copied.stderr)

    def test_a_damaged_database_is_told(self):
        state = self.machine("broken") / "hardshell/agent"
        state.mkdir(parents=True)
        (state / "state.sqlite").write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
        copied = run("backup.sh", self.place / "copies", self.place / "broken")
        self.assertEqual(copied.returncode, 1)
        self.assertIn("state.sqlite", copied.stderr)

    def test_a_link_to_the_state_is_as_good_as_the_state(self):
        state = self.machine("volume")
        (state / "hardshell/agent").mkdir(parents=True)
        subprocess.run(["sqlite3", state / "hardshell/agent/state.sqlite",
                        "create table t (x); insert into t values (7)"], check=True)
        (self.place / "link").symlink_to(state)
        copied = run("backup.sh", self.place / "copies", f"{self.place}/link/")
        self.assertEqual(copied.returncode, 0, copied.stderr)
        restored = run("restore.sh", self.place / "copies", self.place / "new")
        self.assertEqual(restored.returncode, 0, restored.stderr)
        kept = subprocess.run(["sqlite3", self.place / "new/hardshell/agent/state.sqlite",
                               "select x from t"], capture_output=True, text=True, check=True)
        self.assertEqual(kept.stdout, "7\n")
        # And what is behind it is not overwritten.
        (state / "precious").write_text("mine")
        again = run("restore.sh", self.place / "copies", self.place / "link")
        self.assertEqual(again.returncode, 1)
        self.assertIn("not empty", again.stderr)
        self.assertEqual((state / "precious").read_text(), "mine")

    def test_the_workspace_is_copied_whatever_its_files_are_called(self):
        workspace = {"workspace/Cargo.lock": "locked", "workspace/bob's x.sqlite": "no database",
                     "workspace/hardshell/y.sqlite": "neither", "workspace/MANIFEST": "a jar's",
                     "MANIFEST": "not that of the copy"}
        self.copy_of(workspace)
        restored = run("restore.sh", self.place / "copies", self.place / "new")
        self.assertEqual(restored.returncode, 0, restored.stderr)
        for name, text in workspace.items():
            self.assertEqual((self.place / "new" / name).read_text(), text)

    def test_what_is_there_is_moved_aside_when_asked(self):
        self.copy_of({"openclaw.json": "{}", ".env": "KEY=old"})
        taken = self.machine("taken")
        (taken / ".env").write_text("KEY=new")
        (taken / "workspace").mkdir()
        restored = run("restore.sh", "--aside", self.place / "copies", taken)
        self.assertEqual(restored.returncode, 0, restored.stderr)
        self.assertEqual((taken / ".env").read_text(), "KEY=old")
        self.assertEqual((taken / "before-restore/.env").read_text(), "KEY=new")
        self.assertTrue((taken / "before-restore/workspace").is_dir())
        copied = run("backup.sh", self.place / "later copies", taken)
        self.assertEqual(copied.returncode, 0, copied.stderr)
        later = run("restore.sh", self.place / "later copies", self.place / "later")
        self.assertEqual(later.returncode, 0, later.stderr)
        self.assertFalse((self.place / "later/before-restore").exists())
        again = run("restore.sh", "--aside", self.place / "copies", taken)
        self.assertEqual(again.returncode, 1)
        self.assertIn("before-restore", again.stderr)

    @unittest.skipIf(os.geteuid() != 0, "needs root, to be somebody else")
    def test_what_cannot_be_read_is_no_backup(self):
        state = self.machine("closed")
        (state / "secret").write_text("x")
        (state / "secret").chmod(0o600)
        copies = self.machine("of somebody else")
        os.chown(copies, 65534, 65534)
        copied = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
             ROOT / "ops/backup.sh", copies / "repository", state],
            env={"PATH": os.environ["PATH"], "HOME": str(copies), "TMPDIR": str(copies), **PASSWORD},
            capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(copied.returncode, 1)
        self.assertIn("can be read", copied.stderr)


if __name__ == "__main__":
    unittest.main()
