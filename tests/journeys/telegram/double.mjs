// The double of Telegram's Bot API as a child process: a line of JSON in, a line of JSON out.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const build =
    process.env.HARDSHELL_BUILD ?? fileURLToPath(new URL('../../../build/dev', import.meta.url));

export class TelegramDouble {
    #waiting = [];

    async start(...options) {
        const program = join(build, 'tests/support/telegram_double');
        this.process = spawn(program, options, { stdio: ['pipe', 'pipe', 'inherit'] });
        createInterface({ input: this.process.stdout }).on('line', (line) =>
            this.#waiting.shift()(JSON.parse(line)),
        );
        const { url, token, certificate } = await this.#next();
        this.url = url;
        this.token = token;
        this.authority = certificate ? await readFile(certificate, 'utf8') : undefined;
        return this;
    }

    #next() {
        return new Promise((resolve) => this.#waiting.push(resolve));
    }

    async do(what, more = {}) {
        const answer = this.#next();
        this.process.stdin.write(`${JSON.stringify({ do: what, ...more })}\n`);
        const result = await answer;
        if (result.error) throw new Error(result.error);
        return result;
    }

    async say(chat, user, text, extra = {}) {
        return (await this.do('say', { chat, user, text, extra })).id;
    }

    async messages(chat) {
        return (await this.do('messages', { chat })).messages;
    }

    async fromBot(chat) {
        return (await this.messages(chat)).filter((message) => message.fromBot);
    }

    async stop() {
        const ended = once(this.process, 'exit');
        this.process.stdin.end();
        await ended;
    }
}
