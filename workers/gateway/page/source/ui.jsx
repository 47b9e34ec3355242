// The small parts of which the views are made.

import { signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ask, connection, link } from './state.js';
import { t } from './i18n.js';

export const Light = ({ tone }) => <span class="light" data-light={tone} aria-hidden="true" />;

export const Hidden = ({ children }) => <span class="visually-hidden">{children}</span>;

export const Badge = ({ tone, children }) => <span class={`badge ${tone ?? ''}`}>{children}</span>;

export function Heading({ title, children }) {
    return (
        <header class="view-head">
            <h1>{title}</h1>
            <div class="view-actions">{children}</div>
        </header>
    );
}

export function Empty({ children }) {
    return <p class="empty">{children}</p>;
}

export function Problem({ error, children }) {
    if (!error && !children) return null;
    return (
        <p class="problem" role="alert">
            {children ?? error.message ?? String(error)}
        </p>
    );
}

// Says something in passing, at the foot of the page.
const toasts = signal([]);
let nextToast = 1;
// More would hide the view.
const mostToasts = 3;
// Milliseconds. What went wrong takes longer to read.
const shownFor = { good: 6_000, bad: 15_000 };

export function say(text, tone = 'good') {
    const id = nextToast++;
    toasts.value = [...toasts.value, { id, text, tone }].slice(-mostToasts);
    setTimeout(() => {
        toasts.value = toasts.value.filter((toast) => toast.id !== id);
    }, shownFor[tone]);
}

export function Toasts() {
    return (
        <div class="toasts" role="status" aria-live="polite">
            {toasts.value.map(({ id, text, tone }) => (
                <p key={id} class={`toast ${tone}`}>
                    {text}
                </p>
            ))}
        </div>
    );
}

// A question before something is done. One at a time.
const question = signal(null);

// {title, text, action, isDangerous}: answers whether it was agreed to.
export function confirm(asked) {
    return new Promise((resolve) => {
        question.value = { ...asked, resolve };
    });
}

export function Confirmation() {
    const dialog = useRef(null);
    const asked = question.value;
    useEffect(() => {
        if (asked && !dialog.current.open) dialog.current.showModal();
    }, [asked]);
    if (!asked) return null;
    const answer = (agreed) => {
        dialog.current.close(); // the focus goes back to where it was
        question.value = null;
        asked.resolve(agreed);
    };
    return (
        <dialog
            ref={dialog}
            class="dialog"
            aria-labelledby="dialog-title"
            aria-describedby="dialog-text"
            onCancel={(event) => {
                event.preventDefault();
                answer(false);
            }}
        >
            <h2 id="dialog-title">{asked.title}</h2>
            <p id="dialog-text">{asked.text}</p>
            <div class="buttons">
                <button type="button" onClick={() => answer(false)}>
                    {t('Cancel')}
                </button>
                <button
                    type="button"
                    class={asked.isDangerous ? 'danger' : 'primary'}
                    onClick={() => answer(true)}
                >
                    {asked.action}
                </button>
            </div>
        </dialog>
    );
}

// Calls a method and says how it went: `done`, or what it makes of the answer, a text or
// [text, tone]. Answers whether it went well.
export async function act(method, params, done, options) {
    try {
        const answer = await ask(method, params, options);
        const told = typeof done === 'function' ? done(answer ?? {}) : done;
        if (told) say(...[told].flat());
        return true;
    } catch (error) {
        say(error.message, 'bad');
        return false;
    }
}

// The answer to a method, asked for again every `every` milliseconds while the page is seen, and
// whenever the connection is back. {data, error, isLoading, reload}
export function useAnswer(method, params = {}, { every = 0, isOn = true } = {}) {
    const [state, setState] = useState({ data: null, error: null, isLoading: true });
    const key = JSON.stringify(params);
    const latest = useRef(0);
    // A handler made when the view opened asks what is asked now.
    const asked = useRef(null);
    asked.current = { method, key };
    const reload = async () => {
        if (!connection.isConnected) return;
        const turn = ++latest.current;
        const now = asked.current;
        try {
            const data = await ask(now.method, JSON.parse(now.key));
            if (turn === latest.current) setState({ data, error: null, isLoading: false });
        } catch (error) {
            if (turn === latest.current && error.code !== 'DISCONNECTED')
                setState((before) => ({ ...before, error, isLoading: false }));
        }
    };
    const isConnected = link.value.name === 'connected';
    useEffect(() => {
        if (!isConnected || !isOn) return undefined;
        reload();
        if (!every) return undefined;
        const timer = setInterval(() => {
            if (document.visibilityState === 'visible') reload();
        }, every);
        return () => clearInterval(timer);
    }, [method, key, every, isConnected, isOn]);
    useEffect(() => () => (latest.current = Infinity), []);
    return { ...state, reload };
}

// What stands where nothing is listed: `text` is only true once there is an answer.
export const whenEmpty = ({ data, isLoading }, text) =>
    data ? text : isLoading ? t('Opening…') : '';

// Draws again every so often, for what tells how long ago something was.
export function useNow(every = 1_000) {
    const [now, setNow] = useState(() => connection.serverNow());
    useEffect(() => {
        const timer = setInterval(() => setNow(connection.serverNow()), every);
        return () => clearInterval(timer);
    }, [every]);
    return now;
}

export function CopyButton({ text, label = t('Copy') }) {
    const [isCopied, setCopied] = useState(false);
    const copy = async () => {
        try {
            await navigator.clipboard.writeText(text);
        } catch {
            copyBySelection(text); // no secure context
        }
        setCopied(true);
        setTimeout(() => setCopied(false), 2_000);
    };
    return (
        <button type="button" class="quiet copy" onClick={copy}>
            {isCopied ? t('Copied') : label}
        </button>
    );
}

function copyBySelection(text) {
    const box = document.createElement('textarea');
    box.value = text;
    box.className = 'visually-hidden';
    document.body.append(box);
    box.select();
    document.execCommand('copy');
    box.remove();
}

export function Command({ children }) {
    return (
        <div class="command">
            <code>{children}</code>
            <CopyButton text={children} />
        </div>
    );
}

// Names that stay whole where a line has room for them, and else are parted after a dot or slash.
export const Breakable = ({ text }) =>
    String(text)
        .split(' ')
        .flatMap((name, index) => [
            ' ',
            <span key={index} class="whole-name">
                {name
                    .match(/[^./]*[./]?/g)
                    .flatMap((part, at) => (at > 0 && part ? [<wbr key={at} />, part] : [part]))}
            </span>,
        ]);

// Facts as a list: [[label, value]]; what is empty is left out.
export function Facts({ rows }) {
    return (
        <dl class="facts">
            {rows
                .filter(([, value]) => value !== null && value !== undefined && value !== '')
                .map(([label, value]) => (
                    <div key={label}>
                        <dt>{label}</dt>
                        <dd>{value}</dd>
                    </div>
                ))}
        </dl>
    );
}

// A table that becomes cards on a narrow screen; the roles stay what they are then. columns: [[title, cell(row), class]]
export function Table({ caption, columns, rows, keyOf, empty }) {
    if (rows.length === 0) return empty ? <Empty>{empty}</Empty> : null;
    return (
        <table class="table" role="table">
            <caption class="visually-hidden">{caption}</caption>
            <thead role="rowgroup">
                <tr role="row">
                    {columns.map(([title, , kind]) => (
                        <th key={title} scope="col" role="columnheader" class={kind}>
                            {title || <Hidden>{t('Actions')}</Hidden>}
                        </th>
                    ))}
                </tr>
            </thead>
            <tbody role="rowgroup">
                {rows.map((row) => (
                    <tr key={keyOf(row)} role="row">
                        {columns.map(([title, cell, kind]) => (
                            <td key={title} role="cell" data-label={title} class={kind}>
                                <div class="cell">{cell(row)}</div>
                            </td>
                        ))}
                    </tr>
                ))}
            </tbody>
        </table>
    );
}
