#!/usr/bin/env python3
"""The checker of fly.toml: our two files pass, and each trap is named by its key."""

import copy
import pathlib
import subprocess
import sys
import tomllib
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "fly"))
import check_toml  # noqa: E402

GOOD = (ROOT / "fly/fly.toml").read_text()


def changed(path, value):
    """The public file with one value changed (None: removed), as a parsed configuration."""
    config = copy.deepcopy(tomllib.loads(GOOD))
    *way, last = path
    place = config
    for step in way:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return config


CHECK = ("http_service", "checks", 0)
# what is changed, to what, the key that the finding names, a word of it
TRAPS = [
    (("colour",), "red", "colour", "ignores"),
    (("http_service", "auto_stop"), True, "http_service.auto_stop", "ignores"),
    (("http_service", "concurrency", "limit"), 5, "http_service.concurrency.limit", "ignores"),
    (CHECK + ("grace",), "5s", "http_service.checks.grace", "ignores"),
    (("http_service", "http_options"), {"idle": 60}, "http_service.http_options.idle", "ignores"),
    (("app",), None, "app", "missing"),
    (("primary_region",), "hkg", "primary_region", "hkg"),
    (("restart",), {"policy": "always"}, "restart", "two brackets"),
    (("http_service", "checks"), {"path": "/startupz"}, "http_service.checks", "two brackets"),
    (CHECK + ("interval",), 15, "http_service.checks.interval", "nanoseconds"),
    (CHECK + ("timeout",), "5 s", "http_service.checks.timeout", "no duration"),
    (CHECK + ("grace_period",), "2m", "http_service.checks.grace_period", "clamped"),
    (CHECK + ("interval",), "500ms", "http_service.checks.interval", "clamped"),
    (CHECK + ("path",), "startupz", "http_service.checks.path", "begin with /"),
    (CHECK + ("path",), "/readyz", "http_service.checks.path", "/startupz"),
    (("checks",), {"one": {"type": "udp", "port": 3000}}, "checks.one.type", "http or tcp"),
    (("checks",), {"one": {"type": "tcp", "interval": "1s"}}, "checks.one.interval", "refused"),
    (("checks",), {"one": {"type": "tcp", "port": 4000}}, "processes.app", "4000"),
    (("http_service", "processes"), None, "http_service.processes", "missing"),
    (("mounts", "processes"), ["web"], "mounts.processes", "web"),
    (("vm", 0, "processes"), ["web"], "vm.processes", "web"),
    (("deploy", "strategy"), "canary", "deploy.strategy", "volume"),
    (("deploy", "strategy"), "quick", "deploy.strategy", "quick"),
    (("deploy", "wait_timeout"), 300, "deploy.wait_timeout", "nanoseconds"),
    (("deploy", "release_command"), "hardshell doctor", "deploy.release_command", "volume"),
    (("mounts", "destination"), "/", "mounts.destination", "mount"),
    (("mounts", "source"), None, "mounts.source", "missing"),
    (("mounts", "snapshot_retention"), 90, "mounts.snapshot_retention", "60"),
    (("mounts", "auto_extend_size_threshold"), 80, "mounts.auto_extend_size_limit", "needed"),
    (("mounts",), None, "mounts", "forgets"),
    (("mounts",), [{"source": "a", "destination": "/data"}, {"source": "b", "destination": "/b"}],
     "mounts", "one volume"),
    (("processes", "app"), "gateway 'open", "app", "split"),
    (("processes", "app"), "gateway --allow-unconfigured --port 3000 --bind lan | tee log", "app",
     "shell"),
    (("processes", "app"), "gateway --port 3000 --bind lan", "processes.app",
     "--allow-unconfigured"),
    (("processes", "app"), "gateway --allow-unconfigured --port 3000", "processes.app", "loopback"),
    (("processes", "app"), "gateway --allow-unconfigured --port=8080 --bind lan", "processes.app",
     "8080"),
    (("processes", "app"), "gateway --allow-unconfigured --bind lan", "processes.app", "18789"),
    (("http_service", "internal_port"), 8080, "processes.app", "8080"),
    (("kill_signal",), "SIGHUP", "kill_signal", "SIGHUP"),
    (("kill_signal",), "SIGUSR1", "kill_signal", "SIGTERM"),
    (("kill_timeout",), 600, "kill_timeout", "300s"),
    (("kill_timeout",), None, "kill_timeout", "cut off"),
    (("kill_timeout",), "soon", "kill_timeout", "duration"),
    (("kill_timeout",), "20s", "env.HARDSHELL_STOP_BUDGET_MS", "fit"),
    (("vm", 0, "memory"), "300mb", "vm.memory", "multiple"),
    (("vm", 0, "memory"), "4gb", "vm.memory", "2048mb"),
    (("vm", 0, "size"), "large", "vm.size", "large"),
    (("vm", 0, "size"), "performance-cpu-2x", "vm.size", "performance-cpu-2x"),
    (("env", "FLY_REGION"), "fra", "env.FLY_REGION", "Fly's own"),
    (("env", "ANTHROPIC_API_KEY"), "x", "env.ANTHROPIC_API_KEY", "secrets set"),
    (("env", "PORT"), 3000, "env.PORT", "text"),
    (("env", "OPENCLAW_STATE_DIR"), "/state", "env.OPENCLAW_STATE_DIR", "not on the volume"),
    (("env", "OPENCLAW_STATE_DIR"), None, "env.OPENCLAW_STATE_DIR", "missing"),
    (("restart", 0, "policy"), "sometimes", "restart.policy", "sometimes"),
    (("restart", 0, "policy"), "never", "restart.policy", "last"),
    (("http_service", "auto_stop_machines"), "never", "http_service.auto_stop_machines", "suspend"),
    (("http_service",), [{"internal_port": 3000, "processes": ["app"]}], "http_service", "one bracket"),
    (("http_service", "internal_port"), None, "internal_port", "3000"),
    (("http_service", "concurrency", "type"), "clients", "http_service.concurrency.type",
     "requests"),
    (("services",), [{"internal_port": 3000, "protocol": "http", "processes": ["app"]}],
     "services.protocol", "udp"),
    (("services",), [{"internal_port": 3000, "processes": ["app"],
                      "ports": [{"port": 443, "handlers": ["tls", "https"]}]}],
     "services.ports.handlers", "'https'"),
    (("vm", 0, "persist_rootfs"), "yes", "vm.persist_rootfs", "restart"),
    (("env", "HARDSHELL_STOP_BUDGET_MS"), "soon", "env.HARDSHELL_STOP_BUDGET_MS", "milliseconds"),
    (("experimental",), {"entrypoint": ["tini", "--"]}, "experimental.entrypoint", "supervisor"),
    (("experimental",), {"exec": ["sh"]}, "experimental.exec", "supervisor"),
    (("files",), [{"guest_path": "/x", "raw_value": "aGk="}], "files.raw_value", "local_path"),
    (("http_service", "auto_stop_machines"), "suspend", "http_service.auto_stop_machines",
     "silent"),
]

# Of the guides for stock OpenClaw: works with our image too.
STOCK = """
app = "my-openclaw"
primary_region = "iad"
[build]
dockerfile = "Dockerfile"
[env]
NODE_ENV = "production"
OPENCLAW_PREFER_PNPM = "1"
OPENCLAW_STATE_DIR = "/data"
NODE_OPTIONS = "--max-old-space-size=1536"
[processes]
app = "node dist/index.js gateway --allow-unconfigured --port 3000 --bind lan"
[http_service]
internal_port = 3000
force_https = true
auto_stop_machines = false
auto_start_machines = true
min_machines_running = 1
processes = ["app"]
[[vm]]
size = "shared-cpu-2x"
memory = "2048mb"
[mounts]
source = "openclaw_data"
destination = "/data"
"""


class OurFiles(unittest.TestCase):
    def test_pass(self):
        run = subprocess.run([sys.executable, ROOT / "fly/check_toml.py", ROOT / "fly/fly.toml",
                              ROOT / "fly/fly.private.toml"], capture_output=True, text=True)
        self.assertEqual((run.returncode, run.stdout, run.stderr), (0, "", ""))

    def test_the_private_one_has_no_public_service(self):
        config = tomllib.loads((ROOT / "fly/fly.private.toml").read_text())
        self.assertNotIn("http_service", config)
        self.assertNotIn("services", config)
        self.assertEqual(config["restart"][0]["policy"], "always")

    def test_differ_in_nothing_else(self):
        public = tomllib.loads(GOOD)
        private = tomllib.loads((ROOT / "fly/fly.private.toml").read_text())
        for key in ("kill_signal", "kill_timeout", "env", "processes", "mounts", "metrics", "vm",
                    "build", "deploy"):
            self.assertEqual(public[key], private[key], key)


class Traps(unittest.TestCase):
    def test_each_is_named(self):
        for path, value, key, word in TRAPS:
            with self.subTest(path=path, value=value):
                found = check_toml.Check(changed(path, value)).run()
                named = [line for line in found if line.startswith(key + ": ") and word in line]
                self.assertEqual(len(named), 1, found)

    def test_a_file_as_fly_launch_writes_it_asks_another_port(self):
        config = changed(("http_service", "internal_port"), 8080)
        del config["processes"]
        found = check_toml.Check(config).run()
        self.assertEqual(len(found), 1, found)
        self.assertIn("listens on 3000, but the service or check asks 8080", found[0])

    def test_a_slash_behind_the_volume_is_no_other_place(self):
        self.assertEqual(check_toml.Check(changed(("mounts", "destination"), "/data/")).run(), [])

    def test_a_port_of_the_environment_counts(self):
        config = changed(("processes", "app"), "gateway --allow-unconfigured --bind lan")
        config["env"]["OPENCLAW_GATEWAY_PORT"] = "3000"
        self.assertEqual(check_toml.Check(config).run(), [])

    def test_values_of_any_type_are_no_crash(self):
        def places(value, way=()):
            yield way
            if isinstance(value, (dict, list)):
                steps = value if isinstance(value, dict) else range(len(value))
                for step in steps:
                    yield from places(value[step], way + (step,))
        for way in places(tomllib.loads(GOOD)):
            for odd in (True, 7, 1.5, "", "x", [], {}, [1], [{}], {"x": 1}):
                with self.subTest(way=way, odd=odd):
                    if way:
                        check_toml.Check(changed(way, odd)).run()

    def test_every_rule_has_one(self):
        rules = set()
        for path, value, _, _ in TRAPS:
            for rule in check_toml.RULES:
                check = check_toml.Check(changed(path, value))
                rule(check)
                if check.found:
                    rules.add(rule.__name__)
        self.assertEqual({rule.__name__ for rule in check_toml.RULES} - rules, set())


class Command(unittest.TestCase):
    def run_on(self, text):
        return subprocess.run([sys.executable, ROOT / "fly/check_toml.py", "/dev/stdin"],
                              input=text, capture_output=True, text=True)

    def test_the_stock_guides_file_lacks_only_time_to_stop(self):
        run = self.run_on(STOCK)
        self.assertEqual(run.returncode, 1)
        self.assertEqual(len(run.stdout.splitlines()), 1, run.stdout)
        self.assertIn("kill_timeout", run.stdout)

    def test_what_is_no_toml_is_told_with_its_line(self):
        run = self.run_on("app = \n")
        self.assertEqual(run.returncode, 2)
        self.assertIn("line 1", run.stderr)


if __name__ == "__main__":
    unittest.main()
