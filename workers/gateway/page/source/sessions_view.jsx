// The sessions: which there are, what they used; to open, name, begin anew, shorten or delete.

import { useEffect, useState } from 'preact/hooks';
import { ago, short } from './format.js';
import { word } from './gateway_words.js';
import { t } from './i18n.js';
import { mainSession, onEvent } from './state.js';
import {
    act,
    Badge,
    confirm,
    Heading,
    Problem,
    Table,
    useAnswer,
    useNow,
    whenEmpty,
} from './ui.jsx';
import { ViewLink } from './view_link.jsx';

const mostShown = 500;

const titleOf = (row) => row.label || row.displayName || row.derivedTitle || '';

async function sure(title, text, action) {
    return confirm({ title, text, action, isDangerous: true });
}

function compactedText({ compacted, reason }) {
    if (compacted !== false) return t('Shortened.');
    const why = reason ?? t('it is short enough already');
    return [t('It was not shortened: {reason}', { reason: why }), 'bad'];
}

function Name({ row, reload }) {
    const [draft, setDraft] = useState(null);
    const save = async (event) => {
        event.preventDefault();
        const label = draft.trim();
        setDraft(null);
        if (label === (row.label ?? '')) return;
        if (await act('sessions.patch', { key: row.key, label: label || null }, t('Named.'))) reload();
    };
    if (draft !== null)
        return (
            <form class="inline" onSubmit={save}>
                <input
                    value={draft}
                    maxLength={64}
                    aria-label={t('Name of the session')}
                    onInput={({ target }) => setDraft(target.value)}
                    ref={(node) => node?.focus()}
                />
                <button type="submit" class="small primary">
                    {t('Save')}
                </button>
                <button type="button" class="small" onClick={() => setDraft(null)}>
                    {t('Cancel')}
                </button>
            </form>
        );
    return (
        <>
            <ViewLink view="chat" query={`?session=${encodeURIComponent(row.key)}`}>
                {titleOf(row) || row.key}
            </ViewLink>{' '}
            {row.key === mainSession() && <Badge tone="good">{t('main')}</Badge>}
            {titleOf(row) && <span class="muted under">{row.key}</span>}
            {' '}
            <button
                type="button"
                class="plain-button"
                aria-label={`${t('Rename')} ${titleOf(row) || row.key}`}
                onClick={() => setDraft(row.label ?? '')}
            >
                {t('Rename')}
            </button>
        </>
    );
}

function Actions({ row, reload }) {
    const name = titleOf(row) || row.key;
    const reset = async () => {
        if (!(await sure(t('Begin {name} anew?', { name }), t('The conversation so far is put aside.'), t('Begin anew')))) return;
        if (await act('sessions.reset', { key: row.key }, t('Begun anew.'))) reload();
    };
    const compact = async () => {
        if (!(await sure(t('Shorten {name}?', { name }), t('Only its newest lines stay; the older ones are put aside.'), t('Shorten')))) return;
        if (await act('sessions.compact', { key: row.key }, compactedText)) reload();
    };
    const remove = async () => {
        if (!(await sure(t('Delete {name}?', { name }), t('Its transcript is renamed, and the session is gone.'), t('Delete')))) return;
        if (await act('sessions.delete', { key: row.key }, t('Deleted.'))) reload();
    };
    return (
        <div class="buttons">
            <button type="button" class="small" aria-label={`${t('Shorten')} ${name}`} onClick={compact}>
                {t('Shorten')}
            </button>
            <button type="button" class="small" aria-label={`${t('Begin anew')} ${name}`} onClick={reset}>
                {t('Begin anew')}
            </button>
            {row.key !== mainSession() && (
                <button type="button" class="small" aria-label={`${t('Delete')} ${name}`} onClick={remove}>
                    {t('Delete')}
                </button>
            )}
        </div>
    );
}

function contextOf({ totalTokens, contextTokens }) {
    if (!totalTokens) return '–';
    const share = contextTokens ? ` (${Math.round((100 * totalTokens) / contextTokens)} %)` : '';
    return short(totalTokens) + share;
}

export function SessionsView() {
    const [search, setSearch] = useState('');
    const answer = useAnswer(
        'sessions.list',
        { limit: mostShown, includeDerivedTitles: true, includeGlobal: true, ...(search && { search }) },
        { every: 15_000 },
    );
    const { data, error, reload } = answer;
    const rows = data?.sessions ?? [];
    const now = useNow(5_000);
    useEffect(() => onEvent('chat', ({ state }) => state === 'final' && reload()), []);
    return (
        <main class="view">
            <Heading title={t('Sessions')}>
                <input
                    type="search"
                    aria-label={t('Search')}
                    placeholder={t('Search')}
                    value={search}
                    onInput={({ target }) => setSearch(target.value)}
                />
            </Heading>
            <Problem error={error} />
            <Table
                caption={t('Sessions')}
                columns={[
                    [t('Session'), (row) => <Name row={row} reload={reload} />, 'wide'],
                    [t('Kind'), ({ kind, channel }) => channel ?? word('session', kind) ?? '–'],
                    [t('Model'), ({ model }) => model ?? '–'],
                    [t('Tokens'), contextOf, 'number'],
                    [t('Last used'), ({ updatedAt }) => ago(updatedAt, now), 'short'],
                    ['', (row) => <Actions row={row} reload={reload} />],
                ]}
                rows={rows}
                keyOf={({ key }) => key}
                empty={whenEmpty(answer, search ? t('No session is found.') : t('No sessions yet.'))}
            />
            {rows.length >= mostShown && (
                <p class="hint">
                    {t('These are the {count} that were used last. The search finds the others.', {
                        count: mostShown,
                    })}
                </p>
            )}
        </main>
    );
}
