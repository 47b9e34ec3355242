// The stock Control UI in headless Chromium, hosted by the real processes: every tab is opened, a
// message is sent, the agent answers.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser, openPage, picture } from '../page/support/browser.mjs';
import { RealGateway } from '../page/support/real_gateway.mjs';
import { until } from '../page/support/until.mjs';
import { controlUi, skip } from './stock.mjs';

const gateway = new RealGateway({ environment: { HARDSHELL_CONTROL_UI_ROOT: controlUi } });
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
    if (skip) return;
    await gateway.start();
    browser = await openBrowser();
    ({ page } = await openPage(browser, 'about:blank'));
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

const journey = (name, action) => test(name, { skip }, action);

journey('connects with the token of the address', async () => {
    await until('the page is admitted', () => answered.has('connect'));
    await until('the history is asked for', () => answered.has('chat.history'));
});

journey('a message gets its answer', async () => {
    const box = page.locator('.chat-compose textarea').first();
    await box.fill('Say parrot.');
    await box.press('Enter');
    await page.getByText(/You said: .*Say parrot\./).first().waitFor();
    await picture?.(page, 'stock-chat');
});

// Tab, and a method that it asks for.
const tabs = [
    ['Overview', 'cron.status'],
    ['Channels', 'channels.status'],
    ['Instances', 'system-presence'],
    ['Sessions', 'sessions.list'],
    ['Cron Jobs', 'cron.list'],
    ['Skills', 'skills.status'],
    ['Nodes', 'exec.approvals.get'],
    ['Config', 'config.schema'],
    ['Debug', 'models.list'],
    ['Logs', 'logs.tail'],
    ['Chat', 'chat.history'],
];
for (const [tab, method] of tabs)
    journey(`the tab ${tab} opens`, async () => {
        answered.delete(method);
        await page.locator('.nav-item', { hasText: tab }).first().click();
        await until(`${method} is answered`, () => answered.has(method));
        await picture?.(page, `stock-${tab.toLowerCase().replace(' ', '-')}`);
    });

journey('nothing was refused', () => {
    assert.deepEqual(refused, []);
});
