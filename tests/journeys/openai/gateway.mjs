// A real Hardshell with the OpenAI endpoints on, in front of stand-ins for the model providers: one
// that answers slowly enough to be interrupted, and one that refuses every key.

import { chmod, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ModelDouble } from '../page/support/model_double.mjs';
import { RealGateway } from '../page/support/real_gateway.mjs';

export const answer = 'Hello from the model double, which takes its time to say what it says.';

function configuration(good, bad) {
    const endpoints = { chatCompletions: { enabled: true }, responses: { enabled: true } };
    return {
        gateway: { mode: 'local', http: { endpoints } },
        agents: {
            list: [
                { id: 'main', default: true, model: 'anthropic/claude-opus-4-5' },
                { id: 'broken', model: 'openai/gpt-4o' },
            ],
        },
        models: {
            providers: {
                anthropic: {
                    baseUrl: good.url,
                    apiKey: 'sk-ant-of-the-journey',
                    api: 'anthropic-messages',
                    models: [{ id: 'claude-opus-4-5', name: 'Opus' }],
                },
                openai: {
                    baseUrl: `${bad.url}/v1`,
                    apiKey: 'sk-openai-of-the-journey',
                    api: 'openai-responses',
                    models: [{ id: 'gpt-4o', name: 'GPT-4o' }],
                },
            },
        },
    };
}

export class OpenAiGateway extends RealGateway {
    #doubles = [new ModelDouble(), new ModelDouble()];

    async start() {
        const [good, bad] = this.#doubles;
        await good.start('--text', answer, '--piece', '60', '--between-ms', '40');
        await bad.start('--status', '401');
        this.folder = await mkdtemp(join(tmpdir(), 'hardshell-openai-'));
        await chmod(this.folder, 0o755);
        await writeFile(
            join(this.folder, 'openclaw.json'),
            JSON.stringify(configuration(good, bad), null, 4),
        );
        await super.start();
    }

    async remove() {
        await super.remove();
        for (const double of this.#doubles) await double.stop();
    }
}
