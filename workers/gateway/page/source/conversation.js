// One conversation: what was said, what is being said, what has not reached the gateway yet.
//
// The transcript is the truth; beside it stand the items that only this page knows: messages on
// their way, replies being written, endings that left no trace. Such an item goes when the
// transcript has it, and what the transcript has not is kept. No DOM, no network, no clock of its
// own: times are the gateway's.

import { messageText, readHistory } from './history.js';

// The page's idea of the gateway's clock may be this far off.
const clockTolerance = 5_000;
const endedRemembered = 200;

// When an item of the transcript tells the same as one of ours: surely, or failing that probably.
const same = {
    sent: [(item, local) => item.text === local.text.trim()],
    done: [
        (item, local) => item.state === 'done' && item.text === local.text.trim(),
        (item) => item.state === 'done',
    ],
    stopped: [
        (item, local) => item.text.startsWith(local.text.trim()),
        (item) => item.state === 'stopped',
    ],
    failed: [(item) => item.state === 'failed'],
};

function testsFor(local) {
    if (local.kind !== 'user') return same[local.state] ?? [];
    // What the gateway has refused cannot be in the transcript.
    return local.state === 'failed' && !local.mayHaveArrived ? [] : same.sent;
}

export class Conversation {
    #now;
    #transcript = [];
    #local = [];
    #runs = new Map(); // run id -> {stale}
    #ended = new Set();
    #aliases = new Map(); // key in the transcript -> key under which it was first shown
    #firstRead = new Map(); // key in the transcript -> number of the reading that brought it
    #readings = 0;
    #nextKey = 1;

    constructor(now) {
        this.#now = now;
    }

    get isRunning() {
        return [...this.#runs.values()].some((run) => !run.stale);
    }

    // The assistant is expected to speak, but has not begun.
    get isWaiting() {
        return this.isRunning && !this.#local.some((item) => item.state === 'streaming');
    }

    get unanswered() {
        return this.#local.filter((item) => item.kind === 'user' && item.state === 'sending');
    }

    get lastModel() {
        return this.#transcript.findLast((item) => item.model)?.model ?? null;
    }

    // Everything in the order in which it happened.
    items() {
        const all = [...this.#transcript];
        for (const item of this.#local) {
            let place = all.length;
            while (place > 0 && all[place - 1].time > item.time) place -= 1;
            all.splice(place, 0, item);
        }
        return all;
    }

    clear() {
        this.#transcript = [];
        this.#local = [];
        this.#runs.clear();
        this.#ended.clear();
        this.#aliases.clear();
        this.#firstRead.clear();
    }

    // The owner's side.

    // images: [{mimeType, name, data (base64)}]
    say(text, id, { time = this.#now(), images = [] } = {}) {
        return this.#add({ kind: 'user', text, images, id, time, state: 'sending' });
    }

    again(item, id) {
        Object.assign(item, { id, state: 'sending', reason: null, time: this.#now() });
        // Said again means said last.
        this.#local = [...this.#local.filter((other) => other !== item), item];
    }

    discard(item) {
        this.#local = this.#local.filter((other) => other !== item);
    }

    taken(item, status) {
        item.state = 'sent';
        const runs = status === 'started' || status === 'in_flight';
        if (runs && !this.#ended.has(item.id)) this.#run(item.id);
    }

    // mayHaveArrived: no answer came, so the gateway may have it all the same.
    notTaken(item, reason, mayHaveArrived) {
        Object.assign(item, { state: 'failed', reason, mayHaveArrived });
    }

    find(key) {
        return this.#local.find((item) => item.key === key);
    }

    // The gateway's side.

    // Answers whether the transcript should be read again.
    chat({ runId, state, message, errorMessage }) {
        if (state === 'delta') {
            this.#delta(runId, message);
            return false;
        }
        const finish = { final: 'done', aborted: 'stopped', error: 'failed' }[state];
        if (!finish) return false;
        this.#finish(runId, finish, message, errorMessage);
        return true;
    }

    // Answers whether the transcript should be read again: a run that was not started here may
    // have a question that is not known yet.
    agent({ runId, stream, data }) {
        if (stream === 'tool') this.#tool(runId, data ?? {});
        if (stream !== 'lifecycle') return false;
        if (data?.phase === 'start' && !this.#ended.has(runId)) {
            this.#run(runId);
            return !this.#isOurs(runId);
        }
        // The chat event with the reply follows; a run without one ends here.
        if (data?.phase !== 'start' && !this.#isOurs(runId) && !this.#reply(runId))
            this.#runs.delete(runId);
        return false;
    }

    // The connection was lost or an event was missed: what was going on may be over by now.
    doubt() {
        for (const run of this.#runs.values()) run.stale = true;
    }

    endAllRuns() {
        for (const runId of [...this.#runs.keys()]) this.#finish(runId, 'stopped');
    }

    read(messages) {
        this.#forgetStale();
        this.#transcript = readHistory(messages);
        this.#readings += 1;
        for (const { key } of this.#transcript)
            if (!this.#firstRead.has(key)) this.#firstRead.set(key, this.#readings);
        this.#local = this.#local.filter((local) => !this.#isTold(local));
        for (const item of this.#transcript) item.key = this.#aliases.get(item.key) ?? item.key;
    }

    #isTold(local) {
        if (local.kind === 'tool')
            return this.#transcript.some((item) => item.callId === local.callId);
        const mayTell = (item) =>
            item.kind === local.kind &&
            item.time >= local.time - clockTolerance &&
            this.#firstRead.get(item.key) > local.madeAfter &&
            !this.#aliases.has(item.key);
        const candidates = this.#transcript.filter(mayTell);
        for (const test of testsFor(local)) {
            const item = candidates.find((candidate) => test(candidate, local));
            if (!item) continue;
            this.#aliases.set(item.key, local.key);
            this.#keepAfter(item, local.id);
            return true;
        }
        return false;
    }

    // An answer stands after its question, whatever the clocks say.
    #keepAfter(question, runId) {
        for (const reply of this.#local)
            if (runId && reply.runId === runId) reply.time = Math.max(reply.time, question.time);
    }

    #forgetStale() {
        for (const [runId, { stale }] of this.#runs) {
            if (!stale) continue;
            this.#runs.delete(runId);
            this.discard(this.#reply(runId));
            this.#local = this.#local.filter(
                (item) => item.kind !== 'tool' || item.runId !== runId || item.state !== 'running',
            );
        }
    }

    #add(item) {
        const added = {
            key: `local ${this.#nextKey++}`,
            time: this.#now(),
            madeAfter: this.#readings,
            ...item,
        };
        this.#local.push(added);
        return added;
    }

    #run(runId) {
        this.#runs.set(runId, { stale: false });
    }

    #isOurs(runId) {
        return this.#local.some((item) => item.kind === 'user' && item.id === runId);
    }

    #reply(runId) {
        return this.#local.find((item) => item.runId === runId && item.state === 'streaming');
    }

    #tool(runId, { phase, name, toolCallId, args, result, isError }) {
        if (!toolCallId || this.#transcript.some((item) => item.callId === toolCallId)) return;
        let item = this.#local.find((other) => other.callId === toolCallId);
        item ??= this.#add({ kind: 'tool', callId: toolCallId, runId, name, state: 'running' });
        if (args !== undefined) item.args = args;
        if (phase !== 'result') return;
        Object.assign(item, {
            state: isError ? 'failed' : 'done',
            result: typeof result === 'string' ? result : messageText(result),
        });
    }

    #delta(runId, message) {
        if (this.#ended.has(runId)) return;
        this.#run(runId);
        const text = messageText(message);
        if (!text) return;
        const reply = this.#reply(runId);
        if (!reply) this.#add({ kind: 'assistant', text, runId, state: 'streaming' });
        // The text of a delta is all so far; one that came too late is shorter.
        else if (text.length > reply.text.length) reply.text = text;
    }

    #finish(runId, state, message, error) {
        this.#runs.delete(runId);
        if (this.#ended.has(runId)) return;
        this.#ended.add(runId);
        if (this.#ended.size > endedRemembered)
            this.#ended.delete(this.#ended.values().next().value);
        const text = messageText(message);
        let reply = this.#reply(runId);
        // An empty end without a beginning says nothing: the message waits for its turn.
        if (!reply && !text && state === 'done') {
            const waiting = this.#local.find((item) => item.kind === 'user' && item.id === runId);
            if (waiting && this.isRunning) waiting.isQueued = true;
            return;
        }
        reply ??= this.#add({ kind: 'assistant', text, runId });
        Object.assign(reply, { state, text: text || reply.text });
        if (state === 'failed') reply.error = error || null;
    }
}
