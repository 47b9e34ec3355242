// The door: which secrets open it, where they are kept, what a refusal says.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { historyRead, picture, say, shows, signIn, stateText } from './support/browser.mjs';
import { gateway, open, openConnected, page } from './support/stage.mjs';
import { until } from './support/until.mjs';

test('a wrong token is explained and never tried again', async () => {
    await open();
    await signIn(page, 'wrong-token');
    await shows(page.getByRole('alert'), 'hardshell dashboard');
    await picture(page, 'wrong-token');
    await page.waitForTimeout(2_000); // longer than the first retry would wait
    assert.equal(gateway.connections, 1);
    assert.equal(await page.evaluate(() => localStorage.getItem('hardshell.secret')), null);
    await signIn(page, gateway.secret);
    await shows(stateText(page), /^Connected$/);
});

test('presents itself as the web chat, without a device', async () => {
    await openConnected();
    const [params] = gateway.connects;
    assert.equal(params.client.id, 'webchat-ui');
    assert.equal(params.client.mode, 'webchat');
    assert.equal(params.role, 'operator');
    assert.deepEqual(params.scopes, ['operator.admin', 'operator.approvals', 'operator.pairing']);
    assert.equal(params.device, undefined);
});

for (const place of ['#token=', '?token=', '?password=', '?session=agent:main:main#token='])
    test(`a secret in the address (${place}) is taken and leaves it`, async () => {
        await open({ url: `${gateway.url}${place}${gateway.secret}` });
        await shows(stateText(page), /^Connected$/);
        const address = page.url();
        assert.ok(!address.includes(gateway.secret), address);
        assert.equal(address.includes('session='), place.includes('session='));
    });

test('another gateway named in the link is never followed', async () => {
    await open({ url: `${gateway.url}?gatewayUrl=ws://127.0.0.1:9/&token=${gateway.secret}` });
    await shows(stateText(page), /^Connected$/);
    assert.equal(gateway.connections, 1);
});

test('the token is remembered, unless that is not wanted', async () => {
    await open();
    await page.getByLabel('Remember on this device').uncheck();
    await signIn(page, gateway.secret);
    await shows(stateText(page), /^Connected$/);
    await page.reload();
    await page.getByLabel('Token or password').waitFor();
    await page.getByLabel('Remember on this device').check();
    await signIn(page, gateway.secret);
    await shows(stateText(page), /^Connected$/);
    await page.reload();
    await shows(stateText(page), /^Connected$/);
    await page.locator('#about-summary').click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.reload();
    await page.getByLabel('Token or password').waitFor();
});

test('a refused pairing is told with its reason', async () => {
    gateway.refusal = { code: 'NOT_PAIRED', message: 'device identity required' };
    await open();
    await signIn(page, gateway.secret);
    await shows(page.getByRole('alert'), 'device identity required');
});

test('the first visit is made by keyboard alone, over every hurdle', async () => {
    const type = async (text) => {
        await page.keyboard.type(text);
        await page.keyboard.press('Enter');
    };
    await open();
    await page.getByLabel('Token or password').waitFor();
    await type('wrong-token');
    await shows(page.getByRole('alert'), 'hardshell dashboard');
    // What was wrong is chosen: typing replaces it.
    gateway.refusal = {
        code: 'NOT_PAIRED',
        message: 'pairing required',
        details: { requestId: '6f0c-12' },
    };
    await type(gateway.secret);
    await shows(page.locator('.pairing code'), 'hardshell devices approve 6f0c-12');
    await shows(
        page.locator('.pairing code'),
        'fly ssh console -C "hardshell devices approve 6f0c-12"',
    );
    await page.keyboard.press('Enter'); // not approved yet
    await until('it is asked again', () => gateway.connects.length === 3);
    await page.locator('.pairing button:focus', { hasText: 'Try again' }).waitFor();
    gateway.refusal = null;
    await page.keyboard.press('Enter');
    await shows(stateText(page), /^Connected$/);
    assert.deepEqual(
        gateway.connects.map(({ auth }) => auth.token),
        ['wrong-token', ...Array(3).fill(gateway.secret)],
    );
    await historyRead(page);
    await type('hello');
    await gateway.take('chat.send');
});

test('works where the page is no secure context', async () => {
    await open();
    await page.addInitScript(() => {
        delete Crypto.prototype.randomUUID;
    });
    await page.goto(`${gateway.url}?fresh#token=${gateway.secret}`);
    await shows(stateText(page), /^Connected$/);
    await historyRead(page);
    assert.equal(await page.evaluate(() => typeof crypto.randomUUID), 'undefined');
    await say(page, 'hello');
    const { params } = await gateway.take('chat.send');
    assert.match(params.idempotencyKey, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]/);
});

test('a wrong token in a link does not cost the owner the right one', async () => {
    const kept = () => page.evaluate(() => localStorage.getItem('hardshell.secret'));
    await openConnected();
    await page.goto(`${gateway.url}?again#token=wrong-token`);
    await until('both are tried', () => gateway.connects.length === 3);
    await shows(stateText(page), /^Connected$/);
    assert.equal(await kept(), gateway.secret);
    // Also where the page is open already.
    await page.evaluate(() => (location.hash = 'token=wrong-token'));
    await until('both are tried again', () => gateway.connects.length === 5);
    await shows(stateText(page), /^Connected$/);
    assert.equal(await kept(), gateway.secret);
    assert.deepEqual(
        gateway.connects.map(({ auth }) => auth.token === gateway.secret),
        [true, false, true, false, true],
    );
});

test('after an approval the same token is tried again', async () => {
    gateway.refusal = { code: 'NOT_PAIRED', message: 'pairing required' };
    await open({ url: `${gateway.url}#token=${gateway.secret}` });
    await page.locator('.pairing').waitFor();
    gateway.refusal = null;
    await page.getByRole('button', { name: 'Try again' }).click();
    await shows(stateText(page), /^Connected$/);
    assert.equal(gateway.connects.at(-1).auth.token, gateway.secret);
});
