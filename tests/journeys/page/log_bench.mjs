// How ten thousand lines of a log scroll: a screen and a half in each frame, from one end to the
// other, and then with new lines coming in; beside them a thousand lines at the same pace. Prints
// what a frame takes. Fails when the page's own work does not fit into a frame, or when ten
// thousand lines take more of it than a thousand.
//
//   node log_bench.mjs

import { quantile, reaches } from './support/bars.mjs';
import { openBrowser, openPage, shows } from './support/browser.mjs';
import { GatewayDouble } from './support/gateway_double.mjs';
import { world } from './support/world.mjs';

const frames = 240;
const frame = 1_000 / 60; // milliseconds
const most = 1.5; // times what a thousand lines take

// Runs in the page: scrolls for so many frames, back and forth, and answers how long each took.
const scroll = ({ count, step }) =>
    new Promise((resolve) => {
        const box = document.querySelector('.log-box');
        const took = [];
        let last = performance.now();
        let direction = 1;
        box.scrollTop = 0;
        const turn = () => {
            const now = performance.now();
            took.push(now - last);
            last = now;
            const end = box.scrollHeight - box.clientHeight;
            if (box.scrollTop + step * direction < 0 || box.scrollTop + step * direction > end)
                direction = -direction;
            box.scrollTop += step * direction;
            if (took.length < count) requestAnimationFrame(turn);
            else resolve(took.slice(1));
        };
        requestAnimationFrame(turn);
    });

// Answers {own, median}: what a frame took of the page's own work, and how often one came.
function report(name, took, { before, after }) {
    const per = (key) => (1_000 * (after[key] - before[key])) / took.length;
    const parts = ['Script', 'RecalcStyle', 'Layout'].map((part) => per(`${part}Duration`));
    const [script, style, layout] = parts.map((part) => part.toFixed(2));
    const at = (share) => quantile(took, share).toFixed(1);
    console.log(
        `${name}: a frame every ${at(0.5)} ms (p95 ${at(0.95)}, most ${at(1)}); of it script ` +
            `${script}, style ${style}, layout ${layout}, all tasks ` +
            `${per('TaskDuration').toFixed(2)} ms`,
    );
    return { own: parts.reduce((sum, part) => sum + part), median: quantile(took, 0.5) };
}

// A page whose log has these lines, and what `batches` gains later.
async function openLog(browser, gateway, batches, shown) {
    gateway.answers['logs.tail'] = () => ({
        cursor: 1,
        lines: batches.shift() ?? [],
        reset: false,
    });
    const address = `${gateway.url}logs#token=${gateway.secret}`;
    const { page, context } = await openPage(browser, address);
    await shows(page.getByRole('status'), shown);
    const session = await context.newCDPSession(page);
    await session.send('Performance.enable');
    const metrics = async () => {
        const { metrics: list } = await session.send('Performance.getMetrics');
        return Object.fromEntries(list.map(({ name, value }) => [name, value]));
    };
    const measure = async (name) => {
        const before = await metrics();
        const took = await page.evaluate(scroll, { count: frames, step: 1_000 });
        return report(name, took, { before, after: await metrics() });
    };
    return { measure, close: () => context.close() };
}

const gateway = new GatewayDouble();
await gateway.start();
Object.assign(gateway.answers, world());
const half = gateway.answers['logs.tail']({}).lines;
const browser = await openBrowser();
try {
    const few = await openLog(browser, gateway, [half.slice(0, 1_000)], /1.?000 lines/);
    const thousand = await few.measure('a thousand lines');
    await few.close();
    const batches = [half, half];
    const many = await openLog(browser, gateway, batches, /10.?000 lines/);
    const still = await many.measure('ten thousand');
    for (let second = 0; second < 30; second += 1) batches.push(half.slice(0, 200));
    const growing = await many.measure('ten thousand, 200 new ones a second');
    for (const [name, { own, median }] of Object.entries({ still, growing })) {
        reaches(`own work in a frame, ${name} (ms)`, own, frame);
        reaches(`own work beside a thousand lines, ${name}`, own / thousand.own, most);
        reaches(`time between frames beside a thousand lines, ${name}`, median / thousand.median, most);
    }
} finally {
    await browser.close();
    await gateway.stop();
}
