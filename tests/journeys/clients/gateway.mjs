// A real Hardshell in front of a stand-in for its model, with the endpoint on that such clients use.

import { chmod, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ModelDouble } from '../page/support/model_double.mjs';
import { RealGateway } from '../page/support/real_gateway.mjs';

export const answer = 'Parrots of the model double say what they are asked to say.';

const configuration = (double) => ({
    gateway: { mode: 'local', http: { endpoints: { chatCompletions: { enabled: true } } } },
    agents: { list: [{ id: 'main', default: true, model: 'anthropic/claude-opus-4-5' }] },
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

export class ClientGateway extends RealGateway {
    #double = new ModelDouble();

    async start() {
        await this.#double.start('--text', answer, '--piece', '60', '--between-ms', '40');
        this.folder = await mkdtemp(join(tmpdir(), 'hardshell-clients-'));
        await chmod(this.folder, 0o755);
        const text = JSON.stringify(configuration(this.#double), null, 4);
        await writeFile(join(this.folder, 'openclaw.json'), text);
        await super.start();
    }

    async remove() {
        await super.remove();
        await this.#double.stop();
    }
}
