// A real Hardshell with the OpenAI endpoints on, in front of stand-ins for the model providers: one
// that answers slowly enough to be interrupted, one that refuses every key, and one that wants to
// know the weather before it answers.

import { chmod, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ModelDouble } from '../page/support/model_double.mjs';
import { RealGateway } from '../page/support/real_gateway.mjs';

export const answer = 'Hello from the model double, which takes its time to say what it says.';

export const weather = '21 degrees in Rome';

function configuration(good, bad, curious) {
    const endpoints = { chatCompletions: { enabled: true }, responses: { enabled: true } };
    return {
        gateway: { mode: 'local', http: { endpoints } },
        agents: {
            list: [
                { id: 'main', default: true, model: 'anthropic/claude-opus-4-5' },
                { id: 'broken', model: 'openai/gpt-4o' },
                { id: 'curious', model: 'curious/one' },
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
                curious: {
                    baseUrl: `${curious.url}/v1`,
                    apiKey: 'sk-of-the-journey',
                    api: 'openai-responses',
                    models: [{ id: 'one', name: 'One', input: ['text', 'image'] }],
                },
            },
        },
    };
}

export class OpenAiGateway extends RealGateway {
    #doubles = [new ModelDouble(), new ModelDouble(), new ModelDouble()];

    async start() {
        const [good, bad, curious] = this.#doubles;
        await good.start('--text', answer, '--piece', '60', '--between-ms', '40');
        await bad.start('--status', '401');
        this.folder = await mkdtemp(join(tmpdir(), 'hardshell-openai-'));
        await chmod(this.folder, 0o755);
        this.#record = join(this.folder, 'asked-of-the-model');
        const city = ['--call', 'get_weather', '--arguments', '{"city":"Rome"}'];
        const told = ['--until', weather, '--text', answer, '--record', this.#record];
        await curious.start(...city, ...told);
        await writeFile(
            join(this.folder, 'openclaw.json'),
            JSON.stringify(configuration(good, bad, curious), null, 4),
        );
        await super.start();
    }

    #record;

    // What the curious model was asked last.
    async lastAsked() {
        const lines = (await readFile(this.#record, 'utf8')).trim().split('\n');
        return JSON.parse(lines.at(-1));
    }

    async remove() {
        await super.remove();
        for (const double of this.#doubles) await double.stop();
    }
}
