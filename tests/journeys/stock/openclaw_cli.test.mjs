// The stock `openclaw` command line, as an owner or a script runs it, against the real processes.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { RealGateway } from '../page/support/real_gateway.mjs';
import { skip, StockClient } from './stock.mjs';

const gateway = new RealGateway();
const openclaw = new StockClient(gateway);

before(async () => {
    if (skip) return;
    await gateway.start();
    await openclaw.open();
});
after(async () => {
    await openclaw.remove();
    await gateway.remove();
});

// One command each; what it prints is looked at as a script would.
const journey = (name, action) => test(name, { skip }, action);

journey('health names the agent and no fault', async () => {
    const health = await openclaw.json('health', '--json');
    assert.equal(health.ok, true);
    assert.equal(health.defaultAgentId, 'main');
});

journey('gateway status finds the gateway and can call it', async () => {
    const status = await openclaw.json('gateway', 'status', '--json');
    assert.equal(status.rpc.ok, true, JSON.stringify(status.rpc));
});

journey('gateway probe reaches it', async () => {
    const probe = await openclaw.json('gateway', 'probe', '--json', '--timeout', '10000');
    assert.equal(probe.ok, true, JSON.stringify(probe));
});

journey('gateway call prints what the method answers', async () => {
    const models = await openclaw.json('gateway', 'call', 'models.list');
    assert.ok(Array.isArray(models.models));
});

journey('status of the whole', async () => {
    const status = await openclaw.json('status', '--json');
    assert.equal(status.gateway.reachable, true, JSON.stringify(status.gateway));
});

journey('agent waits for the answer of a turn, and sessions know it', async () => {
    const answer = await openclaw.json('agent', '--agent', 'main', '-m', 'Say parrot.', '--json');
    assert.equal(answer.status, 'ok');
    assert.match(answer.result.payloads[0].text, /Say parrot\./);
    const { sessions } = await openclaw.json('gateway', 'call', 'sessions.list');
    assert.ok(sessions.some(({ key }) => key === 'agent:main:main'));
});

journey('devices list shows the device of this very client', async () => {
    const { paired } = await openclaw.json('devices', 'list', '--json');
    assert.ok(paired.some(({ clientId }) => clientId === 'cli'), JSON.stringify(paired));
});

journey('system presence and the cost of usage', async () => {
    const presence = await openclaw.json('system', 'presence', '--json');
    assert.ok(presence.some(({ reason }) => reason === 'self'));
    const cost = await openclaw.json('gateway', 'usage-cost', '--json');
    assert.equal(cost.days, 30);
});

journey('channels status asks the gateway', async () => {
    const { code, stdout } = await openclaw.run('channels', 'status', '--json');
    assert.equal(code, 0, stdout);
    assert.ok(JSON.parse(stdout.slice(stdout.indexOf('{'))).channelAccounts);
});

journey('logs shows the log of the gateway', async () => {
    const { code, stdout, stderr } = await openclaw.run('logs', '--limit', '50', '--plain');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /listening on ws:/);
});

journey('cron adds a job, lists it, runs it, removes it', async () => {
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

journey('a wrong token is refused with the reason', async () => {
    const { code, stderr } = await openclaw.run('health', '--token', 'wrong');
    assert.notEqual(code, 0);
    assert.match(stderr, /unauthorized/);
});
