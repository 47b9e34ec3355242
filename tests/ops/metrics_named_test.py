#!/usr/bin/env python3
"""Alerts and dashboards ask only for numbers that the gateway publishes, and every alert is tested."""

import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PUBLISHED = set(re.findall(r'"(hardshell_[a-z_]+)"', (ROOT / "workers/gateway/metrics.cpp")
                           .read_text()))
ALERTS = (ROOT / "ops/alerts/hardshell.yml").read_text()
DASHBOARD = json.loads((ROOT / "ops/dashboards/hardshell.json").read_text())


def named_in(text):
    return set(re.findall(r"hardshell_[a-z_]+", text))


class Names(unittest.TestCase):
    def test_of_alerts_are_published(self):
        asked = {name for line in ALERTS.splitlines() if not line.lstrip().startswith("- name")
                 for name in named_in(line)}
        self.assertEqual(asked - PUBLISHED, set())

    def test_of_dashboards_are_published(self):
        for panel in DASHBOARD["panels"]:
            for target in panel["targets"]:
                with self.subTest(panel=panel["title"]):
                    self.assertEqual(named_in(target["expr"]) - PUBLISHED, set())

    def test_of_alerts_are_on_the_dashboard(self):
        shown = set()
        for panel in DASHBOARD["panels"]:
            for target in panel["targets"]:
                shown |= named_in(target["expr"])
        asked = {name for line in ALERTS.splitlines() if not line.lstrip().startswith("- name")
                 for name in named_in(line)}
        self.assertEqual(asked - shown - {"hardshell_build_info"}, set())

    def test_every_alert_has_a_test(self):
        tested = (ROOT / "tests/ops/alerts_test.yml").read_text()
        for alert in re.findall(r"- alert: (\w+)", ALERTS):
            self.assertIn(f'alertname="{alert}"', tested)

    def test_of_alerts_are_fetched_from_fly(self):
        fetched = re.search(r'__name__=~"([^"]+)"', (ROOT / "ops/alerts/prometheus.yml").read_text())
        for name in set(re.findall(r"\b(?:hardshell|fly)_[a-z_]+", ALERTS)):
            self.assertRegex(name, f"^(?:{fetched.group(1)})$")

    def test_prometheus_reads_its_file_with_the_rules(self):
        with tempfile.TemporaryDirectory() as scratch:
            copy = shutil.copytree(ROOT / "ops/alerts", pathlib.Path(scratch) / "alerts")
            (copy / "fly-token").write_text("fm2_token")
            read = subprocess.run(["promtool", "check", "config", copy / "prometheus.yml"],
                                  capture_output=True, text=True, check=False)
        self.assertEqual(read.returncode, 0, read.stdout + read.stderr)
        self.assertRegex(read.stdout, r"rules found")

    def test_every_runbook_that_an_alert_names_exists(self):
        for path in set(re.findall(r"ops/runbooks/[a-z-]+\.md", ALERTS)):
            self.assertTrue((ROOT / path).is_file(), path)


if __name__ == "__main__":
    unittest.main()
