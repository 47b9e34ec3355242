// Shows the items of a conversation. What has not changed stays in place: a selection survives,
// and a screen reader hears each message once.

import { render as renderMarkdown } from './markdown.js';

const nearEnd = 60; // pixels

const element = (name, className, ...children) => {
    const node = document.createElement(name);
    if (className) node.className = className;
    node.append(...children);
    return node;
};

const hidden = (text) => element('span', 'visually-hidden', text);

function clockTime(milliseconds) {
    const date = new Date(milliseconds);
    const today = date.toDateString() === new Date().toDateString();
    const node = element(
        'time',
        'when',
        today
            ? date.toLocaleTimeString([], { timeStyle: 'short' })
            : date.toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' }),
    );
    node.dateTime = date.toISOString();
    return node;
}

const button = (action, label) => {
    const node = element('button', 'quiet', label);
    node.type = 'button';
    node.dataset.action = action;
    return node;
};

function userNodes(item) {
    const foot = element('div', 'foot-line');
    if (item.state === 'failed') {
        const note = element('span', 'problem', `Not sent. ${item.reason ?? ''}`);
        foot.append(note, button('again', 'Try again'), button('discard', 'Discard'));
    } else {
        foot.append(item.state === 'sending' ? 'Sending…' : clockTime(item.time));
    }
    return [hidden('You: '), element('div', 'text plain-text', item.text), foot];
}

function assistantNodes(item, { assistantName }) {
    const nodes = [element('div', 'who', assistantName)];
    if (item.text) nodes.push(element('div', 'text', ...renderMarkdown(item.text)));
    if (item.state === 'stopped') nodes.push(element('div', 'foot-line', 'Stopped.'));
    if (item.state === 'failed') {
        const title = item.text ? 'The answer broke off. ' : 'No answer. ';
        nodes.push(element('div', 'error', element('strong', '', title), item.error ?? ''));
    }
    if (item.state === 'done') nodes.push(element('div', 'foot-line', clockTime(item.time)));
    return nodes;
}

function toolNodes(item) {
    if (!item.text) return [element('div', 'tool-title', item.title)];
    const body = element('pre', '', item.text);
    body.tabIndex = 0;
    return [element('details', '', element('summary', 'tool-title', item.title), body)];
}

const contents = { user: userNodes, assistant: assistantNodes, tool: toolNodes };

const thinkingItem = { key: 'thinking', kind: 'thinking' };

function thinkingNodes({ assistantName }) {
    const dots = element('div', 'dots', element('i'), element('i'), element('i'));
    dots.ariaHidden = 'true';
    return [element('div', 'who', assistantName), dots, hidden('is writing')];
}

export class LogView {
    #log;
    #scroll;
    #toLatest;
    #shown = new Map(); // key -> {node, signature}
    #follow = true;

    // onAction(action, key): "again" or "discard" of a message.
    constructor({ log, scroll, toLatest, onAction }) {
        this.#log = log;
        this.#scroll = scroll;
        this.#toLatest = toLatest;
        log.addEventListener('click', ({ target }) => {
            const action = target.dataset?.action;
            if (action) onAction(action, target.closest('[data-key]').dataset.key);
        });
        scroll.addEventListener('scroll', () => this.#scrolled(), { passive: true });
        toLatest.addEventListener('click', () => this.showLatest());
        new ResizeObserver(() => this.#keepUp()).observe(scroll);
    }

    // view: {items, isWaiting, assistantName, empty (shown when there is no item), busy}
    show(view) {
        this.#log.ariaBusy = String(view.busy);
        const items = view.isWaiting ? [...view.items, thinkingItem] : view.items;
        const gone = new Set(this.#shown.keys());
        let previous = null;
        for (const item of items) {
            gone.delete(item.key);
            previous = this.#place(item, view, previous);
        }
        for (const key of gone) {
            this.#shown.get(key).node.remove();
            this.#shown.delete(key);
        }
        this.#log.dataset.empty = items.length === 0 ? view.empty : '';
        this.#keepUp();
    }

    showLatest() {
        this.#follow = true;
        this.#keepUp();
    }

    #place(item, view, previous) {
        const signature = JSON.stringify([item, view.assistantName]);
        let entry = this.#shown.get(item.key);
        if (!entry) {
            entry = { node: element('article') };
            entry.node.dataset.key = item.key;
            this.#shown.set(item.key, entry);
        }
        if (entry.signature !== signature) {
            entry.signature = signature;
            this.#fill(entry.node, item, view);
        }
        const next = previous ? previous.nextSibling : this.#log.firstChild;
        if (next !== entry.node) this.#log.insertBefore(entry.node, next);
        return entry.node;
    }

    #fill(node, item, view) {
        node.className = `item ${item.kind} ${item.state ?? ''}`.trim();
        // Spoken once it is complete, not word by word.
        node.ariaBusy = String(item.state === 'streaming');
        const fill = contents[item.kind] ?? (() => thinkingNodes(view));
        node.replaceChildren(...fill(item, view));
    }

    #scrolled() {
        const { scrollHeight, scrollTop, clientHeight } = this.#scroll;
        this.#follow = scrollHeight - scrollTop - clientHeight < nearEnd;
        this.#toLatest.hidden = this.#follow;
    }

    #keepUp() {
        if (this.#follow) this.#scroll.scrollTop = this.#scroll.scrollHeight;
        this.#scrolled();
    }
}
