// Shows how things stand: the connection, the model, the gateway's parts.

import { partsTrouble } from './gateway_facts.js';

const element = (name, className, text) => {
    const node = document.createElement(name);
    if (className) node.className = className;
    if (text) node.textContent = text;
    return node;
};

// What the light and its words say in each state of the connection.
const lights = {
    idle: ['off', 'Signed out'],
    connecting: ['wait', 'Connecting'],
    connected: ['good', 'Connected'],
    waiting: ['bad', 'Disconnected'],
    refused: ['bad', 'Disconnected'],
};

const set = (node, text) => {
    if (node.textContent !== text) node.textContent = text;
};

export class StatusView {
    #nodes;
    #countdown = null;
    #wasLost = false;

    // nodes: by the identifiers of the page. onRetry(), onSignOut().
    constructor(nodes, { onRetry, onSignOut }) {
        this.#nodes = nodes;
        nodes['retry-now'].addEventListener('click', onRetry);
        nodes['sign-out'].addEventListener('click', onSignOut);
        document.addEventListener('click', ({ target }) => {
            if (!nodes.about.contains(target)) nodes.about.open = false;
        });
        document.addEventListener('keydown', ({ key }) => {
            if (key !== 'Escape' || !nodes.about.open) return;
            nodes.about.open = false;
            nodes['about-summary'].focus();
        });
    }

    showConnection(state, parts) {
        let [light, text] = lights[state.name];
        const trouble = state.name === 'connected' ? partsTrouble(parts) : null;
        if (trouble) [light, text] = ['wait', `Connected, ${trouble}`];
        this.#nodes.light.dataset.light = light;
        set(this.#nodes['state-text'], text);
        this.#showTrouble(state);
    }

    showAssistant(name, model) {
        set(this.#nodes['assistant-name'], name);
        set(this.#nodes['model-name'], this.#modelText(model));
        this.#nodes.demonstration.hidden = !model?.isDemonstration;
        document.title = `${name} · Hardshell`;
    }

    // Why the gateway runs other than its owner's settings say, or null.
    showDegraded(reason) {
        this.#nodes.degraded.hidden = !reason;
        set(this.#nodes['degraded-text'], reason ?? '');
    }

    // facts: [[label, value]]
    showAbout(facts, parts) {
        const rows = facts
            .filter(([, value]) => value)
            .flatMap(([label, value]) => [element('dt', '', label), element('dd', '', value)]);
        this.#nodes['about-facts'].replaceChildren(...rows);
        this.#nodes.parts.replaceChildren(...parts.map((part) => this.#partNode(part)));
        if (parts.length === 0)
            this.#nodes.parts.append(element('li', 'muted', 'The gateway has not told yet.'));
    }

    #modelText(model) {
        if (!model) return '';
        return model.isDemonstration ? 'built-in demonstration, no model' : model.id;
    }

    #partNode({ name, state, isWell, note, lastEnd }) {
        const node = element('li');
        const light = element('span', 'light');
        light.dataset.light = isWell ? 'good' : 'wait';
        light.ariaHidden = 'true';
        const line = element('p');
        line.append(light, element('strong', '', name), ` ${state}`);
        node.append(line);
        if (note) node.append(element('p', 'muted', note));
        if (lastEnd) node.append(element('p', 'muted', `Last end: ${lastEnd}`));
        return node;
    }

    // Between two attempts the reason stays in sight.
    #showTrouble(state) {
        const { trouble } = this.#nodes;
        clearInterval(this.#countdown);
        if (state.name === 'waiting') {
            this.#wasLost = true;
            set(this.#nodes['trouble-title'], `Disconnected. ${state.reason}`);
            this.#countdown = setInterval(() => this.#countDown(state), 250);
            this.#countDown(state);
        } else if (state.name === 'connecting') {
            set(this.#nodes['trouble-countdown'], 'Trying now…');
        } else {
            this.#wasLost = false;
            set(this.#nodes['trouble-title'], '');
        }
        this.#nodes['retry-now'].disabled = state.name !== 'waiting';
        trouble.hidden = !this.#wasLost;
    }

    #countDown({ retryAt }) {
        const seconds = Math.max(1, Math.ceil((retryAt - Date.now()) / 1000));
        set(this.#nodes['trouble-countdown'], `Trying again in ${seconds} s.`);
    }
}
