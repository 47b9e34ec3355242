// The official OpenAI SDK, as its users have it, against a running Hardshell.
//
// Without the package (`npm ci` in this folder, which needs the npm registry) everything is skipped
// with exit code 77.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '../page/support/until.mjs';
import { answer, OpenAiGateway, weather } from './gateway.mjs';

const OpenAI = await import('openai').then(
    (module) => module.default,
    (error) => {
        if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
        console.error('skipped: the package openai is not installed; run `npm ci` in this folder');
        process.exit(77);
    },
);

const gateway = new OpenAiGateway();
let client;

before(async () => {
    await gateway.start();
    client = clientWith(gateway.token);
});
after(() => gateway.remove());

function clientWith(apiKey) {
    return new OpenAI({ apiKey, baseURL: `${gateway.url}v1`, maxRetries: 0 });
}

function say(content, more = {}) {
    return { model: 'openclaw', messages: [{ role: 'user', content }], ...more };
}

// Texts of a session, as a tool tells them.
async function texts(sessionKey) {
    const reply = await fetch(`${gateway.url}tools/invoke`, {
        method: 'POST',
        headers: { authorization: `Bearer ${gateway.token}` },
        body: JSON.stringify({ tool: 'sessions_history', sessionKey }),
    });
    const { result } = await reply.json();
    return result.details.messages.map(
        ({ role, content }) => `${role}: ${content.map(({ text }) => text).join('')}`,
    );
}

test('a chat completion is answered, with the real token counts', async () => {
    const completion = await client.chat.completions.create(say('hello'));
    assert.equal(completion.object, 'chat.completion');
    assert.equal(completion.model, 'openclaw');
    assert.equal(completion.choices[0].message.content, answer);
    assert.equal(completion.choices[0].finish_reason, 'stop');
    assert.equal(completion.usage.prompt_tokens, 12);
    assert.equal(completion.usage.completion_tokens, 7);
    assert.equal(completion.usage.total_tokens, 19);
});

test('a chat completion is streamed to its last chunk', async () => {
    const stream = await client.chat.completions.create(
        say('hello', { stream: true, stream_options: { include_usage: true } }),
    );
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    assert.equal(chunks[0].choices[0].delta.role, 'assistant');
    const pieces = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '');
    assert.equal(pieces.join(''), answer);
    assert.ok(pieces.filter(Boolean).length > 1, 'it came in pieces');
    assert.equal(chunks.at(-2).choices[0].finish_reason, 'stop');
    assert.deepEqual(chunks.at(-1).choices, []);
    assert.equal(chunks.at(-1).usage.total_tokens, 19);
});

test('the helper that puts a stream together has the whole completion', async () => {
    const completion = await client.chat.completions
        .stream(say('hello'))
        .finalChatCompletion();
    assert.equal(completion.choices[0].message.content, answer);
    assert.equal(completion.choices[0].finish_reason, 'stop');
});

test('a wrong key is told as such', async () => {
    const other = clientWith('a wrong key');
    await assert.rejects(other.chat.completions.create(say('hello')), OpenAI.AuthenticationError);
    await assert.rejects(
        other.responses.create({ model: 'openclaw', input: 'hello' }),
        OpenAI.AuthenticationError,
    );
});

test('what cannot be done is refused by name', async () => {
    await assert.rejects(
        client.chat.completions.create(say('hello', { model: 'openclaw:nobody' })),
        (error) => error instanceof OpenAI.BadRequestError && /nobody/.test(error.message),
    );
    await assert.rejects(client.chat.completions.create(say('hello', { n: 2 })), /n: there is one/);
    const tools = [{ type: 'web_search' }];
    await assert.rejects(
        client.responses.create({ model: 'openclaw', input: 'hello', tools }),
        (error) =>
            error instanceof OpenAI.BadRequestError && /^400 tools\[0\].type:/.test(error.message),
    );
    const previous_response_id = 'resp_of_somebody_else';
    await assert.rejects(
        client.responses.create({ model: 'openclaw', input: 'hello', previous_response_id }),
        (error) =>
            error instanceof OpenAI.BadRequestError && /resp_of_somebody_else/.test(error.message),
    );
});

test('the failure of a model is told, whole and in a stream', async () => {
    const model = 'openclaw:broken';
    await assert.rejects(
        client.chat.completions.create(say('hello', { model })),
        OpenAI.InternalServerError,
    );
    const stream = await client.chat.completions.create(say('hello', { model, stream: true }));
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0].delta.content ?? '';
    assert.match(text, /^Error: /);
    const events = [];
    for await (const event of await client.responses.create({ model, input: 'x', stream: true }))
        events.push(event);
    assert.equal(events.at(-1).type, 'response.failed');
    assert.equal(events.at(-1).response.status, 'failed');
});

test('a stream that its reader leaves goes on, and its answer is kept', async () => {
    const user = 'somebody who leaves';
    const stream = await client.chat.completions.create(say('hello', { stream: true, user }));
    for await (const chunk of stream) if (chunk.choices[0].delta.content) break;
    stream.controller.abort();
    const session = `agent:main:openai-user:${user}`;
    const kept = await until('the answer is kept', async () => {
        const all = await texts(session);
        return all.length > 1 && all;
    });
    assert.deepEqual(kept, ['user: hello', `assistant: ${answer}`]);
});

test('a user of the same name goes on where he left', async () => {
    const user = 'ann';
    await client.chat.completions.create(say('one', { user }));
    await client.chat.completions.create(say('two', { user }));
    const all = await texts(`agent:main:openai-user:${user}`);
    assert.deepEqual(
        all.filter((line) => line.startsWith('user')),
        ['user: one', 'user: two'],
    );
});

test('a response is answered', async () => {
    const response = await client.responses.create({
        model: 'openclaw',
        instructions: 'be brief',
        input: [{ role: 'user', content: [{ type: 'input_text', text: 'hello' }] }],
    });
    assert.equal(response.status, 'completed');
    assert.equal(response.output_text, answer);
    assert.equal(response.instructions, 'be brief');
    assert.equal(response.usage.input_tokens, 12);
    assert.equal(response.usage.total_tokens, 19);
});

test('a response is streamed in the order that the SDK expects', async () => {
    const stream = client.responses.stream({ model: 'openclaw', input: 'hello' });
    const events = [];
    for await (const event of stream) events.push(event);
    const types = events.map(({ type }) => type);
    const deltas = types.filter((type) => type === 'response.output_text.delta').length;
    assert.ok(deltas > 1);
    assert.deepEqual(types, [
        'response.created',
        'response.in_progress',
        'response.output_item.added',
        'response.content_part.added',
        ...Array(deltas).fill('response.output_text.delta'),
        'response.output_text.done',
        'response.content_part.done',
        'response.output_item.done',
        'response.completed',
    ]);
    events.forEach((event, index) => assert.equal(event.sequence_number, index));
    const final = await stream.finalResponse();
    assert.equal(final.output[0].content[0].text, answer);
    assert.equal(final.usage.output_tokens, 7);
});

test('an image is taken along', async () => {
    const pixel =
        'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
    const image_url = `data:image/png;base64,${pixel}`;
    const response = await client.responses.create({
        model: 'openclaw',
        input: [
            {
                role: 'user',
                content: [
                    { type: 'input_text', text: 'what is this?' },
                    { type: 'input_image', image_url, detail: 'auto' },
                ],
            },
        ],
    });
    assert.equal(response.output_text, answer);
    const completion = await client.chat.completions.create(
        say([
            { type: 'text', text: 'what is this?' },
            { type: 'image_url', image_url: { url: image_url } },
        ]),
    );
    assert.equal(completion.choices[0].message.content, answer);
});

const model = 'openclaw:curious';
const tools = [
    {
        type: 'function',
        name: 'get_weather',
        description: 'Tells the weather',
        parameters: { type: 'object', properties: { city: { type: 'string' } } },
        strict: false,
    },
];

function resultOf({ call_id }) {
    return { type: 'function_call_output', call_id, output: weather };
}

test('a function of the client is called, and the turn goes on from its result', async () => {
    const first = await client.responses.create({ model, input: 'What is it like?', tools });
    assert.equal(first.status, 'incomplete');
    const call = first.output.find(({ type }) => type === 'function_call');
    assert.equal(call.name, 'get_weather');
    assert.deepEqual(JSON.parse(call.arguments), { city: 'Rome' });
    assert.equal(first.tools[0].name, 'get_weather');
    const second = await client.responses.create({
        model,
        previous_response_id: first.id,
        input: [resultOf(call)],
        tools,
    });
    assert.equal(second.status, 'completed');
    assert.equal(second.output_text, answer);
    assert.equal(second.previous_response_id, first.id);
    const { input } = await gateway.lastAsked();
    assert.ok(
        input.some((item) => item.type === 'function_call' && item.name === 'get_weather'),
        'the model sees its own call',
    );
    assert.ok(JSON.stringify(input.at(-1)).includes(weather));
});

test('a function of the client is called in a stream, and its whole conversation sent', async () => {
    const question = { role: 'user', content: 'What is it like?' };
    const stream = client.responses.stream({ model, input: [question], tools });
    const types = [];
    for await (const { type } of stream) types.push(type);
    assert.ok(types.includes('response.function_call_arguments.delta'));
    assert.equal(types.at(-1), 'response.completed');
    const first = await stream.finalResponse();
    const call = first.output.find(({ type }) => type === 'function_call');
    assert.deepEqual(JSON.parse(call.arguments), { city: 'Rome' });
    const events = [];
    const { name, arguments: given, call_id, type } = call;
    for await (const event of await client.responses.create({
        model,
        input: [question, { type, call_id, name, arguments: given }, resultOf(call)],
        tools,
        stream: true,
    }))
        events.push(event);
    assert.equal(events.at(-1).response.status, 'completed');
    assert.equal(events.at(-1).response.output[0].content[0].text, answer);
});

test('a function that must be called is the only one that is offered', async () => {
    const other = { type: 'function', name: 'other', parameters: {}, strict: false };
    const response = await client.responses.create({
        model,
        input: 'hello',
        tools: [...tools, other],
        tool_choice: { type: 'function', name: 'get_weather' },
    });
    assert.equal(response.output.at(-1).name, 'get_weather');
    const names = (await gateway.lastAsked()).tools.map(({ name }) => name);
    assert.ok(names.includes('get_weather') && !names.includes('other'), names.join());
});

test('a PDF is passed on to the model, and kept nowhere', async () => {
    const bytes = Buffer.from('%PDF-1.4\nof the journey').toString('base64');
    const user = 'somebody with a document';
    const file_data = `data:application/pdf;base64,${bytes}`;
    const file = { type: 'input_file', filename: 'a.pdf', file_data };
    const content = [{ type: 'input_text', text: 'read it' }, file];
    const response = await client.responses.create({ model, user, input: [{ role: 'user', content }] });
    assert.equal(response.output_text, answer);
    const { input } = await gateway.lastAsked();
    assert.deepEqual(input.at(-1).content.at(-1), file);
    await client.responses.create({ model, user, input: 'and now?' });
    assert.ok(!JSON.stringify(await gateway.lastAsked()).includes(bytes));
});

test('an address that is not public is not fetched', async () => {
    const image_url = `http://127.0.0.1:${gateway.port}/favicon.ico`;
    const content = [{ type: 'input_image', image_url, detail: 'auto' }];
    await assert.rejects(
        client.responses.create({ model, input: [{ role: 'user', content }] }),
        (error) =>
            error instanceof OpenAI.BadRequestError &&
            error.message.startsWith('400 input[0].content[0].image_url: '),
    );
    const parts = [{ type: 'image_url', image_url: { url: 'http://metadata.internal/a.png' } }];
    await assert.rejects(
        client.chat.completions.create(say(parts)),
        (error) =>
            error instanceof OpenAI.BadRequestError && /no public host/.test(error.message),
    );
});
