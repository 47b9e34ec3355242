// Asks for the token or password, and says what was wrong with the last one.

import * as token from './token.js';

// What the owner can do about a refusal.
const cures = {
    credential:
        'This is not the gateway’s token or password. Run hardshell dashboard where the ' +
        'gateway runs: it prints the right one.',
    pairing: 'The gateway wants this device to be approved first.',
    version: 'This page and the gateway speak different versions. Reload the page.',
    request: 'The gateway refused this page.',
};

const describe = ({ kind, reason }) =>
    kind === 'credential' ? cures.credential : `${cures[kind]} It says: ${reason}`;

export class SignIn {
    #nodes;

    // onSubmit(secret)
    constructor(nodes, onSubmit) {
        this.#nodes = nodes;
        nodes.remember.checked = token.wantsRemembering();
        nodes.remember.addEventListener('change', () =>
            token.setRemembering(nodes.remember.checked),
        );
        nodes['secret-show'].addEventListener('click', () => this.#toggle());
        nodes.secret.addEventListener('input', () => this.#showProblem(null));
        nodes['sign-in-form'].addEventListener('submit', (event) => {
            event.preventDefault();
            const secret = nodes.secret.value.trim();
            if (secret) onSubmit(secret);
        });
    }

    // refusal: {kind, reason} or null.
    ask(refusal) {
        this.setBusy(false);
        this.#showProblem(refusal ? describe(refusal) : null);
        this.#nodes.secret.focus();
        this.#nodes.secret.select();
    }

    // trouble: why there is no connection yet, or null. It is tried again by itself, too.
    setBusy(isBusy, trouble = null) {
        const button = this.#nodes['sign-in-submit'];
        button.disabled = isBusy;
        button.textContent = isBusy ? 'Connecting…' : trouble ? 'Retry now' : 'Connect';
        if (trouble) this.#showProblem(`${trouble} The page keeps trying.`);
    }

    clear() {
        this.#nodes.secret.value = '';
        this.#hide();
    }

    #showProblem(text) {
        const node = this.#nodes['sign-in-problem'];
        node.hidden = !text;
        node.textContent = text ?? '';
        this.#nodes.secret.ariaInvalid = String(Boolean(text));
    }

    #toggle() {
        if (this.#nodes.secret.type === 'text') return this.#hide();
        this.#nodes.secret.type = 'text';
        this.#nodes['secret-show'].textContent = 'Hide';
        this.#nodes['secret-show'].ariaPressed = 'true';
    }

    #hide() {
        this.#nodes.secret.type = 'password';
        this.#nodes['secret-show'].textContent = 'Show';
        this.#nodes['secret-show'].ariaPressed = 'false';
    }
}
