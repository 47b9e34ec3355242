// A conversation: its messages, answers, errors and stops.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { items, messageBox, picture, say, shows, stateText } from './support/browser.mjs';
import { gateway, openConnected, page, sayAndTake, stopButton } from './support/stage.mjs';

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
