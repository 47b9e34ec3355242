// What `hardshell doctor` finds about the running gateway, with the cure for each.

import { cureText, findingText, subjectText } from './doctor_words.js';
import { duration } from './format.js';
import { word } from './gateway_words.js';
import { later, t } from './i18n.js';
import { Badge, Empty, Facts, Heading, Problem, useAnswer } from './ui.jsx';

const weights = {
    // as sent: tone, shown, the order
    problem: ['bad', later('problem'), 0],
    note: ['wait', later('note'), 1],
    ok: ['good', later('ok'), 2],
};
const rowOf = ({ weight }) => weights[weight] ?? weights.note;

// What stands between backticks is to be typed.
const withCommands = (text) =>
    String(text)
        .split('`')
        .map((piece, index) => (index % 2 ? <code key={index}>{piece}</code> : piece));

export function HealthView() {
    const { data, error, isLoading, reload } = useAnswer('hardshell.doctor', {}, { every: 10_000 });
    const findings = [...(data?.findings ?? [])].sort((a, b) => rowOf(a)[2] - rowOf(b)[2]);
    const problems = findings.filter(({ weight }) => weight === 'problem').length;
    return (
        <main class="view">
            <Heading title={t('Health')}>
                <button type="button" class="small" onClick={reload}>
                    {t('Look again')}
                </button>
            </Heading>
            <Problem error={error} />
            {data && (
                <p class={problems ? 'problem-text' : 'muted'} role="status">
                    {problems === 0
                        ? t('No problems found.')
                        : t('Problems found: {count}', { count: problems })}
                </p>
            )}
            {!data && !error && <Empty>{isLoading && t('Opening…')}</Empty>}
            <ul class="findings">
                {findings.map((finding, index) => {
                    const [tone, word] = rowOf(finding);
                    return (
                        <li key={index} class={`finding ${finding.weight}`}>
                            <Badge tone={tone}>{t(word)}</Badge>
                            <div>
                                <p>
                                    <strong>{subjectText(finding.subject)}</strong>{' '}
                                    {withCommands(findingText(finding.what))}
                                </p>
                                {finding.cure && (
                                    <p class="muted">{withCommands(cureText(finding.cure))}</p>
                                )}
                            </div>
                        </li>
                    );
                })}
            </ul>
            {data && (
                <section class="panel-box">
                    <h2>{t('This gateway')}</h2>
                    <Facts
                        rows={[
                            [t('Version'), data.version],
                            [t('Runs for'), duration(data.uptimeMs)],
                            [t('State directory'), data.stateDir],
                            [t('Configuration file'), data.configPath],
                            [t('Configuration in force'), word('plan', data.planSource)],
                            [t('Memory limits'), word('memory', data.memoryMode)],
                        ]}
                    />
                </section>
            )}
            <p class="hint">
                {t('hardshell doctor, run where the gateway runs, also looks at files and locks.')}
            </p>
        </main>
    );
}
