// Every process of the gateway, live: how it is, what it uses, why it was restarted.

import { useEffect } from 'preact/hooks';
import { ago, bytes, clock, count, duration } from './format.js';
import { endText, word } from './gateway_words.js';
import { later, t } from './i18n.js';
import { MemoryGraph } from './memory_graph.jsx';
import { argument, go } from './router.js';
import {
    act,
    Badge,
    confirm,
    Empty,
    Facts,
    Heading,
    Light,
    Problem,
    Table,
    useAnswer,
    useNow,
    whenEmpty,
} from './ui.jsx';
import { ViewLink } from './view_link.jsx';
import { board, memoryOf, useWorkers } from './workers_state.js';

const states = {
    // as sent: tone, shown
    starting: ['wait', later('starting')],
    ready: ['good', later('running')],
    stopping: ['wait', later('stopping')],
    waiting: ['bad', later('restarting')],
    held: ['bad', later('held')],
    stopped: ['off', later('stopped')],
};

const stateOf = ({ state }) => states[state] ?? ['off', later('unknown')];
const isUp = ({ state }) => ['ready', 'starting'].includes(state);

const actions = {
    restart: {
        label: later('Restart'),
        title: later('Restart {name}?'),
        text: later('It is asked to finish and started again. What it was asked meanwhile waits for it.'),
        done: later('{name} is being restarted.'),
    },
    stop: {
        label: later('Stop'),
        title: later('Stop {name}?'),
        text: later('It stays down until it is started again. What needs it does not work meanwhile.'),
        done: later('{name} is being stopped.'),
        isDangerous: true,
    },
    start: {
        label: later('Start'),
        title: later('Start {name}?'),
        text: later('It is started now, whatever kept it down before.'),
        done: later('{name} is being started.'),
    },
};

async function run(action, name) {
    const row = actions[action];
    const agreed = await confirm({
        title: t(row.title, { name }),
        text:
            action === 'restart' && name === 'gateway'
                ? t('This page is cut off for a moment and comes back by itself.')
                : t(row.text),
        action: t(row.label),
        isDangerous: row.isDangerous,
    });
    if (!agreed) return;
    await act(`hardshell.worker.${action}`, { worker: name }, t(row.done, { name }));
}

// The gateway cannot be stopped from here: nobody could start it again. What waits for its next
// start can be told not to.
function offeredFor(worker) {
    const mayBeStopped = worker.kind !== 'gateway' && (isUp(worker) || worker.state === 'waiting');
    return [isUp(worker) ? 'restart' : 'start', ...(mayBeStopped ? ['stop'] : [])];
}

function Actions({ worker }) {
    return (
        <div class="buttons">
            {offeredFor(worker).map((action) => (
                <button
                    key={action}
                    type="button"
                    class="small"
                    aria-label={`${t(actions[action].label)} ${worker.name}`}
                    onClick={() => run(action, worker.name)}
                >
                    {t(actions[action].label)}
                </button>
            ))}
        </div>
    );
}

// What it is doing, in one line.
function standing(worker, now) {
    if (isUp(worker)) return worker.startedAt ? duration(now - worker.startedAt) : '';
    const why = endText(worker.lastEnd ?? '');
    if (worker.state !== 'waiting' || worker.nextStartAt <= now) return why;
    const soon = t('starts again in {time}', { time: duration(worker.nextStartAt - now) });
    return why ? `${why}; ${soon}` : soon;
}

function memoryText({ memory }) {
    if (!memory?.bytes) return '–';
    return memory.limit ? `${bytes(memory.bytes)} / ${bytes(memory.limit)}` : bytes(memory.bytes);
}

function Numbers({ worker, now }) {
    const numbers = [
        [t('Memory'), memoryText(worker)],
        [t('Restarts'), count(worker.restarts)],
        [t('Queue'), count(worker.queue)],
        [t('In'), worker.lastInAt ? ago(worker.lastInAt, now) : '–'],
        [t('Out'), worker.lastOutAt ? ago(worker.lastOutAt, now) : '–'],
        [t('Heartbeat'), heartbeat(worker, now)],
    ];
    return (
        <dl class="numbers">
            {numbers.map(([label, value]) => (
                <div key={label}>
                    <dt>{label}</dt>
                    <dd>{value}</dd>
                </div>
            ))}
        </dl>
    );
}

function heartbeat(worker, now) {
    if (!isUp(worker) || worker.heartbeatAgeMs === null || worker.heartbeatAgeMs === undefined)
        return '–';
    const age = worker.heartbeatAgeMs + Math.max(0, now - worker.seenAt);
    return age < 3_000 ? t('now') : ago(now - age, now);
}

function Card({ worker, now }) {
    const [tone, word] = stateOf(worker);
    const address = `?worker=${encodeURIComponent(worker.name)}`;
    return (
        <li class={`worker card ${worker.state}`} data-worker={worker.name}>
            <div class="worker-head">
                <Light tone={tone} />
                <h2>
                    <ViewLink view="workers" query={address}>
                        {worker.name}
                    </ViewLink>
                </h2>
                <Badge tone={tone}>{t(word)}</Badge>
                {isUp(worker) && (
                    <span class="muted worker-standing">{standing(worker, now)}</span>
                )}
            </div>
            {!isUp(worker) && <p class="worker-end">{standing(worker, now)}</p>}
            <MemoryGraph points={memoryOf(worker.name)} memory={worker.memory} />
            <Numbers worker={worker} now={now} />
            {worker.lastEnd && isUp(worker) && (
                <p class="muted worker-end">{t('Last end: {reason}', { reason: endText(worker.lastEnd) })}</p>
            )}
            {worker.note && <p class="worker-note">{worker.note}</p>}
            <Actions worker={worker} />
        </li>
    );
}

function Deaths({ answer, now }) {
    const { deaths = [], ends = [] } = answer.data ?? {};
    const counted = ends.map(({ cause, count: times }) => `${word('cause', cause)} × ${times}`).join(', ');
    return (
        <section>
            <h2>{t('How it ended before')}</h2>
            {counted && <p class="muted">{counted}</p>}
            <Table
                caption={t('How it ended before')}
                columns={[
                    [t('When'), ({ at }) => `${clock(at, { seconds: true })} (${ago(at, now)})`],
                    [t('Cause'), ({ cause }) => <Badge>{word('cause', cause)}</Badge>],
                    [t('What happened'), ({ what }) => endText(what), 'wide'],
                ]}
                rows={deaths}
                keyOf={({ at, what }) => `${at} ${what}`}
                empty={whenEmpty(answer, t('It has not ended since the gateway was started.'))}
            />
        </section>
    );
}

function LastWords({ lines, end }) {
    if (!end) return null;
    return (
        <section class="obituary">
            <h2>{t('The last failure')}</h2>
            <p>{end}</p>
            {lines.length > 0 ? (
                <pre class="lines" tabIndex={0} aria-label={t('What it said last')}>
                    {lines.join('\n')}
                </pre>
            ) : (
                <p class="muted">{t('It said nothing before.')}</p>
            )}
        </section>
    );
}

function Detail({ worker, now }) {
    const answer = useAnswer('hardshell.worker.history', { worker: worker.name });
    const { data, error, reload } = answer;
    // Another life, another past.
    useEffect(() => {
        reload();
    }, [worker.incarnation, worker.restarts, worker.state]);
    const [tone, word] = stateOf(worker);
    const { memory } = worker;
    return (
        <main class="view" id="worker">
            <Heading
                title={
                    <>
                        <Light tone={tone} /> {worker.name}{' '}
                        <Badge tone={tone}>{t(word)}</Badge>
                    </>
                }
            >
                <button type="button" class="small" onClick={() => go('workers')}>
                    {t('All workers')}
                </button>
                <button
                    type="button"
                    class="small"
                    onClick={() => go('logs', `?worker=${encodeURIComponent(worker.name)}`)}
                >
                    {t('Its log')}
                </button>
                <Actions worker={worker} />
            </Heading>
            <p class="muted">
                {isUp(worker) && t('Runs for')} {standing(worker, now)}
            </p>
            <section class="panel-box">
                <h2>{t('Memory in the last hour')}</h2>
                <MemoryGraph points={memoryOf(worker.name)} memory={memory} height={120} />
                <Facts
                    rows={[
                        [t('Now'), bytes(memory?.bytes)],
                        [t('Most'), memory && bytes(Math.max(memory.peak, memory.bytes))],
                        [t('Soft limit'), memory?.soft ? bytes(memory.soft) : null],
                        [t('Hard limit'), memory?.limit ? bytes(memory.limit) : null],
                        [t('Process'), worker.pid || null],
                        [t('Open descriptors'), count(worker.descriptors)],
                        [t('Messages in'), count(worker.messagesIn)],
                        [t('Messages out'), count(worker.messagesOut)],
                        [t('Log lines left out'), worker.logLinesSuppressed || null],
                    ]}
                />
            </section>
            <Problem error={error} />
            <LastWords lines={data?.lastLines ?? []} end={endText(worker.lastEnd)} />
            <Deaths answer={answer} now={now} />
        </main>
    );
}

function Summary({ workers }) {
    const down = workers.filter((worker) => !isUp(worker));
    const total = workers.reduce((sum, { memory }) => sum + (memory?.bytes ?? 0), 0);
    return (
        <p class="muted">
            <span role="status">
                {down.length === 0
                    ? t('All {count} workers run.', { count: workers.length })
                    : t('Not running: {names}.', { names: down.map(({ name }) => name).join(', ') })}
            </span>{' '}
            {total > 0 && t('They use {memory} together.', { memory: bytes(total) })}
        </p>
    );
}

export function WorkersView() {
    const workers = useWorkers();
    const now = useNow();
    const chosen = workers.find(({ name }) => name === argument('worker'));
    if (chosen) return <Detail key={chosen.name} worker={chosen} now={now} />;
    return (
        <main class="view">
            <Heading title={t('Workers')} />
            <Problem error={board.value.error} />
            {workers.length > 0 && <Summary workers={workers} />}
            {workers.length === 0 && !board.value.error && (
                <Empty>{board.value.isRead ? t('There are no workers.') : t('Opening…')}</Empty>
            )}
            <ul class="workers" aria-label={t('Workers')}>
                {workers.map((worker) => (
                    <Card key={worker.name} worker={worker} now={now} />
                ))}
            </ul>
        </main>
    );
}
