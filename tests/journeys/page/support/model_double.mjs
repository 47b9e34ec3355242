// A stand-in for a model provider, as a program of its own: answers until its input is closed.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const build =
    process.env.HARDSHELL_BUILD ??
    fileURLToPath(new URL('../../../../build/release', import.meta.url));

export class ModelDouble {
    async start(...options) {
        this.process = spawn(join(build, 'tests/support/model_double'), options, {
            stdio: ['pipe', 'pipe', 'inherit'],
        });
        const [port] = await once(this.process.stdout, 'data');
        this.url = `http://127.0.0.1:${String(port).trim().split('\n')[0]}`;
    }

    async stop() {
        const ended = once(this.process, 'exit');
        this.process.stdin.end();
        await ended;
    }
}
