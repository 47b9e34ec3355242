// One conversation over the connection: sends, stops, reads the transcript, follows the events.
//
// A message that was on its way when the connection broke is sent again under the same key, so
// that the gateway takes it once. Events are followed by session, not by run: a queued message is
// answered under another run's name. What is on its way is kept for each session, so that another
// one may be opened meanwhile.

import { Conversation } from './conversation.js';
import { joinNewer, joinOlder } from './history.js';
import { t } from './i18n.js';
import { randomId } from './random_id.js';
import { tab } from './storage.js';

// Messages in one reading.
const historyLimit = 200;
// The gateway ends a reading before that limit where it would be very long.
const longReading = 1_000_000;
// The gateway passes over no more messages than these to reach older ones.
const furthestBack = 10_000;
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

const reachesBeginning = (messages, limit) =>
    messages.length < limit && JSON.stringify(messages).length < longReading;

export class Chat {
    #connection;
    #onChange;
    #session = null;
    #spellings = new Set();
    #reading = null;
    #readAgain = false;
    #known = []; // messages of the transcript, oldest first, up to the newest

    // Whether there are messages before those that are shown, and whether they are being read.
    hasOlder = false;
    isReadingOlder = false;
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

    // There is more before what is shown, but the page cannot read it.
    get isCutOff() {
        return this.hasOlder && this.#known.length - 1 > furthestBack;
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
        this.#clear();
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

    // The messages before those that are known, one reading further.
    async readOlder() {
        if (!this.hasOlder || this.isCutOff || this.isReadingOlder) return;
        if (!this.#connection.isConnected) return;
        const session = this.#session;
        const { length } = this.#known;
        this.isReadingOlder = true;
        this.problem = null;
        this.#onChange();
        try {
            const { messages } = await this.#connection.request('hardshell.chat.history', {
                sessionKey: session,
                skip: length - 1,
                limit: historyLimit + 1,
            });
            if (session !== this.#session) return;
            this.#takeOlder(messages ?? []);
        } catch (error) {
            if (session !== this.#session) return;
            if (error.code !== 'DISCONNECTED')
                this.problem = `${t('Older messages could not be read.')} ${error.message}`;
        } finally {
            if (session === this.#session) this.isReadingOlder = false;
        }
        this.#changed();
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
        this.#clear();
        for (const { text, id, time, images } of readOutbox(session))
            this.conversation.say(text, id, { time, images });
    }

    #clear() {
        this.conversation.clear();
        this.#known = [];
        this.hasOlder = false;
        this.isReadingOlder = false;
        this.transcript = 'unread';
        this.problem = null;
    }

    #takeNewest(messages) {
        const isWhole = reachesBeginning(messages, historyLimit);
        const joined = isWhole ? null : joinNewer(this.#known, messages);
        // What was known before is kept only where this goes on with it.
        if (!joined) this.hasOlder = !isWhole;
        this.#known = joined ?? messages;
        this.conversation.read(this.#known);
    }

    #takeOlder(messages) {
        const joined = joinOlder(messages, this.#known);
        if (!joined) {
            // The conversation was shortened or begun anew meanwhile.
            this.#known = [];
            this.hasOlder = false;
            this.read();
            return;
        }
        this.hasOlder =
            joined.length > this.#known.length && !reachesBeginning(messages, historyLimit + 1);
        this.#known = joined;
        this.conversation.read(joined);
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
            this.#takeNewest(messages ?? []);
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
