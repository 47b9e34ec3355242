// A plot of numbers by day.

import { useEffect, useRef } from 'preact/hooks';
import UPlot from 'uplot';
import { shownLanguage, theme } from './state.js';

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// days: seconds since the epoch; series: [{label, values, colour (of the style sheet), show(value)}]
export function Plot({ days, series, label, height = 220 }) {
    const place = useRef(null);
    const isDark = matchMedia('(prefers-color-scheme: dark)').matches;
    useEffect(() => {
        const axis = {
            stroke: colour('--muted'),
            grid: { stroke: colour('--line'), width: 1 },
            ticks: { show: false },
        };
        const plot = new UPlot(
            {
                width: place.current.clientWidth || 600,
                height,
                legend: { show: false },
                cursor: { y: false },
                scales: {
                    // Half a day at each end, so that no bar is cut.
                    x: { range: (_, first, last) => [first - 43_200, last + 43_200] },
                    y: { range: (_, low, high) => [0, high > 0 ? high * 1.1 : 1] },
                },
                axes: [
                    { ...axis, space: 72, values: (_, list) => list.map(dayText) },
                    { ...axis, size: 64, values: (_, list) => list.map(series[0].show) },
                ],
                series: [
                    {},
                    ...series.map((one) => ({
                        label: one.label,
                        stroke: colour(one.colour),
                        fill: `${colour(one.colour)}33`,
                        width: 2,
                        points: { show: false },
                        paths: UPlot.paths.bars({ size: [0.7, 40] }),
                    })),
                ],
            },
            [days, ...series.map(({ values }) => values)],
            place.current,
        );
        const observer = new ResizeObserver(() =>
            plot.setSize({ width: place.current.clientWidth, height }),
        );
        observer.observe(place.current);
        return () => {
            observer.disconnect();
            plot.destroy();
        };
    }, [days, series, theme.value, isDark, shownLanguage.value]);
    return <div class="plot" ref={place} role="img" aria-label={label} />;
}

const dayText = (seconds) =>
    new Date(seconds * 1000).toLocaleDateString(shownLanguage.value === 'zh' ? 'zh-CN' : undefined, {
        month: shownLanguage.value === 'zh' ? 'numeric' : 'short',
        day: 'numeric',
    });
