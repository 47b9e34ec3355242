// A device with a key of its own that asks to be let in from elsewhere, as a phone does.

import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket } from 'ws';

const rawKey = (key) => key.export({ format: 'der', type: 'spki' }).subarray(-32);

export class Device {
    #keys = generateKeyPairSync('ed25519');

    constructor(displayName) {
        this.displayName = displayName;
        this.id = createHash('sha256').update(rawKey(this.#keys.publicKey)).digest('hex');
    }

    // The answer to `connect`: a response frame.
    async connect(port, token) {
        const socket = new WebSocket(`ws://127.0.0.1:${port}/`, {
            headers: { 'x-forwarded-for': '203.0.113.9' },
        });
        try {
            const frames = [];
            socket.on('message', (data) => frames.push(JSON.parse(data)));
            const next = async (fits) => {
                for (;;) {
                    const found = frames.find(fits);
                    if (found) return found;
                    await Promise.race([once(socket, 'message'), once(socket, 'close')]);
                    if (socket.readyState > 1 && !frames.some(fits))
                        throw new Error('the gateway closed the connection without an answer');
                }
            };
            const { payload } = await next(({ event }) => event === 'connect.challenge');
            socket.send(JSON.stringify(this.#connectFrame(token, payload.nonce)));
            return await next(({ type }) => type === 'res');
        } finally {
            socket.close();
        }
    }

    #connectFrame(token, nonce) {
        const client = { id: 'cli', mode: 'cli', version: '1', platform: 'ios' };
        const scopes = ['operator.read'];
        const signedAt = Date.now();
        const signed = ['v2', this.id, client.id, client.mode, 'operator', scopes.join(',')];
        const text = [...signed, signedAt, token, nonce].join('|');
        return {
            type: 'req',
            id: '1',
            method: 'connect',
            params: {
                minProtocol: 3,
                maxProtocol: 3,
                client: { ...client, displayName: this.displayName },
                role: 'operator',
                scopes,
                auth: { token },
                device: {
                    id: this.id,
                    publicKey: rawKey(this.#keys.publicKey).toString('base64url'),
                    signature: sign(null, Buffer.from(text), this.#keys.privateKey).toString(
                        'base64url',
                    ),
                    signedAt,
                    nonce,
                },
            },
        };
    }
}
