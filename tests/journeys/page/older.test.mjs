// What lies further back: older messages of a conversation, the lines of one quiet worker.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { items, shows } from './support/browser.mjs';
import { gateway, openConnected, page, sayAndTake } from './support/stage.mjs';
import { openView, violations } from './support/views.mjs';
import { logLine, world } from './support/world.mjs';

const talk = (count) =>
    Array.from({ length: count }, (_, index) =>
        gateway.said(index % 2 ? 'assistant' : 'user', `message ${index + 1}`, {
            timestamp: Date.now() - (count - index) * 60_000,
        }),
    );

const shown = () => page.locator('#log .item').count();
const asked = () =>
    gateway.requests.filter(({ method }) => method === 'hardshell.chat.history').length;
const older = () => page.getByRole('button', { name: 'Older messages' });
const scrollTo = (top) =>
    page.evaluate((value) => (document.querySelector('#scroll').scrollTop = value), top);

// Where on the screen the message is, in pixels.
const placeOf = (text) =>
    page.evaluate((wanted) => {
        const found = [...document.querySelectorAll('#log .item')].find(
            (item) => item.querySelector('.text')?.textContent === wanted,
        );
        return found?.getBoundingClientRect().top;
    }, text);

const grows = (count) =>
    page.waitForFunction(
        (wanted) => document.querySelectorAll('#log .item').length === wanted,
        count,
    );

test('a short conversation has nothing older', async () => {
    gateway.messages = talk(199);
    await openConnected();
    assert.equal(await shown(), 199);
    assert.equal(await older().count(), 0);
});

test('older messages come when the reader scrolls up, and what is read stays in its place', async () => {
    gateway.messages = talk(450);
    await openConnected();
    await shows(items(page, 'assistant'), 'message 450');
    assert.equal(await shown(), 200);
    await scrollTo(0);
    await grows(400);
    // The first that was shown is where it was, though two hundred have come above it.
    const top = await placeOf('message 251');
    assert.ok(top > 0 && top < 300, `at ${top} pixels`);
    assert.equal(asked(), 1);
    await scrollTo(0);
    await grows(450);
    await older().waitFor({ state: 'detached' });
    assert.equal(await items(page, 'user').first().locator('.text').textContent(), 'message 1');
    await scrollTo(0);
    assert.equal(asked(), 2);
});

test('older messages are had by keyboard, and the page says when it reads', async () => {
    gateway.messages = talk(300);
    const answer = gateway.answers['hardshell.chat.history'];
    delete gateway.answers['hardshell.chat.history'];
    await openConnected();
    await older().press('Enter');
    await page.getByRole('button', { name: 'Reading…' }).waitFor();
    assert.deepEqual(await violations(), []);
    const { params, refuse } = await gateway.take('hardshell.chat.history');
    assert.equal(params.skip, 199);
    refuse({ code: 'UNAVAILABLE', message: 'the disk is busy' });
    await shows(page.locator('main'), 'Older messages could not be read. the disk is busy');
    gateway.answers['hardshell.chat.history'] = answer;
    await older().press('Enter');
    await grows(300);
    await older().waitFor({ state: 'detached' });
    assert.notEqual(await page.evaluate(() => document.activeElement.tagName), 'BODY');
});

test('where the gateway goes back no further the page says so, and asks no more', async () => {
    gateway.messages = talk(10_500);
    // In one go, whatever is asked for: what counts is where the second would begin.
    gateway.answers['hardshell.chat.history'] = ({ skip }) => gateway.history(10_000, skip);
    await openConnected();
    await older().press('Enter');
    await shows(page.locator('.cut-off'), 'goes back no further');
    assert.equal(await older().count(), 0);
    assert.equal(await shown(), 10_199);
    assert.notEqual(await page.evaluate(() => document.activeElement.tagName), 'BODY');
    await scrollTo(0);
    await page.locator('.cut-off').waitFor();
    assert.equal(asked(), 1);
    assert.equal(await page.getByRole('alert').count(), 0);
});

test('what is said meanwhile leaves no gap and no double', async () => {
    gateway.messages = talk(300);
    await openConnected();
    await scrollTo(0);
    await grows(300);
    await page.getByRole('button', { name: 'Latest messages' }).click();
    const runId = await sayAndTake('one more');
    const message = gateway.said('assistant', 'and its answer');
    gateway.messages = [...gateway.messages, gateway.said('user', 'one more'), message];
    gateway.chat(runId, 'final', { message });
    await shows(items(page, 'assistant.done'), 'and its answer');
    await grows(302);
    const texts = await page.locator('#log .item .text').allTextContents();
    assert.equal(new Set(texts).size, 302);
    assert.equal(texts[0], 'message 1');
});

test('a conversation that was shortened elsewhere begins where it begins now', async () => {
    gateway.messages = talk(500);
    await openConnected();
    await scrollTo(0);
    await grows(400);
    gateway.messages = gateway.messages.slice(-20);
    gateway.chat('other', 'final');
    await grows(20);
    assert.equal(await older().count(), 0);
});

test('a session that was shortened to more than a page is read anew', async () => {
    gateway.messages = talk(900);
    await openConnected();
    await scrollTo(0);
    await grows(400);
    gateway.messages = gateway.messages.slice(-300);
    await scrollTo(0);
    await grows(200);
    await older().press('Enter');
    await grows(300);
    await older().waitFor({ state: 'detached' });
});

test('a worker that is chosen has its own lines, however much the others write', async () => {
    Object.assign(gateway.answers, world());
    const quiet = [logLine(7, 'voice', 'the line is free')];
    gateway.answers['hardshell.logs'] = ({ worker, cursor }) => ({
        cursor: 10_000,
        lines: worker === 'voice' && cursor === undefined ? quiet : [],
        reset: false,
    });
    gateway.workers.push({ name: 'voice', state: 'ready', pid: 103, restarts: 0, lastEnd: '' });
    await openView('logs');
    await shows(page.locator('.log-line'), 'line 9999');
    // In the list though none of the five thousand lines is of it.
    await page.getByLabel('Worker').selectOption('voice');
    await shows(page.locator('.log-line'), 'the line is free');
    assert.equal(await page.locator('.log-line').count(), 1);
    const { params } = gateway.requests.find(({ method }) => method === 'hardshell.logs');
    assert.equal(params.worker, 'voice');
    // Chosen while the log stands still, they are there as well.
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByLabel('Worker').selectOption('');
    await shows(page.locator('.log-line'), 'line 9999');
    await page.getByLabel('Worker').selectOption('voice');
    await shows(page.locator('.log-line'), 'the line is free');
});
