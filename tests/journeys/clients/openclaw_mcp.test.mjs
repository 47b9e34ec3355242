// openclaw-mcp of the npm registry, which makes an assistant a tool of other assistants: over HTTP,
// started as its users start it.
//
// Without the package (`npm ci` in this folder, which needs the npm registry) everything is skipped
// with exit code 77.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { answer, ClientGateway } from './gateway.mjs';
import { packageOrSkip } from './package_or_skip.mjs';

const { Client } = await packageOrSkip('@modelcontextprotocol/sdk/client/index.js');
const { StdioClientTransport } = await packageOrSkip('@modelcontextprotocol/sdk/client/stdio.js');
const program = fileURLToPath(new URL('./node_modules/openclaw-mcp/dist/index.js', import.meta.url));

const gateway = new ClientGateway();
const clients = [];

before(() => gateway.start());
after(async () => {
    for (const client of clients) await client.close();
    await gateway.remove();
});

async function clientWith(token) {
    const client = new Client({ name: 'journey', version: '1.0.0' });
    await client.connect(
        new StdioClientTransport({
            command: process.execPath,
            args: [program],
            env: {
                PATH: process.env.PATH,
                OPENCLAW_URL: gateway.url,
                OPENCLAW_GATEWAY_TOKEN: token,
                OPENCLAW_MODEL: 'openclaw',
            },
            stderr: 'ignore',
        }),
    );
    clients.push(client);
    return client;
}

async function call(client, name, args = {}) {
    const { content, isError } = await client.callTool({ name, arguments: args });
    return { text: content.map(({ text }) => text).join('\n'), isError: Boolean(isError) };
}

test('it finds the gateway well', async () => {
    const { text, isError } = await call(await clientWith(gateway.token), 'openclaw_status');
    assert.ok(!isError, text);
    assert.match(text, /"status": "ok"/);
});

test('a chat is answered, in the session it names', async () => {
    const client = await clientWith(gateway.token);
    const session_id = 'agent:main:mcp';
    const { text, isError } = await call(client, 'openclaw_chat', { message: 'Hi.', session_id });
    assert.ok(!isError, text);
    assert.ok(text.includes(answer), text);
    const listed = await gateway.run('sessions', '--json');
    assert.ok(listed.includes(session_id), listed);
});

test('a wrong token is told as such', async () => {
    const client = await clientWith('a wrong token');
    const { text, isError } = await call(client, 'openclaw_chat', { message: 'Hi.' });
    assert.ok(isError, text);
    assert.match(text, /401|[Uu]nauthorized|[Aa]uthenticat/);
});
