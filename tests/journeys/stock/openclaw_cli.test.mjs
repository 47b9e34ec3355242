// The stock `openclaw` command line, as an owner or a script runs it, against the real processes.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { answer, StockGateway } from './gateway.mjs';
import { StockClient } from './stock.mjs';

const gateway = new StockGateway();
const openclaw = new StockClient(gateway);

before(async () => {
    await gateway.start();
    await openclaw.open();
});
after(async () => {
    await openclaw.remove();
    await gateway.remove();
});

// One command each; what it prints is looked at as a script would.
test('health names the agent and no fault', async () => {
    const health = await openclaw.json('health', '--json');
    assert.equal(health.ok, true);
    assert.equal(health.defaultAgentId, 'main');
});

test('gateway status finds the gateway and can call it', async () => {
    const status = await openclaw.json('gateway', 'status', '--json');
    assert.equal(status.rpc.ok, true, JSON.stringify(status.rpc));
});

// Its patience is less than a second, which is too little for itself on a busy machine.
const unlessTooBusy = (ok, error) => assert.ok(ok || /timeout/.test(error), error);

test('gateway probe reaches it', async () => {
    const { targets } = await openclaw.json('gateway', 'probe', '--json');
    unlessTooBusy(targets[0].connect.ok, targets[0].connect.error);
});

test('gateway call prints what the method answers', async () => {
    const models = await openclaw.json('gateway', 'call', 'models.list');
    assert.ok(Array.isArray(models.models));
});

test('status of the whole', async () => {
    const { gateway: seen } = await openclaw.json('status', '--json');
    unlessTooBusy(seen.reachable, seen.error);
});

test('agent waits for the answer of a turn, and sessions know it', async () => {
    const turn = await openclaw.json('agent', '--agent', 'main', '-m', 'Say parrot.', '--json');
    assert.equal(turn.status, 'ok');
    assert.equal(turn.result.payloads[0].text, answer);
    const { sessions } = await openclaw.json('gateway', 'call', 'sessions.list');
    assert.ok(sessions.some(({ key }) => key === 'agent:main:main'));
});

test('devices list shows the device of this very client', async () => {
    const { paired } = await openclaw.json('devices', 'list', '--json');
    assert.ok(paired.some(({ clientId }) => clientId === 'cli'), JSON.stringify(paired));
});

test('system presence and the cost of usage', async () => {
    const presence = await openclaw.json('system', 'presence', '--json');
    assert.ok(presence.some(({ reason }) => reason === 'self'));
    const cost = await openclaw.json('gateway', 'usage-cost', '--json');
    assert.equal(cost.days, 30);
});

test('channels status asks the gateway', async () => {
    const { code, stdout } = await openclaw.run('channels', 'status', '--json');
    assert.equal(code, 0, stdout);
    assert.ok(JSON.parse(stdout.slice(stdout.indexOf('{'))).channelAccounts);
});

test('logs shows the log of the gateway', async () => {
    const { code, stdout, stderr } = await openclaw.run('logs', '--limit', '50', '--plain');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /listening on ws:/);
});

test('cron adds a job, lists it, runs it, removes it', async () => {
    const schedule = ['--name', 'tea', '--every', '1h'];
    const what = ['--session', 'main', '--system-event', 'Tea time'];
    const job = await openclaw.json('cron', 'add', ...schedule, ...what, '--json');
    const { jobs } = await openclaw.json('cron', 'list', '--json');
    assert.deepEqual(jobs.map(({ id }) => id), [job.id]);
    const { ran } = await openclaw.json('cron', 'run', job.id, '--force');
    assert.equal(ran, true);
    const { entries } = await openclaw.json('cron', 'runs', '--id', job.id);
    assert.equal(entries[0].status, 'ok');
    const { removed } = await openclaw.json('cron', 'rm', job.id, '--json');
    assert.equal(removed, true);
});

test('a wrong token is refused with the reason', async () => {
    // A device of its own: one that has been let in shows its own token instead.
    const stranger = new StockClient({ port: gateway.port, token: 'wrong' });
    await stranger.open();
    const { code, stdout, stderr } = await stranger.run('gateway', 'call', 'health');
    await stranger.remove();
    assert.notEqual(code, 0, stdout);
    assert.match(stderr, /unauthorized/);
});
