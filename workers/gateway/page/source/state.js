// What the whole page knows: the connection and what the gateway says about itself. Views read
// these signals and are drawn again when one changes.

import { signal } from '@preact/signals';
import { Chat } from './chat.js';
import { Connection } from './connection.js';
import { readModel, readParts } from './gateway_facts.js';
import { language, setLanguage } from './i18n.js';
import { randomId } from './random_id.js';
import { device } from './storage.js';
import * as token from './token.js';

const themeKey = 'hardshell.theme';

export const link = signal({ name: 'idle' });
export const hello = signal(null);
export const refusal = signal(null);
export const isInside = signal(false);
export const assistantName = signal(globalThis.__OPENCLAW_ASSISTANT_NAME__ || 'Assistant');
export const model = signal(null);
export const parts = signal([]);
export const degraded = signal(null);
// Counts changes of the conversation, which is not a signal itself.
export const chatTurn = signal(0);
export const shownLanguage = signal(language);
export const theme = signal(device.read(themeKey) ?? 'auto');

const listeners = new Map(); // event -> Set of handlers

let secret = null;
let lastAccepted = null;
// One that a link brought and the gateway refuses takes nothing from the owner's own.
let isFromAddress = false;
let askedSession = null;

export const connection = new Connection({
    url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/`,
    client: {
        id: 'webchat-ui',
        mode: 'webchat',
        version: '1',
        platform: navigator.platform || 'web',
        instanceId: randomId(),
    },
    onState: stateChanged,
    onHello: greeted,
    onEvent: happened,
    onGap: () => chat.missedEvents(),
});

let drawing = false;
// Many events, one drawing. A timer, since a hidden page is given no animation frames.
export const chat = new Chat(connection, () => {
    if (drawing) return;
    drawing = true;
    setTimeout(() => {
        drawing = false;
        chatTurn.value += 1;
    }, 16);
});

export const ask = (method, params = {}, options) => connection.request(method, params, options);

// Calls the handler at each event of that name; answers how to end that.
export function onEvent(name, handler) {
    if (!listeners.has(name)) listeners.set(name, new Set());
    listeners.get(name).add(handler);
    return () => listeners.get(name).delete(handler);
}

export function chooseTheme(name) {
    theme.value = name;
    device.write(themeKey, name);
    document.documentElement.dataset.theme = name;
}

export function chooseLanguage(code) {
    setLanguage(code);
    shownLanguage.value = code;
    document.documentElement.lang = code;
}

export function connect(given, { fromAddress = false } = {}) {
    secret = given;
    isFromAddress = fromAddress;
    refusal.value = null;
    connection.start(given);
}

// With the secret of the last attempt, which the page has kept.
export const connectAgain = () => connect(secret);

export function signOut() {
    token.forget();
    secret = null;
    lastAccepted = null;
    connection.stop();
    chat.leave();
    hello.value = null;
    refusal.value = null;
    isInside.value = false;
}

export const mainSession = () => hello.value?.snapshot?.sessionDefaults?.mainSessionKey ?? 'main';

// Shows another session in the chat.
export function openSession(key) {
    askedSession = key;
    return enterSession();
}

async function enterSession() {
    const defaults = hello.value?.snapshot?.sessionDefaults ?? {};
    const session = askedSession ?? mainSession();
    const alias = session === mainSession() && defaults.mainKey ? [defaults.mainKey] : [];
    askFacts(session);
    await chat.connected(session, alias);
}

function stateChanged(state) {
    if (state.name === 'refused') {
        if (state.kind === 'credential') {
            const known = token.stored() ?? lastAccepted;
            if (isFromAddress && known && known !== secret) return connect(known);
            if (token.stored() === secret) token.forget();
        }
        refusal.value = state;
        isInside.value = false;
    }
    link.value = state;
}

async function greeted(greeting) {
    token.accepted(secret);
    lastAccepted = secret;
    hello.value = greeting;
    isInside.value = true;
    takeHealth(greeting.snapshot?.health);
    await enterSession();
}

function happened(event, payload) {
    if (event === 'health') {
        const before = agentLife();
        takeHealth(payload);
        if (before !== agentLife()) askFacts(chat.session);
    }
    chat.happened(event, payload);
    for (const handler of listeners.get(event) ?? []) handler(payload);
}

const agentLife = () => parts.value.find(({ name }) => name === 'agent')?.life;

function takeHealth(health) {
    if (!health?.workers) return;
    parts.value = readParts(health);
    degraded.value = health.degraded || null;
}

// Who answers, with which model, on which parts. What cannot be had keeps its last value.
async function askFacts(sessionKey) {
    const [identity, status, health] = await Promise.allSettled([
        ask('agent.identity.get', { sessionKey }),
        ask('status'),
        ask('health'),
    ]);
    assistantName.value = identity.value?.name || assistantName.value;
    model.value = readModel(status.value) ?? model.value;
    takeHealth(health.value);
}

// Begins with the secret of the address or of this device; without one the owner is asked.
export function begin() {
    document.documentElement.dataset.theme = theme.value;
    document.documentElement.lang = language;
    const found = token.takeFromAddress();
    askedSession = found.session;
    const known = found.secret ?? token.stored();
    if (!known) return;
    isInside.value = true;
    connect(known, { fromAddress: Boolean(found.secret) });
}

// A link with a token that is opened in a tab where the page already is.
window.addEventListener('hashchange', () => {
    const found = token.takeFromAddress();
    if (found.secret) connect(found.secret, { fromAddress: true });
});
window.addEventListener('online', () => connection.checkNow());
document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') connection.checkNow();
});
