// The page at /: signs in, then one conversation with the assistant.
//
// This file wires the parts: token (where the secret lives), connection (the socket), chat and
// conversation (what is said), and the views, each of which owns its piece of the page. Text from
// outside becomes text nodes only.

import { Chat } from './chat.js';
import { Composer } from './composer.js';
import { Connection } from './connection.js';
import { readModel, readParts } from './gateway_facts.js';
import { LogView } from './log_view.js';
import { randomId } from './random_id.js';
import { SignIn } from './sign_in.js';
import { StatusView } from './status_view.js';
import * as token from './token.js';

const nodes = Object.fromEntries(
    Array.from(document.querySelectorAll('[id]'), (node) => [node.id, node]),
);

const page = {
    secret: null,
    hello: null,
    askedSession: null,
    assistantName: 'Assistant',
    model: null,
    parts: [],
    degraded: null,
};

const connection = new Connection({
    url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/`,
    client: {
        id: 'webchat-ui',
        mode: 'webchat',
        version: '1',
        platform: navigator.platform || 'web',
        instanceId: randomId(),
    },
    onState: showState,
    onHello: greeted,
    onEvent: happened,
    onGap: () => chat.missedEvents(),
});
const chat = new Chat(connection, drawSoon);

const signIn = new SignIn(nodes, connect);
const statusView = new StatusView(nodes, {
    onRetry: () => {
        connection.retryNow();
        composer.focus();
    },
    onSignOut: signOut,
});
const logView = new LogView({
    log: nodes.log,
    scroll: nodes.scroll,
    toLatest: nodes['to-latest'],
    onAction: (action, key) => (action === 'again' ? chat.sendAgain(key) : chat.discard(key)),
});
const composer = new Composer({
    form: nodes.composer,
    box: nodes.message,
    hint: nodes['composer-hint'],
    send: nodes.send,
    stop: nodes.stop,
    onSend: send,
    onStop: () => chat.stop(),
});

function connect(secret) {
    page.secret = secret;
    connection.start(secret);
}

function signOut() {
    token.forget();
    page.secret = page.hello = null;
    connection.stop();
    chat.leave();
    composer.clear();
    signIn.clear();
    showSignIn(null);
}

function send(text) {
    if (!connection.isConnected) return 'Not connected. Your message stays here.';
    if (chat.transcript === 'unread') return 'One moment: the conversation is still opening.';
    chat.send(text);
    logView.showLatest();
    return null;
}

function showSignIn(refusal) {
    nodes.room.hidden = true;
    nodes['sign-in'].hidden = false;
    document.title = 'Hardshell';
    signIn.ask(refusal);
}

function showRoom() {
    if (!nodes.room.hidden) return;
    nodes['sign-in'].hidden = true;
    nodes.room.hidden = false;
    signIn.clear();
    composer.focus();
}

function showState(state) {
    if (state.name === 'refused') {
        if (state.kind === 'credential') token.forget();
        return showSignIn(state);
    }
    if (nodes.room.hidden && state.name === 'connecting') signIn.setBusy(true);
    if (nodes.room.hidden && state.name === 'waiting') signIn.setBusy(false, state.reason);
    drawSoon();
}

async function greeted(hello) {
    token.accepted(page.secret);
    page.hello = hello;
    takeHealth(hello.snapshot?.health);
    showRoom();
    const defaults = hello.snapshot?.sessionDefaults ?? {};
    const main = defaults.mainSessionKey ?? 'main';
    const session = page.askedSession ?? main;
    const alias = session === main && defaults.mainKey ? [defaults.mainKey] : [];
    askFacts(session);
    await chat.connected(session, alias);
}

function happened(event, payload) {
    if (event === 'health') {
        const before = agentLife();
        takeHealth(payload);
        if (before !== agentLife()) askFacts(chat.session);
        drawSoon();
    } else {
        chat.happened(event, payload);
    }
}

const agentLife = () => page.parts.find(({ name }) => name === 'agent')?.life;

function takeHealth(health) {
    if (!health?.workers) return;
    page.parts = readParts(health);
    page.degraded = health.degraded || null;
}

// Who answers, with which model, on which parts. What cannot be had keeps its last value.
async function askFacts(sessionKey) {
    const [identity, status, health] = await Promise.allSettled([
        connection.request('agent.identity.get', { sessionKey }),
        connection.request('status', {}),
        connection.request('health', {}),
    ]);
    page.assistantName = identity.value?.name || page.assistantName;
    page.model = readModel(status.value) ?? page.model;
    takeHealth(health.value);
    drawSoon();
}

let drawing = false;

// Many events, one drawing. A timer, since a hidden page is given no animation frames.
function drawSoon() {
    if (drawing) return;
    drawing = true;
    setTimeout(() => {
        drawing = false;
        draw();
    }, 16);
}

function draw() {
    const { conversation, transcript } = chat;
    const isSettled = transcript === 'read';
    const isProblem = !['read', 'reading', 'unread'].includes(transcript);
    const problem = isProblem ? `The history could not be read. ${transcript}` : chat.problem;
    statusView.showConnection(connection.state, page.parts);
    statusView.showAssistant(page.assistantName, page.model);
    statusView.showDegraded(page.degraded);
    statusView.showAbout(aboutFacts(), page.parts);
    logView.show({
        items: conversation.items(),
        isWaiting: conversation.isWaiting && connection.isConnected,
        assistantName: page.assistantName,
        empty: isSettled ? 'No messages yet. Say hello.' : isProblem ? '' : 'Opening…',
        busy: !isSettled,
    });
    composer.show({
        isConnected: connection.isConnected,
        isRunning: conversation.isRunning && connection.isConnected,
        problem,
    });
}

function aboutFacts() {
    const { server } = page.hello ?? {};
    const { lastModel } = chat.conversation;
    return [
        ['Gateway', [server?.host, server?.version].filter(Boolean).join(', ')],
        ['Model', page.model?.id],
        // A fallback may have answered.
        ['Last answer by', lastModel === page.model?.id ? null : lastModel],
        ['Session', chat.session],
    ];
}

function begin() {
    const { secret, session } = token.takeFromAddress();
    page.askedSession = session;
    const known = secret ?? token.stored();
    if (!known) return showSignIn(null);
    showRoom();
    connect(known);
}

// A link with a token that is opened in a tab where the page already is.
window.addEventListener('hashchange', () => {
    const { secret } = token.takeFromAddress();
    if (secret) connect(secret);
});
window.addEventListener('online', () => connection.checkNow());
document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') connection.checkNow();
});

begin();
