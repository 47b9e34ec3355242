// How long the page takes on loopback, from the address to the first paint and to a conversation
// that can be used. Prints medians, and fails when a quarter of the rounds does not stay under the
// bar: other work on the machine makes single rounds slow, never fast. A machine that is slow
// throughout shows in what the gateway's shortest answer takes, measured in between.
//
//   HARDSHELL_BUILD=… node page_bench.mjs [rounds]

import { quantile, reaches } from './support/bars.mjs';
import { openBrowser, openPage, shows, stateText } from './support/browser.mjs';
import { RealGateway } from './support/real_gateway.mjs';

const rounds = Number(process.argv[2] ?? 15);
const views = ['chat', 'workers', 'logs', 'config'];

const bar = 300; // milliseconds, for either
const timesNothing = 5; // beside a page of one line, where that is more

// Runs in the page.
const firstPaint = () =>
    new Promise((resolve) => {
        new PerformanceObserver((list) => {
            const [entry] = list.getEntriesByName('first-contentful-paint');
            if (entry) resolve(entry.startTime);
        }).observe({ type: 'paint', buffered: true });
    });

async function measure(browser, url) {
    const { page, context } = await openPage(browser, 'about:blank');
    const begin = performance.now();
    await page.goto(url);
    await shows(stateText(page), /^Connected$/);
    const usable = performance.now() - begin;
    const paint = await page.evaluate(firstPaint);
    await context.close();
    return { paint, usable };
}

// {line}: until a page of one line is painted.
async function measureNothing(browser, url) {
    const { page, context } = await openPage(browser, 'about:blank');
    await page.goto(`${url}healthz`);
    const line = await page.evaluate(firstPaint);
    await context.close();
    return { line };
}

const gateway = new RealGateway();
await gateway.start();
const browser = await openBrowser();
try {
    for (const view of views) {
        const seen = [];
        for (let round = 0; round < rounds; round += 1)
            seen.push({
                ...(await measureNothing(browser, gateway.url)),
                ...(await measure(browser, `${gateway.url}${view}#token=${gateway.token}`)),
            });
        const at = (key, share) => quantile(seen.map((one) => one[key]), share);
        console.log(
            `${view.padEnd(8)} first paint ${at('paint', 0.5).toFixed(0)} ms, ` +
                `connected ${at('usable', 0.5).toFixed(0)} ms; ` +
                `a page of one line ${at('line', 0.5).toFixed(0)} ms`,
        );
        const allowed = Math.max(bar, timesNothing * at('line', 0.25));
        reaches(`${view}, first paint (ms)`, at('paint', 0.25), allowed);
        reaches(`${view}, connected (ms)`, at('usable', 0.25), allowed);
    }
} finally {
    await browser.close();
    await gateway.remove();
}
