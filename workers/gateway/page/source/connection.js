// The link to the gateway: one WebSocket, its handshake, requests and events.
//
// Every request settles. A lost connection is opened again by itself, later each time; a refused
// credential never is. Events arrive in order, and a gap in their numbers is reported. The only
// peer is the host that served this page.

import { later, t } from './i18n.js';

const protocol = 3;
const tooLateCode = 4000;
const challengeWait = 750;
const helloWait = 10_000;
const answerWait = 30_000;
const firstRetry = 800;
const retryGrowth = 1.7;
const longestRetry = 15_000;
// A connection that lived this long starts the retries afresh.
const stableAfter = 5_000;

export const retryDelay = (attempt) => Math.min(firstRetry * retryGrowth ** attempt, longestRetry);

// What a refused handshake means. Read from the top; the first row that fits decides.
const refusals = [
    // code             message starts       kind
    ['INVALID_REQUEST', 'unauthorized', 'credential'],
    ['NOT_PAIRED', '', 'pairing'],
    ['INVALID_REQUEST', 'protocol mismatch', 'version'],
    ['INVALID_REQUEST', '', 'request'],
];

// Why a connection ended, for the owner, where the gateway itself said nothing better.
const closures = {
    1000: later('The gateway closed the connection.'),
    1001: later('The gateway is going away.'),
    1002: later('The gateway could not understand this page.'),
    1006: later('The connection was lost.'),
    1008: later('The gateway ended the connection.'),
    1009: later('The message was too large for the gateway.'),
    1012: later('The gateway is restarting.'),
    [tooLateCode]: later('The gateway has gone silent.'),
};

const refusalKind = (error) =>
    error?.retryable
        ? null
        : (refusals.find(
              ([code, start]) => error?.code === code && (error.message ?? '').startsWith(start),
          )?.[2] ?? null);

function closureText({ code, reason }, opened) {
    if (code === 1006 && !opened) return t('The gateway does not answer.');
    const known = closures[code]
        ? t(closures[code])
        : t('The connection ended (code {code}).', { code });
    return code === 1008 && reason ? `${known} ${t('It says: {reason}', { reason })}` : known;
}

// An answer of the gateway, or the reason why there is none.
export class RequestError extends Error {
    constructor({ code, message, details, retryable }) {
        super(message);
        Object.assign(this, { code, details, retryable: retryable === true });
    }

    // No answer came: the gateway may or may not have taken the request.
    get isUnanswered() {
        return this.code === 'DISCONNECTED' || this.code === 'TIMED_OUT';
    }
}

export class Connection {
    #options;
    #secret = null;
    #socket = null;
    #timers = new Map();
    #pending = new Map();
    #nextId = 1;
    #state = { name: 'idle' };
    #life = null; // of the present socket
    #attempt = 0;

    // options: url, client, onState(state), onHello(hello), onEvent(name, payload), onGap(),
    // openSocket(url).
    //
    // A state is {name: "idle" | "connecting" | "connected"}, {name: "waiting", reason, retryAt}
    // or {name: "refused", kind, reason}.
    constructor(options) {
        this.#options = { openSocket: (url) => new WebSocket(url), ...options };
    }

    get state() {
        return this.#state;
    }

    get isConnected() {
        return this.#state.name === 'connected';
    }

    // Milliseconds by the gateway's clock, which may differ from the one here.
    serverNow() {
        return Math.round(performance.now() + (this.clockOffset ?? Date.now() - performance.now()));
    }

    start(secret) {
        this.#secret = secret;
        this.#attempt = 0;
        this.#open();
    }

    stop() {
        this.#secret = null;
        this.#discard();
        this.#settleAll(t('The page has signed out.'));
        this.#become({ name: 'idle' });
    }

    retryNow() {
        if (this.#state.name === 'waiting') this.#open();
    }

    // After sleep or a change of network: find out now whether the other end is still there.
    checkNow() {
        this.retryNow();
        if (this.isConnected) this.#expectSign();
    }

    // wait: how long an answer may take, in milliseconds.
    request(method, params, { wait = answerWait } = {}) {
        if (!this.isConnected)
            return Promise.reject(
                new RequestError({ code: 'DISCONNECTED', message: t('Not connected.') }),
            );
        return this.#ask(method, params, wait);
    }

    #become(state) {
        this.#state = state;
        this.#options.onState(state);
    }

    #after(name, delay, action) {
        clearTimeout(this.#timers.get(name));
        this.#timers.set(name, setTimeout(action, delay));
    }

    #cancel(...names) {
        for (const name of names) clearTimeout(this.#timers.get(name));
    }

    #open() {
        this.#discard();
        this.#life = { opened: false, greeted: false, lastSeq: null, lastFrame: 0, farewell: null };
        this.#become({ name: 'connecting', attempt: this.#attempt });
        const socket = this.#options.openSocket(this.#options.url);
        this.#socket = socket;
        socket.onopen = () => {
            this.#life.opened = true;
            this.#after('challenge', challengeWait, () => this.#greet());
        };
        socket.onmessage = ({ data }) => this.#receive(data);
        socket.onclose = ({ code, reason }) => this.#closed({ code, reason });
        this.#after('hello', helloWait, () => this.#drop(tooLateCode));
    }

    // Lets go of the present socket without waiting for its end.
    #discard() {
        this.#cancel('challenge', 'hello', 'sign', 'retry');
        const socket = this.#socket;
        this.#socket = null;
        if (!socket) return;
        socket.onopen = socket.onmessage = socket.onclose = null;
        socket.close(1000);
    }

    #drop(code) {
        this.#discard();
        this.#closed({ code, reason: '' });
    }

    #closed(closure) {
        const life = this.#life;
        this.#discard();
        this.#settleAll(closureText(closure, life.opened));
        if (life.refused) return this.#become(life.refused);
        if (closure.code === 1008 && !life.connectedAt && closure.reason.startsWith('unauthorized'))
            return this.#become({ name: 'refused', kind: 'credential', reason: closure.reason });
        if (life.connectedAt && performance.now() - life.connectedAt > stableAfter)
            this.#attempt = 0;
        const delay = retryDelay(this.#attempt);
        this.#attempt += 1;
        this.#after('retry', delay, () => this.#open());
        const reason = life.farewell ?? closureText(closure, life.opened);
        this.#become({ name: 'waiting', reason, retryAt: Date.now() + delay });
    }

    #settleAll(reason) {
        const pending = [...this.#pending.values()];
        this.#pending.clear();
        for (const { reject, timer } of pending) {
            clearTimeout(timer);
            reject(new RequestError({ code: 'DISCONNECTED', message: reason }));
        }
    }

    #ask(method, params, wait = answerWait) {
        const id = String(this.#nextId++);
        const frame = JSON.stringify({ type: 'req', id, method, params });
        const limit = this.#life.hello?.policy?.maxPayload;
        if (limit && new TextEncoder().encode(frame).length > limit) {
            const message = t('The message is longer than the gateway takes ({size} KiB).', {
                size: limit >> 10,
            });
            return Promise.reject(new RequestError({ code: 'TOO_LARGE', message }));
        }
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => {
                this.#pending.delete(id);
                const message = t('The gateway has not answered {method} in time.', { method });
                reject(new RequestError({ code: 'TIMED_OUT', message }));
            }, wait);
            this.#pending.set(id, { resolve, reject, timer });
            this.#socket.send(frame);
        });
    }

    #receive(data) {
        let frame;
        try {
            frame = JSON.parse(data);
        } catch {
            return;
        }
        this.#life.lastFrame = performance.now();
        if (frame?.type === 'res') this.#answered(frame);
        else if (frame?.type === 'event') this.#happened(frame);
    }

    #answered({ id, ok, payload, error }) {
        const request = this.#pending.get(id);
        if (!request) return;
        this.#pending.delete(id);
        clearTimeout(request.timer);
        if (ok) request.resolve(payload);
        else request.reject(new RequestError({ message: t('The gateway gave no reason.'), ...error }));
    }

    #happened({ event, payload, seq }) {
        if (event === 'connect.challenge') {
            if (payload?.ts) this.clockOffset = payload.ts - performance.now();
            return this.#greet();
        }
        if (!this.isConnected) return;
        if (event === 'shutdown')
            this.#life.farewell = payload?.restartExpectedMs
                ? t('The gateway is restarting.')
                : t('The gateway is stopping.');
        const { lastSeq } = this.#life;
        if (Number.isInteger(seq)) this.#life.lastSeq = seq;
        this.#options.onEvent(event, payload ?? {});
        if (Number.isInteger(seq) && lastSeq !== null && seq > lastSeq + 1) this.#options.onGap();
    }

    async #greet() {
        const life = this.#life;
        if (life.greeted) return;
        life.greeted = true;
        this.#cancel('challenge');
        try {
            const hello = await this.#ask('connect', {
                minProtocol: protocol,
                maxProtocol: protocol,
                client: this.#options.client,
                role: 'operator',
                scopes: ['operator.admin', 'operator.approvals', 'operator.pairing'],
                caps: [],
                // The server compares the one that its mode asks for.
                auth: { token: this.#secret, password: this.#secret },
                locale: navigator.language,
            });
            if (life === this.#life) this.#connected(life, hello);
        } catch (error) {
            if (life === this.#life) this.#refused(life, error);
        }
    }

    #connected(life, hello) {
        this.#cancel('hello');
        life.hello = hello;
        life.connectedAt = performance.now();
        this.#watch(hello.policy?.tickIntervalMs ?? 30_000);
        this.#become({ name: 'connected' });
        this.#options.onHello(hello);
    }

    #refused(life, error) {
        if (error.isUnanswered) return; // the closing of the socket says more
        const kind = refusalKind(error);
        if (kind)
            life.refused = {
                name: 'refused',
                kind,
                reason: error.message,
                details: error.details,
            };
        else life.farewell = t('The gateway is not ready: {reason}', { reason: error.message });
        this.#drop(1008);
    }

    // The gateway ticks; two ticks missed mean that nobody is there.
    #watch(interval) {
        this.#after('sign', interval / 2, () => {
            if (performance.now() - this.#life.lastFrame > 2 * interval) this.#drop(tooLateCode);
            else this.#watch(interval);
        });
    }

    #expectSign() {
        const life = this.#life;
        this.#ask('health', {}).catch(() => {});
        const asked = performance.now();
        setTimeout(() => {
            if (life === this.#life && this.isConnected && life.lastFrame < asked)
                this.#drop(tooLateCode);
        }, helloWait);
    }
}
