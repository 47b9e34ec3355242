// Hardshell against a mock server of model providers that is not ours: aimock answers in the forms
// of Anthropic Messages, OpenAI Responses and chat completions. That these are what the providers'
// own SDKs take is shown first.
//
// Without the packages (`npm ci` in this folder, which needs the npm registry), or with a Node
// before 20, everything is skipped with exit code 77.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { apis, ProvidersGateway } from './gateway.mjs';

function skip(why) {
    console.error(`skipped: ${why}`);
    process.exit(77);
}

async function packaged(name) {
    return import(name).catch((error) => {
        if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
        skip(`the package ${name} is not installed; run \`npm ci\` in this folder`);
    });
}

if (Number(process.versions.node.split('.')[0]) < 20) skip('aimock needs Node 20');
const { LLMock } = await packaged('@copilotkit/aimock');
const { default: Anthropic } = await packaged('@anthropic-ai/sdk');
const { default: OpenAI } = await packaged('openai');

const answer = 'Hello from a mock that is not ours: Grüße, Wält 😀, and good-bye.';
const mock = new LLMock({ port: 0, logLevel: 'silent', chunkSize: 9 });
let gateway;
let client;

before(async () => {
    await mock.start();
    gateway = new ProvidersGateway(mock);
    await gateway.start();
    client = new OpenAI({
        apiKey: gateway.token,
        baseURL: `${gateway.url}v1`,
        maxRetries: 0,
        timeout: 60_000,
    });
});
after(async () => {
    await gateway?.remove();
    await mock.stop();
});
beforeEach(() => {
    mock.clearFixtures();
    mock.clearRequests();
    mock.resetMatchCounts();
});

// As the owner's client asks an agent.
function say(agent, content, more = {}) {
    return { model: `openclaw:${agent}`, messages: [{ role: 'user', content }], ...more };
}
async function ask(agent, content) {
    const completion = await client.chat.completions.create(say(agent, content));
    return completion.choices[0].message.content;
}
// How often the mock was asked, and what it answered with.
function statuses() {
    return mock.getRequests().map(({ response }) => response.status);
}

test("the mock speaks what Anthropic's SDK takes", async () => {
    mock.onMessage(/hello/, { content: answer });
    mock.onMessage(/weather/, { toolCalls: [{ name: 'weather', arguments: '{"city":"Bonn"}' }] });
    const sdk = new Anthropic({ apiKey: 'x', baseURL: mock.url, maxRetries: 0 });
    const talk = (content) => ({
        model: 'claude-opus-4-5',
        max_tokens: 100,
        messages: [{ role: 'user', content }],
    });
    const message = await sdk.messages.stream(talk('hello')).finalMessage();
    assert.deepEqual(message.content, [{ type: 'text', text: answer }]);
    assert.equal(message.stop_reason, 'end_turn');
    const calls = await sdk.messages.stream(talk('weather')).finalMessage();
    assert.equal(calls.stop_reason, 'tool_use');
    assert.deepEqual(calls.content[0].input, { city: 'Bonn' });
    mock.clearFixtures().onMessage(/./, {
        error: { type: 'rate_limit_error', message: 'slow down' },
        status: 429,
    });
    await assert.rejects(sdk.messages.create(talk('hello')), Anthropic.RateLimitError);
});

test("the mock speaks what OpenAI's SDK takes", async () => {
    mock.onMessage(/hello/, { content: answer });
    mock.onMessage(/weather/, { toolCalls: [{ name: 'weather', arguments: '{"city":"Bonn"}' }] });
    const sdk = new OpenAI({ apiKey: 'x', baseURL: `${mock.url}/v1`, maxRetries: 0 });
    const talk = (content) => ({ model: 'gpt-4o', messages: [{ role: 'user', content }] });
    const completion = await sdk.chat.completions.stream(talk('hello')).finalChatCompletion();
    assert.equal(completion.choices[0].message.content, answer);
    const called = await sdk.chat.completions.stream(talk('weather')).finalChatCompletion();
    assert.equal(called.choices[0].message.tool_calls[0].function.arguments, '{"city":"Bonn"}');
    const asked = { model: 'gpt-4o', input: 'hello' };
    const response = await sdk.responses.stream(asked).finalResponse();
    assert.equal(response.output[0].content[0].text, answer);
    assert.equal(response.status, 'completed');
    mock.clearFixtures().onMessage(/./, { error: { message: 'no' }, status: 500 });
    await assert.rejects(sdk.responses.create({ model: 'gpt-4o', input: 'x' }), OpenAI.APIError);
});

for (const { agent, path } of apis) {
    test(`${agent}: a text is answered, in pieces, and counted`, async () => {
        mock.onMessage(/hello there/, {
            content: answer,
            reasoning: 'let me see',
            usage: {
                input_tokens: 12,
                output_tokens: 7,
                prompt_tokens: 12,
                completion_tokens: 7,
                total_tokens: 19,
            },
        });
        const stream = await client.chat.completions.create(
            say(agent, 'hello there', { stream: true, stream_options: { include_usage: true } }),
        );
        const pieces = [];
        let usage;
        for await (const chunk of stream) {
            pieces.push(chunk.choices[0]?.delta.content ?? '');
            usage = chunk.usage ?? usage;
        }
        assert.equal(pieces.join(''), answer);
        assert.equal(usage.total_tokens, 19);
        const requests = mock.getRequests();
        assert.deepEqual(
            requests.map((request) => request.path),
            [path],
        );
    });

    test(`${agent}: what a tool did is told to the model`, async () => {
        const text = `written for ${agent}`;
        const argumentsOf = JSON.stringify({ path: `${agent}.txt`, content: text });
        mock.on(
            { userMessage: /write it down/, hasToolResult: false },
            { content: 'At once.', toolCalls: [{ name: 'write', arguments: argumentsOf }] },
        );
        mock.on(
            { userMessage: /write it down/, hasToolResult: true },
            { content: 'It is written.' },
        );
        assert.match(await ask(agent, 'write it down'), /It is written\.$/);
        assert.deepEqual(statuses(), [200, 200]);
        const [first, second] = mock.getRequests().map(({ body }) => body);
        assert.ok(first.tools.some((tool) => tool.function.name === 'write'));
        const call = second.messages.find((message) => message.tool_calls)?.tool_calls[0];
        const result = second.messages.find(({ role }) => role === 'tool');
        assert.equal(call.function.name, 'write');
        assert.equal(result.tool_call_id, call.id);
        // The first agent is the default one.
        const workspace = agent === apis[0].agent ? 'workspace' : `workspace-${agent}`;
        const file = join(gateway.folder, workspace, `${agent}.txt`);
        assert.equal(await readFile(file, 'utf8'), text);
    });

    test(`${agent}: a limit is waited for as long as the provider asks`, async () => {
        const userMessage = /after a while/;
        const limit = { type: 'rate_limit_error', message: 'slow down' };
        mock.on({ userMessage, sequenceIndex: 0 }, { error: limit, status: 429, retryAfter: 3 });
        mock.on({ userMessage, sequenceIndex: 1 }, { content: 'Now.' });
        assert.equal(await ask(agent, 'after a while'), 'Now.');
        const [refused, answered] = mock.getRequests();
        assert.deepEqual(statuses(), [429, 200]);
        assert.ok(answered.timestamp - refused.timestamp >= 3000);
    });

    test(`${agent}: the next model answers when one fails, is overloaded or breaks off`, async () => {
        const failing = (userMessage, error, status) =>
            mock.on({ userMessage, model: 'model-1' }, { error, status });
        failing(/first/, { type: 'api_error', message: 'internal' }, 500);
        failing(/second/, { type: 'overloaded_error', message: 'Overloaded' }, 529);
        mock.on(
            { userMessage: /third/, model: 'model-1' },
            { content: answer },
            { truncateAfterChunks: 4, latency: 20 },
        );
        mock.on({ model: 'model-2' }, { content: 'I am here.' });
        for (const which of ['first', 'second', 'third']) {
            assert.equal(await ask(`${agent}-of-two`, which), 'I am here.', which);
            const asked = mock.getRequests().map((request) => [request.path, request.body.model]);
            assert.deepEqual(
                asked,
                [
                    [path, 'model-1'],
                    [path, 'model-2'],
                ],
                which,
            );
            mock.clearRequests();
        }
    });

    test(`${agent}: a failure of the only model is repeated`, async () => {
        const userMessage = /try again/;
        const error = { type: 'api_error', message: 'internal' };
        mock.on({ userMessage, sequenceIndex: 0 }, { error, status: 500 });
        mock.on({ userMessage, sequenceIndex: 1 }, { content: 'The second time.' });
        assert.equal(await ask(agent, 'try again'), 'The second time.');
        assert.deepEqual(statuses(), [500, 200]);
    });

    test(`${agent}: a failure that stays is told`, async () => {
        mock.onMessage(/refused/, {
            error: { type: 'authentication_error', message: 'invalid key' },
            status: 401,
        });
        await assert.rejects(ask(agent, 'refused'), OpenAI.InternalServerError);
        assert.deepEqual(statuses(), [401], 'a refused key is not tried again');
    });
}

test('a search asks Perplexity, once for the same question', async () => {
    const call = { name: 'web_search', arguments: '{"query":"who was Ada?"}' };
    mock.on({ userMessage: /who was Ada/, model: /sonar/ }, { content: 'A mathematician.' });
    mock.on({ userMessage: /look it up/, hasToolResult: false }, { toolCalls: [call] });
    mock.on(
        { userMessage: /look it up/, toolResultContains: 'A mathematician.' },
        { content: 'She was a mathematician.' },
    );
    for (const agent of ['messages', 'completions'])
        assert.equal(await ask(agent, 'look it up'), 'She was a mathematician.');
    const searches = mock.getRequests().filter(({ body }) => body.model === 'perplexity/sonar-pro');
    assert.equal(searches.length, 1);
    assert.equal(searches[0].path, '/v1/chat/completions');
    assert.doesNotMatch(gateway.output, /pplx-of-the-journey/);
});
