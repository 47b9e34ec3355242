#!/usr/bin/env node
// Reads fly/Dockerfile as a builder does and refuses what a builder would, or would regret.
//   node tests/fly/dockerfile/lint.mjs [FILE]
// Needs `npm ci` in this folder, done by ops/test.sh; without it the test is skipped and says so.

import {existsSync, readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
if (!existsSync(here + 'node_modules/dockerfile-utils')) {
  console.log('skipped: npm ci was not run in tests/fly/dockerfile');
  process.exit(77);
}
const {validate, ValidationSeverity} = await import('dockerfile-utils');
const {DockerfileParser} = await import('dockerfile-ast');

// What the image must be like, beside being understood. `stage`: the last of these instructions.
const rules = [
  ['the context is copied only where it is compiled', (file) =>
    file.instructions.filter((one) => one.keyword === 'COPY' && !/--from=/.test(one.text))
      .every((one) => file.stageOf(one) === 'build')],
  ['an installation recommends nothing and leaves no lists', (file) =>
    file.of('hardshell', 'RUN').filter((text) => text.includes('apt-get install'))
      .every((text) => text.includes('--no-install-recommends') &&
                       text.includes('rm -rf /var/lib/apt/lists/*'))],
  ['the gateway is asked to stop by SIGTERM', (file) =>
    file.of('hardshell', 'STOPSIGNAL').join() === 'STOPSIGNAL SIGTERM'],
  ['it has one health check, entrypoint and command, without a shell', (file) =>
    ['HEALTHCHECK', 'ENTRYPOINT', 'CMD'].every((keyword) => {
      const found = file.of('hardshell', keyword);
      return found.length === 1 && found[0].includes('["');
    })],
  ['no secret is among its variables', (file) =>
    file.instructions.filter((one) => ['ENV', 'ARG'].includes(one.keyword))
      .every((one) => !/(TOKEN|KEY|PASSWORD|SECRET)/i.test(one.text))],
  ['nothing is fetched by ADD', (file) =>
    file.instructions.every((one) => one.keyword !== 'ADD')],
];

function read(text) {
  let stage = '';
  const stages = new Map();
  const instructions = DockerfileParser.parse(text).getInstructions().map((one) => {
    const whole = one.getTextContent();
    const keyword = one.getKeyword();
    if (keyword === 'FROM') stage = (/ AS (\S+)/i.exec(whole) ?? [])[1] ?? '';
    const instruction = {keyword, text: whole};
    stages.set(instruction, stage);
    return instruction;
  });
  return {
    instructions,
    stageOf: (one) => stages.get(one),
    of: (name, keyword) => instructions
      .filter((one) => one.keyword === keyword && stages.get(one) === name)
      .map((one) => one.text),
  };
}

function complaints(text) {
  const found = validate(text).map((one) =>
    `line ${one.range.start.line + 1}: ${one.message}` +
    (one.severity === ValidationSeverity.WARNING ? ' (warning)' : ''));
  const file = read(text);
  for (const [what, holds] of rules) if (!holds(file)) found.push(`not so: ${what}`);
  return found;
}

const path = process.argv[2] ?? here + '../../../fly/Dockerfile';
const text = readFileSync(path, 'utf8');
const found = complaints(text);
for (const one of found) console.error(`${path}: ${one}`);

// A check that finds nothing in a bad file checks nothing.
const spoilt = [
  [text.replace('STOPSIGNAL SIGTERM', 'STOPSIGNAL SIGKILL'), 'SIGTERM'],
  [text.replace('--no-install-recommends', ''), 'recommends nothing'],
  [text.replace('ENTRYPOINT ["hardshell"]', 'ENTRYPOINT hardshell'), 'without a shell'],
  [text.replace('ENV OPENCLAW', 'ENV OPENCLAW_GATEWAY_TOKEN=abc OPENCLAW'), 'no secret'],
  [text.replace('COPY --from=programs /out/ ', 'COPY . '), 'only where it is compiled'],
  [text.replace('EXPOSE 3000', 'EXPOZE 3000'), 'EXPOZE'],
];
for (const [bad, word] of process.argv[2] ? [] : spoilt) {
  if (bad !== text && complaints(bad).some((one) => one.includes(word))) continue;
  console.error(`a spoilt file passed: nothing was said of "${word}"`);
  found.push(word);
}
process.exit(found.length ? 1 : 0);
