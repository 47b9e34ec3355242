// What the gateway's transcript says, as items the page can show.
//
// An item is {key, kind, time, ...}: kind "user" or "assistant" (with `text`, `state` "done",
// "stopped" or "failed", and `error`), or "tool" (with `name`, `args`, `result`, and `state`
// "running", "done" or "failed"). A user's `pictures` are data addresses, or null.

const text = (content) => {
    if (typeof content === 'string') return content;
    if (!Array.isArray(content)) return '';
    return content
        .filter((part) => part?.type === 'text' && typeof part.text === 'string')
        .map((part) => part.text)
        .join('\n');
};

const parts = (content, type) =>
    Array.isArray(content) ? content.filter((part) => part?.type === type) : [];

const time = ({ timestamp }) => {
    const value = typeof timestamp === 'string' ? Date.parse(timestamp) : timestamp;
    return Number.isFinite(value) ? value : null;
};

export const messageText = (message) => text(message?.content).trim();

const endings = { error: 'failed', aborted: 'stopped' };

// Only pictures that a browser shows without running anything.
const isPicture = (type) => /^image\/(png|jpeg|gif|webp)$/.test(type ?? '');

// A data address, or null for a picture that the transcript does not hold.
function picture(part) {
    const source = part.source ?? part;
    const type = source.mimeType ?? source.media_type;
    const isShown = typeof source.data === 'string' && isPicture(type);
    return isShown ? `data:${type};base64,${source.data}` : null;
}

function fromUser(message) {
    const pictures = parts(message.content, 'image').map(picture);
    return [{ kind: 'user', text: messageText(message), pictures, state: 'sent' }];
}

function fromAssistant(message) {
    const items = parts(message.content, 'toolCall').map((call) => ({
        kind: 'tool',
        callId: call.id,
        name: call.name ?? null,
        args: call.arguments ?? null,
        result: null,
        state: 'done',
    }));
    const said = messageText(message);
    const state = endings[message.stopReason] ?? 'done';
    if (said || state !== 'done')
        items.unshift({
            kind: 'assistant',
            text: said,
            state,
            error: state === 'failed' ? (message.errorMessage ?? null) : null,
            model: message.model
                ? [message.provider, message.model].filter(Boolean).join('/')
                : null,
        });
    return items;
}

const fromToolResult = (message) => [
    {
        kind: 'tool',
        callId: message.toolCallId,
        name: message.toolName ?? null,
        args: null,
        result: messageText(message),
        state: message.isError ? 'failed' : 'done',
    },
];

const readers = { user: fromUser, assistant: fromAssistant, toolResult: fromToolResult };

// A call and its result are one item, at the place of the call.
function joined(items) {
    const calls = new Map();
    return items.filter((item) => {
        if (item.kind !== 'tool' || !item.callId) return true;
        const call = calls.get(item.callId);
        if (!call) {
            calls.set(item.callId, item);
            return true;
        }
        Object.assign(call, { result: item.result, state: item.state });
        return false;
    });
}

// Keys stay the same from one reading to the next, so that what is shown can stay in place.
export function readHistory(messages) {
    const seen = new Map();
    let last = 0;
    const items = messages.flatMap((message) => {
        last = time(message ?? {}) ?? last;
        return (readers[message?.role]?.(message) ?? []).map((item) => {
            const identity = `${item.kind} ${last}`;
            const ordinal = (seen.get(identity) ?? 0) + 1;
            seen.set(identity, ordinal);
            return { key: `${identity} ${ordinal}`, time: last, ...item };
        });
    });
    return joined(items);
}

const isSame = (one, other) =>
    one?.timestamp === other?.timestamp &&
    one?.role === other?.role &&
    JSON.stringify(one) === JSON.stringify(other);

// The messages known so far, going on with the newest ones; null where these do not continue them.
export function joinNewer(known, newest) {
    if (newest.length === 0) return null;
    const at = known.findLastIndex(
        (message, index) =>
            isSame(message, newest[0]) &&
            newest.length >= known.length - index &&
            isSame(known.at(-1), newest[known.length - 1 - index]),
    );
    return at < 0 ? null : [...known.slice(0, at), ...newest];
}

// The messages known so far after older ones, which reach to the first of them or, when more were
// said meanwhile, beyond; null where they do not meet.
export function joinOlder(older, known) {
    const at = older.findLastIndex((message) => isSame(message, known[0]));
    return at < 0 ? null : [...older.slice(0, at), ...known];
}
