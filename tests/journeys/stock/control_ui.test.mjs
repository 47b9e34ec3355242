// The stock Control UI in headless Chromium, hosted by the real processes: a message is sent, the
// agent answers, every tab is opened and shows what it is there for, and no error.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser, openPage, picture } from '../page/support/browser.mjs';
import { until } from '../page/support/until.mjs';
import { answer, StockGateway } from './gateway.mjs';
import { controlUi } from './stock.mjs';

const gateway = new StockGateway({ environment: { HARDSHELL_CONTROL_UI_ROOT: controlUi } });
let browser;
let page;
// What the gateway refused: "method: message".
const refused = [];
const answered = new Set();

// Every frame of the page's socket; requests are remembered until they are answered.
function listen(socket) {
    const methods = new Map();
    socket.on('framesent', ({ payload }) => {
        const { id, method } = JSON.parse(payload);
        methods.set(id, method);
    });
    socket.on('framereceived', ({ payload }) => {
        const { type, id, ok, error } = JSON.parse(payload);
        if (type !== 'res') return;
        if (ok) answered.add(methods.get(id));
        else refused.push(`${methods.get(id)}: ${error.message}`);
    });
}

before(async () => {
    await gateway.start();
    browser = await openBrowser();
    ({ page } = await openPage(browser, 'about:blank'));
    page.setDefaultTimeout(60_000);
    // It asks for fonts and a picture from the internet.
    await page.route(
        (url) => url.hostname !== '127.0.0.1',
        (route) => route.abort(),
    );
    page.on('websocket', listen);
    await page.goto(`${gateway.url}?token=${gateway.token}`);
});
after(async () => {
    await browser?.close();
    await gateway.remove();
});

test('connects with the token of the address', async () => {
    await until('the page is admitted', () => answered.has('connect'));
    await until('the history is asked for', () => answered.has('chat.history'));
});

test('a message gets its answer', async () => {
    const box = page.locator('.chat-compose textarea').first();
    await box.fill('Say parrot.');
    await box.press('Enter');
    await page.getByText(answer).first().waitFor();
    await picture(page, 'stock-chat');
});

// Of the page's own, whatever gateway it speaks to: OpenClaw's schema has such fields too.
const formRemark =
    "Form view can't safely edit some fields. Use Raw to avoid losing config entries.";
// Tab, a method that it asks for, what it shows then, and in red.
const tabs = [
    ['Overview', 'cron.status', 'Connected'],
    ['Channels', 'channels.status', 'Telegram', ['disabled']],
    ['Instances', 'system-presence', 'Reason connect'],
    ['Sessions', 'sessions.list', 'agent:main:main'],
    ['Cron Jobs', 'cron.list', 'Gateway-owned cron scheduler status.'],
    ['Skills', 'skills.status', 'Pours tea'],
    ['Nodes', 'exec.approvals.get', 'Operations (ops)'],
    ['Config', 'config.schema', 'Last touched version', [formRemark]],
    ['Debug', 'models.list', '"defaultAgentId": "main"'],
    ['Logs', 'logs.tail', 'listening on ws://'],
    ['Chat', 'chat.history', answer],
];
for (const [tab, method, text, inRed = []] of tabs)
    test(`the tab ${tab} opens`, async () => {
        answered.delete(method);
        await page.locator(`.nav-item[title="${tab}"]`).click();
        await until(`${method} is answered`, () => answered.has(method));
        await page.locator('main').getByText(text).first().waitFor();
        await picture(page, `stock-${tab.toLowerCase().replace(' ', '-')}`);
        assert.deepEqual(await page.locator('.callout.danger').allInnerTexts(), inRed);
    });

test('nothing was refused', () => {
    assert.deepEqual(refused, []);
});
