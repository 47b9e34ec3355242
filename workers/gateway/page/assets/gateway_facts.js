// What the gateway says about itself, read with care: a part that is missing is left out.

const states = {
    // as sent   shown            well
    starting: ['starting', false],
    ready: ['running', true],
    stopping: ['stopping', false],
    waiting: ['restarting', false],
    held: ['held', false],
    stopped: ['stopped', false],
};

function readPart(worker) {
    const [state, isWell] = states[String(worker.state).toLowerCase()] ?? ['unknown', false];
    const restarts = Number(worker.restarts) || 0;
    const notes = [
        worker.pid ? `process ${worker.pid}` : null,
        restarts > 0 ? `restarted ${restarts === 1 ? 'once' : `${restarts} times`}` : null,
    ];
    return {
        name: String(worker.name ?? 'unnamed'),
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
