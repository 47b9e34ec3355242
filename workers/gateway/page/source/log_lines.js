// The lines of the log as they are kept and filtered here. Pure.

export const mostLines = 10_000;

const tones = { WARN: 'wait', ERROR: 'bad', FATAL: 'bad' };

// One line of logs.tail, which is JSON; anything else is shown as it is.
export function readLine(text, key) {
    let read;
    try {
        read = JSON.parse(text);
    } catch {
        read = null;
    }
    if (!read || typeof read !== 'object')
        return { key, worker: '', level: 'INFO', tone: '', time: null, text: String(text) };
    let context = {};
    try {
        context = JSON.parse(read['0']) ?? {};
    } catch {
        // A line without one.
    }
    const whole = String(context.subsystem ?? '');
    const level = String(read._meta?.logLevelName ?? 'INFO');
    const time = Date.parse(read.time ?? read._meta?.date ?? '');
    return {
        key,
        worker: whole.split('/')[0],
        subsystem: whole,
        level,
        tone: tones[level] ?? '',
        time: Number.isFinite(time) ? time : null,
        text: String(read['1'] ?? ''),
    };
}

// The newest lines, at most as many as are kept.
export function joinLines(lines, more) {
    const all = lines.concat(more);
    return all.length > mostLines ? all.slice(all.length - mostLines) : all;
}

const ranks = { TRACE: 1, DEBUG: 2, INFO: 3, WARN: 4, ERROR: 5, FATAL: 6 };

// wanted: {level (the least), search}
export function filterLines(lines, { level, search }) {
    const needle = search.trim().toLowerCase();
    const least = ranks[level] ?? 0;
    return lines.filter(
        (line) =>
            (ranks[line.level] ?? 3) >= least &&
            (!needle ||
                line.text.toLowerCase().includes(needle) ||
                line.subsystem?.toLowerCase().includes(needle)),
    );
}

export const workersIn = (lines) =>
    [...new Set(lines.map(({ worker }) => worker).filter(Boolean))].sort();
