// Opening views, and what axe finds wrong with the one that is shown.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { shows, stateText } from './browser.mjs';
import { gateway, open, page } from './stage.mjs';

export { views } from './views_table.mjs';

const axeSource = await readFile(
    createRequire(import.meta.url).resolve('axe-core/axe.min.js'),
    'utf8',
);

export async function openView(path, options) {
    await open({ ...options, url: `${gateway.url}${path}#token=${gateway.secret}` });
    await shows(stateText(page), /^Connected/);
}

export const hasText = (text) =>
    page.waitForFunction(
        (wanted) =>
            document.body.innerText.includes(wanted) ||
            [...document.querySelectorAll('[placeholder]')].some((one) =>
                one.placeholder.includes(wanted),
            ),
        text,
    );

// What axe finds against WCAG 2.2 A and AA, and its best practices.
export async function violations() {
    await page.evaluate(axeSource); // as a debugger does: the policy of the page stays in force
    return page.evaluate(async () => {
        const { violations: found } = await globalThis.axe.run();
        return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
    });
}
