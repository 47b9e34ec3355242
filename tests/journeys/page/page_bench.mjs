// How long the page takes on loopback, from the address to the first paint and to a conversation
// that can be used. Prints medians; a figure, not a test.
//
//   HARDSHELL_BUILD=… node page_bench.mjs [rounds]

import { openBrowser, openPage, shows, stateText } from './support/browser.mjs';
import { RealGateway } from './support/real_gateway.mjs';

const rounds = Number(process.argv[2] ?? 15);
const views = ['chat', 'workers', 'logs', 'config'];

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

async function measure(browser, url) {
    const { page, context } = await openPage(browser, 'about:blank');
    const begin = performance.now();
    await page.goto(url);
    await shows(stateText(page), /^Connected$/);
    const usable = performance.now() - begin;
    const paint = await page.evaluate(
        () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime,
    );
    await context.close();
    return { paint, usable };
}

const gateway = new RealGateway();
await gateway.start();
const browser = await openBrowser();
try {
    for (const view of views) {
        const seen = [];
        for (let round = 0; round < rounds; round += 1)
            seen.push(await measure(browser, `${gateway.url}${view}#token=${gateway.token}`));
        const paint = median(seen.map((one) => one.paint));
        const usable = median(seen.map((one) => one.usable));
        console.log(
            `${view.padEnd(8)} first paint ${paint.toFixed(0)} ms, connected ${usable.toFixed(0)} ms`,
        );
    }
} finally {
    await browser.close();
    await gateway.remove();
}
