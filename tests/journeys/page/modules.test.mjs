// The page's own parts, each alone, in the browser that will run them.

import assert from 'node:assert/strict';
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
    const exports = await page.evaluateHandle((path) => import(path), `/assets/${module}`);
    return exports.evaluate(action, argument);
}

describe('markdown', () => {
    const parse = (text) => within('markdown.js', ({ parse: read }, value) => read(value), text);
    const inline = async (text) => (await parse(text))[0].children;
    const plain = (text) => ({ kind: 'text', text });

    for (const [name, text, expected] of [
        ['bold', 'a **b** c', [plain('a '), { kind: 'bold', children: [plain('b')] }, plain(' c')]],
        ['code', 'a `**b**`', [plain('a '), { kind: 'code', text: '**b**' }]],
        ['lone stars', '2 ** 3 ** 4', [plain('2 ** 3 ** 4')]],
        ['a lone tick', 'it`s', [plain('it`s')]],
        [
            'a link',
            '[x](https://e.org/)',
            [{ kind: 'link', href: 'https://e.org/', children: [plain('x')] }],
        ],
        ['a script as link', '[x](javascript:alert)', [plain('[x](javascript:alert)')]],
        ['data as link', '[x](data:text/html,x)', [plain('[x](data:text/html,x)')]],
        [
            'an address that ends a sentence',
            'See http://e.org/a.',
            [
                plain('See '),
                { kind: 'link', href: 'http://e.org/a', children: [plain('http://e.org/a')] },
                plain('.'),
            ],
        ],
    ])
        test(`reads ${name}`, async () => assert.deepEqual(await inline(text), expected));

    test('code runs to its fence, or to the end while it is being written', async () => {
        const block = { kind: 'code_block', language: 'js', text: 'a\n\n# b' };
        assert.deepEqual(await parse('```js\na\n\n# b\n```'), [block]);
        assert.deepEqual(await parse('```js\na\n\n# b'), [block]);
    });

    test('lists and paragraphs stay apart', async () => {
        const kinds = (await parse('a\nb\n\n- c\n- d\n1. e\n\n# f')).map(({ kind }) => kind);
        assert.deepEqual(kinds, ['paragraph', 'bullets', 'numbers', 'heading']);
    });

    test('hostile text takes no longer than its length allows', async () => {
        const slowest = await within('markdown.js', ({ parse: read }) => {
            const pieces = [
                '`',
                '``',
                '*',
                '**a',
                '[',
                '[a](',
                '[a](b',
                'http://',
                '# ',
                '- ',
                '``` ',
                ' ',
            ];
            return Math.max(
                ...pieces.map((piece) => {
                    const begin = performance.now();
                    read(piece.repeat(50_000 / piece.length));
                    read(`${piece.repeat(50_000 / piece.length)}x y`);
                    return performance.now() - begin;
                }),
            );
        });
        assert.ok(slowest < 3_000, `${slowest} ms`);
    });
});

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
                    { type: 'toolCall', name: 'exec', arguments: { command: 'ls' } },
                ],
                timestamp: 3,
            },
            { role: 'toolResult', toolName: 'exec', content: 'files', isError: true, timestamp: 4 },
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
            items.map(({ kind, state, text, title, error }) => [
                kind,
                state ?? title,
                error ?? text,
            ]),
            [
                ['user', 'sent', 'plain'],
                ['user', 'sent', 'see\n[image]'],
                ['assistant', 'done', 'Yes'],
                ['tool', 'Used exec', '{\n  "command": "ls"\n}'],
                ['tool', 'Error of exec', 'files'],
                ['assistant', 'failed', 'no key'],
                ['assistant', 'stopped', 'Half'],
            ],
        );
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
