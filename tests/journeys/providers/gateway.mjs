// A real Hardshell whose models are aimock, a mock server of model providers from the npm registry:
// one agent per API, and one per API that has a second model.

import { chmod, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RealGateway } from '../page/support/real_gateway.mjs';

// What each API is called here and there, and where its requests arrive.
export const apis = [
    { agent: 'messages', api: 'anthropic-messages', base: '', path: '/v1/messages' },
    { agent: 'responses', api: 'openai-responses', base: '/v1', path: '/v1/responses' },
    { agent: 'completions', api: 'openai-completions', base: '/v1', path: '/v1/chat/completions' },
];

function configuration(url) {
    const providers = {};
    const list = [];
    for (const { agent, api, base } of apis) {
        const provider = `mock-${agent}`;
        providers[provider] = {
            baseUrl: url + base,
            apiKey: `sk-of-${agent}-0123456789`,
            api,
            models: [
                { id: 'model-1', name: 'One' },
                { id: 'model-2', name: 'Two' },
            ],
        };
        const primary = `${provider}/model-1`;
        list.push({ id: agent, model: primary });
        list.push({
            id: `${agent}-of-two`,
            model: { primary, fallbacks: [`${provider}/model-2`] },
        });
    }
    return {
        gateway: {
            mode: 'local',
            http: { endpoints: { chatCompletions: { enabled: true } } },
        },
        agents: { list },
        models: { providers },
        // Perplexity speaks chat completions.
        tools: {
            web: {
                search: {
                    provider: 'perplexity',
                    perplexity: { baseUrl: `${url}/v1`, apiKey: 'pplx-of-the-journey' },
                },
            },
        },
    };
}

export class ProvidersGateway extends RealGateway {
    constructor(mock) {
        super();
        this.mock = mock;
    }

    async start() {
        this.folder = await mkdtemp(join(tmpdir(), 'hardshell-providers-'));
        await chmod(this.folder, 0o755);
        await writeFile(
            join(this.folder, 'openclaw.json'),
            JSON.stringify(configuration(this.mock.url), null, 4),
        );
        await super.start();
    }
}
