// The stage for the tests against the double: one browser, and for each test a fresh gateway and
// a page of a fresh device. At the end of each the page must not have complained.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach } from 'node:test';
import { historyRead, openBrowser, openPage, say, shows, stateText } from './browser.mjs';
import { GatewayDouble } from './gateway_double.mjs';

export let gateway;
export let page;
let browser;
let context;
let problems;

before(async () => (browser = await openBrowser()));
after(() => browser?.close());

beforeEach(async () => {
    problems = [];
    gateway = new GatewayDouble();
    await gateway.start();
});

afterEach(async () => {
    await context?.close();
    await gateway.stop();
    assert.deepEqual(problems, [], 'the page complained');
});

export async function open(options) {
    ({ page, context, problems } = await openPage(browser, options?.url ?? gateway.url, options));
}

export async function openConnected(options) {
    await open({ ...options, url: `${gateway.url}#token=${gateway.secret}` });
    await shows(stateText(page), /^Connected$/);
    await historyRead(page);
}

export const stopButton = () => page.getByRole('button', { name: 'Stop' });

// Sends `text` and lets the gateway take it; answers the run's id.
export async function sayAndTake(text) {
    await say(page, text);
    const { params, reply } = await gateway.take('chat.send');
    reply({ runId: params.idempotencyKey, status: 'started' });
    return params.idempotencyKey;
}
