// A worker's memory over the last hour against its limits.

import { bytes } from './format.js';
import { t } from './i18n.js';

const width = 240;

// The dashed line is the limit at which it is asked to let go, the solid one that at which it dies.
export function MemoryGraph({ points, memory, height = 40 }) {
    const { soft = 0, limit = 0, bytes: now = 0 } = memory ?? {};
    const top = Math.max(limit, soft, ...points, now, 1) * 1.05;
    const y = (value) => (height - (value / top) * height).toFixed(1);
    const all = points.length > 0 ? [...points, now] : [now, now];
    const step = width / Math.max(1, all.length - 1);
    const line = all.map((value, index) => `${(index * step).toFixed(1)},${y(value)}`).join(' ');
    const label = limit
        ? t('Memory: {now} of {limit}', { now: bytes(now), limit: bytes(limit) })
        : t('Memory: {now}', { now: bytes(now) });
    return (
        <svg
            class="graph"
            viewBox={`0 0 ${width} ${height}`}
            preserveAspectRatio="none"
            role="img"
            aria-label={label}
        >
            <polygon class="area" points={`0,${height} ${line} ${width},${height}`} />
            {limit > 0 && <line class="hard" x1="0" x2={width} y1={y(limit)} y2={y(limit)} />}
            {soft > 0 && <line class="soft" x1="0" x2={width} y1={y(soft)} y2={y(soft)} />}
            <polyline class="line" points={line} />
        </svg>
    );
}
