// What an owner does in the views other than the chat.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shows, stateText } from './support/browser.mjs';
import { gateway, open, openConnected, page } from './support/stage.mjs';
import { until } from './support/until.mjs';
import { hasText, openView, violations } from './support/views.mjs';
import { world } from './support/world.mjs';

test('a browser that prefers Chinese is spoken to in Chinese', async () => {
    await open({ locale: 'zh-CN', url: `${gateway.url}workers#token=${gateway.secret}` });
    await page.getByRole('heading', { name: '进程' }).waitFor();
});

test('the colours can be chosen, and stay', async () => {
    await openConnected({ colorScheme: 'light' });
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    await page.locator('#about-summary').click();
    await page.getByLabel('Colours').selectOption('dark');
    const dark = await ground();
    assert.notEqual(dark, light);
    await page.reload();
    await shows(stateText(page), /^Connected$/);
    assert.equal(await ground(), dark);
});

test('the menu is used with the keyboard alone', async () => {
    Object.assign(gateway.answers, world());
    await openConnected();
    await page.getByRole('link', { name: 'Workers', exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Workers', level: 1 }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Logs', level: 1 }).waitFor();
    await page.goBack();
    await page.getByRole('heading', { name: 'Workers', level: 1 }).waitFor();
});

test('a worker is restarted only when that is confirmed', async () => {
    Object.assign(gateway.answers, world());
    await openView('workers');
    await page.getByRole('button', { name: 'Restart agent' }).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Restart agent' }).click();
    assert.deepEqual(await violations(), []);
    await page.getByRole('dialog').getByRole('button', { name: 'Restart' }).click();
    const { params, reply } = await gateway.take('hardshell.worker.restart');
    assert.deepEqual(params, { worker: 'agent' });
    reply({ ok: true });
    await shows(page.locator('.toast'), 'agent is being restarted');
    const sent = gateway.requests.filter(({ method }) => method === 'hardshell.worker.restart');
    assert.equal(sent.length, 1);
});

test('an event of the gateway changes the board at once', async () => {
    const answers = world();
    Object.assign(gateway.answers, answers);
    await openView('workers');
    await shows(page.locator('[data-worker=agent]'), 'running');
    const { workers } = answers['hardshell.workers']();
    Object.assign(
        workers.find(({ name }) => name === 'agent'),
        { state: 'waiting', pid: 0 },
    );
    delete gateway.answers['hardshell.workers'];
    gateway.broadcast('hardshell.workers', { ts: Date.now(), workers });
    await shows(page.locator('[data-worker=agent]'), 'restarting');
});

test('ten thousand lines are few elements, and are searched and filtered', async () => {
    const answers = world();
    let reads = 0;
    const [first, second] = [answers['logs.tail']({}).lines, answers['logs.tail']({}).lines];
    gateway.answers['hardshell.logs'] = answers['hardshell.logs'];
    gateway.answers['logs.tail'] = () => {
        reads += 1;
        const lines = reads === 1 ? first : reads === 2 ? second : [];
        return { cursor: reads, lines, truncated: false, reset: false };
    };
    await openView('logs');
    await shows(page.getByRole('status'), /10.?000 lines/);
    const counted = await page.locator('.log-line').count();
    assert.ok(counted > 10 && counted < 200, `${counted} elements`);
    await page.getByRole('searchbox').fill('line 9983:');
    await shows(page.getByRole('status'), /^2 lines/);
    assert.equal(await page.locator('.log-line mark').first().textContent(), 'line 9983:');
    await page.getByRole('searchbox').fill('');
    await page.getByLabel('Level').selectOption('ERROR');
    await shows(page.getByRole('status'), /^200 lines/);
    await page.getByLabel('Level').selectOption('');
    await page.getByLabel('Worker').selectOption('gateway');
    assert.match(page.url(), /worker=gateway/);
    await shows(page.getByRole('status'), /^40 lines/);
    await page.locator('.log-line').last().click();
    await shows(page.locator('.chosen-line'), '[gateway]');
});

test('a line of the log is opened with the keyboard', async () => {
    Object.assign(gateway.answers, world());
    await openView('logs');
    await hasText('line 9999');
    await page.getByRole('group', { name: 'Log lines' }).press('Enter');
    await shows(page.locator('.chosen-line'), 'line 9999');
    await page.getByRole('group', { name: 'Log lines' }).press('ArrowUp');
    await shows(page.locator('.chosen-line'), 'line 9998');
    assert.deepEqual(await violations(), []);
    await page.getByRole('group', { name: 'Log lines' }).press('Escape');
    await page.locator('.chosen-line').waitFor({ state: 'detached' });
});

test('who reads further up is not carried along by what is new', async () => {
    const answers = world();
    const { lines: half } = answers['logs.tail']({});
    const batches = [half, half];
    Object.assign(gateway.answers, answers, {
        'logs.tail': () => ({ cursor: 1, lines: batches.shift() ?? [], reset: false }),
    });
    await openView('logs');
    await shows(page.getByRole('status'), /10.?000 lines/);
    const box = page.locator('.log-box');
    await box.evaluate((one) => (one.scrollTop = 7_000 * 24));
    await hasText('line 7000');
    batches.push(half.slice(0, 700)); // as many old ones go
    await page.waitForFunction(() => document.querySelector('.log-box').scrollTop === 6_300 * 24);
    await hasText('line 7000');
});

test('a paused log stands still', async () => {
    Object.assign(gateway.answers, world());
    await openView('logs');
    await hasText('line 9999');
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Go on' }).waitFor();
    const before = gateway.requests.filter(({ method }) => method === 'logs.tail').length;
    await page.waitForTimeout(2_500); // more than two readings
    const after = gateway.requests.filter(({ method }) => method === 'logs.tail').length;
    assert.equal(after, before);
});

test('a device is let in', async () => {
    Object.assign(gateway.answers, world());
    delete gateway.answers['device.pair.approve'];
    await openView('devices');
    await page.getByRole('button', { name: 'Approve Pocket' }).click();
    const dialog = page.getByRole('dialog');
    await shows(dialog, `Its identity is ${'ab'.repeat(32)}. It may: operator.read, operator.write.`);
    await dialog.getByRole('button', { name: 'Approve' }).click();
    const { params, reply } = await gateway.take('device.pair.approve');
    assert.deepEqual(params, { requestId: 'r-1' });
    reply({});
    await shows(page.locator('.toast'), 'Pocket may come in now.');
});

test('who asks on a channel is let in, and a channel is probed and logged out', async () => {
    Object.assign(gateway.answers, world());
    delete gateway.answers['hardshell.pairing.approve'];
    await openView('channels');
    await page.getByRole('button', { name: 'Approve Ada (12345678)' }).click();
    const pairing = await gateway.take('hardshell.pairing.approve');
    assert.deepEqual(pairing.params, { channel: 'telegram', code: 'ABCD1234' });
    pairing.reply({ ok: true });
    await shows(page.locator('.toast'), 'Ada (12345678) is let in.');

    await page.getByRole('button', { name: 'Probe now' }).click();
    await shows(page.locator('.toast'), 'The channels have been probed.');
    const probes = gateway.requests.filter(
        ({ method, params }) => method === 'channels.status' && params.probe,
    );
    assert.equal(probes.length, 1, 'the platforms are asked only when the owner wants it');

    await page.getByRole('button', { name: 'Log out telegram:second' }).click();
    await shows(page.getByRole('dialog'), 'Log telegram:second out?');
    await page.getByRole('dialog').getByRole('button', { name: 'Log out' }).click();
    const { params } = await gateway.take('channels.logout');
    assert.deepEqual(params, { channel: 'telegram', accountId: 'second' });
});

test('a setting is changed: what it restarts is said before it is applied', async () => {
    Object.assign(gateway.answers, world());
    await openView('config');
    await page.getByRole('searchbox').fill('port');
    await page.getByLabel('Port').fill('3001');
    await shows(page.locator('.changes'), 'gateway.port 3000 → 3001');
    await shows(page.locator('.apply-bar'), 'Restarts: gateway.');
    assert.deepEqual(await violations(), []);
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Apply' }).click();
    const { params, reply } = await gateway.take('config.patch');
    assert.deepEqual(JSON.parse(params.raw), { gateway: { port: 3001 } });
    assert.equal(params.baseHash, 'h-1');
    reply({ ok: true });
    await shows(page.locator('.toast'), 'Applied.');
});

test('a secret is never shown, and is kept unless it is typed over', async () => {
    Object.assign(gateway.answers, world());
    await openView('config');
    await page.getByRole('searchbox').fill('token');
    const field = page.getByLabel('Token', { exact: false }).first();
    assert.equal(await field.inputValue(), '');
    await field.fill('a new secret');
    await shows(page.locator('.changes'), 'gateway.auth.token ••• → •••');
    for (const text of ['__OPENCLAW_REDACTED__', 'a new secret'])
        assert.equal(await page.getByText(text).count(), 0, text);
    // Cleared again it is kept, not taken away.
    await field.fill('');
    await page.locator('.apply-bar').waitFor({ state: 'detached' });
    await field.fill('another');
    await page.getByRole('button', { name: 'Undo all' }).click();
    await page.locator('.apply-bar').waitFor({ state: 'detached' });
});

test('the file is checked while it is written', async () => {
    Object.assign(gateway.answers, world());
    gateway.answers['hardshell.config.check'] = ({ raw }) => ({
        valid: !raw.includes('nope'),
        issues: [{ path: 'gateway.nope', message: 'is not known' }],
        restarts: [],
    });
    await openView('config');
    await page.getByRole('button', { name: 'File' }).click();
    const file = page.getByLabel('The file');
    const text = await file.inputValue();
    await file.fill(text.replace('"port"', '"nope"'));
    await shows(page.locator('.issues'), 'gateway.nope is not known');
    assert.ok(await page.getByRole('button', { name: 'Apply' }).isDisabled());
    await file.fill(text.replace('3000', '3002'));
    await shows(page.locator('.apply-bar'), 'Nothing restarts.');
    assert.deepEqual(await violations(), []);
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Apply' }).click();
    const { params } = await gateway.take('config.apply');
    assert.match(params.raw, /3002/);
});

test('a job is added', async () => {
    Object.assign(gateway.answers, world());
    await openView('cron');
    await page.getByText('Add a job').click();
    await page.getByLabel('Name').fill('tea');
    await page.getByRole('textbox', { name: 'Minutes' }).fill('20');
    await page.getByLabel('What the assistant is told').fill('tea is ready');
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    const { params } = await gateway.take('cron.add');
    assert.equal(params.name, 'tea');
    assert.deepEqual(params.schedule, { kind: 'every', everyMs: 1_200_000 });
    assert.deepEqual(params.payload, { kind: 'systemEvent', text: 'tea is ready' });
});

test('another session is opened from the list', async () => {
    Object.assign(gateway.answers, world());
    await openView('sessions');
    await page.getByRole('link', { name: 'Family' }).click();
    await page.waitForURL(/session=agent/);
    await page.getByLabel('Session').waitFor();
    await page.waitForFunction(
        () => document.querySelector('#session').value === 'agent:main:telegram:group:-100123',
    );
    const asked = gateway.requests.filter(({ method }) => method === 'chat.history').at(-1);
    assert.equal(asked.params.sessionKey, 'agent:main:telegram:group:-100123');
});

const goTo = (view) => page.getByRole('link', { name: view, exact: true }).click();
const agree = (action) => page.getByRole('dialog').getByRole('button', { name: action }).click();
const timesAsked = (method) => gateway.requests.filter((one) => one.method === method).length;

test('what was asked for and not done is said with its reason', async () => {
    Object.assign(gateway.answers, world(), {
        'channels.logout': () => ({ channel: 'telegram', loggedOut: false, envToken: true }),
        'cron.run': () => ({ ok: true, ran: false, reason: 'already-running' }),
        'sessions.compact': () => ({ compacted: false, reason: 'the session has no transcript' }),
    });
    await openView('channels');
    await page.getByRole('button', { name: 'Log out' }).first().click();
    await agree('Log out');
    await shows(page.locator('.toast.bad'), 'Its environment variable still lets it in');
    await goTo('Schedule');
    await page.getByRole('button', { name: 'Run now: Morning report' }).click();
    await shows(page.locator('.toast.bad'), 'It has not run: it is running already');
    await goTo('Sessions');
    await page.getByRole('button', { name: 'Shorten Family' }).click();
    assert.equal(timesAsked('sessions.compact'), 0, 'only when that is confirmed');
    await agree('Shorten');
    await shows(page.locator('.toast.bad'), 'not shortened: the session has no transcript');
});

test('nothing is said to be absent before the gateway has answered', async () => {
    for (const view of ['channels', 'devices', 'sessions', 'cron', 'usage']) {
        await openView(view);
        await shows(page.locator('.empty'), 'Opening…');
        const told = await page.locator('main').innerText();
        assert.doesNotMatch(told, /\b(No|Nobody|Nothing)\b/, view);
        await page.context().close();
    }
});

test('a session that was used long ago is found all the same', async () => {
    const all = Array.from({ length: 1_000 }, (_, index) => ({
        key: `agent:main:telegram:${index}`,
        kind: 'direct',
        updatedAt: Date.now() - index * 60_000,
    }));
    Object.assign(gateway.answers, world(), {
        'sessions.list': ({ limit, search = '' }) => ({
            sessions: all.filter(({ key }) => key.includes(search)).slice(0, limit),
        }),
    });
    await openView('sessions');
    await shows(page.locator('main'), 'These are the 500 that were used last.');
    await page.getByRole('searchbox').fill('telegram:999');
    await page.getByRole('link', { name: 'agent:main:telegram:999' }).waitFor();
    assert.equal(await page.locator('tbody tr').count(), 1);
    await page.getByRole('searchbox').fill('nobody');
    await shows(page.locator('.empty'), 'No session is found.');
});

test('the runs of a job come into sight, however many jobs there are', async () => {
    const [job] = world()['cron.list']().jobs;
    const jobs = Array.from({ length: 500 }, (_, index) => ({
        ...job,
        id: `j-${index}`,
        name: `Job ${index}`,
    }));
    Object.assign(gateway.answers, world(), { 'cron.list': () => ({ jobs }) });
    await openView('cron');
    await page.getByRole('button', { name: 'Runs: Job 3', exact: true }).click();
    const heading = page.getByRole('heading', { name: 'Runs of Job 3' });
    await heading.waitFor();
    const place = await heading.boundingBox();
    assert.ok(place.y > 0 && place.y < 800, `at ${place.y} pixels`);
});

test('what changes all the time is not read out all the time', async () => {
    Object.assign(gateway.answers, world());
    await openView('workers');
    await shows(page.locator('main'), 'They use');
    const read = await page.getByRole('status').allInnerTexts();
    assert.ok(read.some((text) => text.startsWith('Not running:')));
    assert.deepEqual(read.filter((text) => text.includes('MiB')), []);
    await goTo('Logs');
    const lines = page.getByRole('status').filter({ hasText: 'lines' });
    assert.equal(await lines.getAttribute('aria-live'), 'off');
    await page.getByRole('searchbox').fill('line 99');
    await page.locator('[role=status][aria-live=polite]').filter({ hasText: 'lines' }).waitFor();
});

test('no name is so long that a button leaves the screen', async () => {
    const long = 'Name-without-end_'.repeat(12);
    const [job] = world()['cron.list']().jobs;
    const [session] = world()['sessions.list']().sessions;
    const devices = world()['device.pair.list']();
    for (const device of [...devices.pending, ...devices.paired]) device.displayName = long;
    Object.assign(gateway.answers, world(), {
        'cron.list': () => ({ jobs: [{ ...job, name: long }] }),
        'sessions.list': () => ({
            sessions: [{ ...session, key: 'agent:main:long', label: long, model: long }],
        }),
        'device.pair.list': () => devices,
    });
    await openView('sessions', { viewport: { width: 320, height: 640 } });
    for (const [view, button] of [
        ['Sessions', 'Delete'],
        ['Schedule', 'Remove:'],
        ['Devices', 'Reject'],
    ])
        for (const width of [320, 800, 1056, 1160, 1280]) {
            await page.setViewportSize({ width, height: 640 });
            await page.getByRole('navigation').first().waitFor();
            if (width < 500) await page.getByRole('button', { name: 'More' }).click();
            await goTo(view);
            const { x, width: wide } = await page
                .getByRole('button', { name: `${button} ${long}` })
                .boundingBox();
            assert.ok(x >= 0 && x + wide <= width, `${view} at ${width}: ${x} to ${x + wide}`);
        }
});

test('only who is there is listed as being here now', async () => {
    Object.assign(gateway.answers, world());
    await openView('devices');
    const list = page.getByRole('table', { name: 'Here now' });
    await list.getByText('Desk').waitFor();
    assert.equal(await list.getByText('Gone').count(), 0);
});

test('a job may take longer than other answers', async () => {
    Object.assign(gateway.answers, world());
    await openView('cron', { clock: true });
    await page.getByRole('button', { name: 'Run now: Morning report' }).click();
    const { reply } = await gateway.take('cron.run');
    await page.clock.runFor(40_000);
    reply({ ok: true, ran: true });
    await shows(page.locator('.toast'), 'It has run.');
});

test('Discord is logged out like Telegram', async () => {
    Object.assign(gateway.answers, world(), {
        'channels.status': () => ({
            channelOrder: ['discord'],
            channelAccounts: {
                discord: [{ accountId: 'default', enabled: true, configured: true, running: true }],
            },
        }),
    });
    await openView('channels');
    await page.getByRole('button', { name: 'Log out' }).click();
    await agree('Log out');
    const { params, reply } = await gateway.take('channels.logout');
    assert.deepEqual(params, { channel: 'discord', accountId: 'default' });
    reply({ loggedOut: true, envToken: false });
    await shows(page.locator('.toast'), 'discord is logged out.');
});

test('a worker that waits for its next start is started or stopped', async () => {
    Object.assign(gateway.answers, world());
    await openView('workers');
    const buttonsOf = (worker) =>
        page.locator(`[data-worker=${worker}] .buttons button`).allTextContents();
    await page.locator('[data-worker=telegram]').waitFor();
    assert.deepEqual(await buttonsOf('telegram'), ['Start', 'Stop']);
    assert.deepEqual(await buttonsOf('voice'), ['Start']);
    assert.deepEqual(await buttonsOf('gateway'), ['Restart']);
    await page.getByRole('button', { name: 'Stop telegram' }).click();
    await agree('Stop');
    const { params } = await gateway.take('hardshell.worker.stop');
    assert.deepEqual(params, { worker: 'telegram' });
});

test('a worker is started only when that is confirmed', async () => {
    Object.assign(gateway.answers, world());
    await openView('workers');
    await page.getByRole('button', { name: 'Start voice' }).click();
    await shows(page.getByRole('dialog'), 'Start voice?');
    assert.equal(timesAsked('hardshell.worker.start'), 0);
    await agree('Start');
    const { params } = await gateway.take('hardshell.worker.start');
    assert.deepEqual(params, { worker: 'voice' });
});

test('the configuration is read again after a reconnection', async () => {
    const answers = world();
    let hash = 'h-1';
    Object.assign(gateway.answers, answers, {
        'config.get': () => ({ ...answers['config.get'](), hash }),
    });
    await openView('config');
    await page.getByRole('searchbox').fill('port');
    await page.getByLabel('Port').fill('3001');
    await shows(page.locator('.apply-bar'), 'Restarts: gateway.');
    const { port } = gateway;
    const away = async () => {
        await gateway.stop();
        await shows(stateText(page), 'Disconnected');
        await gateway.start(port);
    };
    const [reads, checks] = ['config.get', 'hardshell.config.check'].map(timesAsked);
    await away();
    await until('it is read', () => timesAsked('config.get') > reads);
    await until('it is checked', () => timesAsked('hardshell.config.check') > checks);
    await shows(page.locator('.apply-bar'), 'Restarts: gateway.');
    assert.equal(await page.getByLabel('Port').inputValue(), '3001', 'the same file: kept');
    hash = 'h-2';
    await away();
    await shows(page.locator('.toast.bad'), 'The file has changed meanwhile.');
    await page.locator('.apply-bar').waitFor({ state: 'detached' });
});

test('undoing all also empties what is written as lines or JSON', async () => {
    Object.assign(gateway.answers, world());
    await openView('config');
    for (const [name, text] of [
        ['trustedProxies', '10.0.0.1'],
        ['bindings', '[{"agentId": "main"}]'],
    ]) {
        await page.getByRole('searchbox').fill(name);
        const field = page.locator('.config-field textarea');
        await field.fill(text);
        await page.getByRole('button', { name: 'Undo all' }).click();
        await page.locator('.apply-bar').waitFor({ state: 'detached' });
        assert.equal(await field.inputValue(), '', name);
    }
});

test('an event has the list read as it is searched now', async () => {
    Object.assign(gateway.answers, world());
    await openView('sessions');
    await page.getByRole('searchbox').fill('fam');
    const last = () => gateway.requests.findLast(({ method }) => method === 'sessions.list');
    await until('it is searched', () => last()?.params.search === 'fam');
    const before = timesAsked('sessions.list');
    gateway.chat('elsewhere', 'final');
    await until('it is read again', () => timesAsked('sessions.list') > before);
    assert.equal(last().params.search, 'fam');
});

test('when the pressed button is gone the heading has the focus', async () => {
    const heading = (text) =>
        page.waitForFunction(
            (wanted) =>
                document.activeElement.matches('main h1') &&
                document.activeElement.innerText.includes(wanted),
            text,
        );
    Object.assign(gateway.answers, world());
    await openView('workers?worker=agent');
    await page.getByRole('button', { name: 'All workers' }).press('Enter');
    await heading('Workers');
    assert.deepEqual(await violations(), []);
    await page.goBack();
    await heading('agent');
});
