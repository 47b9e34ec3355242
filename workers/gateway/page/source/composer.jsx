// The box in which a message is written, one for each session. What is in it stays until the
// gateway can take it, and survives a reload of the page.

import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { draftKey } from './chat.js';
import { addressOf, mostText, readPicture } from './images.js';
import { t } from './i18n.js';
import { chat, connection, link } from './state.js';
import { tab } from './storage.js';

// No session: it is still opening.
const keyOf = (session) => (session === null ? draftKey : `${draftKey}.${session}`);
const draftOf = (session) => ({ session, text: tab.read(keyOf(session)) ?? '', pictures: [] });

function keep({ session, text }) {
    if (text) tab.write(keyOf(session), text);
    else tab.remove(keyOf(session));
}

// The draft of another session. What was written before one was open goes along.
function entered(draft, session) {
    const stored = draftOf(session);
    if (draft.session !== null) return stored;
    tab.remove(keyOf(null));
    return { session, text: draft.text || stored.text, pictures: draft.pictures };
}

// Why the message cannot be taken now, or null.
function obstacle() {
    if (!connection.isConnected) return t('Not connected. Your message stays here.');
    if (chat.transcript === 'unread') return t('One moment: the conversation is still opening.');
    return null;
}

function Pictures({ pictures, onRemove }) {
    if (pictures.length === 0) return null;
    return (
        <ul class="pictures">
            {pictures.map((picture, index) => (
                <li key={index}>
                    <img src={addressOf(picture)} alt={picture.name} />
                    <button
                        type="button"
                        class="quiet"
                        aria-label={t('Remove {name}', { name: picture.name })}
                        onClick={() => onRemove(index)}
                    >
                        ×
                    </button>
                </li>
            ))}
        </ul>
    );
}

export function Composer({ isRunning, problem, onSent }) {
    const box = useRef(null);
    const chooser = useRef(null);
    const { session } = chat;
    const [draft, setDraft] = useState(() => draftOf(session));
    const { text, pictures } = draft;
    const setText = (next) => setDraft((now) => ({ ...now, text: next }));
    const setPictures = (next) => setDraft((now) => ({ ...now, pictures: next(now.pictures) }));
    const [refused, setRefused] = useState(null);
    const isConnected = link.value.name === 'connected';

    useEffect(() => box.current.focus(), []);
    useEffect(() => setRefused(null), [isConnected, session]);
    useLayoutEffect(() => {
        if (draft.session !== session) return setDraft(entered(draft, session));
        keep(draft);
        box.current.style.height = 'auto';
        if (box.current.scrollHeight) box.current.style.height = `${box.current.scrollHeight}px`;
    }, [draft, session]);

    const submit = () => {
        const said = box.current.value.trim();
        if (!said && pictures.length === 0) return;
        const why = obstacle();
        setRefused(why);
        if (why) return;
        chat.send(said, pictures);
        setDraft((now) => ({ ...now, text: '', pictures: [] }));
        onSent();
    };
    const add = async (files) => {
        setRefused(null);
        let room = mostText - pictures.reduce((sum, { data }) => sum + data.length, 0);
        for (const file of files) {
            try {
                const picture = await readPicture(file, room);
                room -= picture.data.length;
                setPictures((before) => [...before, picture]);
            } catch (error) {
                setRefused(error.message);
            }
        }
    };
    const pictureFiles = (list) =>
        [...(list ?? [])].filter((file) => file.type.startsWith('image/'));
    const hint =
        problem ??
        refused ??
        (isConnected ? '' : t('Not connected. What you write stays here.'));

    return (
        <footer
            class="foot"
            onDragOver={(event) => event.preventDefault()}
            onDrop={(event) => {
                event.preventDefault();
                add(pictureFiles(event.dataTransfer.files));
            }}
        >
            <Pictures
                pictures={pictures}
                onRemove={(index) =>
                    setPictures((now) => now.filter((_, position) => position !== index))
                }
            />
            <form
                id="composer"
                class="composer"
                onSubmit={(event) => {
                    event.preventDefault();
                    submit();
                }}
            >
                <input
                    ref={chooser}
                    type="file"
                    accept="image/*"
                    multiple
                    hidden
                    onChange={({ target }) => {
                        add(pictureFiles(target.files));
                        target.value = '';
                    }}
                />
                <button
                    type="button"
                    class="quiet attach"
                    aria-label={t('Add a picture')}
                    title={t('Add a picture')}
                    onClick={() => chooser.current.click()}
                >
                    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
                        <path d="M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.500 9h.01" />
                    </svg>
                </button>
                <label class="visually-hidden" for="message">
                    {t('Message')}
                </label>
                <textarea
                    id="message"
                    ref={box}
                    rows={1}
                    value={text}
                    placeholder={t('Write a message')}
                    enterkeyhint="send"
                    aria-describedby="composer-hint"
                    onInput={({ target }) => setText(target.value)}
                    onPaste={(event) => {
                        const files = pictureFiles(event.clipboardData.files);
                        if (files.length === 0) return;
                        event.preventDefault();
                        add(files);
                    }}
                    onKeyDown={(event) => {
                        // Enter also ends a word in an input method; it must not send then.
                        if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
                        event.preventDefault();
                        submit();
                    }}
                />
                {isRunning && (
                    <button
                        type="button"
                        class="stop"
                        onClick={() => {
                            chat.stop();
                            box.current.focus();
                        }}
                    >
                        <span class="square" aria-hidden="true" />
                        {t('Stop')}
                    </button>
                )}
                <button type="submit" class="primary" disabled={!isConnected}>
                    {t('Send')}
                </button>
            </form>
            <p id="composer-hint" class="hint" role="status">
                {hint}
            </p>
        </footer>
    );
}
