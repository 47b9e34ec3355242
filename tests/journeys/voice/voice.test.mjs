// The companies' own packages sign and verify; the voice worker has to agree with each of them.
//
// Without the packages (`npm ci` in this folder, which needs the npm registry) everything is skipped
// with exit code 77.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
function packaged(name) {
    try {
        return require(name);
    } catch (error) {
        if (error.code !== 'MODULE_NOT_FOUND') throw error;
        console.error(`skipped: the package ${name} is not installed; run \`npm ci\` here`);
        process.exit(77);
    }
}
const twilio = packaged('twilio');
const plivo = packaged('plivo');
const { default: Telnyx } = packaged('telnyx');

const build =
    process.env.HARDSHELL_BUILD ?? fileURLToPath(new URL('../../../build/dev', import.meta.url));
const token = '0123456789abcdef0123456789abcdef';
const url = 'https://voice.example.com/voice/webhook';

let worker;
const waiting = [];

before(() => {
    worker = spawn(join(build, 'tests/support/signature_check'), { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: worker.stdout }).on('line', (line) =>
        waiting.shift()(JSON.parse(line)),
    );
});
after(async () => {
    const ended = once(worker, 'exit');
    worker.stdin.end();
    await ended;
});

function judged(request) {
    const answer = new Promise((resolve) => waiting.push(resolve));
    worker.stdin.write(`${JSON.stringify({ publicUrl: url, query: '', ...request })}\n`);
    return answer;
}
async function believed(request) {
    const { ok, why } = await judged(request);
    assert.ok(ok, why);
}
async function refused(request) {
    assert.equal((await judged(request)).ok, false);
}

// As a web server would have them: values of one name in a list.
const forms = [
    { CallSid: 'CA1', From: '+15550001111', To: '+15550002222', CallStatus: 'ringing' },
    { SpeechResult: 'Grüße & "quotes" = 100% <b>', Confidence: '0.9', CallSid: 'CA1' },
    { a: '', B: 'x', b: 'y', 'a b': 'c d', emoji: '😀' },
    { several: ['2', '1', '2'], CallSid: 'CA1' },
];
const queries = ['', 'callId=abc&turn=2&n=7', 'a=b%20c&d=%C3%BC&callId=x', 'type=status'];

function written(form) {
    const fields = new URLSearchParams();
    for (const [name, value] of Object.entries(form))
        for (const one of [value].flat()) fields.append(name, one);
    return fields.toString();
}
const whole = (query) => (query ? `${url}?${query}` : url);

test('Twilio: what its package signs is believed, and nothing else', async () => {
    for (const form of forms)
        for (const query of queries) {
            const signature = twilio.getExpectedTwilioSignature(token, whole(query), form);
            assert.ok(twilio.validateRequest(token, signature, whole(query), form));
            const request = {
                company: 'twilio',
                key: token,
                query,
                body: written(form),
                headers: {
                    'content-type': 'application/x-www-form-urlencoded',
                    'x-twilio-signature': signature,
                },
            };
            await believed(request);
            await refused({ ...request, body: `${request.body}&more=1` });
            await refused({ ...request, query: `${query}&x=1` });
            await refused({ ...request, key: 'another token' });
        }
});

test('Twilio: a JSON body is known by its hash', async () => {
    const body = '{"event":"ü"}';
    const query = `bodySHA256=${twilio.getExpectedBodyHash(body)}`;
    const signature = twilio.getExpectedTwilioSignature(token, whole(query), {});
    assert.ok(twilio.validateRequestWithBody(token, signature, whole(query), body));
    const request = {
        company: 'twilio',
        key: token,
        query,
        body,
        headers: { 'content-type': 'application/json', 'x-twilio-signature': signature },
    };
    await believed(request);
    await refused({ ...request, body: '{"event":"u"}' });
});

test('Plivo: what its package believes is believed, and nothing else', async () => {
    for (const form of forms.slice(0, 2))
        for (const query of queries.slice(0, 2)) {
            const nonce = randomBytes(10).toString('hex');
            const names = (fields) => Object.keys(fields).sort();
            const asked = Object.fromEntries(new URLSearchParams(query));
            const base =
                `${url}?` +
                names(asked)
                    .map((name) => `${name}=${asked[name]}`)
                    .join('&') +
                (query ? '.' : '') +
                names(form)
                    .map((name) => name + form[name])
                    .join('');
            const signature = createHmac('sha256', token).update(`${base}.${nonce}`).digest('base64');
            assert.ok(
                plivo.validateV3Signature('POST', whole(query), nonce, token, signature, { ...form }),
            );
            const request = {
                company: 'plivo',
                key: token,
                query,
                body: written(form),
                headers: {
                    'x-plivo-signature-v3': signature,
                    'x-plivo-signature-v3-nonce': nonce,
                },
            };
            await believed(request);
            await refused({ ...request, body: `${request.body}&more=1` });
            await refused({ ...request, key: 'another token' });
        }
});

test('Telnyx: what its package believes is believed, and nothing else', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const envelope = publicKey.export({ type: 'spki', format: 'der' });
    const raw = envelope.subarray(12).toString('base64');
    const now = Math.floor(Date.now() / 1000);
    const body = '{"data":{"event_type":"call.answered","payload":{"call_control_id":"ü"}}}';
    const signature = sign(null, Buffer.from(`${now}|${body}`), privateKey).toString('base64');
    const headers = { 'telnyx-timestamp': String(now), 'telnyx-signature-ed25519': signature };
    const client = new Telnyx({ apiKey: 'KEY', publicKey: raw });
    await client.webhooks.unwrap(body, { headers });
    for (const key of [raw, envelope.toString('base64')]) {
        const request = { company: 'telnyx', key, body, headers, now };
        await believed(request);
        await refused({ ...request, body: `${body} ` });
        await refused({ ...request, now: now + 301 });
    }
});
