// What an owner does with the page on the first day, against the real processes: sign in, talk,
// come back later, lose a worker, lose the gateway.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
    historyRead,
    items,
    openBrowser,
    openPage,
    picture,
    say,
    shows,
    signIn,
    stateText,
} from './support/browser.mjs';
import { RealGateway } from './support/real_gateway.mjs';
import { until } from './support/until.mjs';

const gateway = new RealGateway();
let browser;
let opened;
let page;
// Frames that the gateway sent, decoded.
const frames = [];
let sockets = 0;

before(async () => {
    await gateway.start();
    browser = await openBrowser();
    opened = await openPage(browser, 'about:blank');
    page = opened.page;
    page.on('websocket', (socket) => {
        sockets += 1;
        socket.on('framereceived', ({ payload }) => frames.push(JSON.parse(payload)));
    });
});

after(async () => {
    await browser?.close();
    await gateway.remove();
    if (opened) assert.deepEqual(opened.problems, [], 'the page complained');
});

// The journey goes on only if each step went well.
let isBroken = false;
const step = (name, action) =>
    test(name, async (context) => {
        if (isBroken) return context.skip('an earlier step failed');
        isBroken = true;
        await action();
        isBroken = false;
    });

const answers = () => items(page, 'assistant.done');
const chatStates = (runId) =>
    frames
        .filter(({ event, payload }) => event === 'chat' && (!runId || payload.runId === runId))
        .map(({ payload }) => payload.state);

step('the page is served under a strict content policy', async () => {
    const answer = await page.goto(gateway.url);
    const policy = answer.headers()['content-security-policy'] ?? '';
    assert.match(policy, /script-src 'self'/);
    assert.doesNotMatch(policy, /unsafe-/);
    await page.getByLabel('Token or password').waitFor();
});

step('a wrong token is refused with a way out', async () => {
    await signIn(page, 'not the token');
    await shows(page.getByRole('alert'), 'hardshell dashboard');
    assert.equal(sockets, 1);
});

step('the right token opens the conversation', async () => {
    await signIn(page, gateway.token);
    await shows(stateText(page), /^Connected$/);
    await historyRead(page);
    await shows(page.locator('#demonstration'), 'No model is set up.');
});

step('a message is answered, and the answer streams', async () => {
    await say(page, 'hello from the page');
    await items(page, 'user.sent').waitFor();
    await shows(answers(), 'hello from the page');
    const states = chatStates();
    assert.ok(states.includes('delta'), `states: ${states}`);
    assert.equal(states.at(-1), 'final');
    await picture(page, 'real-answer');
});

step('a reload shows the history', async () => {
    await page.reload();
    await shows(stateText(page), /^Connected$/);
    await historyRead(page);
    await shows(items(page, 'user'), 'hello from the page');
    await shows(answers(), 'hello from the page');
    assert.equal(await items(page, 'user').count(), 1);
    assert.equal(await items(page, 'assistant').count(), 1);
});

step('the death of the agent leaves the connection up', async () => {
    const before = await gateway.worker('agent');
    const socketsBefore = sockets;
    process.kill(before.pid, 'SIGKILL');
    const now = await until('the agent is back', async () => {
        const agent = await gateway.worker('agent');
        const isNew = agent?.pid > 0 && agent.pid !== before.pid;
        return isNew && agent.state === 'ready' && agent;
    });
    assert.ok(now.incarnation > before.incarnation);
    await say(page, 'are you still there');
    await shows(answers(), 'are you still there');
    assert.equal(sockets, socketsBefore);
    assert.equal(await stateText(page).textContent(), 'Connected');
    await page.locator('#about-summary').click();
    await shows(page.locator('#parts'), 'restarted once');
    await picture(page, 'real-after-kill');
    await page.keyboard.press('Escape');
});

step('a stopped gateway is shown as disconnected, with the next attempt', async () => {
    await gateway.stop();
    await shows(stateText(page), 'Disconnected');
    await shows(page.locator('#trouble'), /Disconnected\. .*Trying (again|now)/s);
    await say(page, 'written while it was away');
    await picture(page, 'real-disconnected');
});

step('a started gateway is found again, with all that was said', async () => {
    await gateway.start();
    await shows(stateText(page), /^Connected$/);
    await historyRead(page);
    assert.equal(await items(page, 'user').count(), 2);
    await page.getByRole('button', { name: 'Send' }).click();
    await shows(answers(), 'written while it was away');
});
