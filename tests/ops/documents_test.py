#!/usr/bin/env python3
"""What the documents point at is there: files, commands, and the tests that the README names. What
they let an owner type is what today's flyctl takes."""

import pathlib
import re
import shlex
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *ROOT.glob("fly/*.md"), *ROOT.glob("ops/*.md"),
             *ROOT.glob("ops/runbooks/*.md")]
TABLE = (ROOT / "workers/cli/commands_table.cpp").read_text()
COMMANDS = set(re.findall(r'\{"([a-z -]+)",\s*"', TABLE[TABLE.index("command_rows[]"):]))

# Each command of flyctl that the documents use, its operands, and the options they give it: `=` takes
# a value. `--app` is known to all.
FLY = """
auth login
apps create NAME
apps open
checks list
config validate
dashboard metrics --grafana
deploy --config= --ha= --image= --no-public-ips
logs --no-tail
machine clone ID --attach-volume=
machine destroy ID
machine list
machine restart ID
machine start ID
machine status ID
machine stop ID
machine update ID --command=
proxy PORTS
releases --image
scale count N
scale memory MB
secrets set PAIR PAIR
secrets unset NAME
sftp shell
ssh console --command= --machine=
volumes create NAME --region= --size= --snapshot-id= --yes
volumes destroy ID
volumes extend ID --size=
volumes list
volumes snapshots list ID
volumes snapshots create ID
"""
SHORT = {"-C": "--command", "-s": "--size", "-a": "--app"}
# What does not work, and why, is the subject of this page.
WRONG_ON_PURPOSE = {"write-a-file-over-ssh.md": ("echo … >", "cat a \\|")}


def fly_table():
    """command: (the most operands, {option: whether it takes a value})"""
    table = {}
    for line in FLY.strip().splitlines():
        words = line.split()
        options = {word.rstrip("="): word.endswith("=") for word in words if word.startswith("--")}
        options["--app"] = True
        operands = sum(word.isupper() for word in words)
        table[" ".join(w for w in words if w.islower() and not w.startswith("--"))] = (operands,
                                                                                     options)
    return table


def fly_lines(document):
    """Whole lines of its blocks, and what stands between backquotes."""
    text = document.read_text()
    typed = re.findall(r"^ *(fly [^\n]+)$", text, re.M) + re.findall(r"`(fly [^`]+)`", text)
    # `fly volume: …` is what the doctor says.
    return [line for line in typed if not re.match(r"fly \w+:", line) and
            not any(wrong in line for wrong in WRONG_ON_PURPOSE.get(document.name, ()))]


def what_is_wrong(line):
    """With one command as an owner types it; None when nothing is."""
    line = re.sub(r"<[a-z ]+>|\$\([^)]*\)", "ONE", line)
    words = shlex.split(line, comments=True)[1:]
    table = fly_table()
    name = next((" ".join(words[:n]) for n in (3, 2, 1) if " ".join(words[:n]) in table), None)
    if name is None:
        return "no such command"
    most, options = table[name]
    rest = words[len(name.split()):]
    operands = 0
    while rest:
        word = rest.pop(0)
        if word.startswith("<"):  # a file goes in
            continue
        option, _, value = word.partition("=")
        option = SHORT.get(option, option)
        if not option.startswith("-"):
            operands += 1
        elif option not in options:
            return f"no option {option}"
        elif options[option] and not value:
            if not rest:
                return f"{option} without a value"
            value = rest.pop(0)
        if option == "--command" and name == "ssh console" and not value.startswith("sh -c "):
            if re.search(r"[|<>;&*$]", value.replace("ONE", "")):
                return "no shell reads what is behind -C"
    return f"more than {most} operands" if operands > most else None


class Documents(unittest.TestCase):
    def test_their_links_lead_somewhere(self):
        for document in DOCUMENTS:
            for target in re.findall(r"\]\(([^)#\s]+)", document.read_text()):
                with self.subTest(document=document.name, target=target):
                    self.assertTrue("://" in target or (document.parent / target).exists())

    def test_their_commands_exist(self):
        self.assertIn("gateway usage-cost", COMMANDS)
        for document in [*DOCUMENTS, ROOT / "ops/alerts/hardshell.yml"]:
            for words in re.findall(r"hardshell ([a-z-]+(?: [a-z-]+)?)", document.read_text()):
                with self.subTest(document=document.name, words=words):
                    self.assertTrue(words in COMMANDS or words.split()[0] in COMMANDS)

    def test_their_commands_of_fly_are_those_of_today(self):
        lines = [(document.name, line) for document in DOCUMENTS for line in fly_lines(document)]
        self.assertGreater(len(lines), 40)
        for document, line in lines:
            with self.subTest(document=document, line=line):
                self.assertIsNone(what_is_wrong(line))
        for old in ("fly doctor", "fly deploy --rollback", "fly logs --no-pager", "fly volumes list x",
                    'fly ssh console -C "cat a | grep b"', "fly volumes extend ONE -s"):
            self.assertIsNotNone(what_is_wrong(old), old)

    def test_the_guide_of_the_readme_comes_in_order(self):
        text = (ROOT / "README.md").read_text()
        block = re.search(r"```sh\n(fly .*?)```", text, re.S).group(1)
        steps = ("auth login", "apps create", "volumes create", "secrets set", "deploy",
                 "doctor --fly", "dashboard", "devices approve")
        places = [block.find(step) for step in steps]
        self.assertNotIn(-1, places)
        self.assertEqual(places, sorted(places))

    def test_the_tests_of_the_readme_exist(self):
        text = (ROOT / "README.md").read_text()
        written = {".".join(found) for file in (ROOT / "tests").glob("*/*_test.cpp")
                   for found in re.findall(r"^TEST(?:_F|_P)?\((\w+), (\w+)\)", file.read_text(), re.M)}
        named = re.findall(r"`([A-Z]\w+\.[A-Z]\w+)`", text)
        self.assertGreater(len(named), 10)
        self.assertEqual(set(named) - written, set())
        for path in re.findall(r"`((?:tests|ops|fly)/[\w./-]+)`", text):
            self.assertTrue((ROOT / path).exists(), path)


if __name__ == "__main__":
    unittest.main()
