// The double of Discord as a process, driven line by line.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export class DiscordDouble {
    async start() {
        const program = `${process.env.HARDSHELL_BUILD}/tests/support/discord_double`;
        this.process = spawn(program, [], { stdio: ['pipe', 'pipe', 'inherit'] });
        this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
        this.api = (await this.lines.next()).value;
        this.certificate = (await this.lines.next()).value;
    }
    tell(line) {
        this.process.stdin.write(`${line}\n`);
    }
    // The words behind the first one of the answer.
    async ask(line) {
        this.tell(line);
        const { value } = await this.lines.next();
        return value.slice(value.indexOf(' ') + 1);
    }
    async counts() {
        return JSON.parse(await this.ask('counts'));
    }
    async written(channel) {
        return JSON.parse(await this.ask(`written ${channel}`));
    }
    stop() {
        this.process.stdin.end();
    }
}
