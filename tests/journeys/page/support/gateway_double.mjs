// A stand-in for the gateway that misbehaves on demand: it can be silent, refuse, skip numbers,
// say things twice and go away in the middle of a sentence.
//
// It speaks protocol 3 as far as the page needs and serves the page's own files. By itself it
// answers nothing: a test takes each request from `requests` and says what happens.

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { patience } from './until.mjs';

const pageFolder = fileURLToPath(
    new URL('../../../../workers/gateway/page/built/', import.meta.url),
);
// The modules that need no bundling are tested as they are written.
const sourceFolder = fileURLToPath(new URL('../../../../workers/gateway/page/', import.meta.url));

export const contentPolicy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
].join('; ');

const types = {
    '.html': 'text/html; charset=utf-8',
    '.js': 'application/javascript; charset=utf-8',
    '.css': 'text/css; charset=utf-8',
    '.svg': 'image/svg+xml',
};

const worker = (name, pid) => ({ name, state: 'ready', pid, restarts: 0, lastEnd: '' });

const mainSession = 'agent:main:main';

export class GatewayDouble {
    secret = 'right-token';
    // Never answers the handshake.
    isSilent = false;
    // What the handshake is answered with, whatever the token.
    refusal = null;
    model = 'demo/demo';
    messages = [];
    workers = [worker('gateway', 101), worker('agent', 102)];
    // Every request as {method, params, reply(payload), refuse(error)}, in order of arrival.
    requests = [];
    connects = [];
    connections = 0;
    #seq = 0;
    #waiting = [];
    #http = null;
    #sockets = null;
    #clients = new Set();

    // What is answered without asking the test. A test may replace a row.
    answers = {
        'agent.identity.get': () => ({ agentId: 'main', name: 'Molty', avatar: 'M' }),
        'chat.history': ({ limit }) => this.history(limit),
        'hardshell.chat.history': ({ limit, skip }) => this.history(limit, skip),
        health: () => this.health(),
        status: () => ({ model: this.model, sessions: { defaults: { model: this.model } } }),
    };

    async start(port = 0) {
        this.#http = createServer((request, response) => this.#serve(request, response));
        this.#sockets = new WebSocketServer({ server: this.#http, maxPayload: 524288 });
        this.#sockets.on('connection', (socket) => this.#connected(socket));
        await new Promise((resolve) => this.#http.listen(port, '127.0.0.1', resolve));
        this.port = this.#http.address().port;
        this.url = `http://127.0.0.1:${this.port}/`;
    }

    // Ends every connection with `code` and refuses new ones.
    async stop(code = 1012, reason = 'service restart') {
        if (!this.#http) return;
        const closed = new Promise((resolve) => this.#http.close(resolve));
        this.#http.closeAllConnections();
        this.closeAll(code, reason);
        await closed;
        this.#http = null;
    }

    closeAll(code, reason) {
        for (const client of this.#clients) client.close(code, reason);
        this.#clients.clear();
    }

    // As when the machine is gone: no closing frame.
    cutAll() {
        for (const client of this.#clients) client.terminate();
        this.#clients.clear();
    }

    // The next request of that method which the test has not yet taken.
    async take(method) {
        const matches = (request) => request.method === method && !request.isTaken;
        const deadline = AbortSignal.timeout(patience);
        let found;
        while (!(found = this.requests.find(matches))) {
            if (deadline.aborted) throw new Error(`no ${method} within ${patience} ms`);
            await new Promise((resolve) => {
                this.#waiting.push(resolve);
                deadline.addEventListener('abort', resolve);
            });
        }
        found.isTaken = true;
        return found;
    }

    broadcast(event, payload, { skip = 0 } = {}) {
        this.#seq += 1 + skip;
        this.#sendAll({ type: 'event', event, payload, seq: this.#seq });
    }

    chat(runId, state, more = {}) {
        this.broadcast('chat', { runId, sessionKey: mainSession, seq: this.#seq, state, ...more });
    }

    delta(runId, text) {
        this.chat(runId, 'delta', { message: this.said('assistant', text) });
    }

    said(role, text, more = {}) {
        return { role, content: [{ type: 'text', text }], timestamp: Date.now(), ...more };
    }

    // The last messages before the newest `skip`.
    history(limit = 200, skip = 0) {
        const end = Math.max(0, this.messages.length - skip);
        return {
            sessionKey: mainSession,
            sessionId: 's-1',
            messages: this.messages.slice(Math.max(0, end - limit), end),
            thinkingLevel: 'off',
        };
    }

    health() {
        return { ok: true, ts: Date.now(), defaultAgentId: 'main', workers: this.workers };
    }

    #sendAll(frame) {
        for (const client of this.#clients) client.send(JSON.stringify(frame));
    }

    async #serve(request, response) {
        const path = new URL(request.url, 'http://localhost').pathname;
        const isSource = path.startsWith('/source/');
        const isFile = isSource || path.startsWith('/assets/');
        const name = isFile ? normalize(path) : 'index.html';
        try {
            const body = await readFile(join(isSource ? sourceFolder : pageFolder, name));
            response.writeHead(200, {
                'Content-Type': types[extname(name)] ?? 'application/octet-stream',
                'Content-Security-Policy': contentPolicy,
                'X-Content-Type-Options': 'nosniff',
                'Cache-Control': 'no-cache',
            });
            response.end(body);
        } catch {
            response.writeHead(404).end();
        }
    }

    #connected(socket) {
        this.connections += 1;
        if (this.isSilent) return;
        const send = (frame) => socket.send(JSON.stringify(frame));
        send({
            type: 'event',
            event: 'connect.challenge',
            payload: { nonce: randomUUID(), ts: Date.now() },
        });
        socket.on('close', () => this.#clients.delete(socket));
        socket.on('message', (data) => {
            const { id, method, params } = JSON.parse(data);
            const answer = (ok, more) => send({ type: 'res', id, ok, ...more });
            if (method === 'connect') return this.#greet(socket, params, answer);
            const request = {
                method,
                params,
                reply: (payload) => answer(true, { payload }),
                refuse: (error) => answer(false, { error }),
            };
            const ready = this.answers[method];
            if (ready) {
                request.isTaken = true;
                request.reply(ready(params));
            }
            this.requests.push(request);
            for (const wake of this.#waiting.splice(0)) wake();
        });
    }

    #greet(socket, params, answer) {
        this.connects.push(params);
        const mismatch = { code: 'INVALID_REQUEST', message: 'unauthorized: token mismatch' };
        const refusal = this.refusal ?? (params.auth?.token === this.secret ? null : mismatch);
        if (refusal) {
            answer(false, { error: refusal });
            return socket.close(1008, refusal.message);
        }
        this.#clients.add(socket);
        answer(true, {
            payload: {
                type: 'hello-ok',
                protocol: 3,
                server: { version: '0.1.0', host: 'double', connId: randomUUID() },
                features: { methods: Object.keys(this.answers), events: ['chat', 'health'] },
                snapshot: {
                    presence: [],
                    health: this.health(),
                    stateVersion: { presence: 1, health: 1 },
                    uptimeMs: 1,
                    sessionDefaults: {
                        defaultAgentId: 'main',
                        mainKey: 'main',
                        mainSessionKey: mainSession,
                        scope: 'per-sender',
                    },
                },
                policy: { maxPayload: 524288, maxBufferedBytes: 1572864, tickIntervalMs: 30000 },
            },
        });
    }
}
