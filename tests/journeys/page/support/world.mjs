// A gateway with something in every view: answers for the double, in the shapes that the real one
// sends (page.test.mjs sees to the real ones).

const minute = 60_000;

const worker = (name, state, more = {}) => ({
    name,
    kind: name.split(':')[0],
    state,
    pid: state === 'ready' ? 4711 : 0,
    incarnation: 2,
    restarts: 1,
    critical: name === 'gateway',
    startedAt: state === 'ready' ? Date.now() - 200 * minute : 0,
    nextStartAt: 0,
    lastEnd: 'killed by signal 9 (KILL), after 3 h',
    lastCause: 'killed',
    memory: { bytes: 9_400_000, peak: 12_000_000, soft: 32 << 20, limit: 40 << 20 },
    descriptors: 31,
    queue: 0,
    messagesIn: 1204,
    messagesOut: 1310,
    lastInAt: Date.now() - 4_000,
    lastOutAt: Date.now() - 70_000,
    heartbeatAgeMs: 400,
    note: '',
    logLinesSuppressed: 0,
    ends: [{ cause: 'killed', count: 1 }],
    ...more,
});

const history = {
    everyMs: 30_000,
    points: Array.from({ length: 120 }, (_, index) =>
        Math.round(8e6 + 3e6 * Math.abs(Math.sin(index / 9)) + index * 9_000),
    ),
};

export const logLine = (
    index,
    subsystem = index % 3 ? 'agent' : 'gateway/ws',
    text = `line ${index}: a run of the main session took ${index % 700} ms`,
) => {
    const context = JSON.stringify({ subsystem });
    const level = index % 50 === 7 ? 'ERROR' : index % 20 === 3 ? 'WARN' : 'INFO';
    const time = new Date(Date.now() - (10_000 - index) * 100).toISOString();
    return JSON.stringify({
        0: context,
        1: text,
        _meta: { logLevelName: level, date: time },
        time,
    });
};

const day = (ago) => {
    const date = new Date(Date.now() - ago * 86_400_000);
    return [date.getFullYear(), date.getMonth() + 1, date.getDate()]
        .map((part) => String(part).padStart(2, '0'))
        .join('-');
};

const usage = (scale) => ({
    input: 120_000 * scale,
    output: 31_000 * scale,
    cacheRead: 900_000 * scale,
    cacheWrite: 40_000 * scale,
    totalTokens: 1_091_000 * scale,
    totalCost: 1.31 * scale,
    missingCostEntries: 0,
});

const schema = {
    type: 'object',
    properties: {
        gateway: {
            type: 'object',
            properties: {
                port: { type: 'integer', minimum: 1, maximum: 65_535, default: 18_789 },
                bind: { enum: ['auto', 'lan', 'loopback'], default: 'auto' },
                auth: { type: 'object', properties: { token: { type: 'string' } } },
                trustedProxies: { type: 'array', items: { type: 'string' } },
            },
        },
        channels: {
            type: 'object',
            properties: {
                telegram: {
                    type: 'object',
                    properties: { enabled: { type: 'boolean' }, botToken: { type: 'string' } },
                },
            },
        },
        env: { type: 'object', additionalProperties: { type: 'string' } },
        bindings: { type: 'array', items: { type: 'object' } },
        meta: { type: 'object', properties: { lastTouchedAt: { type: 'string' } } },
    },
};

const hints = {
    gateway: { label: 'Gateway', order: 1, help: 'The public port and who may come in.' },
    'gateway.port': { label: 'Port', help: 'Where it listens.' },
    'gateway.auth.token': { label: 'Token', sensitive: true, help: 'Whoever has it is the owner.' },
    channels: { label: 'Channels', order: 2 },
    'channels.telegram.botToken': { label: 'Bot token', sensitive: true },
    env: { label: 'Environment', order: 3 },
    bindings: { label: 'Bindings', order: 4 },
    meta: { label: 'Metadata', order: 5, advanced: true },
    'meta.lastTouchedAt': { label: 'Last touched at' },
};

const secret = '__OPENCLAW_REDACTED__';
const config = { gateway: { port: 3000, auth: { token: secret } }, env: { TZ: 'Europe/Berlin' } };

export function world() {
    const workers = [
        worker('gateway', 'ready', { restarts: 0, lastEnd: '' }),
        worker('agent', 'ready'),
        worker('tools', 'ready', { restarts: 0, lastEnd: '', queue: 3 }),
        worker('telegram', 'waiting', {
            nextStartAt: Date.now() + 9_000,
            memory: { bytes: 0, peak: 41_000_000, soft: 32 << 20, limit: 40 << 20 },
            lastEnd: 'out of memory: 41.2 of 40.0 MiB, after 3 h',
        }),
        worker('discord:ops', 'held', { lastEnd: 'the token was refused, after 120 ms' }),
        worker('voice', 'stopped', { restarts: 0, lastEnd: '' }),
    ];
    const lines = Array.from({ length: 10_000 }, (_, index) => logLine(index));
    return {
        'hardshell.workers': (params) => ({
            ts: Date.now(),
            workers: workers.map((one) =>
                params?.history ? { ...one, memoryHistory: history } : one,
            ),
        }),
        'hardshell.worker.history': ({ worker: name }) => ({
            worker: name,
            lastLines: ['asked the model', 'crashed: SIGSEGV at 0x0', '#0 agent::run()'],
            ends: [{ cause: 'killed', count: 1 }],
            deaths: [
                { at: Date.now() - 30 * minute, cause: 'killed', what: 'killed by signal 9 (KILL), after 3 h' },
            ],
        }),
        'hardshell.doctor': () => ({
            ok: false,
            version: '0.1.0',
            uptimeMs: 9_000_000,
            stateDir: '/data',
            configPath: '/data/openclaw.json',
            planSource: 'file',
            memoryMode: 'kept by the kernel (cgroup v2)',
            findings: [
                { weight: 'ok', subject: 'gateway', what: 'running as process 1', cure: '' },
                {
                    weight: 'problem',
                    subject: 'worker discord:ops',
                    what: 'it is held: the token was refused',
                    cure: 'correct the key or token, then `hardshell restart discord:ops`',
                },
                {
                    weight: 'note',
                    subject: 'layer writes (Landlock)',
                    what: 'missing: this kernel has no Landlock: workers may write wherever their user may',
                    cure: 'use a kernel with Landlock (5.13 or later, lsm=landlock)',
                },
            ],
        }),
        'hardshell.config.check': () => ({
            valid: true,
            issues: [],
            warnings: [],
            restarts: ['gateway'],
            starts: [],
            stops: [],
        }),
        'hardshell.pairing.list': () => ({
            channels: [
                {
                    channel: 'telegram',
                    requests: [
                        {
                            id: '12345678',
                            code: 'ABCD1234',
                            createdAt: new Date(Date.now() - minute).toISOString(),
                            meta: { name: 'Ada' },
                        },
                    ],
                },
            ],
        }),
        'hardshell.pairing.approve': () => ({ ok: true }),
        'logs.tail': ({ cursor }) => ({
            file: 'the log',
            cursor: 10_000,
            size: 10_000,
            lines: cursor === undefined ? lines.slice(-5_000) : [],
            truncated: false,
            reset: false,
        }),
        'hardshell.logs': ({ worker: name, cursor }) => ({
            file: 'the log',
            cursor: 10_000,
            size: 10_000,
            lines:
                cursor === undefined
                    ? Array.from({ length: 40 }, (_, index) => logLine(9_960 + index, name))
                    : [],
            truncated: false,
            reset: false,
        }),
        'channels.status': () => ({
            ts: Date.now(),
            channelOrder: ['telegram'],
            channelLabels: { telegram: 'Telegram' },
            channelAccounts: {
                telegram: [
                    {
                        accountId: 'default',
                        name: 'Ops',
                        enabled: true,
                        configured: true,
                        running: true,
                        mode: 'polling',
                        tokenSource: 'config',
                        lastStartAt: Date.now() - 50 * minute,
                        lastError: null,
                        lastInboundAt: Date.now() - minute,
                    },
                    {
                        accountId: 'second',
                        enabled: true,
                        configured: true,
                        running: false,
                        lastError: 'out of memory: 41.2 of 40.0 MiB, after 3 h',
                    },
                ],
            },
            channelDefaultAccountId: { telegram: 'default' },
        }),
        'device.pair.list': () => ({
            pending: [
                {
                    requestId: 'r-1',
                    deviceId: 'ab'.repeat(32),
                    displayName: 'Pocket',
                    platform: 'ios',
                    role: 'operator',
                    scopes: ['operator.read', 'operator.write'],
                    remoteIp: '203.0.113.9',
                    ts: Date.now() - 30_000,
                },
            ],
            paired: [
                {
                    deviceId: 'cd'.repeat(32),
                    displayName: 'Desk',
                    platform: 'linux',
                    roles: ['operator'],
                    scopes: ['operator.admin'],
                    tokens: [{ role: 'operator', lastUsedAtMs: Date.now() - 5 * minute }],
                    approvedAtMs: Date.now() - 9_000 * minute,
                },
            ],
        }),
        'device.pair.approve': () => ({}),
        'system-presence': () => [
            { host: 'gateway', mode: 'gateway', reason: 'self', ts: Date.now() },
            { host: 'Gone', mode: 'cli', reason: 'disconnect', ts: Date.now() - minute },
            { host: 'Desk', mode: 'cli', ip: '203.0.113.9', reason: 'connect', ts: Date.now() },
        ],
        'sessions.list': () => ({
            ts: Date.now(),
            count: 2,
            sessions: [
                {
                    key: 'agent:main:main',
                    kind: 'direct',
                    updatedAt: Date.now() - minute,
                    totalTokens: 41_000,
                    contextTokens: 200_000,
                    model: 'claude-opus-4-5',
                },
                {
                    key: 'agent:main:telegram:group:-100123',
                    kind: 'group',
                    channel: 'telegram',
                    label: 'Family',
                    updatedAt: Date.now() - 300 * minute,
                    totalTokens: 9_000,
                },
            ],
        }),
        'cron.list': () => ({
            jobs: [
                {
                    id: 'j-1',
                    name: 'Morning report',
                    enabled: true,
                    schedule: { kind: 'cron', expr: '0 7 * * *', tz: 'Europe/Berlin' },
                    payload: { kind: 'systemEvent', text: 'write the morning report' },
                    state: {
                        nextRunAtMs: Date.now() + 90 * minute,
                        lastRunAtMs: Date.now() - 1_300 * minute,
                        lastStatus: 'error',
                        lastError: 'the model did not answer',
                    },
                },
            ],
        }),
        'cron.status': () => ({ enabled: true, jobs: 1, nextWakeAtMs: Date.now() + 90 * minute }),
        'cron.runs': () => ({
            entries: [{ ts: Date.now(), jobId: 'j-1', status: 'ok', durationMs: 900, summary: 'ok' }],
        }),
        'usage.cost': ({ days }) => ({
            updatedAt: Date.now(),
            days,
            daily: [9, 6, 5, 3, 2, 1, 0].map((ago, index) => ({
                date: day(ago),
                ...usage(1 + (index % 3)),
            })),
            totals: usage(13),
        }),
        'config.get': () => ({
            path: '/data/openclaw.json',
            exists: true,
            raw: JSON.stringify(config, null, 2),
            parsed: config,
            valid: true,
            config,
            hash: 'h-1',
            issues: [],
            warnings: [],
        }),
        'config.schema': () => ({ schema, uiHints: hints, version: '2026.1.29' }),
    };
}

// The same with `text` in the place of every text that a stranger could have a hand in.
export function hostileWorld(text) {
    // What a view needs to show the rest at all.
    const isOurs = new Set(['type', 'time', 'date']);
    const poison = (value, name) => {
        if (typeof value === 'string') return isOurs.has(name) ? value : text;
        if (Array.isArray(value)) return value.map((item) => poison(item, name));
        if (value && typeof value === 'object')
            return Object.fromEntries(
                Object.entries(value).map(([key, inner]) => [key, poison(inner, key)]),
            );
        return value;
    };
    return Object.fromEntries(
        Object.entries(world()).map(([method, answer]) => [
            method,
            (params) => poison(answer(params ?? {})),
        ]),
    );
}
