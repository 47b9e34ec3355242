// openclaw-node of the npm registry, a client that others have written, over the WebSocket.
//
// Without the package (`npm ci` in this folder, which needs the npm registry) everything is skipped
// with exit code 77.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { until } from '../page/support/until.mjs';
import { answer, ClientGateway } from './gateway.mjs';
import { packageOrSkip } from './package_or_skip.mjs';

const { OpenClawClient } = await packageOrSkip('openclaw-node');
const later = await packageOrSkip('openclaw-node-later');
// Node.js has one of its own from version 22 on, which this client takes for granted.
globalThis.WebSocket ??= (await packageOrSkip('ws')).WebSocket;

const gateway = new ClientGateway();
let home;
let client;

before(async () => {
    await gateway.start();
    home = await mkdtemp(join(tmpdir(), 'hardshell-client-home-'));
    client = clientWith(gateway.token);
});
after(async () => {
    await client?.disconnect();
    await gateway.remove();
    if (home) await rm(home, { recursive: true, force: true });
});

function clientWith(token, Kind = OpenClawClient) {
    return new Kind({
        url: `ws://127.0.0.1:${gateway.port}`,
        token,
        deviceIdentityPath: join(home, 'device-identity.json'),
        autoReconnect: false,
    });
}

test('it connects with the token', async () => {
    const hello = await client.connect();
    assert.equal(hello.protocol, 3);
    assert.ok(client.isConnected);
    assert.equal((await client.health()).ok, true);
});

test('a chat is streamed and ends with the whole answer', async () => {
    const chunks = [];
    for await (const chunk of client.chat('Say parrot.', { sessionKey: 'main' })) chunks.push(chunk);
    assert.equal(chunks.at(-1).type, 'done');
    const pieces = chunks.filter(({ type }) => type === 'text');
    assert.ok(pieces.length > 1, 'it came in pieces');
    assert.equal(pieces.map(({ text }) => text).join(''), answer);
});

test('chat.send is told by its events', async () => {
    const seen = [];
    const note = ({ event, payload }) => event === 'chat' && seen.push(payload);
    client.on('event', note);
    const params = { sessionKey: 'main', message: 'Say it again.', idempotencyKey: 'run-2' };
    const started = await client.request('chat.send', params);
    assert.equal(started.payload.runId, 'run-2');
    const final = await until('the answer is there', () =>
        seen.find(({ runId, state }) => runId === 'run-2' && state === 'final'),
    );
    client.off('event', note);
    assert.equal(final.message.content[0].text, answer);
    assert.ok(
        seen.some(({ state }) => state === 'delta'),
        'and it was shown while it grew',
    );
});

test('it lists the session and reads what was said', async () => {
    const { sessions } = await client.sessions.list();
    assert.deepEqual(
        sessions.map(({ key }) => key),
        ['agent:main:main'],
    );
    const { messages } = await client.sessions.history('main');
    assert.deepEqual(
        messages.map(({ role }) => role),
        ['user', 'assistant', 'user', 'assistant'],
    );
});

test('what it may not do is refused by name', async () => {
    await assert.rejects(client.sessions.delete('agent:main:main'), /operator\.admin/);
});

// The error that a client is told before its connection ends.
async function refusalOf(stranger) {
    stranger.on('error', () => {});
    const refused = once(stranger, 'protocol:response');
    const gone = once(stranger, 'disconnected');
    stranger.connect().catch(() => {});
    const [response] = await refused;
    await gone;
    assert.equal(response.ok, false);
    assert.ok(!stranger.isConnected);
    return response.error;
}

test('a wrong token does not get in', async () => {
    const { message } = await refusalOf(clientWith('a wrong token'));
    assert.match(message, /unauthorized/);
});

// Its author's later versions speak protocol 4 only.
test('a client of another protocol is told which one is spoken here', async () => {
    const { message, details } = await refusalOf(clientWith(gateway.token, later.OpenClawClient));
    assert.match(message, /protocol mismatch/);
    assert.equal(details.expectedProtocol, 3);
});
