// That nothing of a stranger's text becomes page, in any field of any view.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { items, picture, shows } from './support/browser.mjs';
import { gateway, openConnected, page, sayAndTake } from './support/stage.mjs';
import { hasText, openView, views } from './support/views.mjs';
import { hostileWorld } from './support/world.mjs';

const hostile =
    '<img src=x onerror="window.hit=1"><script>window.hit=1</script>' +
    '"><svg onload=window.hit=1>[x](javascript:window.hit=1){{1}}\u202e${1}';

// Nothing ran, and nothing of it is an element.
async function stayedText() {
    assert.equal(await page.evaluate(() => window.hit), undefined);
    const strangers = await page.evaluate(
        () =>
            document.querySelectorAll(
                '#page script, #page img:not(.mark), #page [onload], #page [onerror], ' +
                    '#page svg[onload], a[href^="javascript:" i], a[href^="data:" i]',
            ).length,
    );
    assert.equal(strangers, 0);
    assert.equal(await page.getByText('This view cannot show').count(), 0);
}

const paths = [
    ...views.map(([path]) => path),
    `workers?worker=${encodeURIComponent(hostile)}`,
    `logs?worker=${encodeURIComponent(hostile)}`,
    `chat?session=${encodeURIComponent(hostile)}`,
];

for (const path of paths)
    test(`${decodeURIComponent(path).slice(0, 40)} takes nothing of a stranger’s for page`, async () => {
        Object.assign(gateway.answers, hostileWorld(hostile), {
            'agent.identity.get': () => ({ agentId: 'main', name: hostile, avatar: hostile }),
            status: () => ({ model: hostile }),
        });
        gateway.workers = [{ name: hostile, state: hostile, pid: hostile, lastEnd: hostile }];
        gateway.messages = [gateway.said('user', hostile), gateway.said('assistant', hostile)];
        await openView(path);
        // What uses models are put to has names of its own only.
        if (!/^usage|worker=agent/.test(path)) await hasText('<img src=x');
        await page.locator('#about-summary').click();
        await picture(page, `hostile-${path.replace(/\W+/g, '-').slice(0, 30)}`);
        await stayedText();
    });

test('tools, pictures, refusals and reasons stay text', async () => {
    await openConnected();
    const runId = await sayAndTake(hostile);
    const tell = (stream, data) =>
        gateway.broadcast('agent', { runId, sessionKey: 'agent:main:main', stream, data });
    tell('tool', { phase: 'start', name: hostile, toolCallId: 'c1', args: { [hostile]: hostile } });
    tell('tool', { phase: 'result', name: hostile, toolCallId: 'c1', result: hostile });
    await items(page, 'tool').locator('summary').click();
    gateway.chat(runId, 'error', { errorMessage: hostile });
    await shows(items(page, 'assistant.failed'), '<script>');
    gateway.messages = [
        {
            role: 'user',
            content: [
                { type: 'text', text: hostile },
                { type: 'image', mimeType: 'image/svg+xml', data: btoa('<svg onload="hit=1"/>') },
                { type: 'image', mimeType: hostile, data: hostile },
            ],
            timestamp: Date.now(),
        },
    ];
    await sayAndTake('again').then((id) => gateway.chat(id, 'final'));
    await shows(items(page, 'user'), '[picture]');
    gateway.broadcast('health', { ...gateway.health(), degraded: hostile });
    await shows(page.locator('#degraded'), '<script>');
    await stayedText();
});
