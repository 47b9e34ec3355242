#!/usr/bin/env python3
"""Checks a fly.toml for what flyctl refuses or silently misreads, and for what stops an assistant.

    fly/check_toml.py fly/fly.toml [more files]

Knows a subset of flyctl's rules (toml_tables.py, and below); `fly config validate` needs a login and is the
last word. Prints one line per finding, `file: key: cause; cure`. Exit code: 0 clean, 1 findings,
2 a file that cannot be read. Needs Python 3.11 and nothing else.
"""

import re
import shlex
import sys
import tomllib

from toml_tables import CHOICES, CPUS, KNOWN, POLICIES, REGIONS, SIGNALS, SIZES, STRATEGIES, TOP

SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|API_?KEY|AUTHKEY|PRIVATE_KEY|CREDENTIAL")
# What runs without [processes], and the port of a command that names none.
IMAGE_COMMAND = "gateway --allow-unconfigured --port 3000 --bind lan"
DEFAULT_PORT = 18789
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


def seconds(text):
    """A Go duration as seconds, None when it is none."""
    if not isinstance(text, str):
        return None
    pieces = re.findall(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|s|m|h)", text)
    if not pieces or "".join(number + unit for number, unit in pieces) != text:
        return None
    return sum(float(number) * UNITS[unit] for number, unit in pieces)


def rows(value):
    """A table or an array of tables as a list of tables."""
    if isinstance(value, dict):
        return [value]
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def table(value):
    return value if isinstance(value, dict) else {}


def listed(value):
    """Strings of an array, nothing of anything else."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


class Check:
    def __init__(self, config):
        self.config = config
        self.found = []
        self.groups = list(table(config.get("processes"))) or ["app"]
        self.services = [("http_service", row) for row in rows(config.get("http_service"))]
        self.services += [("services", row) for row in rows(config.get("services"))]

    def say(self, key, cause, cure):
        self.found.append(f"{key}: {cause}; {cure}")

    def run(self):
        for rule in RULES:
            rule(self)
        return self.found


def known_keys(check):
    for key, value in check.config.items():
        if key not in TOP:
            check.say(key, "flyctl does not know this key and ignores it", "correct or remove it")
        known_in_table(check, key, value)


def known_in_table(check, name, value):
    known = KNOWN.get(name)
    if known is None:
        return
    named = name == "checks"  # [checks.<name>]: the names are free
    for row in table(value).values() if named else rows(value):
        for key, inner in table(row).items():
            if key not in known:
                check.say(f"{name}.{key}", "flyctl does not know this key and ignores it",
                          "correct or remove it")
            choices = CHOICES.get((name, key))
            for one in (inner if isinstance(inner, list) else [inner]) if choices else ():
                if one not in choices:
                    check.say(f"{name}.{key}", f"there is no {one!r}", "use one of " + " ".join(
                        choice for choice in choices if isinstance(choice, str)))
            known_in_table(check, f"{name}.{key}", inner)


def has_app(check):
    if not check.config.get("app") or not isinstance(check.config["app"], str):
        check.say("app", "missing", 'name it: app = "my-assistant"')


def primary_region(check):
    region = check.config.get("primary_region")
    if region is not None and region not in REGIONS:
        check.say("primary_region", f"there is no region {region!r}",
                  "use one of " + " ".join(REGIONS))


def arrays_of_tables(check):
    for key in ("restart", "files"):
        if isinstance(check.config.get(key), dict):
            check.say(key, "must be an array of tables, the file does not load",
                      f"write [[{key}]] with two brackets")
    if isinstance(check.config.get("http_service"), list):
        check.say("http_service", "must be one table, the file does not load",
                  "write [http_service] with one bracket")
    if isinstance(table(check.config.get("http_service")).get("checks"), dict):
        check.say("http_service.checks", "must be an array of tables, the file does not load",
                  "write [[http_service.checks]] with two brackets")


def durations(check):
    places = [("http_service.checks", one, key)
              for service in rows(check.config.get("http_service"))
              for one in rows(service.get("checks")) for key in ("interval", "timeout",
                                                                 "grace_period")]
    deploy = table(check.config.get("deploy"))
    places += [("deploy", deploy, key) for key in ("wait_timeout", "release_command_timeout")]
    for where, row, key in places:
        value = row.get(key)
        if isinstance(value, (int, float)):
            check.say(f"{where}.{key}", f"{value} without a unit means nanoseconds",
                      f'write "{value}s"')
        elif value is not None and seconds(value) is None:
            check.say(f"{where}.{key}", f"{value!r} is no duration", 'write it as "15s"')


def service_check_limits(check):
    for where, service in check.services:
        for kind in ("checks", "http_checks", "tcp_checks"):
            for one in rows(service.get(kind)):
                service_check(check, f"{where}.{kind}", one)


def as_seconds(value):
    """Of a check outside http_service, where a bare number means milliseconds."""
    if isinstance(value, bool):
        return None
    return value / 1000 if isinstance(value, (int, float)) else seconds(value)


def service_check(check, where, one):
    for key in ("interval", "timeout"):
        value = as_seconds(one.get(key))
        if value is not None and not 1 <= value <= 60:
            check.say(f"{where}.{key}", "outside 1s to 60s it is clamped", "stay inside")
    grace = as_seconds(one.get("grace_period"))
    if grace and not 1 <= grace <= 60:
        check.say(f"{where}.grace_period", "outside 1s to 60s it is clamped", "stay inside")
    path = one.get("path")
    if path is not None and not str(path).startswith("/"):
        check.say(f"{where}.path", "must begin with /", f'write "/{path}"')


def top_level_checks(check):
    for name, one in table(check.config.get("checks")).items():
        one = table(one)
        where = f"checks.{name}"
        if one.get("type") not in ("http", "tcp"):
            check.say(f"{where}.type", "must be http or tcp", 'write type = "http"')
        if "port" not in one and "http_service" not in check.config:
            check.say(f"{where}.port", "missing, and no http_service to take it from",
                      "name the port")
        interval, timeout = as_seconds(one.get("interval")), as_seconds(one.get("timeout"))
        if interval is not None and interval < 2:
            check.say(f"{where}.interval", "under 2s it is refused", 'write "15s"')
        if timeout is not None and timeout > 60:
            check.say(f"{where}.timeout", "over 60s it is refused", 'write "5s"')


def groups(check):
    defined = "processes" in check.config
    for where, service in check.services:
        if defined and not listed(service.get("processes")):
            check.say(f"{where}.processes", "missing, so no process group gets the service",
                      f"name it: processes = {check.groups!r}".replace("'", '"'))
    named = [(where, row) for where, row in check.services]
    named += [(key, row) for key in ("restart", "mounts", "vm", "metrics", "files")
              for row in rows(check.config.get(key))]
    named += [(f"checks.{name}", table(row))
              for name, row in table(check.config.get("checks")).items()]
    for where, row in named:
        for group in listed(row.get("processes")):
            if group not in check.groups:
                check.say(f"{where}.processes", f"there is no process group {group!r}",
                          "use one of " + " ".join(check.groups))


def strategy(check):
    chosen = table(check.config.get("deploy")).get("strategy", "rolling")
    if chosen not in STRATEGIES:
        check.say("deploy.strategy", f"there is no strategy {chosen!r}",
                  "use one of " + " ".join(STRATEGIES))
    if chosen in ("canary", "bluegreen") and rows(check.config.get("mounts")):
        check.say("deploy.strategy", f"{chosen} is refused where there is a volume",
                  'write "rolling"')
    has_check = any(rows(service.get(kind)) for _, service in check.services
                    for kind in ("checks", "http_checks", "tcp_checks"))
    if chosen == "bluegreen" and not has_check and not check.config.get("checks"):
        check.say("deploy.strategy", "bluegreen needs a health check", 'write "rolling"')


def gigabytes(value):
    match = re.fullmatch(r"(\d+)\s*(gb?)?", str(value).lower())
    return int(match.group(1)) if match else None


def mounts(check):
    seen = {}
    for row in rows(check.config.get("mounts")):
        for group in listed(row.get("processes")) or check.groups:
            seen[group] = seen.get(group, 0) + 1
        mount_values(check, row)
    for group, count in seen.items():
        if count > 1:
            check.say("mounts", f"group {group} has {count}", "a machine takes one volume only")


def mount_values(check, row):
    destination = row.get("destination", "")
    if destination in ("", "/") or not str(destination).startswith("/"):
        check.say("mounts.destination", f"{destination!r} is no place to mount", 'write "/data"')
    if not row.get("source"):
        check.say("mounts.source", "missing", "name the volume")
    for key, low, high in (("snapshot_retention", 1, 60), ("auto_extend_size_threshold", 50, 99)):
        value = row.get(key)
        if value is not None and not (isinstance(value, int) and low <= value <= high):
            check.say(f"mounts.{key}", f"must be {low} to {high}", f"it is {value!r}")
    for key, low, high in (("initial_size", 1, 500), ("auto_extend_size_increment", 1, 100),
                           ("auto_extend_size_limit", 1, 500)):
        if key in row and not low <= (gigabytes(row[key]) or 0) <= high:
            check.say(f"mounts.{key}", f"must be {low} to {high} GB", f"it is {row[key]!r}")
    if "auto_extend_size_threshold" in row:
        for key in ("auto_extend_size_increment", "auto_extend_size_limit"):
            if key not in row:
                check.say(f"mounts.{key}", "needed beside auto_extend_size_threshold",
                          f'write {key} = "1GB"')


def commands(check):
    named = list(table(check.config.get("processes")).items())
    named += [(f"deploy.{key}", table(check.config.get("deploy")).get(key))
              for key in ("release_command", "seed_command")]
    named += [("console_command", check.config.get("console_command"))]
    for name, command in named:
        if not isinstance(command, str):
            continue
        try:
            words = shlex.split(command)
        except ValueError as error:
            check.say(name, f"cannot be split into words ({error})", "close the quotes")
            continue
        if any(word in ("|", "&&", "||", ">", "<", ";") for word in words):
            check.say(name, "no shell runs it", "wrap it: sh -c '…'")
    release = table(check.config.get("deploy")).get("release_command")
    if release:
        check.say("deploy.release_command", "it runs on a machine without the volume, appended to "
                  "the entrypoint", "remove it: nothing has to be prepared before a release")


def bypasses(check):
    for key in ("exec", "entrypoint"):
        if table(check.config.get("experimental")).get(key) is not None:
            check.say(f"experimental.{key}", "replaces the image's entrypoint, the supervisor",
                      "remove it; the command is under [processes]")
    for row in rows(check.config.get("files")):
        if "raw_value" in row:
            check.say("files.raw_value", "flyctl and Fly do not agree whether it is encoded",
                      "use local_path or secret_name")


def signals(check):
    signal = check.config.get("kill_signal", "SIGINT")
    if signal not in SIGNALS:
        check.say("kill_signal", f"there is no {signal!r}", "use one of " + " ".join(SIGNALS))
    elif signal not in ("SIGINT", "SIGTERM"):
        check.say("kill_signal", f"{signal} does not ask Hardshell to stop", 'write "SIGTERM"')
    timeout = check.config.get("kill_timeout")
    value = timeout if isinstance(timeout, int) else seconds(timeout)
    if timeout is not None and value is None:
        check.say("kill_timeout", f"{timeout!r} is no duration", 'write "30s"')
    elif timeout is not None and value > 300:
        check.say("kill_timeout", "over 300s is not granted", 'write "300s" or less')
    elif value is None or value < 10:
        check.say("kill_timeout", "under 10s a turn that is being answered is cut off (Fly's own "
                  "default is 5s)", 'write "30s"')


def stop_budget(check):
    budget = table(check.config.get("env")).get("HARDSHELL_STOP_BUDGET_MS")
    timeout = check.config.get("kill_timeout", 5)
    granted = timeout if isinstance(timeout, int) else seconds(timeout)
    if budget is not None and not str(budget).isdigit():
        check.say("env.HARDSHELL_STOP_BUDGET_MS", f"{budget!r} is no number of milliseconds",
                  'write "25000"')
    elif budget is not None and granted and int(budget) > 1000 * granted - 500:
        check.say("env.HARDSHELL_STOP_BUDGET_MS", f"{budget} ms do not fit into kill_timeout "
                  f"({granted:g} s)", "give kill_timeout some seconds more")


def memory(check):
    for row in rows(check.config.get("vm")):
        size = re.fullmatch(r"(shared)-cpu-(\d+)x|(performance)-(\d+)x",
                            str(row.get("size", "shared-cpu-1x")))
        if not size:
            check.say("vm.size", f"there is no size {row.get('size')!r}", 'write "shared-cpu-1x"')
            continue
        kind = str(row.get("cpu_kind") or size.group(1) or size.group(3))
        cpus = row.get("cpus") or int(size.group(2) or size.group(4))
        if kind not in SIZES or cpus not in CPUS[kind]:
            check.say("vm.cpus", f"there is no machine with {cpus} {kind} CPUs",
                      'write size = "shared-cpu-1x"')
            continue
        wanted = row.get("memory", row.get("memory_mb"))
        if wanted is not None:
            memory_value(check, wanted, [limit * cpus for limit in SIZES[kind]])


def memory_value(check, wanted, limits):
    match = re.fullmatch(r"(\d+)\s*(mb|m|gb|g)?", str(wanted).lower())
    size = int(match.group(1)) * (1024 if (match.group(2) or "").startswith("g") else 1) \
        if match else 0
    if size % 256 or not limits[0] <= size <= limits[1]:
        check.say("vm.memory", f"{wanted!r} is not granted",
                  f"use a multiple of 256mb from {limits[0]}mb to {limits[1]}mb")


def environment(check):
    for name, value in table(check.config.get("env")).items():
        if name.startswith("FLY_"):
            check.say(f"env.{name}", "names with FLY_ are Fly's own", "choose another")
        if SECRET.search(name):
            check.say(f"env.{name}", "a secret in a file that is shared",
                      f"fly secrets set {name}=…")
        if not isinstance(value, str):
            check.say(f"env.{name}", "must be a text", "put it in quotes")


def restart(check):
    for row in rows(check.config.get("restart")):
        if row.get("policy") not in POLICIES:
            check.say("restart.policy", f"there is no {row.get('policy')!r}",
                      "use one of " + " ".join(POLICIES))
        elif row["policy"] == "never":
            check.say("restart.policy", "never: the first failure is the last",
                      'write "on-failure"')


# What is right for Fly and wrong for an assistant.

def words_of(check):
    """(group, its words, the port it listens on) of every group that runs the gateway."""
    variable = table(check.config.get("env")).get("OPENCLAW_GATEWAY_PORT")
    for group, command in (table(check.config.get("processes")) or {"app": IMAGE_COMMAND}).items():
        try:
            words = shlex.split(command) if isinstance(command, str) else []
        except ValueError:
            continue
        if "gateway" in words:
            yield group, words, option(words, "--port") or str(variable or DEFAULT_PORT)


def option(words, name):
    for index, word in enumerate(words):
        if word == name and index + 1 < len(words):
            return words[index + 1]
        if word.startswith(name + "="):
            return word[len(name) + 1:]
    return None


def gateway_command(check):
    for group, words, port in words_of(check):
        where = f"processes.{group}"
        if "--allow-unconfigured" not in words:
            check.say(where, "without --allow-unconfigured an empty volume is refused by stock "
                      "OpenClaw, over and over", "add --allow-unconfigured")
        if option(words, "--bind") not in ("lan", "auto"):
            check.say(where, "the gateway listens on loopback only, where neither the proxy nor "
                      "`fly proxy` reaches it", "add --bind lan")
        ports = [row.get("internal_port") for _, row in check.services
                 if not listed(row.get("processes")) or group in listed(row.get("processes"))]
        ports += [row.get("port") for row in table(check.config.get("checks")).values()
                  if isinstance(row, dict) and "port" in row]
        for other in ports:
            if other is None:
                check.say("internal_port", "missing in a service", f"write internal_port = {port}")
            elif str(other) != port:
                check.say(where, f"listens on {port}, but the service or check asks {other}",
                          f"use one port, for example --port {other}")


def state_on_the_volume(check):
    place = table(check.config.get("env")).get("OPENCLAW_STATE_DIR")
    place = place if place is None else str(place)
    destinations = [str(row.get("destination", "")) for row in rows(check.config.get("mounts"))]
    if not destinations:
        check.say("mounts", "without a volume every deploy forgets everything",
                  'add [mounts] source = "openclaw_data", destination = "/data"')
    elif place is None:
        check.say("env.OPENCLAW_STATE_DIR", "missing: the state would lie on the machine's own "
                  "disk, which a deploy replaces", f'write "{destinations[0]}"')
    elif not any((place + "/").startswith(one.rstrip("/") + "/") for one in destinations):
        check.say("env.OPENCLAW_STATE_DIR", f"{place} is not on the volume",
                  f'write "{destinations[0]}"')


def stays_up(check):
    for where, service in check.services:
        stop = service.get("auto_stop_machines")
        if stop in ("stop", "suspend", True):
            check.say(f"{where}.auto_stop_machines", f"{stop!r}: messages of chat channels are no "
                      "traffic for the proxy, the assistant would fall silent", 'write "off"')
        for kind in ("checks", "http_checks"):
            for one in rows(service.get(kind)):
                health_path(check, f"{where}.{kind}", one)
    for name, one in table(check.config.get("checks")).items():
        health_path(check, f"checks.{name}", table(one))


def health_path(check, where, one):
    if one.get("path") in ("/readyz", "/ready"):
        check.say(f"{where}.path", "/readyz fails while any channel is down, and then nobody "
                  "reaches the page that would tell why", 'write "/startupz"')


RULES = (known_keys, has_app, primary_region, arrays_of_tables, durations, service_check_limits,
         top_level_checks, groups, strategy, mounts, commands, bypasses, signals, stop_budget, memory,
         environment, restart, gateway_command, state_on_the_volume, stays_up)


def findings(text):
    """What is wrong with the text of a fly.toml, a line each. Raises tomllib.TOMLDecodeError."""
    return Check(tomllib.loads(text)).run()


def main(paths):
    if not paths:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    worst = 0
    for path in paths:
        try:
            with open(path, encoding="utf-8") as file:
                found = findings(file.read())
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            print(f"{path}: cannot be read: {error}", file=sys.stderr)
            worst = 2
            continue
        for line in found:
            print(f"{path}: {line}")
        if found:
            worst = max(worst, 1)
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
