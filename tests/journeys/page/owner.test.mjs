// What an owner does with the other views, against the real processes.

import assert from 'node:assert/strict';
import { chown, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openBrowser, openPage, picture, shows, stateText } from './support/browser.mjs';
import { Device } from './support/device.mjs';
import { RealGateway } from './support/real_gateway.mjs';
import { until } from './support/until.mjs';
import { views } from './support/views_table.mjs';

const gateway = new RealGateway();
let browser;
let opened;
let page;

before(async () => {
    await gateway.start();
    browser = await openBrowser();
    opened = await openPage(browser, `${gateway.url}#token=${gateway.token}`);
    page = opened.page;
    await shows(stateText(page), /^Connected$/);
});

after(async () => {
    await browser?.close();
    await gateway.remove();
    if (opened) assert.deepEqual(opened.problems, [], 'the page complained');
});

const goTo = (view) => page.getByRole('link', { name: view, exact: true }).click();
const card = (worker) => page.locator(`[data-worker="${worker}"]`);

test('every view opens and finds what it asks for', async () => {
    for (const [path] of views) {
        await page.goto(`${gateway.url}${path}`);
        await shows(stateText(page), /^Connected$/);
        await page.locator('main h1').first().waitFor({ state: 'attached' });
        await page.waitForFunction(() => !document.querySelector('main').innerText.includes('Opening…'));
        assert.equal(await page.getByRole('alert').count(), 0, path);
        await picture(page, `real-${path.replace(/\W+/g, '-')}`);
    }
});

test('a killed worker shows within a second, with its reason', async () => {
    await goTo('Workers');
    await shows(card('agent'), 'running');
    const { pid } = await gateway.worker('agent');
    const seen = page.waitForFunction(
        () => document.querySelector('[data-worker=agent]').innerText.includes('signal 9'),
        null,
        { polling: 20 },
    );
    const begin = performance.now();
    process.kill(pid, 'SIGKILL');
    await seen;
    const took = Math.round(performance.now() - begin);
    console.log(`# seen after ${took} ms; the goal is 1000`);
    assert.ok(took < 3_000, `seen after ${took} ms`); // the machine may be busy
    await shows(card('agent'), 'running');
    await card('agent').getByRole('link', { name: 'agent' }).click();
    await shows(page.locator('.table'), 'killed');
    await picture(page, 'real-worker');
});

test('a worker is stopped and started again', async () => {
    await page.getByRole('button', { name: 'All workers' }).click();
    await page.getByRole('button', { name: 'Stop agent' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Stop' }).click();
    await shows(card('agent'), 'stopped');
    await shows(stateText(page), 'agent stopped');
    await page.getByRole('button', { name: 'Start agent' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Start' }).click();
    await shows(card('agent'), 'running');
    await shows(stateText(page), /^Connected$/);
});

test('the log has what happened', async () => {
    await goTo('Logs');
    await page.getByRole('searchbox').fill('is stopped on request');
    await shows(page.locator('.log-line'), 'agent is stopped on request');
    await page.getByRole('searchbox').fill('');
    await page.getByLabel('Worker').selectOption('gateway');
    await page.locator('.log-line[data-worker=gateway]').first().waitFor();
    assert.equal(await page.locator('.log-line:not([data-worker=gateway])').count(), 0);
});

test('a device that asks is let in', async () => {
    const device = new Device('Pocket');
    const refused = await device.connect(gateway.port, gateway.token);
    assert.equal(refused.error?.code, 'NOT_PAIRED', JSON.stringify(refused));
    await goTo('Devices');
    await page.getByRole('button', { name: 'Approve Pocket' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Approve' }).click();
    await shows(page.locator('.toast'), 'Pocket may come in now.');
    const admitted = await device.connect(gateway.port, gateway.token);
    assert.equal(admitted.ok, true, JSON.stringify(admitted));
    await page.getByRole('button', { name: 'Revoke Pocket' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await shows(page.locator('.badge'), 'revoked');
});

test('who asks on a channel is let in or turned away', async () => {
    // As a channel leaves it: the file that the command lines share.
    const folder = join(gateway.folder, 'credentials');
    const requests = join(folder, 'telegram-pairing.json');
    const asks = (id, code, name) => ({ id, code, createdAt: new Date().toISOString(), meta: { name } });
    const waiting = [asks('4711', 'ABCDEFGH', 'Ada'), asks('4712', 'HGFEDCBA', '<b>Eve')];
    await writeFile(requests, JSON.stringify({ version: 1, requests: waiting }), { mode: 0o600 });
    const { uid, gid } = await stat(folder);
    await chown(requests, uid, gid);
    await goTo('Channels');
    await page.getByRole('button', { name: 'Approve Ada (4711)' }).click();
    await shows(page.locator('.toast'), 'Ada (4711) is let in.');
    await page.getByRole('button', { name: 'Reject <b>Eve (4712)' }).click();
    await shows(page.locator('.toast'), '<b>Eve (4712) is turned away.');
    await shows(page.locator('.empty'), 'Nobody waits.');
    const read = async (path) => JSON.parse(await readFile(path, 'utf8'));
    assert.deepEqual((await read(join(folder, 'telegram-allowFrom.json'))).allowFrom, ['4711']);
    assert.deepEqual((await read(requests)).requests, []);
});

test('a setting is checked, applied and in force', async () => {
    await goTo('Configuration');
    await page.getByRole('searchbox').fill('ui.assistant.name');
    await page.locator('.config-field input').first().fill('Clawdia');
    await shows(page.locator('.apply-bar'), 'This can be used. Restarts:');
    await picture(page, 'real-config');
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Apply' }).click();
    await until('the file has it', async () =>
        (await readFile(join(gateway.folder, 'openclaw.json'), 'utf8').catch(() => '')).includes(
            'Clawdia',
        ),
    );
    // The gateway restarts for it, and the page is back by itself.
    await shows(page.locator('#assistant-name'), 'Clawdia');
    await shows(stateText(page), /^Connected$/);
});

test('a mistake in the file is named, and cannot be applied', async () => {
    await page.reload();
    await shows(stateText(page), /^Connected$/);
    await page.getByRole('button', { name: 'File' }).click();
    const file = page.getByLabel('The file');
    const text = await file.inputValue();
    await file.fill(text.replace('{', '{ gateway: { port: "x" },'));
    await shows(page.locator('.issues'), 'gateway.port');
    assert.ok(await page.getByRole('button', { name: 'Apply' }).isDisabled());
});

test('health says what doctor finds', async () => {
    await goTo('Health');
    await shows(page.locator('.finding'), 'worker agent');
    await shows(page.locator('.finding'), 'running as process');
});

test('health says it in Chinese as well', async () => {
    const url = `${gateway.url}doctor#token=${gateway.token}`;
    const chinese = await openPage(browser, url, { locale: 'zh-CN' });
    await shows(chinese.page.locator('.finding'), '以进程号');
    // Beside the subjects, which are Chinese anyway. What is wrong with this machine may be free text.
    const told = await chinese.page.$$eval('.finding.ok p', (found) =>
        found.map((one) => {
            one.querySelector('strong')?.remove();
            return one.innerText;
        }),
    );
    assert.ok(told.length > 10);
    assert.deepEqual(
        told.filter((text) => !/[\u4e00-\u9fff]/.test(text)),
        [],
    );
    await chinese.context.close();
    assert.deepEqual(chinese.problems, []);
});

test('after a restart of everything the page is where it was', async () => {
    await goTo('Workers');
    await gateway.stop();
    await shows(stateText(page), 'Disconnected');
    await gateway.start();
    await shows(stateText(page), /^Connected$/);
    await shows(card('agent'), 'running');
});
