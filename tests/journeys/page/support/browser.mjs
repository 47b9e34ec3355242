// Headless Chromium for the journeys, with nothing in its profile and no traffic of its own.

import { chromium } from 'playwright-core';
import { patience } from './until.mjs';

const quiet = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
];

export const openBrowser = () =>
    chromium.launch({
        executablePath: process.env.HARDSHELL_CHROMIUM ?? '/usr/bin/chromium',
        headless: true,
        args: quiet,
        timeout: 2 * patience,
    });

// A page of its own device; `problems` gathers what it complains of (a refused script, an
// exception), which no journey may cause. A server that is away on purpose is no complaint.
export async function openPage(browser, url, { clock = false, ...options } = {}) {
    const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(patience);
    const problems = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (message) => {
        if (message.type() !== 'error') return;
        if (/WebSocket connection|ERR_CONNECTION/.test(message.text())) return;
        problems.push(message.text());
    });
    // The test turns the hands of this clock.
    if (clock) await page.clock.install();
    await page.goto(url);
    return { page, context, problems };
}

export async function signIn(page, secret) {
    await page.getByLabel('Token or password').fill(secret);
    await page.getByRole('button', { name: 'Connect' }).click();
}

export const stateText = (page) => page.locator('#state-text');
export const messageBox = (page) => page.getByLabel('Message', { exact: true });
export const items = (page, kind) => page.locator(`#log .item.${kind}`);

// Waits until one of the elements shows the text.
export const shows = (locator, text) => locator.filter({ hasText: text }).first().waitFor();

export const historyRead = (page) =>
    page.waitForFunction(() => document.querySelector('#log').ariaBusy === 'false');

export async function say(page, text) {
    await messageBox(page).fill(text);
    await messageBox(page).press('Enter');
}

// HARDSHELL_SCREENSHOTS names a folder to keep pictures in.
export async function picture(page, name) {
    const folder = process.env.HARDSHELL_SCREENSHOTS;
    if (folder) await page.screenshot({ path: `${folder}/${name}.png` });
}
