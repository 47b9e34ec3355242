// The views of the page.

export const views = [
    // path, what it shows of support/world.mjs
    ['chat', 'Write a message'],
    ['workers', 'discord:ops'],
    ['workers?worker=agent', 'crashed: SIGSEGV'],
    ['logs', 'line 9999'],
    ['channels', 'out of memory'],
    ['devices', 'Pocket'],
    ['sessions', 'Family'],
    ['cron', 'Morning report'],
    ['usage', '$17.03'],
    ['config', 'Gateway'],
    ['doctor', 'the token was refused'],
];
