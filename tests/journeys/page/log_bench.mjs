// How ten thousand lines of a log scroll: from one end to the other, a screen and a half in each
// frame, and then with new lines coming in. Prints what a frame takes; a figure, not a test.
//
//   node log_bench.mjs

import { openBrowser, openPage, shows } from './support/browser.mjs';
import { GatewayDouble } from './support/gateway_double.mjs';
import { world } from './support/world.mjs';

const frames = 240;

// Runs in the page: scrolls for so many frames, and answers how long each took.
const scroll = (count) =>
    new Promise((resolve) => {
        const box = document.querySelector('.log-box');
        const step = (box.scrollHeight - box.clientHeight) / count;
        const took = [];
        let last = performance.now();
        box.scrollTop = 0;
        const turn = () => {
            const now = performance.now();
            took.push(now - last);
            last = now;
            box.scrollTop += step;
            if (took.length < count) requestAnimationFrame(turn);
            else resolve(took.slice(1));
        };
        requestAnimationFrame(turn);
    });

function report(name, took, { before, after }) {
    const sorted = [...took].sort((a, b) => a - b);
    const at = (share) => sorted[Math.floor((sorted.length - 1) * share)].toFixed(1);
    const own = (key) => ((1_000 * (after[key] - before[key])) / took.length).toFixed(2);
    console.log(
        `${name}: a frame every ${at(0.5)} ms (p95 ${at(0.95)}, most ${at(1)}); ` +
            `of it script ${own('ScriptDuration')}, style ${own('RecalcStyleDuration')}, ` +
            `layout ${own('LayoutDuration')}, all tasks ${own('TaskDuration')} ms`,
    );
}

const gateway = new GatewayDouble();
await gateway.start();
const answers = world();
const half = answers['logs.tail']({}).lines;
const batches = [half, half];
const read = () => ({ cursor: 1, lines: batches.shift() ?? [], reset: false });
Object.assign(gateway.answers, answers, { 'logs.tail': read });
const browser = await openBrowser();
try {
    const { page, context } = await openPage(browser, `${gateway.url}logs#token=${gateway.secret}`);
    await shows(page.getByRole('status'), /10.?000 lines/);
    const session = await context.newCDPSession(page);
    await session.send('Performance.enable');
    const metrics = async () => {
        const { metrics: list } = await session.send('Performance.getMetrics');
        return Object.fromEntries(list.map(({ name, value }) => [name, value]));
    };
    for (const name of ['scrolled', 'scrolled with 200 new lines a second']) {
        const before = await metrics();
        const took = await page.evaluate(scroll, frames);
        report(name, took, { before, after: await metrics() });
        for (let second = 0; second < 30; second += 1) batches.push(half.slice(0, 200));
    }
} finally {
    await browser.close();
    await gateway.stop();
}
