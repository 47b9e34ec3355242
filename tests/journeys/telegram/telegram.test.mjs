// grammY, which the stock gateway speaks to Telegram with, against the double of Telegram's Bot API:
// what works here is what the worker's tests may rely on.
//
// Without the package (`npm ci` in this folder, which needs the npm registry) everything is skipped
// with exit code 77.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { Agent } from 'node:https';
import { once } from 'node:events';
import { after, afterEach, before, test } from 'node:test';
import { until } from '../page/support/until.mjs';
import { TelegramDouble } from './double.mjs';

const { Bot, GrammyError, InlineKeyboard, InputFile, webhookCallback } = await import(
    'grammy'
).catch((error) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    console.error('skipped: the package grammy is not installed; run `npm ci` in this folder');
    process.exit(77);
});

const ann = 555;
const group = -1001234567890;
let telegram;
let running = [];

before(async () => {
    telegram = await new TelegramDouble().start();
});
after(() => telegram.stop());
afterEach(async () => {
    await Promise.all(running.map((bot) => bot.stop().catch(() => {})));
    running = [];
});

function makeBot() {
    const agent = new Agent({ ca: telegram.authority, keepAlive: true });
    const client = { apiRoot: telegram.url, baseFetchConfig: { agent, compress: true } };
    const bot = new Bot(telegram.token, { client });
    bot.catch(() => {});
    return bot;
}

// Until the bot polls; it goes on with that until it is stopped.
async function poll(bot) {
    running.push(bot);
    bot.start({ allowed_updates: ['message', 'message_reaction', 'callback_query'] }).catch(
        () => {},
    );
    await until('a poll', async () => (await telegram.do('state')).polled);
}

test('a bot logs in, polls, and answers', async () => {
    const bot = makeBot();
    bot.on('message:text', (ctx) =>
        ctx.reply(`<b>You said</b> ${ctx.message.text}`, {
            parse_mode: 'HTML',
            reply_parameters: { message_id: ctx.message.message_id },
        }),
    );
    await poll(bot);
    assert.equal(bot.botInfo.username, 'mybot');
    const id = await telegram.say(ann, ann, 'hello');
    await until('the answer', async () => (await telegram.fromBot(ann)).length === 1);
    const [answer] = await telegram.fromBot(ann);
    assert.equal(answer.text, 'You said hello');
    assert.deepEqual(answer.entities, [{ type: 'bold', offset: 0, length: 8 }]);
    assert.equal(answer.replyTo, id);
    await bot.stop();
    assert.equal((await telegram.do('state')).unconfirmed, 0);
});

test('the second poller ends the first with 409', async () => {
    const one = makeBot().api.getUpdates({ timeout: 20 });
    await until('a poll', async () => (await telegram.do('state')).polled);
    const two = makeBot().api.getUpdates({ timeout: 0 });
    await assert.rejects(one, (error) => {
        assert.ok(error instanceof GrammyError);
        assert.equal(error.error_code, 409);
        assert.match(error.description, /terminated by other getUpdates request/);
        return true;
    });
    assert.deepEqual(await two, []);
});

test('updates stay until they are confirmed', async () => {
    const { api } = makeBot();
    await telegram.say(ann, ann, 'one');
    await telegram.say(ann, ann, 'two');
    const both = await api.getUpdates();
    assert.deepEqual(
        both.map((update) => update.message.text),
        ['one', 'two'],
    );
    assert.equal((await api.getUpdates({ limit: 1 })).length, 1);
    const rest = await api.getUpdates({ offset: both[1].update_id });
    assert.equal(rest[0].message.text, 'two');
    assert.deepEqual(await api.getUpdates({ offset: both[1].update_id + 1 }), []);
});

test('HTML is read as strictly as Telegram reads it', async () => {
    const { api } = makeBot();
    await telegram.say(ann, ann, 'hi');
    const refusals = [
        ['<b>open', /can't parse entities: Can't find end tag corresponding to start tag "b"/],
        ['<x>what</x>', /can't parse entities: Unsupported start tag "x" at byte offset 0/],
        ['<b><i>a</b></i>', /can't parse entities: Unmatched end tag/],
        ['   ', /message text is empty/],
        ['a'.repeat(4097), /message is too long/],
    ];
    for (const [html, why] of refusals)
        await assert.rejects(api.sendMessage(ann, html, { parse_mode: 'HTML' }), why);
    const fits = `<b>${'a'.repeat(4090)}</b>😀`;
    assert.equal((await api.sendMessage(ann, fits, { parse_mode: 'HTML' })).text.length, 4092);
});

test('messages are edited, reacted to, and deleted', async () => {
    const { api } = makeBot();
    await telegram.say(ann, ann, 'hi');
    const sent = await api.sendMessage(ann, 'first');
    await api.editMessageText(ann, sent.message_id, 'second');
    await assert.rejects(
        api.editMessageText(ann, sent.message_id, 'second'),
        /message is not modified/,
    );
    await api.setMessageReaction(ann, sent.message_id, [{ type: 'emoji', emoji: '👍' }]);
    await assert.rejects(
        api.setMessageReaction(ann, sent.message_id, [{ type: 'emoji', emoji: '🧽' }]),
        /REACTION_INVALID/,
    );
    const shown = (await telegram.messages(ann)).find((message) => message.id === sent.message_id);
    assert.equal(shown.text, 'second');
    assert.deepEqual(shown.reactions, ['👍']);
    await api.deleteMessage(ann, sent.message_id);
    assert.ok(!(await telegram.messages(ann)).some((message) => message.id === sent.message_id));
});

test('files go both ways', async () => {
    const { api } = makeBot();
    await telegram.say(ann, ann, 'hi');
    const bytes = 'a,b\n1,2\n';
    await api.sendDocument(ann, new InputFile(Buffer.from(bytes), 'table.csv'), {
        caption: 'a <i>table</i>',
        parse_mode: 'HTML',
    });
    const sent = (await telegram.fromBot(ann)).at(-1);
    assert.equal(sent.file, 'document');
    assert.equal(sent.fileBytes, bytes);
    assert.equal(sent.fileName, 'table.csv');
    assert.equal(sent.text, 'a table');
    const { id } = await telegram.do('file', { bytes: 'content', path: 'documents/x.txt' });
    const file = await api.getFile(id);
    assert.equal(file.file_path, 'documents/x.txt');
    await assert.rejects(api.getFile('nonsense'), /wrong file_id/);
});

test('limits and refusals have their parameters', async () => {
    const { api } = makeBot();
    await telegram.say(ann, ann, 'hi');
    await telegram.do('fail', { method: 'sendMessage', retry_after: 7 });
    await assert.rejects(api.sendMessage(ann, 'x'), (error) => {
        assert.equal(error.error_code, 429);
        assert.equal(error.parameters.retry_after, 7);
        return true;
    });
    await assert.rejects(api.sendMessage(4, 'x'), /chat not found/);
    const wrong = new Bot('123456:wrong', {
        client: {
            apiRoot: telegram.url,
            baseFetchConfig: { agent: new Agent({ ca: telegram.authority }), compress: true },
        },
    });
    await assert.rejects(wrong.api.getMe(), /401: Unauthorized/);
});

test('commands, buttons and reactions of people arrive', async () => {
    const bot = makeBot();
    await bot.api.setMyCommands([{ command: 'status', description: 'how it is' }]);
    await assert.rejects(
        bot.api.setMyCommands([{ command: 'No Good', description: 'x' }]),
        /BOT_COMMAND_INVALID/,
    );
    assert.equal((await bot.api.getMyCommands())[0].command, 'status');
    const got = [];
    bot.on('callback_query:data', async (ctx) => {
        await ctx.answerCallbackQuery();
        got.push(ctx.callbackQuery.data);
    });
    bot.on('message_reaction', (ctx) => void got.push(ctx.messageReaction.new_reaction[0].emoji));
    await poll(bot);
    const from = { id: ann, is_bot: false, first_name: 'Ann' };
    const chat = { id: ann, type: 'private', first_name: 'Ann' };
    const keyboard = new InlineKeyboard().text('Yes', 'yes');
    await telegram.say(ann, ann, 'hi');
    const asked = await bot.api.sendMessage(ann, 'Sure?', { reply_markup: keyboard });
    await telegram.do('push', {
        update: { callback_query: { id: '1', from, chat_instance: '1', data: 'yes', message: asked } },
    });
    await telegram.do('push', {
        update: {
            message_reaction: {
                chat,
                message_id: asked.message_id,
                user: from,
                date: 1,
                old_reaction: [],
                new_reaction: [{ type: 'emoji', emoji: '🎉' }],
            },
        },
    });
    await until('both', () => got.length === 2);
    assert.deepEqual(got, ['yes', '🎉']);
});

test('a webhook is called with its secret, and again until it answers 200', async () => {
    const bot = makeBot();
    const got = [];
    bot.on('message:text', (ctx) => void got.push(ctx.message.text));
    await bot.init();
    let refusals = 2;
    const handle = webhookCallback(bot, 'http', { secretToken: 's3cret' });
    const server = createServer((request, response) => {
        if (refusals-- > 0) response.writeHead(500).end();
        else handle(request, response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    await bot.api.setWebhook(`http://127.0.0.1:${server.address().port}/hook`, {
        secret_token: 's3cret',
    });
    await assert.rejects(
        bot.api.getUpdates(),
        /can't use getUpdates method while webhook is active/,
    );
    await telegram.say(group, ann, 'through the webhook');
    await until('the update', () => got.length === 1);
    assert.match((await bot.api.getWebhookInfo()).last_error_message, /500/);
    await bot.api.deleteWebhook();
    server.close();
    server.closeAllConnections();
});
