// discord.js, as bots use it, against the double of Discord that the worker is tested with.
//
// Without the package (`npm ci` in this folder, which needs the npm registry) everything is skipped
// with exit code 77.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { DiscordDouble } from './double.mjs';

await import('discord.js').catch((error) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    console.error('skipped: the package discord.js is not installed; run `npm ci` in this folder');
    process.exit(77);
});

const token = 'MTAwMDAwMDAwMDAwMDAwMDAx.double.token-of-the-double-000000000';
const general = '400000000000000001';
const ann = '200000000000000001';
const patience = 90_000; // milliseconds; loading discord.js alone can take a busy machine a while

const discord = new DiscordDouble();
let client;

class Client {
    constructor() {
        this.process = spawn(
            process.execPath,
            [new URL('client.mjs', import.meta.url).pathname, discord.api, token],
            {
                stdio: ['pipe', 'pipe', 'inherit'],
                env: { ...process.env, NODE_EXTRA_CA_CERTS: discord.certificate },
            },
        );
        this.seen = [];
        this.waiting = [];
        createInterface({ input: this.process.stdout }).on('line', (line) => {
            this.seen.push(JSON.parse(line));
            this.waiting.splice(0).forEach((wake) => wake());
        });
    }
    do(verb, data) {
        this.process.stdin.write(`${JSON.stringify({ verb, ...data })}\n`);
    }
    // The next event of that name; those before it are passed over.
    async next(name) {
        let late = false;
        const timer = setTimeout(() => {
            late = true;
            this.waiting.splice(0).forEach((wake) => wake());
        }, patience);
        try {
            return await this.look(name, () => late);
        } finally {
            clearTimeout(timer);
        }
    }
    forget(name) {
        this.seen = this.seen.filter(({ event }) => event !== name);
    }
    async look(name, isLate) {
        for (;;) {
            const index = this.seen.findIndex(({ event }) => event === name);
            if (index >= 0) return this.seen.splice(index, 1)[0];
            const failed = this.seen.find(({ event }) => event === 'failed');
            assert.equal(failed, undefined, JSON.stringify(failed));
            assert.ok(!isLate(), `no "${name}" but ${JSON.stringify(this.seen)}`);
            await new Promise((wake) => this.waiting.push(wake));
        }
    }
}

before(async () => {
    await discord.start();
    client = new Client();
});
after(() => {
    client.process.stdin.end();
    discord.stop();
});

test('logs in', async () => {
    const ready = await client.next('ready');
    assert.equal(ready.id, '100000000000000001');
    assert.equal((await discord.counts()).identifies, 1);
});

test('hears what people write', async () => {
    await discord.ask(`say ${general} ${ann} good morning`);
    const message = await client.next('message');
    assert.equal(message.text, 'good morning');
    assert.equal(message.author, ann);
});

test('writes, with a nonce only once', async () => {
    client.do('send', { channel: general, text: 'hello' });
    await client.next('sent');
    client.do('send', { channel: general, text: 'once', nonce: '12345' });
    const first = await client.next('sent');
    client.do('send', { channel: general, text: 'once', nonce: '12345' });
    assert.equal((await client.next('sent')).id, first.id);
    assert.deepEqual(await discord.written(general), ['hello', 'once']);
    client.do('edit', { channel: general, id: first.id, text: 'changed' });
    assert.equal((await client.next('edited')).text, 'changed');
    client.do('react', { channel: general, id: first.id, emoji: '👍' });
    await client.next('reacted');
    client.do('type', { channel: general });
    await client.next('typed');
});

test('opens a direct chat and sends a file', async () => {
    client.do('direct', { user: ann, text: 'psst' });
    const { channel } = await client.next('sent');
    assert.deepEqual(await discord.written(channel), ['psst']);
    client.do('upload', { channel: general, text: 'here' });
    assert.deepEqual((await client.next('sent')).files, [{ name: 'a.txt', size: 7 }]);
});

test('resumes when asked to reconnect, and misses nothing', async () => {
    discord.tell('reconnect');
    await discord.ask(`say ${general} ${ann} in between`);
    await client.next('resumed');
    for (;;) {
        const { text } = await client.next('message');
        if (text === 'in between') break;
    }
    const { identifies, resumes } = await discord.counts();
    assert.equal(identifies, 1);
    assert.ok(resumes >= 1);
});

test('resumes after a cut connection', async () => {
    discord.tell('drop');
    await client.next('resumed');
    assert.equal((await discord.counts()).identifies, 1);
});

test('begins anew when the session is gone', async () => {
    client.forget('began');
    discord.tell('close 4009');
    await client.next('began');
    assert.equal((await discord.counts()).identifies, 2);
    await discord.ask(`say ${general} ${ann} here again`);
    while ((await client.next('message')).text !== 'here again');
});

test('keeps to the limits that it is told', async () => {
    for (let i = 0; i < 12; ++i) client.do('send', { channel: general, text: `m${i}` });
    for (let i = 0; i < 12; ++i) await client.next('sent');
    const written = (await discord.written(general)).filter((text) => /^m\d+$/.test(text));
    assert.equal(written.length, 12);
});
