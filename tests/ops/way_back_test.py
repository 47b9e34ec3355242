#!/usr/bin/env python3
"""The way back of fly/from-openclaw.md: what its commands leave belongs to the user of stock OpenClaw's
image, and Hardshell goes on with it when it comes back. Needs root.

    HARDSHELL_BUILD=build/dev tests/ops/way_back_test.py
"""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from backup_test import BUILD, ROOT, Gateway

GUIDE = (ROOT / "fly/from-openclaw.md").read_text()


def commands():
    """What is typed on the machine, between opening the console and leaving it."""
    return re.search(r"^fly ssh console\n(.*?)^exit$", GUIDE, re.S | re.M).group(1)


@unittest.skipIf(os.geteuid() != 0, "needs root, to give files away")
class WayBack(unittest.TestCase):
    def test_leaves_everything_to_the_user_node_and_can_be_gone_again(self):
        with tempfile.TemporaryDirectory() as scratch:
            place = pathlib.Path(scratch)
            place.chmod(0o755)
            state = place / "data"
            state.mkdir()
            first = Gateway(place, state)
            try:
                self.assertIn("one", first.ask("one"))
                typed = commands()
                self.assertIn("chown -R 1000:1000 /data\n", typed)
                environment = {**first.environment, "PATH": f"{BUILD}:{os.environ['PATH']}"}
                subprocess.run(["bash", "-c", typed.replace(" /data", f" {state}")],
                               env=environment, check=True, capture_output=True, timeout=60)
            finally:
                code = first.stop()
            self.assertEqual(code, 0)
            kept = list((state / "agents/main/sessions").glob("*.jsonl"))
            self.assertEqual(len(kept), 1)
            # The lock and the plan are Hardshell's own, and may be written once more.
            others = subprocess.run(
                ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "find", state,
                 "-path", state / "hardshell", "-prune", "-o", "(", "!", "-readable", "-o", "!",
                 "-writable", ")", "-print"], capture_output=True, text=True, check=True)
            self.assertEqual((others.stdout, others.stderr), ("", ""))
            again = Gateway(place, state)
            try:
                self.assertIn("two", again.ask("two"))
            finally:
                self.assertEqual(again.stop(), 0)
            self.assertIn("two", kept[0].read_text())


if __name__ == "__main__":
    unittest.main()
