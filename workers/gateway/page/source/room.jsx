// The frame around every view: the menu, how things stand, what went wrong.

import { Component } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { findingText } from './doctor_words.js';
import { focusHeading } from './focus.js';
import { partsTrouble } from './gateway_facts.js';
import { endText } from './gateway_words.js';
import { later, t } from './i18n.js';
import { Icon } from './icon.jsx';
import { Preferences } from './preferences.jsx';
import { place } from './router.js';
import {
    assistantName,
    chat,
    chatTurn,
    connection,
    degraded,
    hello,
    link,
    model,
    parts,
    signOut,
} from './state.js';
import { Facts, Light, Problem, useNow } from './ui.jsx';
import { ViewLink } from './view_link.jsx';
import { viewAt, views } from './views_table.js';

// What the light and its words say in each state of the connection.
const lights = {
    idle: ['off', later('Signed out')],
    connecting: ['wait', later('Connecting')],
    connected: ['good', later('Connected')],
    waiting: ['bad', later('Disconnected')],
    refused: ['bad', later('Disconnected')],
};

function standing() {
    const [tone, text] = lights[link.value.name];
    const trouble = link.value.name === 'connected' ? partsTrouble(parts.value) : null;
    return trouble ? ['wait', `${t(text)}, ${trouble}`] : [tone, t(text)];
}

function MenuLink({ view, isHere, onGo }) {
    return (
        <ViewLink view={view.path} aria-current={isHere ? 'page' : undefined} onGo={onGo}>
            <Icon name={view.icon} />
            <span>{t(view.title)}</span>
        </ViewLink>
    );
}

function Menu({ here }) {
    return (
        <nav class="menu" aria-label={t('Views')}>
            <p class="brand">
                <img class="mark" src="./assets/favicon.svg" alt="" width="28" height="28" />
                Hardshell
            </p>
            {views.map((view) => (
                <MenuLink key={view.path} view={view} isHere={view === here} />
            ))}
        </nav>
    );
}

// On a phone: the views one needs most, and the way to the others.
function Bar({ here }) {
    const [isOpen, setOpen] = useState(false);
    const others = views.filter((view) => !view.isInBar);
    const button = useRef(null);
    const close = (event) => {
        if (event.key !== 'Escape' || !isOpen) return;
        setOpen(false);
        button.current.focus();
    };
    return (
        <div class="bar-of-views" onKeyDown={close}>
            {isOpen && (
                <nav class="sheet" aria-label={t('More views')}>
                    {others.map((view) => (
                        <MenuLink
                            key={view.path}
                            view={view}
                            isHere={view === here}
                            onGo={() => setOpen(false)}
                        />
                    ))}
                </nav>
            )}
            <nav class="tabs" aria-label={t('Main views')}>
                {views
                    .filter((view) => view.isInBar)
                    .map((view) => (
                        <MenuLink
                            key={view.path}
                            view={view}
                            isHere={view === here}
                            onGo={() => setOpen(false)}
                        />
                    ))}
                <button
                    ref={button}
                    type="button"
                    class={others.includes(here) ? 'here' : ''}
                    aria-expanded={isOpen ? 'true' : 'false'}
                    onClick={() => setOpen(!isOpen)}
                >
                    <Icon name="more" />
                    <span>{t('More')}</span>
                </button>
            </nav>
        </div>
    );
}

function Part({ part }) {
    return (
        <li>
            <p>
                <Light tone={part.isWell ? 'good' : 'wait'} />
                <strong>{part.name}</strong> {part.state}
            </p>
            {part.note && <p class="muted">{part.note}</p>}
            {part.lastEnd && (
                <p class="muted">{t('Last end: {reason}', { reason: endText(part.lastEnd) })}</p>
            )}
        </li>
    );
}

function About() {
    const [isOpen, setOpen] = useState(false);
    const whole = useRef(null);
    const button = useRef(null);
    useEffect(() => {
        if (!isOpen) return undefined;
        const clicked = ({ target }) => whole.current.contains(target) || setOpen(false);
        const pressed = ({ key }) => {
            if (key !== 'Escape') return;
            setOpen(false);
            button.current.focus();
        };
        document.addEventListener('click', clicked);
        document.addEventListener('keydown', pressed);
        return () => {
            document.removeEventListener('click', clicked);
            document.removeEventListener('keydown', pressed);
        };
    }, [isOpen]);
    const [tone, text] = standing();
    return (
        <div class="about" ref={whole}>
            <button
                id="about-summary"
                ref={button}
                type="button"
                class="pill"
                aria-expanded={isOpen ? 'true' : 'false'}
                aria-controls="about-panel"
                onClick={() => setOpen(!isOpen)}
            >
                <Light tone={tone} />
                <span id="state-text">{text}</span>
            </button>
            <div id="about-panel" class="panel" hidden={!isOpen}>
                {isOpen && <AboutPanel />}
            </div>
        </div>
    );
}

function AboutPanel() {
    chatTurn.value; // which session is open, who answered last
    const { server } = hello.value ?? {};
    const { lastModel } = chat.conversation;
    const facts = [
        [t('Gateway'), [server?.host, server?.version].filter(Boolean).join(', ')],
        [t('Model'), model.value?.id],
        // A fallback may have answered.
        [t('Last answer by'), lastModel === model.value?.id ? null : lastModel],
        [t('Session'), chat.session],
    ];
    return (
        <>
            <Facts rows={facts} />
            <h2>{t('Parts')}</h2>
            <ul id="parts" class="parts">
                {parts.value.map((part) => (
                    <Part key={part.name} part={part} />
                ))}
                {parts.value.length === 0 && (
                    <li class="muted">{t('The gateway has not told yet.')}</li>
                )}
            </ul>
            <Preferences />
            <button type="button" class="quiet" onClick={signOut}>
                {t('Sign out')}
            </button>
        </>
    );
}

function Countdown({ until }) {
    useNow(250);
    const seconds = Math.max(1, Math.ceil((until - Date.now()) / 1000));
    return <span> {t('Trying again in {seconds} s.', { seconds })}</span>;
}

// Between two attempts the reason stays in sight.
function Trouble() {
    const last = useRef(null);
    const state = link.value;
    if (state.name === 'waiting') last.current = state.reason;
    if (state.name === 'connected') last.current = null;
    if (!last.current) return null;
    return (
        <div id="trouble" class="notice trouble">
            <p>
                <strong role="status">
                    {t('Disconnected.')} {last.current}
                </strong>
                {state.name === 'waiting' ? (
                    <Countdown until={state.retryAt} />
                ) : (
                    <span> {t('Trying now…')}</span>
                )}
            </p>
            <button
                type="button"
                disabled={state.name !== 'waiting'}
                onClick={() => connection.retryNow()}
            >
                {t('Retry now')}
            </button>
        </div>
    );
}

// One of more characters may have to be scrolled, also with the keyboard.
const longNotice = 200;

function Notices() {
    return (
        <>
            <Trouble />
            {degraded.value && (
                <div id="degraded" class="notice caution">
                    <p tabIndex={degraded.value.length > longNotice ? 0 : undefined}>
                        <strong>{t('Running with a fault.')}</strong>{' '}
                        <span role="status">{findingText(degraded.value)}</span>
                    </p>
                </div>
            )}
            {model.value?.isDemonstration && (
                <div id="demonstration" class="notice caution" role="note">
                    <p>
                        <strong>{t('No model is set up.')}</strong>{' '}
                        {t('A built-in demonstration answers. For a real one set ANTHROPIC_API_KEY or OPENAI_API_KEY and restart.')}
                    </p>
                </div>
            )}
        </>
    );
}

function modelText() {
    if (!model.value) return '';
    return model.value.isDemonstration
        ? t('built-in demonstration, no model')
        : model.value.id;
}

// An answer that a view does not expect must not take the menu and the other views along.
class Guarded extends Component {
    componentDidCatch(error) {
        this.setState({ error });
    }

    render({ children }, { error }) {
        if (!error) return children;
        return (
            <main class="view">
                <Problem>
                    {t('This view cannot show what the gateway has answered: {reason}', {
                        reason: error.message,
                    })}
                </Problem>
            </main>
        );
    }
}

export function Room() {
    const here = viewAt(place.value.view);
    const title = here.path === 'chat' ? assistantName.value : t(here.title);
    useEffect(() => {
        document.title = `${title} · Hardshell`;
    }, [title]);
    const isFirst = useRef(true);
    useEffect(() => {
        if (!isFirst.current) focusHeading();
        isFirst.current = false;
    }, [place.value]);
    return (
        <div class="room">
            <Menu here={here} />
            <div class="content">
                <header>
                    <div class="bar">
                        <div class="names">
                            <p id="assistant-name">{assistantName.value}</p>
                            <p id="model-name" class="muted">
                                {modelText()}
                            </p>
                        </div>
                        <About />
                    </div>
                    <Notices />
                </header>
                <Guarded key={here.path}>
                    <here.View />
                </Guarded>
            </div>
            <Bar here={here} />
        </div>
    );
}
