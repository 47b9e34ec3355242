// What the gateway's transcript says, as items the page can show.
//
// An item is {key, kind, time, text, ...}: kind "user" or "assistant" (with `state` "done",
// "stopped" or "failed", and `error`), or "tool" (with `title`).

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

function fromUser(message) {
    const images = parts(message.content, 'image').length;
    const shown = [messageText(message), ...Array(images).fill('[image]')].filter(Boolean);
    return [{ kind: 'user', text: shown.join('\n'), state: 'sent' }];
}

function fromAssistant(message) {
    const items = parts(message.content, 'toolCall').map((call) => ({
        kind: 'tool',
        title: `Used ${call.name ?? 'a tool'}`,
        text: call.arguments ? JSON.stringify(call.arguments, null, 2) : '',
    }));
    const said = messageText(message);
    const state = endings[message.stopReason] ?? 'done';
    if (said || state !== 'done')
        items.unshift({
            kind: 'assistant',
            text: said,
            state,
            error: state === 'failed' ? (message.errorMessage ?? 'No reason was recorded.') : null,
            model: message.model
                ? [message.provider, message.model].filter(Boolean).join('/')
                : null,
        });
    return items;
}

const fromToolResult = (message) => [
    {
        kind: 'tool',
        title: `${message.isError ? 'Error' : 'Result'} of ${message.toolName ?? 'a tool'}`,
        text: messageText(message),
    },
];

const readers = { user: fromUser, assistant: fromAssistant, toolResult: fromToolResult };

// Keys stay the same from one reading to the next, so that what is shown can stay in place.
export function readHistory(messages) {
    const seen = new Map();
    let last = 0;
    return messages.flatMap((message) => {
        last = time(message ?? {}) ?? last;
        return (readers[message?.role]?.(message) ?? []).map((item) => {
            const identity = `${item.kind} ${last}`;
            const ordinal = (seen.get(identity) ?? 0) + 1;
            seen.set(identity, ordinal);
            return { key: `${identity} ${ordinal}`, time: last, ...item };
        });
    });
}
