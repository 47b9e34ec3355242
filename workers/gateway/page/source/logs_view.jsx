// The log of all workers, or of one: followed, paused, filtered, searched. Only the lines in sight
// are elements, so that ten thousand of them scroll like ten.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { exactClock } from './format.js';
import { t } from './i18n.js';
import { filterLines, joinLines, readLine, workersIn } from './log_lines.js';
import { argument, go } from './router.js';
import { ask, link, parts } from './state.js';
import { CopyButton, Heading, Problem } from './ui.jsx';

const period = 1_000;
const rowHeight = 24;
const spare = 20; // rows above and below what is seen
const firstBytes = 1_000_000;

const nothing = { lines: [], isRead: false };

// The last lines of a worker ("" for all) and those since, asked for every second unless paused.
// One worker's are asked for by themselves: what others write does not push them out.
function useLog(worker, isPaused) {
    const [log, setLog] = useState(nothing);
    const [error, setError] = useState(null);
    const source = useRef(null); // whose lines these are
    const cursor = useRef(null);
    const next = useRef(1);
    const isConnected = link.value.name === 'connected';
    useEffect(() => {
        if (source.current !== worker) {
            source.current = worker;
            cursor.current = null;
            setLog(nothing);
        }
        // A pause keeps what is there; of another worker there is nothing yet.
        if (!isConnected || (isPaused && cursor.current !== null)) return undefined;
        let isOver = false;
        let timer = null;
        const read = async () => {
            try {
                if (document.visibilityState === 'visible') await look();
            } catch (failure) {
                if (!isOver && failure.code !== 'DISCONNECTED') setError(failure);
            }
            if (!isOver && (!isPaused || cursor.current === null)) timer = setTimeout(read, period);
        };
        const look = async () => {
            const answer = await ask(worker ? 'hardshell.logs' : 'logs.tail', {
                ...(worker && { worker }),
                limit: 5_000,
                maxBytes: firstBytes,
                ...(cursor.current !== null && { cursor: cursor.current }),
            });
            if (isOver) return;
            const more = (answer.lines ?? []).map((line) => readLine(line, next.current++));
            const isFresh = answer.reset || cursor.current === null;
            cursor.current = answer.cursor;
            if (isFresh || more.length > 0)
                setLog((before) => ({
                    lines: joinLines(isFresh ? [] : before.lines, more),
                    isRead: true,
                }));
            setError(null);
        };
        read();
        return () => {
            isOver = true;
            clearTimeout(timer);
        };
    }, [isConnected, isPaused, worker]);
    return { ...log, error };
}

// Whose lines may be asked for: who runs, and who has spoken.
function useNames(lines, chosen) {
    const seen = useRef(new Set(['supervisor']));
    for (const name of workersIn(lines)) seen.current.add(name);
    const running = parts.value.map(({ name }) => name);
    return [...new Set([...seen.current, ...running, chosen])].filter(Boolean).sort();
}

// The first row with that key or a later one; keys rise.
function rowAt(rows, key) {
    let low = 0;
    let high = rows.length;
    while (low < high) {
        const middle = (low + high) >> 1;
        if (rows[middle].key < key) low = middle + 1;
        else high = middle;
    }
    return low;
}

// Which rows are in sight of a box that scrolls. While it `follows` it keeps to the end, else to the
// row at its top, also when older ones go.
function useWindow(rows, follows, setFollows) {
    const box = useRef(null);
    const [sight, setSight] = useState({ top: 0, height: 600 });
    const isOurs = useRef(false);
    const shown = useRef(rows);
    const anchor = useRef({ key: 0, offset: 0 });
    shown.current = rows;
    const look = () => {
        if (!box.current) return; // the browser tells later, and the view may be gone
        const { scrollTop, clientHeight, scrollHeight } = box.current;
        setSight({ top: scrollTop, height: clientHeight });
        const key = shown.current[Math.floor(scrollTop / rowHeight)]?.key ?? 0;
        anchor.current = { key, offset: scrollTop % rowHeight };
        if (isOurs.current) isOurs.current = false;
        else setFollows(scrollHeight - scrollTop - clientHeight < rowHeight * 2);
    };
    useLayoutEffect(() => {
        const end = box.current.scrollHeight - box.current.clientHeight;
        const { key, offset } = anchor.current;
        const wanted = follows ? end : rowAt(rows, key) * rowHeight + offset;
        if (Math.abs(box.current.scrollTop - Math.min(wanted, end)) < 1) return;
        isOurs.current = true;
        box.current.scrollTop = wanted;
    }, [rows, follows]);
    useEffect(() => {
        const observer = new ResizeObserver(look);
        observer.observe(box.current);
        return () => observer.disconnect();
    }, []);
    const first = Math.max(0, Math.floor(sight.top / rowHeight) - spare);
    const last = Math.min(rows.length, Math.ceil((sight.top + sight.height) / rowHeight) + spare);
    return { box, look, first, last };
}

const lastInSight = ({ scrollTop, clientHeight }, total) =>
    Math.min(total, Math.floor((scrollTop + clientHeight) / rowHeight)) - 1;

function showRow(box, index) {
    const top = index * rowHeight;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top + rowHeight > box.scrollTop + box.clientHeight)
        box.scrollTop = top + rowHeight - box.clientHeight;
}

function marked(text, search) {
    const needle = search.trim().toLowerCase();
    if (!needle) return text;
    const pieces = [];
    const lower = text.toLowerCase();
    let from = 0;
    for (let at = lower.indexOf(needle); at >= 0; at = lower.indexOf(needle, from)) {
        pieces.push(text.slice(from, at), <mark>{text.slice(at, at + needle.length)}</mark>);
        from = at + needle.length;
    }
    return [...pieces, text.slice(from)];
}

function Line({ line, search, isChosen, onChoose }) {
    return (
        <div
            class={`log-line ${line.tone} ${isChosen ? 'chosen' : ''}`}
            onClick={onChoose}
            data-worker={line.worker}
        >
            <time>{line.time ? exactClock(line.time) : ''}</time>
            <span class="log-worker">{line.subsystem || line.worker}</span>
            <span class="log-text">{marked(line.text, search)}</span>
        </div>
    );
}

const stamp = ({ time }) => (time ? `${new Date(time).toISOString()} ` : '');

function Chosen({ line, onClose }) {
    if (!line) return null;
    const whole = `${stamp(line)}[${line.subsystem}] ${line.text}`;
    return (
        <div class="chosen-line">
            <pre tabIndex={0} role="status">
                {whole}
            </pre>
            <div class="buttons">
                <CopyButton text={whole} />
                <button type="button" class="quiet" onClick={onClose}>
                    {t('Close')}
                </button>
            </div>
        </div>
    );
}

export function LogsView() {
    const [isPaused, setPaused] = useState(false);
    const [search, setSearch] = useState('');
    const [level, setLevel] = useState('');
    const [follows, setFollows] = useState(true);
    const [chosen, setChosen] = useState(null);
    const worker = argument('worker') ?? '';
    const { lines, error, isRead } = useLog(worker, isPaused);
    const names = useNames(lines, worker);
    const shown = useMemo(() => filterLines(lines, { level, search }), [lines, level, search]);
    const { box, look, first, last } = useWindow(shown, follows, setFollows);
    useEffect(() => {
        setFollows(true);
        setChosen(null);
    }, [worker]);
    // Enter takes the last line in sight, arrows go on from there.
    const pressed = (event) => {
        const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
        const at = chosen ? shown.findIndex(({ key }) => key === chosen.key) : -1;
        if (event.key === 'Escape') return setChosen(null);
        if (event.key === 'Enter') return setChosen(shown[lastInSight(box.current, shown.length)]);
        if (!step || at < 0 || !shown[at + step]) return undefined;
        event.preventDefault();
        setChosen(shown[at + step]);
        setFollows(false);
        return showRow(box.current, at + step);
    };
    return (
        <main class="view logs">
            <Heading title={t('Logs')}>
                <span class="muted" role="status" aria-live={search || level ? 'polite' : 'off'}>
                    {isRead && t('{count} lines', { count: shown.length })}
                </span>
            </Heading>
            <div class="filters">
                <label>
                    <span class="visually-hidden">{t('Worker')}</span>
                    <select
                        value={worker}
                        onChange={({ target }) =>
                            go('logs', target.value ? `?worker=${encodeURIComponent(target.value)}` : '')
                        }
                    >
                        <option value="">{t('All workers')}</option>
                        {names.map((name) => (
                            <option key={name} value={name}>
                                {name}
                            </option>
                        ))}
                    </select>
                </label>
                <label>
                    <span class="visually-hidden">{t('Level')}</span>
                    <select value={level} onChange={({ target }) => setLevel(target.value)}>
                        <option value="">{t('Every level')}</option>
                        <option value="INFO">{t('Info and above')}</option>
                        <option value="WARN">{t('Warnings and errors')}</option>
                        <option value="ERROR">{t('Errors')}</option>
                    </select>
                </label>
                <label class="grow">
                    <span class="visually-hidden">{t('Search')}</span>
                    <input
                        type="search"
                        placeholder={t('Search')}
                        value={search}
                        onInput={({ target }) => setSearch(target.value)}
                    />
                </label>
                <button
                    type="button"
                    class="small"
                    aria-pressed={isPaused ? 'true' : 'false'}
                    onClick={() => setPaused(!isPaused)}
                >
                    {isPaused ? t('Go on') : t('Pause')}
                </button>
                <button
                    type="button"
                    class="small"
                    aria-pressed={follows ? 'true' : 'false'}
                    onClick={() => setFollows(!follows)}
                >
                    {t('Follow')}
                </button>
            </div>
            <Problem error={error} />
            <div
                class="log-box"
                ref={box}
                tabIndex={0}
                role="group"
                aria-label={t('Log lines')}
                aria-describedby="log-keys"
                onScroll={look}
                onKeyDown={pressed}
            >
                <div class="log-space" style={{ height: `${shown.length * rowHeight}px` }}>
                    <div style={{ transform: `translateY(${first * rowHeight}px)` }}>
                        {shown.slice(first, last).map((line) => (
                            <Line
                                key={line.key}
                                line={line}
                                search={search}
                                isChosen={chosen?.key === line.key}
                                onChoose={() => setChosen(line)}
                            />
                        ))}
                    </div>
                </div>
                {isRead && shown.length === 0 && <p class="empty">{t('No such lines.')}</p>}
            </div>
            <p id="log-keys" class="visually-hidden">
                {t('Enter opens the last line in sight, the arrow keys go on from there, Escape closes it.')}
            </p>
            <Chosen line={chosen} onClose={() => setChosen(null)} />
        </main>
    );
}
