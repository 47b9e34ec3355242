// What the models were used for and what that cost, by day.

import { useMemo, useState } from 'preact/hooks';
import { money, short } from './format.js';
import { t } from './i18n.js';
import { Plot } from './plot.jsx';
import { Heading, Problem, Table, useAnswer, whenEmpty } from './ui.jsx';

const spans = [7, 30, 90, 365];

const startOf = (date) => Date.parse(`${date}T00:00:00`) / 1000;

// Every day of the span, also those on which nothing was used.
function everyDay(daily, days) {
    const known = new Map(daily.map((row) => [row.date, row]));
    const all = [];
    const day = new Date();
    day.setHours(0, 0, 0, 0);
    day.setDate(day.getDate() - days + 1);
    for (let index = 0; index < days; index += 1) {
        const date = [
            day.getFullYear(),
            String(day.getMonth() + 1).padStart(2, '0'),
            String(day.getDate()).padStart(2, '0'),
        ].join('-');
        all.push(known.get(date) ?? { date, totalCost: 0, totalTokens: 0 });
        day.setDate(day.getDate() + 1);
    }
    return all;
}

const Tile = ({ label, value }) => (
    <div class="tile">
        <dt>{label}</dt>
        <dd>{value}</dd>
    </div>
);

export function UsageView() {
    const [days, setDays] = useState(30);
    const [what, setWhat] = useState('cost');
    const answer = useAnswer('usage.cost', { days }, { every: 60_000 });
    const { data, error } = answer;
    const daily = data?.daily ?? [];
    const totals = data?.totals ?? {};
    const rows = useMemo(() => everyDay(daily, days), [data, days]);
    const plot = useMemo(
        () => ({
            days: rows.map(({ date }) => startOf(date)),
            series: [
                what === 'cost'
                    ? {
                          label: t('Cost'),
                          values: rows.map(({ totalCost }) => totalCost),
                          colour: '--accent',
                          show: (value) => money(value),
                      }
                    : {
                          label: t('Tokens'),
                          values: rows.map(({ totalTokens }) => totalTokens),
                          colour: '--accent',
                          show: (value) => short(value),
                      },
            ],
        }),
        [rows, what],
    );
    return (
        <main class="view">
            <Heading title={t('Usage')}>
                <label>
                    <span class="visually-hidden">{t('What is shown')}</span>
                    <select value={what} onChange={({ target }) => setWhat(target.value)}>
                        <option value="cost">{t('Cost')}</option>
                        <option value="tokens">{t('Tokens')}</option>
                    </select>
                </label>
                <label>
                    <span class="visually-hidden">{t('Time')}</span>
                    <select value={days} onChange={({ target }) => setDays(Number(target.value))}>
                        {spans.map((span) => (
                            <option key={span} value={span}>
                                {t('{days} days', { days: span })}
                            </option>
                        ))}
                    </select>
                </label>
            </Heading>
            <Problem error={error} />
            <dl class="tiles">
                <Tile label={t('Cost')} value={money(totals.totalCost)} />
                <Tile label={t('Tokens')} value={short(totals.totalTokens)} />
                <Tile label={t('In')} value={short(totals.input)} />
                <Tile label={t('Out')} value={short(totals.output)} />
                <Tile label={t('From cache')} value={short(totals.cacheRead)} />
            </dl>
            {totals.missingCostEntries > 0 && (
                <p class="muted">
                    {t('{count} calls have no known price and are not in the cost.', {
                        count: totals.missingCostEntries,
                    })}
                </p>
            )}
            {(answer.isLoading || daily.length > 0) && (
                <section class="panel-box">
                    <Plot
                        days={plot.days}
                        series={plot.series}
                        label={t('{what} by day; the table below has the numbers', {
                            what: plot.series[0].label,
                        })}
                    />
                </section>
            )}
            <Table
                caption={t('By day')}
                columns={[
                    [t('Day'), ({ date }) => date],
                    [t('Cost'), ({ totalCost }) => money(totalCost), 'number'],
                    [t('Tokens'), ({ totalTokens }) => short(totalTokens), 'number'],
                    [t('In'), ({ input }) => short(input), 'number'],
                    [t('Out'), ({ output }) => short(output), 'number'],
                    [t('From cache'), ({ cacheRead }) => short(cacheRead), 'number'],
                ]}
                rows={[...daily].reverse()}
                keyOf={({ date }) => date}
                empty={whenEmpty(answer, t('Nothing was used in this time.'))}
            />
        </main>
    );
}
