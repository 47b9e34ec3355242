// The box in which a message is written. What is in it stays until the gateway can take it, and
// survives a reload of the page.

import { tab } from './storage.js';

const draftKey = 'hardshell.draft';

export class Composer {
    #form;
    #box;
    #hint;
    #send;
    #stop;

    // onSend(text) answers null when it took the message, else why it did not.
    constructor({ form, box, hint, send, stop, onSend, onStop }) {
        this.#form = form;
        this.#box = box;
        this.#hint = hint;
        this.#send = send;
        this.#stop = stop;
        box.value = tab.read(draftKey) ?? '';
        box.addEventListener('input', () => this.#changed());
        box.addEventListener('keydown', (event) => this.#keyPressed(event));
        stop.addEventListener('click', () => {
            onStop();
            box.focus();
        });
        form.addEventListener('submit', (event) => {
            event.preventDefault();
            this.#submit(onSend);
        });
        this.#changed();
    }

    focus() {
        this.#box.focus();
    }

    clear() {
        this.#box.value = '';
        this.#changed();
    }

    show({ isConnected, isRunning, problem }) {
        if (this.#stop.hidden === isRunning) {
            const hadFocus = document.activeElement === this.#stop;
            this.#stop.hidden = !isRunning;
            if (hadFocus) this.#box.focus();
        }
        this.#send.disabled = !isConnected;
        this.#tell(problem ?? (isConnected ? '' : 'Not connected. What you write stays here.'));
    }

    #tell(text) {
        if (this.#hint.textContent !== text) this.#hint.textContent = text;
    }

    #keyPressed(event) {
        // Enter also ends a word in an input method; it must not send then.
        if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
        event.preventDefault();
        this.#form.requestSubmit();
    }

    #submit(onSend) {
        const text = this.#box.value.trim();
        if (!text) return;
        const problem = onSend(text);
        if (problem) this.#tell(problem);
        else this.clear();
    }

    #changed() {
        const { value } = this.#box;
        if (value) tab.write(draftKey, value);
        else tab.remove(draftKey);
        this.#box.style.height = 'auto';
        if (this.#box.scrollHeight) this.#box.style.height = `${this.#box.scrollHeight}px`;
    }
}
