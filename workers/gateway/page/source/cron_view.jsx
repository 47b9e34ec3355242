// What runs by itself: jobs, when they run next and how they went; to add, run, switch, remove.

import { useEffect, useRef, useState } from 'preact/hooks';
import { ago, clock, duration } from './format.js';
import { word } from './gateway_words.js';
import { later, t } from './i18n.js';
import { connection, onEvent } from './state.js';
import {
    act,
    Badge,
    Breakable,
    confirm,
    Heading,
    Problem,
    Table,
    useAnswer,
    useNow,
    whenEmpty,
} from './ui.jsx';

function scheduleText({ kind, atMs, everyMs, expr, tz } = {}) {
    if (kind === 'at') return clock(atMs);
    if (kind === 'every') return t('every {time}', { time: duration(everyMs) });
    return tz ? `${expr} (${tz})` : String(expr ?? '–');
}

const payloadText = ({ text, message } = {}) => text ?? message ?? '';

const results = { ok: 'good', error: 'bad', skipped: 'wait' };

function LastRun({ job, now }) {
    const { lastStatus, lastRunAtMs, lastError, runningAtMs } = job.state ?? {};
    if (runningAtMs) return <Badge tone="wait">{t('running')}</Badge>;
    if (!lastRunAtMs) return '–';
    return (
        <>
            <Badge tone={results[lastStatus]}>{word('result', lastStatus)}</Badge>{' '}
            <span class="one-line">{ago(lastRunAtMs, now)}</span>
            {lastError && <span class="under problem-text">{lastError}</span>}
        </>
    );
}

const longestRun = 15 * 60_000; // milliseconds
const whyNot = {
    // as sent: shown
    'already-running': later('it is running already'),
    'not-due': later('it is not due yet'),
};

function ranText({ ran, reason }) {
    if (ran !== false) return t('It has run.');
    const why = whyNot[reason] ? t(whyNot[reason]) : (reason ?? t('No reason was given.'));
    return [t('It has not run: {reason}', { reason: why }), 'bad'];
}

// Answered when the run is over.
const runNow = (job) =>
    act('cron.run', { id: job.id, mode: 'force' }, ranText, { wait: longestRun });

function Runs({ job }) {
    const answer = useAnswer('cron.runs', { id: job.id, limit: 20 });
    const { data, error } = answer;
    const heading = useRef(null);
    // The list may be longer than the screen.
    useEffect(() => heading.current.focus(), []);
    return (
        <section class="panel-box">
            <h2 ref={heading} tabIndex={-1}>
                {t('Runs of {name}', { name: job.name })}
            </h2>
            <Problem error={error} />
            <Table
                caption={t('Runs of {name}', { name: job.name })}
                columns={[
                    [t('When'), ({ ts }) => clock(ts, { seconds: true }), 'short'],
                    [t('Result'), ({ status }) => <Badge tone={results[status]}>{word('result', status) ?? '–'}</Badge>],
                    [t('Took'), ({ durationMs }) => duration(durationMs), 'short'],
                    [t('What happened'), ({ error: failure, summary }) => failure ?? summary ?? '', 'wide'],
                ]}
                rows={[...(data?.entries ?? [])].reverse()}
                keyOf={({ ts, runAtMs }) => `${ts} ${runAtMs}`}
                empty={whenEmpty(answer, t('It has not run yet.'))}
            />
        </section>
    );
}

const kinds = [
    // kind, shown, what is typed
    ['every', later('every so many minutes'), '30'],
    ['cron', later('by a cron expression'), '0 7 * * *'],
    ['at', later('once, in so many minutes'), '20'],
];

function scheduleOf(kind, typed) {
    if (kind === 'cron')
        return { kind, expr: typed, tz: Intl.DateTimeFormat().resolvedOptions().timeZone };
    const milliseconds = Math.round(Number(typed) * 60_000);
    return kind === 'every'
        ? { kind, everyMs: milliseconds }
        : { kind, atMs: connection.serverNow() + milliseconds };
}

function AddJob({ onAdded }) {
    const [kind, setKind] = useState('every');
    const add = async (event) => {
        event.preventDefault();
        const form = event.target;
        const data = new FormData(form);
        const text = data.get('text').trim();
        const isOwn = data.get('target') === 'isolated';
        const job = {
            name: data.get('name').trim(),
            schedule: scheduleOf(kind, data.get('when').trim()),
            sessionTarget: isOwn ? 'isolated' : 'main',
            wakeMode: 'now',
            payload: isOwn ? { kind: 'agentTurn', message: text } : { kind: 'systemEvent', text },
        };
        if (!(await act('cron.add', job, t('Added.')))) return;
        form.reset();
        onAdded();
    };
    return (
        <details class="panel-box">
            <summary>{t('Add a job')}</summary>
            <form class="form" onSubmit={add}>
                <label>
                    {t('Name')}
                    <input name="name" required maxLength={100} />
                </label>
                <label>
                    {t('When')}
                    <select value={kind} onChange={({ target }) => setKind(target.value)}>
                        {kinds.map(([code, shown]) => (
                            <option key={code} value={code}>
                                {t(shown)}
                            </option>
                        ))}
                    </select>
                </label>
                <label>
                    {kind === 'cron' ? t('Expression') : t('Minutes')}
                    <input
                        key={kind}
                        name="when"
                        required
                        inputMode={kind === 'cron' ? 'text' : 'decimal'}
                        pattern={kind === 'cron' ? undefined : '[0-9]+([.][0-9]+)?'}
                        defaultValue={kinds.find(([code]) => code === kind)[2]}
                    />
                </label>
                <label>
                    {t('Where')}
                    <select name="target">
                        <option value="main">{t('in the main session')}</option>
                        <option value="isolated">{t('in a session of its own')}</option>
                    </select>
                </label>
                <label class="whole">
                    {t('What the assistant is told')}
                    <textarea name="text" required rows={3} />
                </label>
                <div class="buttons">
                    <button type="submit" class="primary">
                        {t('Add')}
                    </button>
                </div>
            </form>
        </details>
    );
}

export function CronView() {
    const jobs = useAnswer('cron.list', { includeDisabled: true }, { every: 15_000 });
    const status = useAnswer('cron.status', {}, { every: 15_000 });
    const [shown, setShown] = useState(null);
    const now = useNow(5_000);
    const reload = () => {
        jobs.reload();
        status.reload();
    };
    useEffect(() => onEvent('cron', reload), []);
    const list = jobs.data?.jobs ?? [];
    const chosen = list.find(({ id }) => id === shown);
    const change = async (job, patch, done) => {
        if (await act('cron.update', { id: job.id, patch }, done)) reload();
    };
    const remove = async (job) => {
        const agreed = await confirm({
            title: t('Remove {name}?', { name: job.name }),
            text: t('It will not run any more.'),
            action: t('Remove'),
            isDangerous: true,
        });
        if (agreed && (await act('cron.remove', { id: job.id }, t('Removed.')))) reload();
    };
    const buttons = (job) => [
        [t('Run now'), () => runNow(job).then(reload)],
        [
            job.enabled ? t('Switch off') : t('Switch on'),
            () => change(job, { enabled: !job.enabled }, t('Changed.')),
        ],
        [t('Runs'), () => setShown(job.id)],
        [t('Remove'), () => remove(job)],
    ];
    return (
        <main class="view">
            <Heading title={t('Schedule')} />
            <Problem error={jobs.error ?? status.error} />
            {status.data && (
                <p class="muted">
                    {status.data.enabled === false
                        ? t('The scheduler is switched off in the configuration.')
                        : status.data.nextWakeAtMs
                          ? t('Next: {time}', { time: ago(status.data.nextWakeAtMs, now) })
                          : t('Nothing is due.')}
                </p>
            )}
            <Table
                caption={t('Jobs')}
                columns={[
                    [
                        t('Job'),
                        (job) => (
                            <>
                                <strong>{job.name}</strong>{' '}
                                {!job.enabled && <Badge tone="off">{t('off')}</Badge>}
                                <span class="muted under">{payloadText(job.payload)}</span>
                            </>
                        ),
                        'wide',
                    ],
                    [t('When'), ({ schedule }) => <Breakable text={scheduleText(schedule)} />],
                    [t('Next'), ({ state }) => (state?.nextRunAtMs ? ago(state.nextRunAtMs, now) : '–'), 'short'],
                    [t('Last'), (job) => <LastRun job={job} now={now} />],
                    [
                        '',
                        (job) => (
                            <div class="buttons">
                                {buttons(job).map(([label, action]) => (
                                    <button
                                        key={label}
                                        type="button"
                                        class="small"
                                        aria-label={`${label}: ${job.name}`}
                                        onClick={action}
                                    >
                                        {label}
                                    </button>
                                ))}
                            </div>
                        ),
                    ],
                ]}
                rows={list}
                keyOf={({ id }) => id}
                empty={whenEmpty(jobs, t('No jobs yet.'))}
            />
            {chosen && <Runs key={chosen.id} job={chosen} />}
            <AddJob onAdded={reload} />
        </main>
    );
}
