// The board of processes as the gateway tells of it: read when the view opens, kept current by
// events at each change and by a look every two seconds for what changes all the time.

import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ask, connection, link, onEvent } from './state.js';

const period = 2_000;
// As many as the gateway keeps: an hour.
const mostPoints = 120;

export const workers = signal([]);
export const board = signal({ isRead: false, error: null });

const memory = new Map(); // worker -> {everyMs, points, endAt}

export const memoryOf = (name) => memory.get(name)?.points ?? [];

// Between two readings with history the page adds what it sees itself.
function remember(worker, now) {
    if (worker.memoryHistory) {
        const { everyMs, points } = worker.memoryHistory;
        memory.set(worker.name, { everyMs, points: [...points], endAt: now });
        return;
    }
    const known = memory.get(worker.name);
    if (!known || now - known.endAt < known.everyMs) return;
    known.points = [...known.points, worker.memory?.bytes ?? 0].slice(-mostPoints);
    known.endAt = now;
}

function take(answer) {
    const list = Array.isArray(answer?.workers) ? answer.workers : [];
    const now = answer?.ts ?? connection.serverNow();
    for (const worker of list) remember(worker, now);
    workers.value = list.map((worker) => ({ ...worker, seenAt: now }));
    board.value = { isRead: true, error: null };
}

let isAsking = false;

async function read(params) {
    if (isAsking || !connection.isConnected) return;
    isAsking = true;
    try {
        take(await ask('hardshell.workers', params));
    } catch (error) {
        if (error.code !== 'DISCONNECTED') board.value = { ...board.value, error };
    } finally {
        isAsking = false;
    }
}

// For the views that show workers.
export function useWorkers() {
    const isConnected = link.value.name === 'connected';
    useEffect(() => {
        if (!isConnected) return undefined;
        read({ history: true });
        const timer = setInterval(() => {
            if (document.visibilityState === 'visible') read({});
        }, period);
        const forget = onEvent('hardshell.workers', take);
        return () => {
            clearInterval(timer);
            forget();
        };
    }, [isConnected]);
    return workers.value;
}
