// A conversation: its messages, answers, errors and stops.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { items, messageBox, picture, say, shows, stateText } from './support/browser.mjs';
import { gateway, openConnected, page, sayAndTake, stopButton } from './support/stage.mjs';
import { until } from './support/until.mjs';
import { world } from './support/world.mjs';

test('a message shows at once, its answer grows, the transcript takes over', async () => {
    await openConnected();
    await say(page, 'hello');
    await items(page, 'user.sending').waitFor();
    const sent = await gateway.take('chat.send');
    const runId = sent.params.idempotencyKey;
    sent.reply({ runId, status: 'started' });
    await items(page, 'user.sent').waitFor();
    await items(page, 'thinking').waitFor();
    await stopButton().waitFor();
    gateway.delta(runId, 'One');
    await shows(items(page, 'assistant.streaming'), 'One');
    gateway.delta(runId, 'One two three');
    await shows(items(page, 'assistant.streaming'), 'One two three');
    gateway.delta(runId, 'One two'); // came too late: shorter
    gateway.broadcast('health', gateway.health());
    gateway.delta(runId, 'One two three four');
    await shows(items(page, 'assistant.streaming'), 'One two three four');
    await picture(page, 'streaming');
    await page.evaluate(() => (document.querySelector('.item.assistant').marked = true));
    const message = gateway.said('assistant', 'One two three four five');
    gateway.messages = [gateway.said('user', 'hello'), message];
    gateway.chat(runId, 'final', { message });
    await shows(items(page, 'assistant.done'), 'five');
    await stopButton().waitFor({ state: 'hidden' });
    assert.equal(await items(page, 'user').count(), 1);
    assert.equal(await items(page, 'assistant').count(), 1);
    // The same node still: a reader hears the answer once, a selection survives.
    assert.ok(await page.evaluate(() => document.querySelector('.item.assistant').marked));
});

test('a shorter delta never takes words back', async () => {
    await openConnected();
    gateway.delta('run', 'One two three');
    await shows(items(page, 'assistant.streaming'), 'One two three');
    gateway.delta('run', 'One');
    gateway.delta('marker', 'The next run');
    await shows(items(page, 'assistant.streaming'), 'The next run');
    assert.equal(
        await items(page, 'assistant').first().locator('.text').textContent(),
        'One two three',
    );
});

test('a duplicate final adds nothing', async () => {
    await openConnected();
    const runId = await sayAndTake('hello');
    const message = gateway.said('assistant', 'Once.');
    gateway.messages = [gateway.said('user', 'hello'), message];
    for (let time = 0; time < 3; time += 1) gateway.chat(runId, 'final', { message });
    gateway.delta(runId, 'Once. And late.');
    gateway.delta('another', 'Next.');
    await shows(items(page, 'assistant.streaming'), 'Next.');
    assert.equal(await items(page, 'assistant.done').count(), 1);
    assert.equal(await items(page, 'user').count(), 1);
});

test('a message may be sent while an answer is written', async () => {
    await openConnected();
    const runId = await sayAndTake('first');
    gateway.delta(runId, 'Still speaking');
    await items(page, 'assistant.streaming').waitFor();
    await say(page, 'second');
    assert.equal((await gateway.take('chat.send')).params.message, 'second');
});

test('a queued message is answered under another run’s name', async () => {
    await openConnected();
    const runId = await sayAndTake('and this');
    gateway.chat(runId, 'final'); // empty: it waits for its turn
    gateway.delta('random-run', 'Answer to both');
    await shows(items(page, 'assistant.streaming'), 'Answer to both');
    assert.equal(await items(page, 'assistant').count(), 1);
    assert.equal(await items(page, 'user.sent').count(), 1);
});

test('the same words said twice are two messages', async () => {
    await openConnected();
    await sayAndTake('yes');
    await sayAndTake('yes');
    // A reading that has only the first.
    gateway.messages = [gateway.said('user', 'yes'), gateway.said('assistant', 'Read again')];
    gateway.chat('other', 'final');
    await shows(items(page, 'assistant'), 'Read again');
    assert.equal(await items(page, 'user').count(), 2);
});

test('the same words said a moment before, elsewhere, are another message', async () => {
    // By clocks alone it could be the same.
    gateway.messages = [gateway.said('user', 'yes', { timestamp: Date.now() + 10_000 })];
    await openConnected();
    await say(page, 'yes');
    await gateway.take('chat.send');
    gateway.messages.push(gateway.said('assistant', 'Read again'));
    gateway.chat('other', 'final'); // a reading that has only the one from elsewhere
    await shows(items(page, 'assistant'), 'Read again');
    await items(page, 'user.sending').waitFor();
    assert.equal(await items(page, 'user').count(), 2);
});

test('other sessions stay out of sight', async () => {
    await openConnected();
    gateway.broadcast('chat', {
        runId: 'r',
        sessionKey: 'agent:main:dm:stranger',
        seq: 1,
        state: 'delta',
        message: gateway.said('assistant', 'Not for you'),
    });
    gateway.delta('mine', 'For you');
    await shows(items(page, 'assistant'), 'For you');
    assert.equal(await page.getByText('Not for you').count(), 0);
});

test('an error ends the answer plainly', async () => {
    await openConnected();
    const runId = await sayAndTake('hello');
    gateway.delta(runId, 'I was about to');
    gateway.messages = [gateway.said('user', 'hello')];
    gateway.chat(runId, 'error', {
        errorMessage: 'The assistant’s process ended while answering and was restarted.',
    });
    await shows(items(page, 'assistant.failed'), 'ended while answering');
    await shows(items(page, 'assistant.failed'), 'I was about to');
    await page.locator('.item.user + .item.assistant').waitFor(); // below its question
    await stopButton().waitFor({ state: 'hidden' });
    await picture(page, 'error-event');
    gateway.messages.push({
        role: 'assistant',
        content: [],
        stopReason: 'error',
        errorMessage: 'Recorded in the transcript.',
        timestamp: Date.now(),
    });
    gateway.chat('other', 'final');
    await shows(items(page, 'assistant.failed'), 'Recorded in the transcript.');
    assert.equal(await items(page, 'assistant').count(), 1);
});

test('stop asks the gateway to stop, and keeps what was said', async () => {
    await openConnected();
    const runId = await sayAndTake('tell me a long story');
    gateway.delta(runId, 'Once upon');
    await items(page, 'assistant.streaming').waitFor();
    await stopButton().click();
    const stop = await gateway.take('chat.abort');
    assert.deepEqual(stop.params, { sessionKey: 'agent:main:main' });
    gateway.chat(runId, 'aborted', { stopReason: 'rpc' });
    stop.reply({ ok: true, aborted: true, runIds: [runId] });
    await shows(items(page, 'assistant.stopped'), 'Once upon');
    await stopButton().waitFor({ state: 'hidden' });
    await page.locator('#message:focus').waitFor();
});

test('a refused message is marked, and can be tried again under a new key', async () => {
    await openConnected();
    await say(page, 'hello');
    const first = await gateway.take('chat.send');
    first.refuse({ code: 'UNAVAILABLE', message: 'The agent process ended.' });
    await shows(items(page, 'user.failed'), 'Not sent. The agent process ended.');
    await picture(page, 'not-sent');
    await page.getByRole('button', { name: 'Try again' }).click();
    const second = await gateway.take('chat.send');
    assert.equal(second.params.message, 'hello');
    assert.notEqual(second.params.idempotencyKey, first.params.idempotencyKey);
    second.reply({ runId: second.params.idempotencyKey, status: 'started' });
    await items(page, 'user.sent').waitFor();
    assert.equal(await items(page, 'user').count(), 1);
});

test('a message that is too long stays with the owner', async () => {
    await openConnected();
    await say(page, 'x'.repeat(600_000));
    await shows(items(page, 'user.failed'), 'longer than the gateway takes (512 KiB)');
    assert.equal(await stateText(page).textContent(), 'Connected');
});

test('Shift and Enter make a new line', async () => {
    await openConnected();
    await messageBox(page).pressSequentially('first');
    await messageBox(page).press('Shift+Enter');
    await messageBox(page).pressSequentially('second');
    await messageBox(page).press('Enter');
    const { params } = await gateway.take('chat.send');
    assert.equal(params.message, 'first\nsecond');
    assert.equal(await messageBox(page).inputValue(), '');
});

test('markup in an answer is text, not page', async () => {
    const hostile =
        '<img src=x onerror="window.hit=1"><script>window.hit=1</script>\n\n' +
        '[click](javascript:window.hit=1) [fine](https://example.org/a) **bold** `code`\n\n' +
        '```js\nconst a = "<b>";\n```';
    gateway.messages = [gateway.said('assistant', hostile), gateway.said('user', hostile)];
    await openConnected();
    await shows(items(page, 'assistant'), '<img src=x');
    assert.equal(await page.evaluate(() => window.hit), undefined);
    assert.equal(await page.locator('#log img, #log script').count(), 0);
    const links = await page.locator('#log a').evaluateAll((all) => all.map((a) => a.href));
    assert.deepEqual(links, ['https://example.org/a']);
    assert.equal(await page.locator('#log pre code').textContent(), 'const a = "<b>";');
    assert.equal(await page.locator('#log strong').textContent(), 'bold');
});

test('hostile Markdown takes no longer than its length allows', async () => {
    const pieces = ['`', '*', '**a', '[', '[a](b', '![', '> ', '- ', '``` ', '| ', '&#', '\\\\'];
    gateway.messages = pieces.map((piece) =>
        gateway.said('assistant', `${piece.repeat(20_000 / piece.length)}x y`),
    );
    await openConnected();
    // Read in a time that grows with the square of the text it would take hours.
    await items(page, 'assistant')
        .nth(pieces.length - 1)
        .waitFor({ timeout: 120_000 });
});

test('code has a button that copies it', async () => {
    gateway.messages = [gateway.said('assistant', '```sh\nhardshell status\n```')];
    await openConnected();
    await page.evaluate(() => {
        navigator.clipboard.writeText = async (text) => (window.copied = text);
    });
    await page.locator('.code-block .copy').click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    assert.equal(await page.evaluate(() => window.copied), 'hardshell status');
});

test('a tool is folded, shows what it was given and what came of it', async () => {
    await openConnected();
    const runId = await sayAndTake('look');
    const tool = (data) =>
        gateway.broadcast('agent', { runId, sessionKey: 'agent:main:main', stream: 'tool', data });
    tool({ phase: 'start', name: 'exec', toolCallId: 'c1', args: { command: 'ls' } });
    await shows(items(page, 'tool'), 'working');
    tool({ phase: 'result', name: 'exec', toolCallId: 'c1', result: 'a.txt', isError: false });
    await shows(items(page, 'tool'), 'done');
    assert.equal(await page.getByText('a.txt').count(), 0, 'folded');
    await items(page, 'tool').locator('summary').click();
    await shows(items(page, 'tool'), 'a.txt');
    await shows(items(page, 'tool'), '"command": "ls"');
    // The transcript takes over: it stays one item.
    gateway.messages = [
        gateway.said('user', 'look'),
        {
            role: 'assistant',
            content: [{ type: 'toolCall', id: 'c1', name: 'exec', arguments: { command: 'ls' } }],
            timestamp: Date.now(),
        },
        { role: 'toolResult', toolCallId: 'c1', content: 'a.txt', timestamp: Date.now() },
        gateway.said('assistant', 'One file.'),
    ];
    gateway.chat(runId, 'final', { message: gateway.said('assistant', 'One file.') });
    await shows(items(page, 'assistant.done'), 'One file.');
    assert.equal(await items(page, 'tool').count(), 1);
});

test('a message that waits for its turn says so', async () => {
    await openConnected();
    const first = await sayAndTake('first');
    gateway.delta(first, 'Still speaking');
    const second = await sayAndTake('second');
    gateway.chat(second, 'final'); // empty: it waits
    await shows(items(page, 'user'), 'Queued');
});

test('a picture is sent along, made small enough', async () => {
    await openConnected();
    // 4 million pixels of noise, far more than a message holds.
    const picture = await page.evaluate(async () => {
        const canvas = document.createElement('canvas');
        canvas.width = canvas.height = 2000;
        const context = canvas.getContext('2d');
        const noise = context.createImageData(2000, 2000);
        for (let at = 0; at < noise.data.length; at += 65_536)
            crypto.getRandomValues(noise.data.subarray(at, at + 65_536));
        context.putImageData(noise, 0, 0);
        const blob = await new Promise((resolve) => canvas.toBlob(resolve, 'image/png'));
        return Array.from(new Uint8Array(await blob.arrayBuffer()));
    });
    await page.locator('input[type=file]').setInputFiles({
        name: 'noise.png',
        mimeType: 'image/png',
        buffer: Buffer.from(picture),
    });
    await page.getByRole('img', { name: 'noise.png' }).waitFor();
    await say(page, 'what is this');
    const { params } = await gateway.take('chat.send');
    const [attachment] = params.attachments;
    assert.equal(attachment.type, 'image');
    assert.equal(attachment.mimeType, 'image/jpeg');
    assert.ok(attachment.content.length < 430_000, `${attachment.content.length}`);
    assert.match(attachment.content, /^[A-Za-z0-9+/]+=*$/);
});

test('what is asked in another window appears here', async () => {
    await openConnected();
    gateway.messages = [gateway.said('user', 'from the other window')];
    gateway.broadcast('agent', {
        runId: 'elsewhere',
        sessionKey: 'agent:main:main',
        stream: 'lifecycle',
        data: { phase: 'start' },
    });
    await shows(items(page, 'user'), 'from the other window');
    await stopButton().waitFor();
    gateway.delta('elsewhere', 'Heard.');
    await shows(items(page, 'assistant.streaming'), 'Heard.');
});

// Two sessions, of which the other says nothing.
const main = 'agent:main:main';
const family = 'agent:main:telegram:group:-100123';

async function openWithTwoSessions() {
    Object.assign(gateway.answers, {
        'sessions.list': world()['sessions.list'],
        'chat.history': ({ sessionKey }) => ({
            sessionKey,
            messages: sessionKey === main ? gateway.messages : [],
        }),
    });
    await openConnected();
    await page.locator('#session option').nth(1).waitFor({ state: 'attached' });
}

async function openFamily() {
    await page.locator('#session').selectOption(family);
    await until('it is read', () =>
        gateway.requests.some(
            ({ method, params }) => method === 'chat.history' && params.sessionKey === family,
        ),
    );
    await page.waitForFunction(() =>
        document.querySelector('#log').dataset.empty.startsWith('No messages yet'),
    );
}

const keptInTab = (start) =>
    page.evaluate(
        (begin) => Object.keys(sessionStorage).filter((key) => key.startsWith(begin)),
        start,
    );

test('an answer that comes after another session was opened changes nothing there', async () => {
    await openWithTwoSessions();
    await say(page, 'for the main one');
    const { params, reply } = await gateway.take('chat.send');
    assert.equal(params.sessionKey, main);
    await openFamily();
    assert.deepEqual(await keptInTab('hardshell.outbox'), [`hardshell.outbox.${main}`]);
    reply({ runId: params.idempotencyKey, status: 'started' });
    await until('it is forgotten', async () => (await keptInTab('hardshell.outbox')).length === 0);
    assert.equal(await items(page, 'user').count(), 0);
    assert.equal(await items(page, 'thinking').count(), 0);
    assert.equal(await stopButton().count(), 0);
});

test('a message on its way is sent again, to its own session, when that is opened again', async () => {
    await openWithTwoSessions();
    await say(page, 'for the main one');
    const first = await gateway.take('chat.send');
    await openFamily();
    first.refuse({ code: 'UNAVAILABLE', message: 'The agent process ended.' });
    await page.locator('#session').selectOption(main);
    const second = await gateway.take('chat.send');
    assert.equal(second.params.sessionKey, main);
    assert.equal(second.params.idempotencyKey, first.params.idempotencyKey);
    second.refuse({ code: 'UNAVAILABLE', message: 'The agent process ended.' });
    await shows(items(page, 'user.failed'), 'Not sent. The agent process ended.');
    assert.equal(await items(page, 'user').count(), 1);
});

test('what is being written stays with its session, and goes at signing out', async () => {
    const has = (text) =>
        page.waitForFunction((wanted) => document.querySelector('#message').value === wanted, text);
    await openWithTwoSessions();
    await messageBox(page).fill('for the main one');
    await openFamily();
    await has('');
    await messageBox(page).fill('for the family');
    await page.locator('#session').selectOption(main);
    await has('for the main one');
    await page.locator('#session').selectOption(family);
    await has('for the family');
    await page.locator('#about-summary').click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Token or password').waitFor();
    assert.deepEqual(await keptInTab('hardshell.draft'), []);
});
