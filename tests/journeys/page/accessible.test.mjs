// That every view can be used by everybody: no finding of axe in either theme, nor on a phone, and
// nothing that does not fit there.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { picture, shows, stateText } from './support/browser.mjs';
import { gateway, open, page } from './support/stage.mjs';
import { hasText, openView, views, violations } from './support/views.mjs';
import { world } from './support/world.mjs';

for (const [path, text] of views) {
    const name = path.replace(/\W+/g, '-');
    for (const colorScheme of ['light', 'dark'])
        test(`${path} can be used by everybody, ${colorScheme}`, async () => {
            Object.assign(gateway.answers, world());
            await openView(path, { colorScheme });
            await hasText(text);
            await picture(page, `view-${name}-${colorScheme}`);
            assert.deepEqual(await violations(), []);
        });

    test(`${path} fits a phone`, async () => {
        Object.assign(gateway.answers, world());
        await openView(path, { viewport: { width: 360, height: 640 } });
        await hasText(text);
        await picture(page, `view-${name}-phone`);
        const wide = await page.evaluate(() =>
            Math.max(
                document.documentElement.scrollWidth,
                document.querySelector('main').scrollWidth,
            ),
        );
        assert.ok(wide <= 360, `${wide} pixels wide`);
        assert.deepEqual(await violations(), []);
    });
}

test('a view can be used by everybody in Chinese', async () => {
    Object.assign(gateway.answers, world());
    await open({ locale: 'zh-CN', url: `${gateway.url}workers#token=${gateway.secret}` });
    await page.getByRole('heading', { name: '进程', level: 1 }).waitFor();
    await hasText('discord:ops');
    await picture(page, 'view-workers-chinese');
    assert.deepEqual(await violations(), []);
});

test('the door can be used by everybody, in both languages', async () => {
    await open();
    await page.getByLabel('Token or password').waitFor();
    assert.deepEqual(await violations(), []);
    await page.getByLabel('Language').selectOption('zh');
    await page.getByRole('button', { name: '连接' }).waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'zh');
    await picture(page, 'door-chinese');
    assert.deepEqual(await violations(), []);
});

test('a refused pairing names the command', async () => {
    gateway.refusal = {
        code: 'NOT_PAIRED',
        message: 'pairing required',
        details: { requestId: '6f0c-12' },
    };
    await open({ url: `${gateway.url}#token=${gateway.secret}` });
    await shows(page.locator('.pairing code'), 'hardshell devices approve 6f0c-12');
    await picture(page, 'pairing');
    assert.deepEqual(await violations(), []);
    gateway.refusal = null;
    await page.getByLabel('Token or password').fill(gateway.secret);
    await page.getByRole('button', { name: 'Connect' }).click();
    await shows(stateText(page), /^Connected$/);
});
