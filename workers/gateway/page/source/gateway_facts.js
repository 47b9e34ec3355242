// What the gateway says about itself, read with care: a part that is missing is left out.

import { later, t } from './i18n.js';

const states = {
    // as sent   shown            well
    starting: [later('starting'), false],
    ready: [later('running'), true],
    stopping: [later('stopping'), false],
    waiting: [later('restarting'), false],
    held: [later('held'), false],
    stopped: [later('stopped'), false],
};

export const restartsText = (count) =>
    count === 1 ? t('restarted once') : t('restarted {count} times', { count });

function readPart(worker) {
    const [word, isWell] = states[String(worker.state).toLowerCase()] ?? [later('unknown'), false];
    const state = t(word);
    const restarts = Number(worker.restarts) || 0;
    const notes = [
        worker.pid ? t('process {pid}', { pid: worker.pid }) : null,
        restarts > 0 ? restartsText(restarts) : null,
    ];
    return {
        name: String(worker.name ?? t('unnamed')),
        state,
        isWell,
        life: `${restarts} ${worker.pid} ${worker.state}`,
        note: notes.filter(Boolean).join(' · '),
        lastEnd: worker.lastEnd || null,
    };
}

export function readParts(health) {
    const workers = Array.isArray(health?.workers) ? health.workers : [];
    return workers.filter((worker) => worker && typeof worker === 'object').map(readPart);
}

// "agent restarting", or null when all is well.
export function partsTrouble(parts) {
    const troubled = parts.filter((part) => !part.isWell);
    return troubled.length > 0
        ? troubled.map(({ name, state }) => `${name} ${state}`).join(', ')
        : null;
}

// {id, isDemonstration}, or null when the gateway does not say.
export function readModel(status) {
    const found = status?.model ?? status?.sessions?.defaults?.model;
    const id =
        typeof found === 'object' && found
            ? [found.provider, found.id ?? found.model ?? found.name].filter(Boolean).join('/')
            : found;
    if (!id) return null;
    return { id, isDemonstration: id === 'demo' || id.startsWith('demo/') };
}
