#!/usr/bin/env python3
"""ops/litestream.yml can be read, and names the agent's database. Litestream itself is in no Debian
package: where it is installed it has to read the file, too."""

import os
import pathlib
import re
import shutil
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE = ROOT / "ops/litestream.yml"
VARIABLES = {"OPENCLAW_STATE_DIR": "/data", "HARDSHELL_REPLICA_BUCKET": "bucket",
             "HARDSHELL_REPLICA_ENDPOINT": "https://replica.example"}


def filled():
    """The text as Litestream reads it: with the variables put in."""
    return re.sub(r"\$\{(\w+)\}", lambda found: VARIABLES[found[1]], FILE.read_text())


class Litestream(unittest.TestCase):
    def test_replicates_the_database_of_the_agent(self):
        self.assertIn("- path: /data/hardshell/agent/state.sqlite\n", filled())
        store = (ROOT / "workers/agent/embedded_store.cpp").read_text()
        self.assertIn('"/state.sqlite"', store)

    def test_can_be_read(self):
        try:
            import yaml
        except ImportError:
            self.skipTest("python3-yaml is not installed")
        databases = yaml.safe_load(filled())["dbs"]
        self.assertEqual([one["path"] for one in databases],
                         ["/data/hardshell/agent/state.sqlite"])
        replica, = databases[0]["replicas"]
        self.assertEqual((replica["type"], replica["bucket"], replica["endpoint"]),
                         ("s3", "bucket", "https://replica.example"))

    def test_is_explained_with_its_variables(self):
        page = (ROOT / "ops/runbooks/restore-a-backup.md").read_text()
        for name in VARIABLES:
            self.assertIn(name, page)

    @unittest.skipUnless(shutil.which("litestream"), "litestream is not installed")
    def test_is_read_by_litestream(self):
        read = subprocess.run(["litestream", "databases", "-config", FILE], text=True,
                              capture_output=True, env={**os.environ, **VARIABLES})
        self.assertEqual(read.returncode, 0, read.stderr)
        self.assertIn("/data/hardshell/agent/state.sqlite", read.stdout)


if __name__ == "__main__":
    unittest.main()
