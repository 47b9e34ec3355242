// The conversation with the assistant: its items, the sessions to choose from, the box to write in.

import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Item, signOf } from './chat_items.jsx';
import { Composer } from './composer.jsx';
import { t } from './i18n.js';
import { argument, go, place } from './router.js';
import { assistantName, chat, chatTurn, link, mainSession, onEvent, openSession } from './state.js';
import { useAnswer } from './ui.jsx';

const nearEnd = 60; // pixels
const nearBeginning = 200;
const thinking = { key: 'thinking', kind: 'thinking' };

const titleOf = (row) => row.label || row.displayName || row.derivedTitle || row.key;

function SessionChooser() {
    const { data, reload } = useAnswer('sessions.list', {
        limit: 100,
        includeDerivedTitles: true,
    });
    useEffect(
        () => onEvent('chat', ({ state }) => state === 'final' && reload()),
        [],
    );
    chatTurn.value; // which session is open
    const rows = data?.sessions ?? [];
    const here = chat.session ?? mainSession();
    const keys = new Set(rows.map(({ key }) => key));
    const missing = [mainSession(), here].filter((key, index, all) => all.indexOf(key) === index);
    const options = [
        ...missing.filter((key) => !keys.has(key)).map((key) => ({ key })),
        ...rows,
    ];
    return (
        <div class="chooser">
            <label class="visually-hidden" for="session">
                {t('Session')}
            </label>
            <select
                id="session"
                value={here}
                onChange={({ target }) => {
                    go('chat', `?session=${encodeURIComponent(target.value)}`);
                }}
            >
                {options.map((row) => (
                    <option key={row.key} value={row.key}>
                        {row.key === mainSession() ? t('Main session') : titleOf(row)}
                    </option>
                ))}
            </select>
        </div>
    );
}

// Follows the end while the reader is there, and keeps the place when older items come before it.
function useFollowing(turn, session, firstKey) {
    const scroll = useRef(null);
    const follows = useRef(true);
    const first = useRef(firstKey);
    const fromEnd = useRef(0);
    const [isAtEnd, setAtEnd] = useState(true);
    // While what is on the screen is still as it was.
    if (first.current !== firstKey && scroll.current)
        fromEnd.current = scroll.current.scrollHeight - scroll.current.scrollTop;
    const scrolled = () => {
        if (!scroll.current) return; // the browser tells later, and the view may be gone
        const { scrollHeight, scrollTop, clientHeight } = scroll.current;
        follows.current = scrollHeight - scrollTop - clientHeight < nearEnd;
        setAtEnd(follows.current);
    };
    const scrolledByReader = () => {
        scrolled();
        if (!follows.current && scroll.current?.scrollTop < nearBeginning) chat.readOlder();
    };
    const keepUp = () => {
        if (follows.current && scroll.current) scroll.current.scrollTop = scroll.current.scrollHeight;
        scrolled();
    };
    useLayoutEffect(() => {
        follows.current = true;
    }, [session]);
    useLayoutEffect(() => {
        if (first.current !== firstKey)
            scroll.current.scrollTop = scroll.current.scrollHeight - fromEnd.current;
        first.current = firstKey;
        keepUp();
    }, [turn]);
    useEffect(() => {
        const observer = new ResizeObserver(keepUp);
        observer.observe(scroll.current);
        return () => observer.disconnect();
    }, []);
    const showLatest = () => {
        follows.current = true;
        keepUp();
    };
    return { scroll, scrolledByReader, isAtEnd, showLatest };
}

// Not disabled while it reads: it would lose the focus.
const Older = () => (
    <button
        type="button"
        class="to-older"
        aria-disabled={chat.isReadingOlder ? 'true' : 'false'}
        onClick={() => chat.readOlder()}
    >
        {chat.isReadingOlder ? t('Reading…') : t('Older messages')}
    </button>
);

const CutOff = () => (
    <p class="cut-off">
        {t('The page goes back no further. The transcript, where the gateway runs, has the whole conversation.')}
    </p>
);

function emptyText(transcript) {
    if (transcript === 'read') return t('No messages yet. Say hello.');
    return ['reading', 'unread'].includes(transcript) ? t('Opening…') : '';
}

export function ChatView() {
    const turn = chatTurn.value;
    const { conversation, transcript } = chat;
    const items = conversation.items();
    const { scroll, scrolledByReader, isAtEnd, showLatest } = useFollowing(
        turn,
        chat.session,
        items[0]?.key,
    );
    const isConnected = link.value.name === 'connected';
    const wanted = argument('session');
    const isSettled = transcript === 'read';
    const isProblem = !['read', 'reading', 'unread'].includes(transcript);

    // The address says which session is open.
    useEffect(() => {
        if (!isConnected || chat.session === null) return;
        if ((wanted ?? mainSession()) !== chat.session) openSession(wanted ?? mainSession());
    }, [wanted, place.value, isConnected]);

    if (conversation.isWaiting && isConnected) items.push(thinking);
    const problem = isProblem
        ? `${t('The history could not be read.')} ${transcript}`
        : chat.problem;
    return (
        <main class="chat">
            <SessionChooser />
            <div
                id="scroll"
                class="scroll"
                role="region"
                ref={scroll}
                tabIndex={0}
                aria-label={t('Conversation')}
                onScroll={scrolledByReader}
            >
                <h1 class="visually-hidden">{assistantName.value}</h1>
                {chat.isCutOff ? <CutOff /> : chat.hasOlder && <Older />}
                <div
                    id="log"
                    class="log"
                    role="log"
                    aria-live="polite"
                    aria-relevant="additions text"
                    aria-label={t('Messages')}
                    aria-busy={isSettled && !chat.isReadingOlder ? 'false' : 'true'}
                    data-empty={items.length === 0 ? emptyText(transcript) : ''}
                >
                    {items.map((item) => (
                        <Item
                            key={item.key}
                            item={item}
                            sign={signOf(item)}
                            name={assistantName.value}
                        />
                    ))}
                </div>
            </div>
            <div class="below">
                {!isAtEnd && (
                    <button type="button" class="to-latest" onClick={showLatest}>
                        {t('Latest messages')}
                    </button>
                )}
                <Composer
                    isRunning={conversation.isRunning && isConnected}
                    problem={problem}
                    onSent={showLatest}
                />
            </div>
        </main>
    );
}
