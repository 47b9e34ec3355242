// The chat channels: how each account stands, who asks to be let in.

import { useState } from 'preact/hooks';
import { ago } from './format.js';
import { endText, word } from './gateway_words.js';
import { t } from './i18n.js';
import { hello } from './state.js';
import {
    act,
    Badge,
    confirm,
    Empty,
    Facts,
    Heading,
    Light,
    Problem,
    Table,
    useAnswer,
    useNow,
    whenEmpty,
} from './ui.jsx';

const canLogOut = (channel) => ['telegram', 'discord'].includes(channel);

function toneOf(account) {
    if (account.running) return account.connected === false ? 'wait' : 'good';
    return account.enabled === false || !account.configured ? 'off' : 'bad';
}

function stateOf(account) {
    const why = account.lastError && endText(account.lastError);
    if (!account.running) return why ?? t('not running');
    if (account.connected === false) return why ?? t('not connected');
    return account.connected ? t('connected') : t('running');
}

// What the platform said when it was last asked whether the account works.
function probeText({ probe }) {
    if (!probe) return null;
    if (probe.ok === false) return probe.error ? String(probe.error) : t('it does not work');
    const name = probe.bot?.username ?? probe.user?.username;
    return name ? t('it works, as {name}', { name }) : t('it works');
}

function loggedOutText(name, { loggedOut, envToken }) {
    if (loggedOut !== false) return t('{name} is logged out.', { name });
    const why = envToken
        ? t('Its environment variable still lets it in: take that away where the gateway runs.')
        : t('It still has a token from elsewhere.');
    return [`${t('{name} is not logged out.', { name })} ${why}`, 'bad'];
}

async function logOut(channel, account, name, reload) {
    const agreed = await confirm({
        title: t('Log {name} out?', { name }),
        text: t('Its token is removed from the configuration and its worker ends.'),
        action: t('Log out'),
        isDangerous: true,
    });
    if (!agreed) return;
    const params = { channel, accountId: account.accountId };
    const told = (answer) => loggedOutText(name, answer);
    if (await act('channels.logout', params, told)) reload();
}

function Account({ channel, account, isOnly, now, reload }) {
    const name = isOnly ? channel : `${channel}:${account.accountId}`;
    return (
        <div class="account">
            <div class="worker-head">
                <Light tone={toneOf(account)} />
                {!isOnly && <strong>{account.accountId}</strong>}
                <span>{stateOf(account)}</span>
            </div>
            <Facts
                rows={[
                    [t('Name'), account.name],
                    [t('Mode'), word('mode', account.mode)],
                    [t('Token from'), word('source', account.tokenSource ?? account.botTokenSource)],
                    [t('Started'), account.lastStartAt && ago(account.lastStartAt, now)],
                    [t('Last message in'), account.lastInboundAt && ago(account.lastInboundAt, now)],
                    [t('Last message out'), account.lastOutboundAt && ago(account.lastOutboundAt, now)],
                    [t('Probed'), account.lastProbeAt && ago(account.lastProbeAt, now)],
                    [t('The platform says'), probeText(account)],
                ]}
            />
            {canLogOut(channel) && account.configured && (
                <button
                    type="button"
                    class="small"
                    aria-label={`${t('Log out')} ${name}`}
                    onClick={() => logOut(channel, account, name, reload)}
                >
                    {t('Log out')}
                </button>
            )}
        </div>
    );
}

const nameOf = ({ id, meta }) => meta?.name || meta?.username || id;
// A name is what somebody calls himself; only the identity is the platform's word.
const fullName = (row) => (nameOf(row) === row.id ? row.id : `${nameOf(row)} (${row.id})`);

function Who({ row }) {
    const { id, meta } = row;
    return (
        <>
            <strong>{nameOf(row)}</strong> {meta?.accountId && <Badge>{meta.accountId}</Badge>}
            <span class="muted under">
                {[meta?.name && meta?.username, id].filter(Boolean).join(' · ')}
            </span>
        </>
    );
}

function Requests({ now }) {
    const isOffered = hello.value?.features?.methods?.includes('hardshell.pairing.list');
    const answer = useAnswer(
        'hardshell.pairing.list',
        {},
        { every: 5_000, isOn: Boolean(isOffered) },
    );
    const { data, error, reload } = answer;
    if (!isOffered) return null;
    const rows = (data?.channels ?? []).flatMap(({ channel, requests }) =>
        requests.map((request) => ({ ...request, channel })),
    );
    const decide = async (row, verb) => {
        const { channel, code } = row;
        const name = fullName(row);
        const done =
            verb === 'approve'
                ? t('{name} is let in.', { name })
                : t('{name} is turned away.', { name });
        if (await act(`hardshell.pairing.${verb}`, { channel, code }, done)) reload();
    };
    return (
        <section>
            <h2>{t('Who asks to be let in')}</h2>
            <Problem error={error} />
            <Table
                caption={t('Who asks to be let in')}
                columns={[
                    [t('Channel'), ({ channel }) => channel],
                    [t('Who'), (row) => <Who row={row} />, 'wide'],
                    [t('Code'), ({ code }) => <code>{code}</code>],
                    [t('Asked'), ({ createdAt }) => ago(Date.parse(createdAt), now), 'short'],
                    [
                        '',
                        (row) => (
                            <div class="buttons">
                                <button
                                    type="button"
                                    class="small primary"
                                    aria-label={`${t('Approve')} ${fullName(row)}`}
                                    onClick={() => decide(row, 'approve')}
                                >
                                    {t('Approve')}
                                </button>
                                <button
                                    type="button"
                                    class="small"
                                    aria-label={`${t('Reject')} ${fullName(row)}`}
                                    onClick={() => decide(row, 'reject')}
                                >
                                    {t('Reject')}
                                </button>
                            </div>
                        ),
                    ],
                ]}
                rows={rows}
                keyOf={({ channel, code }) => `${channel} ${code}`}
                empty={whenEmpty(answer, t('Nobody waits.'))}
            />
        </section>
    );
}

// Asks the platforms themselves whether the accounts work.
function ProbeButton({ onProbed }) {
    const [isBusy, setBusy] = useState(false);
    const probe = async () => {
        setBusy(true);
        const params = { probe: true, timeoutMs: 8_000 };
        await act('channels.status', params, t('The channels have been probed.'));
        setBusy(false);
        onProbed();
    };
    return (
        <button type="button" class="small" disabled={isBusy} onClick={probe}>
            {isBusy ? t('Probing…') : t('Probe now')}
        </button>
    );
}

export function ChannelsView() {
    const answer = useAnswer('channels.status', {}, { every: 5_000 });
    const { data, error, reload } = answer;
    const now = useNow(5_000);
    const order = data?.channelOrder ?? [];
    return (
        <main class="view">
            <Heading title={t('Channels')}>
                {order.length > 0 && <ProbeButton onProbed={reload} />}
            </Heading>
            <Problem error={error} />
            <Requests now={now} />
            {order.length === 0 && (
                <Empty>
                    {whenEmpty(
                        answer,
                        t('No channel is configured. Add one under channels in the configuration.'),
                    )}
                </Empty>
            )}
            <ul class="workers">
                {order.map((id) => {
                    const accounts = data.channelAccounts?.[id] ?? [];
                    return (
                        <li key={id} class="card">
                            <h2>
                                {data.channelLabels?.[id] ?? id} <Badge>{id}</Badge>
                            </h2>
                            {accounts.map((account) => (
                                <Account
                                    key={account.accountId}
                                    channel={id}
                                    account={account}
                                    isOnly={accounts.length === 1}
                                    now={now}
                                    reload={reload}
                                />
                            ))}
                        </li>
                    );
                })}
            </ul>
        </main>
    );
}
