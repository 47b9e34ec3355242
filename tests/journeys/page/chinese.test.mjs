// That who reads Chinese finds no English: every word in sight that is not the owner's own, a name
// or free text of the gateway.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { picture, shows, stateText } from './support/browser.mjs';
import { gateway, open, page } from './support/stage.mjs';
import { hasText, views } from './support/views.mjs';
import { world } from './support/world.mjs';

const allowed = new Set(
    [
        // Names, and units and terms that stay as they are
        'Hardshell hardshell Molty English OpenClaw Fly.io JSON cron token KiB MiB GiB ms min Esc',
        'fly ssh console dashboard doctor devices approve ANTHROPIC OPENAI API KEY',
        // The owner's own, and what comes from channels
        'gateway supervisor agent tools telegram Telegram discord ops voice main default second Ops Ada',
        'Pocket Desk ios linux Family Morning report write the morning ABCD UTC Europe Berlin',
        'claude-opus claude opus anthropic demo double group TZ ws',
        // Identities and rights, as the protocol spells them
        'operator.read operator.write operator.admin',
        // Where things are
        'data openclaw.json cgroup Landlock landlock lsm',
        // Free text: what a job does, why one failed, what a worker or a channel declared
        'the model did not answer token was refused of KILL',
    ].flatMap((row) => row.split(' ')),
);

// Where free text of the gateway stands.
const freeText =
    '.log-box, .chosen-line, pre, .command, .config-field option, code, [lang=en]';

// Words of two letters and more that a reader sees, or is read to.
const englishInSight = () =>
    page.evaluate((free) => {
        const texts = [document.title];
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
            const parent = walker.currentNode.parentElement;
            if (parent.closest(`script, style, ${free}`)) continue;
            if (!parent.closest('option') && !parent.checkVisibility()) continue;
            // A name that may be parted is one all the same.
            if (walker.currentNode.previousSibling?.nodeName === 'WBR')
                texts[texts.length - 1] += walker.currentNode.data;
            else texts.push(walker.currentNode.data);
        }
        for (const one of document.querySelectorAll('[aria-label], [placeholder], [title], [alt]'))
            for (const name of ['aria-label', 'placeholder', 'title', 'alt'])
                texts.push(one.getAttribute(name) ?? '');
        const words = texts.join('\n').match(/[A-Za-z][A-Za-z.]*[A-Za-z]/g) ?? [];
        // Identities of devices are letters of hexadecimal numbers.
        return [...new Set(words)].filter((word) => !/^[a-f]{12,}$/.test(word));
    }, freeText);

// What is waited for in English elsewhere.
const translated = {
    'Write a message': '写一条消息',
    'out of memory': '内存不足',
    Gateway: '网关',
};

// The schema of the tree, which a gateway sends with its references followed.
async function schemaTexts() {
    const schema = JSON.parse(await sourceOf('workers/planner/openclaw.schema.json'));
    const keys = new Set();
    const helps = new Set();
    const look = (part) => {
        if (part === null || typeof part !== 'object') return;
        if (typeof part.description === 'string') helps.add(part.description);
        if (typeof part.properties === 'object') Object.keys(part.properties).forEach((key) => keys.add(key));
        Object.values(part).forEach(look);
    };
    look(schema);
    const sections = Object.keys(schema.properties).filter((key) => key !== '$schema');
    return { sections, keys, helps };
}

async function isChinese(where) {
    const words = (await englishInSight()).filter((word) => !allowed.has(word));
    assert.deepEqual(words, [], `English in ${where}`);
}

test('no view has English in it once Chinese is chosen', async () => {
    Object.assign(gateway.answers, world());
    gateway.model = 'anthropic/claude-opus-4-5';
    await open({ locale: 'en-GB' });
    await page.getByLabel('Language').selectOption('zh');
    await page.getByRole('button', { name: '连接' }).waitFor();
    await isChinese('the door');
    await page.getByLabel('令牌或密码').fill('wrong-token');
    await page.getByRole('button', { name: '连接' }).click();
    await page.getByRole('alert').waitFor();
    await isChinese('a refused token');
    await page.getByLabel('令牌或密码').fill(gateway.secret);
    await page.getByRole('button', { name: '连接' }).click();
    await shows(stateText(page), /^已连接$/); // a token is kept once it was accepted
    for (const [path, text] of views) {
        await page.goto(`${gateway.url}${path}`);
        await shows(stateText(page), /^已连接$/);
        await hasText(translated[text] ?? text);
        const folds = page.locator('main details:not([open]) > summary:visible');
        while ((await folds.count()) > 0) await folds.first().click();
        await isChinese(path);
        await picture(page, `chinese-${path.replace(/\W+/g, '-')}`);
    }
    await page.locator('#about-summary').click();
    await isChinese('what the page knows of the gateway');
});

test('every section of the configuration has its Chinese, and none is left without its setting', async () => {
    const { sections, keys, helps } = await schemaTexts();
    await open({ locale: 'zh-CN' });
    const words = await page.evaluateHandle(() => import('/source/config_words.js'));
    const untold = await words.evaluate(
        ({ settingName, settingHelp }, list) =>
            list.filter(
                (key) =>
                    settingName([key], {}).language !== 'zh' ||
                    settingHelp([key], 'help').language !== 'zh',
            ),
        sections,
    );
    assert.deepEqual(untold, []);
    const source = await sourceOf('workers/gateway/page/source/config_words.js');
    const table = (name) => source.split(`const ${name} = {`)[1].split('\n};')[0];
    const known = (name) =>
        [...table(name).matchAll(/^ {4}(?:(\w+)|'([^']+)'|"([^"]+)"):/gm)].map(
            ([, word, ...quoted]) => word ?? quoted.find(Boolean),
        );
    assert.ok(known('names').length > 100);
    assert.deepEqual(known('names').filter((key) => !keys.has(key)), []);
    assert.ok(known('helps').length > 50);
    assert.deepEqual(known('helps').filter((text) => !helps.has(text)), []);
});

test('a setting is found by its Chinese and by its English name', async () => {
    Object.assign(gateway.answers, world());
    await open({ locale: 'zh-CN', url: `${gateway.url}config#token=${gateway.secret}` });
    await page.getByText('网关', { exact: true }).waitFor();
    for (const needle of ['端口', 'gateway.port']) {
        await page.getByRole('searchbox').fill(needle);
        await page.getByLabel('端口 port').waitFor();
    }
});

test('what asks and what tells is Chinese as well', async () => {
    Object.assign(gateway.answers, world(), { 'hardshell.worker.restart': () => ({ ok: true }) });
    await open({ locale: 'zh-CN', url: `${gateway.url}workers#token=${gateway.secret}` });
    await page.getByRole('button', { name: '重启 agent' }).click();
    await page.getByRole('dialog').waitFor();
    await isChinese('a question');
    await page.getByRole('dialog').getByRole('button', { name: '重启' }).click();
    await page.locator('.toast').waitFor();
    await isChinese('an answer');
    await gateway.stop();
    await shows(stateText(page), '已断开');
    await isChinese('a lost connection');
});

const sourceOf = (path) => readFile(new URL(`../../../${path}`, import.meta.url), 'utf8');
// Literals of C++ that stand beside each other are one text.
const joined = (literals) =>
    [...literals.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, part]) => part).join('');
const literals = '((?:"(?:[^"\\\\]|\\\\.)*"\\s*)+)';
const hasChinese = (text) => /[\u4e00-\u9fff]/.test(text);

test('every layer and every cure that doctor knows has its Chinese', async () => {
    const layers = await sourceOf('supervisor/layers.cpp');
    const rows = [...layers.matchAll(/^ {4}\{"([^"]+)",\s+\w+,\s+"([^"]*)"\},$/gm)];
    assert.ok(rows.length > 8, 'the table of layers has moved');
    const running = await sourceOf('workers/common/doctor/running.cpp');
    const cures = [...running.matchAll(new RegExp(`\\{"[^"]+",\\s*${literals}\\}`, 'g'))];
    assert.ok(cures.length > 12, 'the tables of cures have moved');
    await open({ locale: 'zh-CN' });
    const words = await page.evaluateHandle(() => import('/source/doctor_words.js'));
    const told = await words.evaluate(
        ({ subjectText, findingText, cureText }, [names, reasons, texts]) => [
            ...names.map((name) => subjectText(`layer ${name}`)),
            ...reasons.map((reason) => findingText(`missing: ${reason}`).replace('缺失', '')),
            ...texts.map((text) => cureText(text)),
        ],
        [
            rows.map(([, name]) => name),
            rows.map(([, , reason]) => reason).filter(Boolean),
            cures.map(([, text]) => joined(text).replaceAll('{}', 'telegram:ops')),
        ],
    );
    const latin = (text) => text.replace('防护：', '');
    assert.deepEqual(
        told.filter((text) => !hasChinese(latin(text))),
        [],
    );
    assert.deepEqual(
        await words.evaluate(({ findingText }) => [
            findingText('it is held: credentials: the token was refused, after 120 ms'),
            findingText('ready, restarted 2 times; last: killed by signal 9 (KILL), after 3 h'),
            findingText(
                'limits of 1.0 GiB in all (kept by the kernel (cgroup v2)) on a machine of 2.0 GiB',
            ),
            findingText('a sentence that nobody has translated'),
        ]),
        [
            '已搁置：凭据被拒：the token was refused（运行 120 ms 后）',
            '运行中，重启过 2 次；最近一次：被信号 9（KILL）终止（运行 3 h 后）',
            '上限合计 1.0 GiB（由内核执行（cgroup v2）），本机共 2.0 GiB',
            'a sentence that nobody has translated',
        ],
    );
});

test('every cause and end that the supervisor knows has its Chinese', async () => {
    const table = await sourceOf('supervisor/obituary.cpp');
    const rows = [...table.matchAll(/\{Ended::\w+, "(\w+)", (?:"([^"]+)"|nullptr)\}/g)];
    assert.ok(rows.length > 10, 'the table has moved');
    await open({ locale: 'zh-CN' });
    const words = await page.evaluateHandle(() => import('/source/gateway_words.js'));
    const told = await words.evaluate(
        ({ word, endText }, list) =>
            list.flatMap(([, cause, text]) => [
                word('cause', cause),
                text ? endText(`${text}, after 3 h`) : endText('exit code 78, after 120 ms'),
            ]),
        rows.map((row) => [...row]),
    );
    assert.deepEqual(
        told.filter((text) => !hasChinese(text)),
        [],
    );
    assert.deepEqual(
        await words.evaluate(({ endText }) => [
            endText('killed by signal 9 (KILL), after 3 h'),
            endText('out of memory: 41.2 of 40.0 MiB: too many sessions, after 20 s'),
            endText('something else'),
        ]),
        [
            '被信号 9（KILL）终止（运行 3 h 后）',
            '内存不足: 41.2 of 40.0 MiB: too many sessions（运行 20 s 后）',
            'something else',
        ],
    );
});
