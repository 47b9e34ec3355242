// A bot as its makers write it, with discord.js; a process of its own, so that Node reads the
// double's certificate. Says what happens, a line of JSON each; does what its input says.

import { createInterface } from 'node:readline';
import { Client, Events, GatewayIntentBits, Partials } from 'discord.js';

const [api, token] = process.argv.slice(2);
const say = (event, data = {}) => console.log(JSON.stringify({ event, ...data }));

const client = new Client({
    intents: [
        GatewayIntentBits.Guilds,
        GatewayIntentBits.GuildMessages,
        GatewayIntentBits.GuildMessageReactions,
        GatewayIntentBits.DirectMessages,
        GatewayIntentBits.MessageContent,
    ],
    partials: [Partials.Channel, Partials.Message],
    rest: { api: api.replace(/\/v10$/, '') },
});

client.on(Events.ClientReady, () => say('ready', { id: client.user.id, tag: client.user.username }));
// The client is ready once in its life; its connection at each READY.
client.on(Events.ShardReady, () => say('began'));
client.on(Events.ShardResume, () => say('resumed'));
client.on(Events.Error, (error) => say('error', { message: error.message }));
client.on(Events.MessageCreate, (message) =>
    say('message', { author: message.author.id, text: message.content, channel: message.channelId }),
);

const verbs = {
    async send({ channel, text, nonce }) {
        const options = nonce ? { content: text, nonce, enforceNonce: true } : { content: text };
        const sent = await (await client.channels.fetch(channel)).send(options);
        say('sent', { id: sent.id });
    },
    async edit({ channel, id, text }) {
        const message = await (await client.channels.fetch(channel)).messages.edit(id, text);
        say('edited', { text: message.content });
    },
    async react({ channel, id, emoji }) {
        const place = await client.channels.fetch(channel);
        await client.rest.put(`/channels/${place.id}/messages/${id}/reactions/${encodeURIComponent(emoji)}/@me`);
        say('reacted');
    },
    async type({ channel }) {
        await (await client.channels.fetch(channel)).sendTyping();
        say('typed');
    },
    async direct({ user, text }) {
        const chat = await client.users.createDM(user);
        const sent = await chat.send(text);
        say('sent', { id: sent.id, channel: chat.id });
    },
    async upload({ channel, text }) {
        const sent = await (
            await client.channels.fetch(channel)
        ).send({ content: text, files: [{ attachment: Buffer.from('content'), name: 'a.txt' }] });
        say('sent', { id: sent.id, files: sent.attachments.map(({ name, size }) => ({ name, size })) });
    },
};

createInterface({ input: process.stdin })
    .on('line', (line) => {
        const { verb, ...data } = JSON.parse(line);
        verbs[verb](data).catch((error) => say('failed', { verb, message: error.message }));
    })
    .on('close', () => client.destroy().then(() => process.exit(0)));

await client.login(token);
