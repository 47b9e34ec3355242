// The page's own parts, each alone, in the browser that will run them.

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { openBrowser, openPage } from './support/browser.mjs';
import { GatewayDouble } from './support/gateway_double.mjs';

const gateway = new GatewayDouble();
let browser;
let page;

before(async () => {
    await gateway.start();
    browser = await openBrowser();
    ({ page } = await openPage(browser, gateway.url));
});

after(async () => {
    await browser?.close();
    await gateway.stop();
});

// Runs `action` in the page with the module's exports.
async function within(module, action, argument) {
    const exports = await page.evaluateHandle((path) => import(path), `/source/${module}`);
    return exports.evaluate(action, argument);
}

// Texts that are written in the sources to be shown: t('…') and later('…').
async function textsOfThePage() {
    const folder = new URL('../../../workers/gateway/page/source/', import.meta.url);
    const texts = new Set();
    for (const name of await readdir(folder)) {
        if (!/\.jsx?$/.test(name)) continue;
        const source = await readFile(new URL(name, folder), 'utf8');
        for (const [, text] of source.matchAll(/\b(?:t|later)\(\s*'((?:[^'\\]|\\.)*)'/g))
            texts.add(text.replace(/\\'/g, "'"));
    }
    return [...texts];
}

describe('token', () => {
    const read = (address) =>
        within('token.js', ({ readAddress }, value) => readAddress(value), address);

    for (const [address, secret, left] of [
        ['http://h/#token=abc', 'abc', 'http://h/'],
        ['http://h/?token=abc', 'abc', 'http://h/'],
        ['http://h/?password=a%20b&session=s', 'a b', 'http://h/?session=s'],
        ['http://h/?token=query#token=fragment', 'fragment', 'http://h/'],
        ['http://h/chat#elsewhere', null, 'http://h/chat#elsewhere'],
        ['http://h/?token=', null, 'http://h/'],
    ])
        test(`reads ${address}`, async () => {
            const found = await read(address);
            assert.equal(found.secret, secret);
            assert.equal(found.address, left);
        });
});

describe('connection', () => {
    test('waits longer each time, up to fifteen seconds', async () => {
        const delays = await within('connection.js', ({ retryDelay }) =>
            Array.from({ length: 9 }, (_, attempt) => Math.round(retryDelay(attempt))),
        );
        assert.deepEqual(delays.slice(0, 4), [800, 1360, 2312, 3930]);
        assert.deepEqual(delays.slice(6), [15_000, 15_000, 15_000]);
    });

    test('a retry that is possible is not taken for a refusal', async () => {
        const states = await within('connection.js', async ({ Connection }) => {
            const seen = [];
            const socket = { send() {}, close() {} };
            const connection = new Connection({
                url: '',
                client: {},
                openSocket: () => socket,
                onState: (state) => seen.push(state),
            });
            socket.send = (frame) => {
                const { id } = JSON.parse(frame);
                const error = {
                    code: 'UNAVAILABLE',
                    message: 'the gateway is stopping',
                    retryable: true,
                };
                socket.onmessage({ data: JSON.stringify({ type: 'res', id, ok: false, error }) });
            };
            connection.start('secret');
            socket.onopen();
            const challenge = { type: 'event', event: 'connect.challenge', payload: {} };
            socket.onmessage({ data: JSON.stringify(challenge) });
            await new Promise((resolve) => setTimeout(resolve));
            connection.stop();
            return seen.map(({ name, reason }) => [name, reason]);
        });
        assert.deepEqual(states[1], [
            'waiting',
            'The gateway is not ready: the gateway is stopping',
        ]);
    });
});

describe('history', () => {
    const read = (messages) =>
        within('history.js', ({ readHistory }, value) => readHistory(value), messages);

    test('reads what the transcript may hold', async () => {
        const items = await read([
            { role: 'user', content: 'plain', timestamp: 1 },
            {
                role: 'user',
                content: [{ type: 'text', text: 'see' }, { type: 'image' }],
                timestamp: 2,
            },
            {
                role: 'assistant',
                content: [
                    { type: 'thinking', thinking: 'hm' },
                    { type: 'text', text: 'Yes' },
                    { type: 'toolCall', id: 'c1', name: 'exec', arguments: { command: 'ls' } },
                ],
                timestamp: 3,
            },
            {
                role: 'toolResult',
                toolCallId: 'c1',
                toolName: 'exec',
                content: 'files',
                isError: true,
                timestamp: 4,
            },
            { role: 'toolResult', toolName: 'lost', content: 'of no call', timestamp: 4 },
            {
                role: 'assistant',
                content: [],
                stopReason: 'error',
                errorMessage: 'no key',
                timestamp: 5,
            },
            { role: 'assistant', content: 'Half', stopReason: 'aborted' },
            { role: 'future', content: 'unknown' },
            null,
        ]);
        assert.deepEqual(
            items.map(({ kind, state, text, name, result, error }) => [
                kind,
                state,
                error ?? text ?? `${name}: ${result}`,
            ]),
            [
                ['user', 'sent', 'plain'],
                ['user', 'sent', 'see'],
                ['assistant', 'done', 'Yes'],
                ['tool', 'failed', 'exec: files'],
                ['tool', 'done', 'lost: of no call'],
                ['assistant', 'failed', 'no key'],
                ['assistant', 'stopped', 'Half'],
            ],
        );
        assert.deepEqual(items[3].args, { command: 'ls' });
    });

    test('shows pictures of known kinds only', async () => {
        const picture = (mimeType) => ({ type: 'image', mimeType, data: 'QUJD' });
        const [item] = await read([
            { role: 'user', content: [picture('image/png'), picture('image/svg+xml')] },
        ]);
        assert.deepEqual(item.pictures, ['data:image/png;base64,QUJD', null]);
    });

    test('keys stay the same from one reading to the next', async () => {
        const message = { role: 'user', content: 'twice', timestamp: 7 };
        const [first, second] = await read([message, message]);
        const [again] = await read([message]);
        assert.notEqual(first.key, second.key);
        assert.equal(first.key, again.key);
    });
});

describe('gateway facts', () => {
    const trouble = (health) =>
        within(
            'gateway_facts.js',
            (facts, value) => facts.partsTrouble(facts.readParts(value)),
            health,
        );
    const model = (status) =>
        within('gateway_facts.js', ({ readModel }, value) => readModel(value), status);

    test('names the parts that are not well', async () => {
        const workers = [
            { name: 'gateway', state: 'ready' },
            { name: 'agent', state: 'held' },
        ];
        assert.equal(await trouble({ workers }), 'agent held');
        assert.equal(await trouble({ workers: [] }), null);
        assert.equal(await trouble({}), null);
    });

    test('tells the demonstration from a model', async () => {
        assert.equal((await model({ model: 'demo/demo' })).isDemonstration, true);
        assert.equal((await model({ model: 'demonic/large' })).isDemonstration, false);
        const defaults = { model: 'openai/gpt-5' };
        assert.equal((await model({ sessions: { defaults } })).id, 'openai/gpt-5');
        assert.equal(await model(null), null);
    });
});

describe('the words', () => {
    test('every text of the page has its Chinese', async () => {
        const missing = await within(
            'chinese.js',
            ({ chinese }, texts) => texts.filter((text) => !chinese[text]),
            await textsOfThePage(),
        );
        assert.deepEqual(missing, []);
    });

    test('no Chinese is left without its text', async () => {
        const known = new Set(await textsOfThePage());
        const keys = await within('chinese.js', ({ chinese }) => Object.keys(chinese));
        assert.deepEqual(
            keys.filter((key) => !known.has(key)),
            [],
        );
    });

    test('a translation keeps the places for values', async () => {
        const wrong = await within('chinese.js', ({ chinese }) => {
            const places = (text) => (text.match(/\{\w+\}/g) ?? []).sort().join();
            return Object.entries(chinese)
                .filter(([text, shown]) => places(text) !== places(shown))
                .map(([text]) => text);
        });
        assert.deepEqual(wrong, []);
    });
});

describe('log lines', () => {
    const line = (worker, text, level = 'INFO') =>
        JSON.stringify({
            0: JSON.stringify({ subsystem: worker }),
            1: text,
            _meta: { logLevelName: level },
            time: '2026-01-02T03:04:05.000Z',
        });

    test('are read as the gateway writes them, and as they are otherwise', async () => {
        const read = (text) =>
            within('log_lines.js', ({ readLine }, value) => readLine(value, 1), text);
        const { worker, subsystem, tone, text } = await read(line('gateway/ws', '<b>', 'WARN'));
        assert.deepEqual([worker, subsystem, tone, text], ['gateway', 'gateway/ws', 'wait', '<b>']);
        assert.equal((await read('no JSON')).text, 'no JSON');
        assert.equal((await read('null')).text, 'null');
        assert.equal((await read('{"0":"[","1":5}')).text, '5');
    });

    test('are filtered by level and words', async () => {
        const found = (wanted) =>
            within(
                'log_lines.js',
                ({ readLine, filterLines }, [lines, value]) =>
                    filterLines(
                        lines.map((text, key) => readLine(text, key)),
                        value,
                    ).map(({ key }) => key),
                [[line('agent', 'one'), line('gateway', 'Two', 'ERROR')], wanted],
            );
        assert.deepEqual(await found({ level: '', search: '' }), [0, 1]);
        assert.deepEqual(await found({ level: 'WARN', search: '' }), [1]);
        assert.deepEqual(await found({ level: '', search: 'two' }), [1]);
        assert.deepEqual(await found({ level: '', search: 'agent' }), [0]);
    });

    test('are kept up to a limit, the newest', async () => {
        const [kept, first, last] = await within('log_lines.js', ({ joinLines, mostLines }) => {
            const lines = joinLines(
                [],
                Array.from({ length: mostLines + 5 }, (_, key) => ({ key })),
            );
            return [lines.length - mostLines, lines[0].key, lines.at(-1).key];
        });
        assert.deepEqual([kept, first, last], [0, 5, 10_004]);
    });
});

describe('the tree of the configuration', () => {
    const patch = (before, after) =>
        within(
            'config_tree.js',
            ({ patchBetween }, [one, other]) => patchBetween(one, other) ?? null,
            [before, after],
        );

    for (const [before, after, expected] of [
        [{ a: 1 }, { a: 1 }, null],
        [{ a: 1 }, { a: 2 }, { a: 2 }],
        [{ a: 1, b: 2 }, { a: 1 }, { b: null }],
        [{ a: { b: 1, c: 2 } }, { a: { b: 1, c: 3 } }, { a: { c: 3 } }],
        [{ a: [1] }, { a: [1, 2] }, { a: [1, 2] }],
        [{}, { a: { b: 1 } }, { a: { b: 1 } }],
    ])
        test(`from ${JSON.stringify(before)} to ${JSON.stringify(after)}`, async () =>
            assert.deepEqual(await patch(before, after), expected));

    test('a section that is left empty goes with its last value', async () => {
        const tree = await within('config_tree.js', ({ withValue }) => {
            const filled = withValue({}, ['a', 'b'], 1);
            return [filled, withValue(filled, ['a', 'b'], undefined), withValue({}, ['a', 'b'])];
        });
        assert.deepEqual(tree, [{ a: { b: 1 } }, { a: {} }, {}]);
    });

    test('a hint is found for a key of a map', async () => {
        const hints = { 'a.*.token': { sensitive: true } };
        const hint = await within(
            'config_tree.js',
            ({ hintFor }, value) => hintFor(value, ['a', 'ops', 'token']),
            hints,
        );
        assert.deepEqual(hint, { sensitive: true });
    });
});
