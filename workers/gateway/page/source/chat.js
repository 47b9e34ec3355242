// One conversation over the connection: sends, stops, reads the transcript, follows the events.
//
// A message that was on its way when the connection broke is sent again under the same key, so
// that the gateway takes it once. Events are followed by session, not by run: a queued message is
// answered under another run's name. What is on its way is kept for each session, so that another
// one may be opened meanwhile.

import { Conversation } from './conversation.js';
import { t } from './i18n.js';
import { randomId } from './random_id.js';
import { tab } from './storage.js';

const historyLimit = 200;
const outboxKey = 'hardshell.outbox';

// What is being written, for each session.
export const draftKey = 'hardshell.draft';

const outboxOf = (session) => `${outboxKey}.${session}`;

function readOutbox(session) {
    try {
        const items = JSON.parse(tab.read(outboxOf(session)));
        return Array.isArray(items) ? items : [];
    } catch {
        return [];
    }
}

function writeOutbox(session, items) {
    if (items.length === 0) tab.remove(outboxOf(session));
    else tab.write(outboxOf(session), JSON.stringify(items));
}

// Its answer came after another session was opened.
const forgetSent = (session, sent) =>
    writeOutbox(
        session,
        readOutbox(session).filter(({ id }) => id !== sent),
    );

const attachment = ({ mimeType, name, data }) => ({
    type: 'image',
    mimeType,
    fileName: name,
    content: data,
});

export class Chat {
    #connection;
    #onChange;
    #session = null;
    #spellings = new Set();
    #reading = null;
    #readAgain = false;

    // The transcript as far as known: "unread", "reading", "read", or why it could not be read.
    transcript = 'unread';
    problem = null;

    constructor(connection, onChange) {
        this.#connection = connection;
        this.#onChange = onChange;
        this.conversation = new Conversation(() => connection.serverNow());
    }

    get session() {
        return this.#session;
    }

    // A connection stands. `spellings`: other names under which events of the session may come.
    async connected(session, spellings = []) {
        if (session !== this.#session) this.#enter(session);
        this.#spellings = new Set([session, ...spellings]);
        this.conversation.doubt();
        await this.read();
        if (!this.#connection.isConnected || session !== this.#session) return;
        for (const item of this.conversation.unanswered) this.#deliver(item);
    }

    missedEvents() {
        this.conversation.doubt();
        this.read();
    }

    leave() {
        this.#session = null;
        for (const kept of [outboxKey, draftKey]) tab.removeAll(kept);
        this.conversation.clear();
        this.problem = null;
        this.transcript = 'unread';
        this.#onChange();
    }

    // One reading of a session at a time; one that is asked for meanwhile follows.
    read() {
        if (this.#reading?.session === this.#session) {
            this.#readAgain = true;
            return this.#reading.end;
        }
        const reading = { session: this.#session };
        this.#reading = reading;
        reading.end = this.#readOnce().finally(() => {
            if (this.#reading !== reading) return;
            this.#reading = null;
            const again = this.#readAgain;
            this.#readAgain = false;
            if (again && this.#connection.isConnected) this.read();
        });
        return reading.end;
    }

    // images: [{mimeType, name, data (base64)}]
    send(text, images = []) {
        this.#deliver(this.conversation.say(text, randomId(), { images }));
    }

    sendAgain(key) {
        const item = this.conversation.find(key);
        if (!item || !this.#connection.isConnected) return;
        // A refusal is remembered under its key; without an answer the same key prevents a double.
        this.conversation.again(item, item.mayHaveArrived ? item.id : randomId());
        this.#deliver(item);
    }

    discard(key) {
        this.conversation.discard(this.conversation.find(key));
        this.#changed();
    }

    async stop() {
        const session = this.#session;
        try {
            const { aborted } = await this.#connection.request('chat.abort', {
                sessionKey: session,
            });
            if (session !== this.#session) return;
            if (!aborted) this.conversation.endAllRuns();
            this.read();
        } catch (error) {
            if (session !== this.#session) return;
            this.problem = `${t('Could not stop the reply.')} ${error.message}`;
        }
        this.#changed();
    }

    happened(event, payload) {
        if (!this.#spellings.has(payload.sessionKey)) return;
        if (event === 'agent') {
            if (this.conversation.agent(payload)) this.read();
        } else if (event === 'chat') {
            if (this.conversation.chat(payload)) this.read();
        } else return;
        this.#changed();
    }

    #enter(session) {
        this.#session = session;
        this.#readAgain = false;
        this.conversation.clear();
        this.transcript = 'unread';
        this.problem = null;
        for (const { text, id, time, images } of readOutbox(session))
            this.conversation.say(text, id, { time, images });
    }

    async #readOnce() {
        const session = this.#session;
        if (this.transcript !== 'read') this.transcript = 'reading';
        this.#onChange();
        try {
            const { messages } = await this.#connection.request('chat.history', {
                sessionKey: session,
                limit: historyLimit,
            });
            if (session !== this.#session) return;
            this.conversation.read(messages ?? []);
            this.transcript = 'read';
        } catch (error) {
            if (session !== this.#session) return;
            this.transcript = error.message;
        }
        this.#changed();
    }

    async #deliver(item) {
        this.problem = null;
        this.#changed();
        const session = this.#session;
        const { id, text, images } = item;
        try {
            const { status } = await this.#connection.request('chat.send', {
                sessionKey: session,
                message: text,
                deliver: false,
                idempotencyKey: id,
                ...(images.length > 0 && { attachments: images.map(attachment) }),
            });
            if (session !== this.#session) return forgetSent(session, id);
            this.conversation.taken(item, status);
            // "ok": it was answered while we were away. No status: a stop word was obeyed.
            if (status !== 'started' && status !== 'in_flight') this.read();
        } catch (error) {
            // It stays stored: the next visit sends it again under its key, and shows a refusal.
            if (session !== this.#session) return;
            // Cut off on its way: it is delivered again when the connection is back.
            if (error.code !== 'DISCONNECTED')
                this.conversation.notTaken(item, error.message, error.isUnanswered);
        }
        this.#changed();
    }

    #changed() {
        this.#storeOutbox();
        this.#onChange();
    }

    #storeOutbox() {
        if (this.#session === null) return;
        const items = this.conversation.unanswered.map(({ text, id, time, images }) => ({
            text,
            id,
            time,
            images,
        }));
        writeOutbox(this.#session, items);
    }
}
