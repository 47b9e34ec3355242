// What the page says about the gateway, and whether it fits the screen.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { items, picture, shows, signIn, stateText } from './support/browser.mjs';
import { gateway, open, openConnected, page } from './support/stage.mjs';

test('the demonstration is named as one', async () => {
    await openConnected();
    await shows(page.locator('#demonstration'), 'No model is set up.');
    gateway.model = 'anthropic/claude-opus-4-5';
    await page.reload();
    await shows(page.locator('#model-name'), 'anthropic/claude-opus-4-5');
    await page.locator('#demonstration').waitFor({ state: 'hidden' });
});

test('a part that is down is named, and named well again', async () => {
    await openConnected();
    const [, agent] = gateway.workers;
    Object.assign(agent, { state: 'waiting', pid: 0, lastEnd: 'killed by signal 9' });
    gateway.broadcast('health', gateway.health());
    await shows(stateText(page), 'Connected, agent restarting');
    Object.assign(agent, { state: 'ready', pid: 103, restarts: 1 });
    gateway.broadcast('health', gateway.health());
    await shows(stateText(page), /^Connected$/);
    await page.locator('#about-summary').click();
    await shows(page.locator('#parts'), 'restarted once');
    await shows(page.locator('#parts'), 'killed by signal 9');
    await picture(page, 'parts');
    await page.keyboard.press('Escape');
    await page.locator('#parts').waitFor({ state: 'hidden' });
});

test('a fault in the settings is told', async () => {
    await openConnected();
    const degraded = 'openclaw.json, line 3: a comma is missing. The last good one is in force.';
    gateway.broadcast('health', { ...gateway.health(), degraded });
    await shows(page.locator('#degraded'), 'a comma is missing');
    gateway.broadcast('health', gateway.health());
    await page.locator('#degraded').waitFor({ state: 'hidden' });
});

test('nothing is cut off on a small screen', async () => {
    gateway.messages = [
        gateway.said('user', `a very long word: ${'w'.repeat(200)}`),
        gateway.said('assistant', `\`\`\`\n${'c'.repeat(300)}\n\`\`\`\nand ${'t'.repeat(300)}`),
    ];
    await openConnected({ viewport: { width: 360, height: 640 } });
    await items(page, 'assistant').waitFor();
    const wide = await page.evaluate(() =>
        Math.max(
            document.documentElement.scrollWidth,
            document.querySelector('#scroll').scrollWidth,
        ),
    );
    assert.ok(wide <= 360, `${wide} pixels wide`);
    const box = await page.getByRole('button', { name: 'Send' }).boundingBox();
    assert.ok(box.x + box.width <= 360 && box.y + box.height <= 640);
});

test('the door fits a small screen', async () => {
    await open({ viewport: { width: 360, height: 640 } });
    await signIn(page, 'wrong-token');
    await page.getByRole('alert').waitFor();
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 360, `${wide} pixels wide`);
});
