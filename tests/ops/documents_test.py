#!/usr/bin/env python3
"""What the documents point at is there: files, commands, and the tests that the README names."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *ROOT.glob("fly/*.md"), *ROOT.glob("ops/*.md"),
             *ROOT.glob("ops/runbooks/*.md")]
TABLE = (ROOT / "workers/cli/commands_table.cpp").read_text()
COMMANDS = set(re.findall(r'\{"([a-z -]+)",\s*"', TABLE[TABLE.index("command_rows[]"):]))


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
