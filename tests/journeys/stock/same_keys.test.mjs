// Scripts read what `openclaw … --json` prints: every key that the stock command line prints about
// this gateway, on the same machine, `hardshell …` prints as well.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { StockGateway } from './gateway.mjs';
import { StockClient } from './stock.mjs';

const gateway = new StockGateway();
const openclaw = new StockClient(gateway);

before(async () => {
    await gateway.start();
    await openclaw.open({ state: gateway.folder });
    // Something to list. The stock program would run the turn itself when it is too slow to connect.
    await gateway.run('agent', '--agent', 'main', '-m', 'Say parrot.', '--json');
    const schedule = ['--name', 'tea', '--every', '1h'];
    const what = ['--session', 'main', '--system-event', 'Tea time'];
    await openclaw.json('cron', 'add', ...schedule, ...what, '--json');
});
after(async () => {
    await openclaw.remove();
    await gateway.remove();
});

// "sessions[].key" of every member, whatever it holds.
function keys(value, path = '', found = new Set()) {
    if (Array.isArray(value)) for (const item of value) keys(item, `${path}[]`, found);
    else if (value && typeof value === 'object')
        for (const [name, item] of Object.entries(value)) {
            const place = path ? `${path}.${name}` : name;
            found.add(place);
            keys(item, place, found);
        }
    return found;
}

// Command, and what only the stock program has to tell.
const commands = [
    ['health --json'],
    ['channels status --json'],
    ['channels list --json --no-usage', /^auth\[\]|^chat\./],
    ['sessions --json'],
    ['cron list --json'],
    ['cron status --json'],
    ['devices list --json'],
    ['agents list --json', /providers/],
    ['system presence --json'],
    ['models list --json'],
    ['gateway usage-cost --json'],
];

for (const [line, theirsAlone = /^$/] of commands)
    test(`hardshell ${line} has the keys of openclaw ${line}`, async () => {
        const words = line.split(' ');
        const theirs = keys(await openclaw.json(...words));
        const ours = keys(JSON.parse(await gateway.run(...words)));
        const missing = [...theirs].filter((key) => !ours.has(key) && !theirsAlone.test(key));
        assert.deepEqual(missing, []);
    });
