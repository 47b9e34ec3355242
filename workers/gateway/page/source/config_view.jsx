// The configuration: as a form or as the file itself, checked while it is written. Before anything
// is applied the page says what changes and which workers that restarts.

import { useEffect, useRef, useState } from 'preact/hooks';
import { ConfigForm } from './config_form.jsx';
import { changesBetween, hintFor, patchBetween, withValue } from './config_tree.js';
import { t } from './i18n.js';
import { ask, link } from './state.js';
import { confirm, Empty, Heading, Problem, say } from './ui.jsx';

const quiet = 400; // milliseconds after the last letter

// config.get and config.schema, read anew after each reconnection and when asked for. isPending: a
// ref that says whether something is changed and not applied.
function useConfig(isPending) {
    const [state, setState] = useState({ file: null, schema: null, error: null });
    const isConnected = link.value.name === 'connected';
    const hash = useRef(null);
    const load = async () => {
        try {
            const [file, schema] = await Promise.all([ask('config.get'), ask('config.schema')]);
            const isOther = hash.current !== null && hash.current !== file.hash;
            hash.current = file.hash;
            if (isOther && isPending.current)
                say(t('The file has changed meanwhile. What you had not applied is gone.'), 'bad');
            setState({ file, schema, error: null });
        } catch (error) {
            if (error.code !== 'DISCONNECTED') setState((before) => ({ ...before, error }));
        }
    };
    useEffect(() => {
        if (isConnected) load();
    }, [isConnected]);
    return { ...state, load };
}

// What the gateway says of a text or patch, a moment after the last change. Null: not asked yet.
function useCheck(params) {
    const [verdict, setVerdict] = useState(null);
    const key = params && JSON.stringify(params);
    const turn = useRef(0);
    const isConnected = link.value.name === 'connected';
    useEffect(() => {
        const mine = ++turn.current;
        setVerdict(null);
        if (!key || !isConnected) return undefined;
        const timer = setTimeout(async () => {
            try {
                const answer = await ask('hardshell.config.check', JSON.parse(key));
                if (mine === turn.current) setVerdict(answer);
            } catch (error) {
                if (mine === turn.current && error.code !== 'DISCONNECTED')
                    setVerdict({ valid: false, issues: [{ path: '', message: error.message }] });
            }
        }, quiet);
        return () => clearTimeout(timer);
    }, [key, isConnected]);
    return verdict;
}

// Keeps the ref told whether something waits to be applied.
function usePending(isPending, isChanged) {
    useEffect(() => {
        isPending.current = isChanged;
        return () => (isPending.current = false);
    }, [isChanged]);
}

const list = (names) => names.join(', ');

function effectText({ restarts = [], starts = [], stops = [] }) {
    const parts = [
        restarts.length > 0 && t('Restarts: {names}.', { names: list(restarts) }),
        starts.length > 0 && t('Starts: {names}.', { names: list(starts) }),
        stops.length > 0 && t('Stops: {names}.', { names: list(stops) }),
    ].filter(Boolean);
    return parts.length > 0 ? parts.join(' ') : t('Nothing restarts.');
}

function Verdict({ verdict, isOpen }) {
    if (!verdict) return <p class="muted">{isOpen ? t('Checking…') : ''}</p>;
    if (!verdict.valid)
        return (
            <ul class="issues" aria-label={t('What is wrong')}>
                {(verdict.issues ?? []).map(({ path, message }, index) => (
                    <li key={index} class="problem-text">
                        {path && <code>{path}</code>} {message}
                    </li>
                ))}
            </ul>
        );
    return (
        <>
            <p class="good-text">
                {t('This can be used.')} {effectText(verdict)}
            </p>
            {(verdict.warnings ?? []).map(({ path, message }, index) => (
                <p key={index} class="muted">
                    {path && <code>{path}</code>} {message}
                </p>
            ))}
        </>
    );
}

const shown = (value) => {
    if (value === undefined) return t('not set');
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return text.length > 80 ? `${text.slice(0, 80)}…` : text;
};

// A secret, or something with secrets in it, is not read out.
const masked = (value) => (value === undefined ? t('not set') : '•••');
const mayHoldSecrets = (hints, path) =>
    hintFor(hints, path).sensitive ||
    Object.keys(hints).some((name) => hints[name].sensitive && isBelow(name.split('.'), path));
const isBelow = (steps, path) =>
    steps.length > path.length && path.every((step, at) => [step, '*'].includes(steps[at]));

function Changes({ changes, hints }) {
    const write = (steps, value) => (mayHoldSecrets(hints, steps) ? masked(value) : shown(value));
    return (
        <ul class="changes" aria-label={t('What changes')}>
            {changes.slice(0, 20).map(({ path, steps, before, after }) => (
                <li key={path}>
                    <code>{path}</code> {write(steps, before)} →{' '}
                    <strong>{write(steps, after)}</strong>
                </li>
            ))}
            {changes.length > 20 && <li>{t('and {count} more', { count: changes.length - 20 })}</li>}
        </ul>
    );
}

// Asks, then changes. Answers whether it was done.
async function apply(method, params, verdict) {
    const agreed = await confirm({
        title: t('Apply the change?'),
        text: effectText(verdict),
        action: t('Apply'),
    });
    if (!agreed) return false;
    try {
        await ask(method, { ...params, restartDelayMs: 200 });
        say(t('Applied. {effect}', { effect: effectText(verdict) }));
        return true;
    } catch (error) {
        say(error.message, 'bad');
        return false;
    }
}

function FormEditor({ file, schema, isPending, onDone }) {
    const before = file.parsed ?? {};
    const [tree, setTree] = useState(before);
    const [search, setSearch] = useState('');
    const [round, setRound] = useState(0);
    const patch = patchBetween(before, tree);
    const raw = patch && JSON.stringify(patch);
    const verdict = useCheck(raw ? { patch: raw } : null);
    usePending(isPending, Boolean(patch));
    const form = {
        schema: schema.schema,
        hints: schema.uiHints ?? {},
        tree,
        before,
        round,
        set: (path, value) => setTree((now) => withValue(now, path, value)),
    };
    const submit = async () => {
        const params = { raw, ...(file.exists && { baseHash: file.hash }) };
        if (await apply('config.patch', params, verdict)) onDone();
    };
    const undo = () => {
        setTree(before);
        setRound(round + 1);
    };
    return (
        <>
            <input
                type="search"
                class="config-search"
                aria-label={t('Find a setting')}
                placeholder={t('Find a setting')}
                value={search}
                onInput={({ target }) => setSearch(target.value)}
            />
            <ConfigForm form={form} search={search} />
            {patch && (
                <div class="apply-bar" role="region" aria-label={t('Changes')}>
                    <Changes changes={changesBetween(before, tree)} hints={form.hints} />
                    <Verdict verdict={verdict} isOpen />
                    <div class="buttons">
                        <button type="button" onClick={undo}>
                            {t('Undo all')}
                        </button>
                        <button
                            type="button"
                            class="primary"
                            disabled={!verdict?.valid}
                            onClick={submit}
                        >
                            {t('Apply')}
                        </button>
                    </div>
                </div>
            )}
        </>
    );
}

function RawEditor({ file, isPending, onDone }) {
    const before = file.raw ?? '{\n}\n';
    const [text, setText] = useState(before);
    const isChanged = text !== before;
    const verdict = useCheck(isChanged ? { raw: text } : null);
    usePending(isPending, isChanged);
    const submit = async () => {
        const params = { raw: text, ...(file.exists && { baseHash: file.hash }) };
        if (await apply('config.apply', params, verdict)) onDone();
    };
    return (
        <div class="raw">
            <p class="hint">
                {file.path}
                {'. '}
                {t('Secrets are shown as placeholders; one that stays keeps its value.')}
            </p>
            <label class="visually-hidden" for="raw-config">
                {t('The file')}
            </label>
            <textarea
                id="raw-config"
                class="mono"
                value={text}
                spellcheck={false}
                autocapitalize="off"
                autocomplete="off"
                wrap="off"
                onInput={({ target }) => setText(target.value)}
            />
            <div class="apply-bar" role="region" aria-label={t('Changes')}>
                {isChanged ? (
                    <Verdict verdict={verdict} isOpen />
                ) : (
                    <p class="muted">{t('Nothing is changed.')}</p>
                )}
                <div class="buttons">
                    <button type="button" disabled={!isChanged} onClick={() => setText(before)}>
                        {t('Undo all')}
                    </button>
                    <button
                        type="button"
                        class="primary"
                        disabled={!isChanged || !verdict?.valid}
                        onClick={submit}
                    >
                        {t('Apply')}
                    </button>
                </div>
            </div>
        </div>
    );
}

export function ConfigView() {
    const isPending = useRef(false);
    const { file, schema, error, load } = useConfig(isPending);
    const applied = () => {
        isPending.current = false;
        load();
    };
    const [isRaw, setRaw] = useState(false);
    const canUseForm = file?.valid !== false;
    const raw = isRaw || !canUseForm;
    return (
        <main class="view config">
            <Heading title={t('Configuration')}>
                <div class="segments" role="group" aria-label={t('How it is shown')}>
                    <button
                        type="button"
                        aria-pressed={raw ? 'false' : 'true'}
                        disabled={!canUseForm}
                        onClick={() => setRaw(false)}
                    >
                        {t('Form')}
                    </button>
                    <button
                        type="button"
                        aria-pressed={raw ? 'true' : 'false'}
                        onClick={() => setRaw(true)}
                    >
                        {t('File')}
                    </button>
                </div>
                <button type="button" class="small" onClick={load}>
                    {t('Read again')}
                </button>
            </Heading>
            <Problem error={error} />
            {file && !file.valid && (
                <div class="problem" role="alert">
                    <p>{t('The file cannot be used; the last good configuration is in force.')}</p>
                    <ul>
                        {(file.issues ?? []).map(({ path, message }, index) => (
                            <li key={index}>
                                {path && <code>{path}</code>} {message}
                            </li>
                        ))}
                    </ul>
                </div>
            )}
            {!file && !error && <Empty>{t('Opening…')}</Empty>}
            {file && raw && (
                <RawEditor key={file.hash} file={file} isPending={isPending} onDone={applied} />
            )}
            {file && schema && !raw && (
                <FormEditor
                    key={file.hash}
                    file={file}
                    schema={schema}
                    isPending={isPending}
                    onDone={applied}
                />
            )}
        </main>
    );
}
