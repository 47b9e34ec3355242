// One item of a conversation: what the owner said, what was answered, which tool was used.

import { memo } from 'preact/compat';
import { useState } from 'preact/hooks';
import { clock } from './format.js';
import { t } from './i18n.js';
import { addressOf } from './images.js';
import { Markdown } from './markdown.jsx';
import { chat } from './state.js';
import { Badge, CopyButton, Hidden } from './ui.jsx';

const Time = ({ at }) =>
    at ? (
        <time class="when" dateTime={new Date(at).toISOString()}>
            {clock(at)}
        </time>
    ) : null;

function Pictures({ item }) {
    const addresses = item.pictures ?? (item.images ?? []).map(addressOf);
    return addresses.map((address, index) =>
        address ? (
            <img key={index} class="said-picture" src={address} alt={t('Picture')} />
        ) : (
            <p key={index} class="muted">
                {t('[picture]')}
            </p>
        ),
    );
}

function UserItem({ item }) {
    return (
        <>
            <Hidden>{t('You:')} </Hidden>
            <Pictures item={item} />
            {item.text && <div class="text plain-text">{item.text}</div>}
            <div class="foot-line">
                {item.state === 'failed' ? (
                    <>
                        <span class="problem-text">
                            {t('Not sent.')} {item.reason}
                        </span>
                        <button type="button" class="quiet" onClick={() => chat.sendAgain(item.key)}>
                            {t('Try again')}
                        </button>
                        <button type="button" class="quiet" onClick={() => chat.discard(item.key)}>
                            {t('Discard')}
                        </button>
                    </>
                ) : item.state === 'sending' ? (
                    t('Sending…')
                ) : (
                    <>
                        {item.isQueued && <Badge tone="wait">{t('Queued')}</Badge>}
                        <Time at={item.time} />
                    </>
                )}
            </div>
        </>
    );
}

function AssistantItem({ item, name }) {
    return (
        <>
            <div class="who">{name}</div>
            {item.text && (
                <div class="text">
                    <Markdown text={item.text} />
                </div>
            )}
            {item.state === 'stopped' && <div class="foot-line">{t('Stopped.')}</div>}
            {item.state === 'failed' && (
                <div class="error">
                    <strong>{item.text ? t('The answer broke off.') : t('No answer.')}</strong>{' '}
                    {item.error ?? t('No reason was given.')}
                </div>
            )}
            {item.state === 'done' && (
                <div class="foot-line">
                    <Time at={item.time} />
                    <CopyButton text={item.text} />
                </div>
            )}
        </>
    );
}

const states = {
    running: ['wait', () => t('working')],
    done: ['good', () => t('done')],
    failed: ['bad', () => t('failed')],
};

const pretty = (value) => (typeof value === 'string' ? value : JSON.stringify(value, null, 2));

// What is folded is not even made: a result may be long.
function ToolItem({ item }) {
    const [isOpen, setOpen] = useState(false);
    const [tone, text] = states[item.state] ?? states.done;
    return (
        <details onToggle={({ target }) => setOpen(target.open)}>
            <summary class="tool-title">
                <code>{item.name ?? t('a tool')}</code> <Badge tone={tone}>{text()}</Badge>
            </summary>
            {isOpen && item.args !== null && item.args !== undefined && (
                <pre tabIndex={0} aria-label={t('What it was given')}>
                    {pretty(item.args)}
                </pre>
            )}
            {isOpen && item.result !== null && item.result !== undefined && (
                <pre tabIndex={0} aria-label={t('What came of it')}>
                    {item.result}
                </pre>
            )}
        </details>
    );
}

function ThinkingItem({ name }) {
    return (
        <>
            <div class="who">{name}</div>
            <div class="dots" aria-hidden="true">
                <i />
                <i />
                <i />
            </div>
            <Hidden>{t('is writing')}</Hidden>
        </>
    );
}

const kinds = {
    user: UserItem,
    assistant: AssistantItem,
    tool: ToolItem,
    thinking: ThinkingItem,
};

// Drawn again only when what it shows has changed. `sign` stands for that: items are changed in
// place.
export const Item = memo(
    function Item({ item, name }) {
        const Kind = kinds[item.kind];
        return (
            <article
                class={`item ${item.kind} ${item.state ?? ''}`.trim()}
                // Spoken once it is complete, not word by word.
                aria-busy={item.state === 'streaming' ? 'true' : 'false'}
            >
                {/* A copy: one with a state of its own is drawn again only for another object. */}
                <Kind item={{ ...item }} name={name} />
            </article>
        );
    },
    (before, after) => before.sign === after.sign && before.name === after.name,
);

export const signOf = (item) =>
    [
        item.key,
        item.state,
        item.time,
        item.text?.length,
        item.text,
        item.reason,
        item.error,
        item.isQueued,
        item.args && pretty(item.args),
        item.result,
    ].join('\u0000');
