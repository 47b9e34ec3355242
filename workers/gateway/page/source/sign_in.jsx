// Asks for the token or password, and says what was wrong with the last one and how to mend it.

import { useEffect, useRef, useState } from 'preact/hooks';
import { later, t } from './i18n.js';
import { Preferences } from './preferences.jsx';
import { connect, connectAgain, connection, link, refusal } from './state.js';
import * as token from './token.js';
import { Command } from './ui.jsx';

// What the owner can do about a refusal.
const cures = {
    credential: later(
        'This is not the gateway’s token or password. Run hardshell dashboard where the gateway runs: it prints the right one.',
    ),
    pairing: later('The gateway wants this device to be approved first.'),
    version: later('This page and the gateway speak different versions. Reload the page.'),
    request: later('The gateway refused this page.'),
};

// What the gateway says then is no more than what the cure says.
const saysNoMore = ({ kind, reason }) =>
    kind === 'credential' || (kind === 'pairing' && reason === 'pairing required');

function describe({ kind, reason }) {
    if (saysNoMore({ kind, reason })) return t(cures[kind]);
    return `${t(cures[kind])} ${t('It says: {reason}', { reason })}`;
}

// Only the letters of an identifier: it stands in a command.
const requestOf = ({ details }) =>
    /^[\w-]{1,64}$/.test(details?.requestId ?? '') ? details.requestId : null;

function Pairing({ refused }) {
    const request = requestOf(refused);
    const command = `hardshell devices approve${request ? ` ${request}` : ''}`;
    const again = useRef(null);
    // The token was right: what is left to do is to come back.
    useEffect(() => again.current.focus(), []);
    return (
        <div class="pairing">
            <p>{t('Where the gateway runs, run:')}</p>
            <Command>{command}</Command>
            <p>{t('On Fly.io, from your own machine:')}</p>
            <Command>{`fly ssh console -C "${command}"`}</Command>
            <button type="button" ref={again} onClick={connectAgain}>
                {t('Try again')}
            </button>
        </div>
    );
}

function problemOf(refused, state) {
    if (refused) return describe(refused);
    if (state.name === 'waiting') return `${state.reason} ${t('The page keeps trying.')}`;
    return null;
}

export function SignIn() {
    const box = useRef(null);
    const [isShown, setShown] = useState(false);
    const [isChanged, setChanged] = useState(false);
    const [remembers, setRemembers] = useState(token.wantsRemembering());
    const refused = refusal.value;
    const state = link.value;
    const isBusy = state.name === 'connecting';
    useEffect(() => {
        document.title = 'Hardshell';
        setChanged(false);
        if (refused?.kind === 'pairing') return;
        box.current.focus();
        box.current.select();
    }, [refused]);
    const problem = isChanged ? null : problemOf(refused, state);
    const submit = (event) => {
        event.preventDefault();
        const secret = box.current.value.trim();
        if (!secret) return;
        setChanged(false);
        if (state.name === 'waiting' && !isChanged) connection.retryNow();
        else connect(secret);
    };
    return (
        <main class="sign-in">
            <form id="sign-in-form" class="card" autocomplete="on" onSubmit={submit}>
                <img class="mark" src="./assets/favicon.svg" alt="" width="40" height="40" />
                <h1>Hardshell</h1>
                <p class="muted">{t('Enter the gateway’s token or password to start.')}</p>
                {problem && (
                    <p id="sign-in-problem" class="problem" role="alert">
                        {problem}
                    </p>
                )}
                {refused?.kind === 'pairing' && !isChanged && <Pairing refused={refused} />}
                <input
                    class="visually-hidden"
                    type="text"
                    name="username"
                    value="owner"
                    autocomplete="username"
                    tabindex="-1"
                    aria-hidden="true"
                    readonly
                />
                <label for="secret">{t('Token or password')}</label>
                <div class="field">
                    <input
                        ref={box}
                        id="secret"
                        name="password"
                        type={isShown ? 'text' : 'password'}
                        required
                        autocomplete="current-password"
                        autocapitalize="off"
                        spellcheck={false}
                        aria-describedby="secret-help"
                        aria-invalid={problem ? 'true' : 'false'}
                        onInput={() => setChanged(true)}
                    />
                    <button
                        type="button"
                        class="quiet"
                        aria-pressed={isShown ? 'true' : 'false'}
                        aria-controls="secret"
                        onClick={() => setShown(!isShown)}
                    >
                        {isShown ? t('Hide') : t('Show')}
                    </button>
                </div>
                <label class="check">
                    <input
                        type="checkbox"
                        checked={remembers}
                        onChange={({ target }) => {
                            setRemembers(target.checked);
                            token.setRemembering(target.checked);
                        }}
                    />
                    {t('Remember on this device')}
                </label>
                <button type="submit" class="primary" disabled={isBusy}>
                    {isBusy
                        ? t('Connecting…')
                        : state.name === 'waiting' && !isChanged
                          ? t('Retry now')
                          : t('Connect')}
                </button>
                <p id="secret-help" class="hint">
                    {t('hardshell dashboard, run where the gateway runs, prints a link that signs you in.')}
                </p>
                <Preferences />
            </form>
        </main>
    );
}
