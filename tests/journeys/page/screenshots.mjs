#!/usr/bin/env node
// Draws the pictures of README.md: the page as it is built, with something in every view.
//   node tests/journeys/page/screenshots.mjs [FOLDER]     ops/screenshots without a folder

import { fileURLToPath } from 'node:url';
import { openBrowser, openPage, shows, stateText } from './support/browser.mjs';
import { GatewayDouble } from './support/gateway_double.mjs';
import { world } from './support/world.mjs';

const folder =
    process.argv[2] ?? fileURLToPath(new URL('../../../ops/screenshots/', import.meta.url));
const talk = [
    ['user', 'What is on today?'],
    ['assistant', 'Two things:\n\n- **10:30** dentist\n- **18:00** dinner with Ada, *bring the cake*'],
    ['user', 'Remind me of the cake at five.'],
    ['assistant', 'I will write to you here and on Telegram at 17:00.'],
];
const pictures = [
    // path, a text that shows when it is drawn
    ['chat', 'at 17:00'],
    ['workers', 'discord:ops'],
    ['channels', 'out of memory'],
    ['usage', '$17.03'],
];

const browser = await openBrowser();
const gateway = new GatewayDouble();
await gateway.start();
gateway.model = 'anthropic/claude-opus-4-5';
Object.assign(gateway.answers, world());
gateway.messages = talk.map(([role, text]) => gateway.said(role, text));
try {
    for (const [path, text] of pictures) {
        const { page, context, problems } = await openPage(
            browser,
            `${gateway.url}${path}#token=${gateway.secret}`,
            { viewport: { width: 1200, height: 750 }, colorScheme: 'light', locale: 'en-GB' },
        );
        await shows(stateText(page), /^Connected/);
        await shows(page.locator('body'), text);
        await page.screenshot({ path: `${folder}/${path}.png` });
        await context.close();
        if (problems.length > 0) throw new Error(`${path}: ${problems.join('; ')}`);
    }
} finally {
    await gateway.stop();
    await browser.close();
}
