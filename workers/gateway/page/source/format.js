// Numbers, sizes and times as the page writes them. Anything that is no number reads as a dash.

import { language, t } from './i18n.js';

const isNumber = (value) => typeof value === 'number' && Number.isFinite(value);
const none = '–';

export function bytes(value) {
    if (!isNumber(value)) return none;
    if (value < 1024) return `${value} B`;
    const units = ['KiB', 'MiB', 'GiB', 'TiB'];
    let amount = value / 1024;
    let unit = 0;
    while (amount >= 1024 && unit < units.length - 1) {
        amount /= 1024;
        unit += 1;
    }
    return `${amount < 100 ? amount.toFixed(1) : Math.round(amount)} ${units[unit]}`;
}

const steps = [
    // from, one of it in ms, how it is written
    [86_400_000 * 2, 86_400_000, 'd'],
    [3_600_000, 3_600_000, 'h'],
    [60_000, 60_000, 'min'],
    [0, 1_000, 's'],
];

// "3 h 12 min", "42 s"; or the first part alone.
export function duration(milliseconds, isExact = true) {
    if (!isNumber(milliseconds)) return none;
    const value = Math.max(0, milliseconds);
    const index = steps.findIndex(([from]) => value >= from);
    const [, size, unit] = steps[index];
    const whole = Math.floor(value / size);
    const next = steps[index + 1];
    if (!next || whole >= 10 || !isExact) return `${whole} ${unit}`;
    const rest = Math.floor((value % size) / next[1]);
    return rest > 0 ? `${whole} ${unit} ${rest} ${next[2]}` : `${whole} ${unit}`;
}

export function ago(time, now = Date.now()) {
    if (!isNumber(time) || time <= 0) return none;
    const past = now - time;
    // The clocks of the page and of the gateway are not the same one.
    if (Math.abs(past) < 1_500) return t('just now');
    if (past < 0) return t('in {time}', { time: duration(-past, false) });
    return t('{time} ago', { time: duration(past, false) });
}

const locale = () => (language === 'zh' ? 'zh-CN' : undefined);

// "07:04:09", whatever the reader's habit: these stand below each other.
export const exactClock = (time) =>
    new Date(time).toLocaleTimeString('en-GB', { timeStyle: 'medium' });

export function clock(time, { seconds = false } = {}) {
    if (!isNumber(time) || time <= 0) return none;
    const date = new Date(time);
    const today = date.toDateString() === new Date().toDateString();
    if (today)
        return date.toLocaleTimeString(locale(), { timeStyle: seconds ? 'medium' : 'short' });
    return date.toLocaleString(locale(), { dateStyle: 'medium', timeStyle: 'short' });
}

export const count = (value) => (isNumber(value) ? value.toLocaleString(locale()) : none);

export const short = (value) =>
    isNumber(value)
        ? value.toLocaleString(locale(), { notation: 'compact', maximumFractionDigits: 1 })
        : none;

export const money = (value) =>
    isNumber(value) ? `$${value.toFixed(value > 0 && value < 1 ? 4 : 2)}` : none;
