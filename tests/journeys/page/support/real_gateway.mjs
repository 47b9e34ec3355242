// The real gateway, as its owner starts it: no configuration, no model key, a state directory of
// its own.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { until } from './until.mjs';

const build =
    process.env.HARDSHELL_BUILD ??
    fileURLToPath(new URL('../../../../build/release', import.meta.url));
const program = join(build, 'hardshell');

async function freePort() {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    server.close();
    await once(server, 'close');
    return port;
}

export class RealGateway {
    token = 'a-token-of-the-journey';
    output = '';
    #process = null;
    #more;

    // `environment`: variables beyond the usual ones.
    constructor({ environment = {} } = {}) {
        this.#more = environment;
    }

    async start() {
        this.folder ??= await mkdtemp(join(tmpdir(), 'hardshell-page-'));
        await chmod(this.folder, 0o755); // workers under their own users must get through
        this.port ??= await freePort();
        this.url = `http://127.0.0.1:${this.port}/`;
        const flags = ['--allow-unconfigured', '--port', String(this.port), '--bind', 'loopback'];
        this.#process = spawn(program, ['gateway', ...flags], { env: this.#environment() });
        for (const stream of [this.#process.stdout, this.#process.stderr])
            stream.on('data', (text) => (this.output += text));
        this.#process.on('error', (error) => (this.output += `${program}: ${error.message}\n`));
        await until('the gateway starts', () => this.#isStarted()).catch((error) => {
            throw new Error(`${error.message}\n${this.output}`);
        });
    }

    async stop() {
        const child = this.#process;
        this.#process = null;
        if (!child || child.exitCode !== null || child.signalCode !== null) return;
        const ended = once(child, 'exit');
        child.kill('SIGTERM');
        await ended;
    }

    async remove() {
        await this.stop();
        if (this.folder) await rm(this.folder, { recursive: true, force: true });
    }

    // One worker as `hardshell status --json` tells of it.
    async worker(name) {
        const { workers } = await this.#status();
        return workers?.find((worker) => worker.name === name);
    }

    // What `hardshell …` prints, run to its end. It also ends with an error while a worker is down;
    // what it prints counts.
    async run(...words) {
        const options = { env: this.#environment() };
        const { stdout } = await promisify(execFile)(program, words, options).catch(
            (error) => error,
        );
        return stdout ?? '';
    }

    #environment() {
        const kept = ['PATH', 'LANG', 'TZ', 'ASAN_OPTIONS', 'UBSAN_OPTIONS', 'TSAN_OPTIONS'];
        const environment = Object.fromEntries(
            kept.filter((key) => process.env[key]).map((key) => [key, process.env[key]]),
        );
        return {
            ...environment,
            HOME: this.folder,
            OPENCLAW_STATE_DIR: this.folder,
            HARDSHELL_RUN_DIR: join(this.folder, 'run'),
            OPENCLAW_GATEWAY_TOKEN: this.token,
            ...this.#more,
        };
    }

    async #isStarted() {
        if (this.#process.exitCode !== null || this.#process.signalCode !== null)
            throw new Error('the gateway ended');
        const answer = await fetch(`${this.url}startupz`).catch(() => null);
        return answer?.status === 200;
    }

    async #status() {
        return JSON.parse((await this.run('status', '--json')) || '{}');
    }
}
