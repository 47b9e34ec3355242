// What happens to the conversation when the gateway is gone, silent or loses count.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
    historyRead,
    items,
    messageBox,
    picture,
    say,
    shows,
    signIn,
    stateText,
} from './support/browser.mjs';
import { gateway, open, openConnected, page, sayAndTake, stopButton } from './support/stage.mjs';
import { until } from './support/until.mjs';
import { world } from './support/world.mjs';

test('a restart is told, retried and healed', async () => {
    await openConnected();
    gateway.broadcast('shutdown', { reason: 'gateway restarting', restartExpectedMs: 1500 });
    const { port } = gateway;
    await gateway.stop(1012, 'service restart');
    await shows(page.locator('#trouble'), 'Disconnected. The gateway is restarting.');
    await shows(stateText(page), 'Disconnected');
    await shows(page.locator('#trouble'), /Trying again in \d+ s/);
    gateway.messages = [gateway.said('user', 'from before the restart')];
    await gateway.start(port);
    await shows(stateText(page), /^Connected$/);
    await page.locator('#trouble').waitFor({ state: 'hidden' });
    await shows(items(page, 'user'), 'from before the restart');
});

test('retry now does not wait', async () => {
    await openConnected();
    const { port } = gateway;
    await gateway.stop();
    // The wait has grown, so that only the button can be this fast.
    await shows(page.locator('#trouble'), /again in 1[2-5] s/);
    await gateway.start(port);
    await page.getByRole('button', { name: 'Retry now' }).click();
    await stateText(page)
        .filter({ hasText: /^Connected$/ })
        .waitFor({ timeout: 8_000 });
});

test('what is written meanwhile stays, also over a reload', async () => {
    await openConnected();
    const { port } = gateway;
    await gateway.stop();
    await shows(stateText(page), 'Disconnected');
    await say(page, 'keep me');
    assert.equal(await messageBox(page).inputValue(), 'keep me');
    await shows(page.locator('#composer-hint'), 'stays here');
    await picture(page, 'disconnected');
    await gateway.start(port);
    await shows(stateText(page), /^Connected$/);
    await page.reload();
    await shows(stateText(page), /^Connected$/);
    await historyRead(page);
    assert.equal(await messageBox(page).inputValue(), 'keep me');
    await messageBox(page).press('Enter');
    assert.equal((await gateway.take('chat.send')).params.message, 'keep me');
});

test('an unanswered message is sent again under the same key', async () => {
    await openConnected();
    await say(page, 'only once');
    const first = await gateway.take('chat.send');
    gateway.cutAll();
    const second = await gateway.take('chat.send');
    assert.equal(second.params.idempotencyKey, first.params.idempotencyKey);
    second.reply({ runId: second.params.idempotencyKey, status: 'in_flight' });
    await items(page, 'user.sent').waitFor();
    assert.equal(await items(page, 'user').count(), 1);
});

test('an unanswered message survives a reload', async () => {
    await openConnected();
    await say(page, 'only once');
    const first = await gateway.take('chat.send');
    await page.reload();
    const second = await gateway.take('chat.send');
    assert.equal(second.params.idempotencyKey, first.params.idempotencyKey);
    assert.equal(second.params.message, 'only once');
});

test('a message that the transcript has is not sent again', async () => {
    await openConnected();
    await say(page, 'taken already');
    await gateway.take('chat.send');
    gateway.messages = [gateway.said('user', 'taken already')];
    gateway.cutAll();
    await items(page, 'user.sent').waitFor();
    await say(page, 'next');
    assert.equal((await gateway.take('chat.send')).params.message, 'next');
    await items(page, 'user').nth(1).waitFor();
    assert.equal(await items(page, 'user').count(), 2);
});

test('a run that was going on is forgotten, and the transcript tells its end', async () => {
    await openConnected();
    const runId = await sayAndTake('hello');
    gateway.delta(runId, 'Half of');
    await items(page, 'assistant.streaming').waitFor();
    gateway.messages = [
        gateway.said('user', 'hello'),
        gateway.said('assistant', 'Half of it, and the rest.'),
    ];
    gateway.cutAll();
    await shows(items(page, 'assistant.done'), 'and the rest');
    assert.equal(await items(page, 'assistant').count(), 1);
    assert.equal(await stopButton().count(), 0);
});

test('a gap in the numbers makes it read the transcript again', async () => {
    await openConnected();
    gateway.broadcast('tick', { ts: Date.now() });
    gateway.messages = [gateway.said('assistant', 'You missed this.')];
    gateway.broadcast('tick', { ts: Date.now() }, { skip: 3 });
    await shows(items(page, 'assistant'), 'You missed this.');
});

test('a gateway that never says hello is given up and tried again', async () => {
    gateway.isSilent = true;
    await open({ clock: true });
    await signIn(page, gateway.secret);
    await page.getByRole('button', { name: 'Connecting…' }).waitFor();
    await page.clock.runFor(10_500);
    await shows(page.getByRole('alert'), 'gone silent');
    gateway.isSilent = false;
    // The end of the old connection comes in its own time, and only then the pause begins.
    await until('a connection', async () => {
        await page.clock.runFor(100);
        return (await stateText(page).textContent()).trim() === 'Connected';
    });
});

test('a gateway that stops ticking is left', async () => {
    await open({ clock: true });
    await signIn(page, gateway.secret);
    await shows(stateText(page), /^Connected$/);
    await page.clock.runFor(80_000);
    await until('a second connection', () => gateway.connections >= 2);
    await shows(stateText(page), /^Connected$/);
});

test('a history that cannot be read is told, and the chat goes on', async () => {
    delete gateway.answers['chat.history'];
    await open({ url: `${gateway.url}#token=${gateway.secret}` });
    const request = await gateway.take('chat.history');
    request.refuse({ code: 'UNAVAILABLE', message: 'The agent is starting.' });
    await shows(page.locator('#composer-hint'), 'The agent is starting.');
    await say(page, 'hello anyway');
    assert.equal((await gateway.take('chat.send')).params.message, 'hello anyway');
});

test('a session chosen meanwhile is opened when the gateway is back', async () => {
    const family = 'agent:main:telegram:group:-100123';
    Object.assign(gateway.answers, world());
    await openConnected();
    await page.locator('#session option').nth(1).waitFor({ state: 'attached' });
    const { port } = gateway;
    await gateway.stop();
    await shows(stateText(page), 'Disconnected');
    await page.locator('#session').selectOption(family);
    await gateway.start(port);
    await until('the chosen one is read', () => {
        const reads = gateway.requests.filter(({ method }) => method === 'chat.history');
        return reads.at(-1).params.sessionKey === family;
    });
    await page.waitForFunction((key) => document.querySelector('#session').value === key, family);
});
