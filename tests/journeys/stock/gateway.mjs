// A real Hardshell as an owner has it who comes from OpenClaw: a configuration file, a model behind
// a stand-in for its provider, a channel that is not switched on, a skill.

import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ModelDouble } from '../page/support/model_double.mjs';
import { RealGateway } from '../page/support/real_gateway.mjs';

export const answer = 'Parrots of the model double say what they are asked to say.';

const configuration = (double) => ({
    gateway: { mode: 'local' },
    agents: {
        defaults: { model: { primary: 'anthropic/claude-opus-4-5' } },
        list: [
            { id: 'main', default: true, identity: { name: 'Molty', emoji: '🦞' } },
            { id: 'ops', name: 'Operations', model: 'anthropic/claude-opus-4-5' },
        ],
    },
    bindings: [{ agentId: 'ops', match: { channel: 'telegram', accountId: 'default' } }],
    channels: { telegram: { enabled: false, botToken: '123456:a-token-of-the-journey' } },
    models: {
        providers: {
            anthropic: {
                baseUrl: double.url,
                apiKey: 'sk-ant-of-the-journey',
                api: 'anthropic-messages',
                models: [{ id: 'claude-opus-4-5', name: 'Opus' }],
            },
        },
    },
});

export class StockGateway extends RealGateway {
    #double = new ModelDouble();

    async start() {
        await this.#double.start('--text', answer, '--piece', '20');
        this.folder = await mkdtemp(join(tmpdir(), 'hardshell-stock-'));
        await chmod(this.folder, 0o755);
        const text = JSON.stringify(configuration(this.#double), null, 4);
        await writeFile(join(this.folder, 'openclaw.json'), text);
        const skill = join(this.folder, 'skills/tea');
        await mkdir(skill, { recursive: true });
        const head = '---\nname: tea\ndescription: Pours tea\n---\n';
        await writeFile(join(skill, 'SKILL.md'), `${head}Pour it.\n`);
        await super.start();
    }

    async remove() {
        await super.remove();
        await this.#double.stop();
    }
}
