// The devices that may come in, those that ask, and who is here now.

import { useEffect } from 'preact/hooks';
import { ago } from './format.js';
import { word } from './gateway_words.js';
import { t } from './i18n.js';
import { onEvent } from './state.js';
import {
    act,
    Badge,
    Breakable,
    confirm,
    Heading,
    Problem,
    Table,
    useAnswer,
    useNow,
    whenEmpty,
} from './ui.jsx';

const nameOf = (device) => device.displayName || device.clientId || device.deviceId;
const idOf = ({ deviceId }) => <code title={deviceId}>{String(deviceId).slice(0, 12)}</code>;
const rolesOf = ({ roles, role }) =>
    (roles ?? [role])
        .filter(Boolean)
        .map((one) => word('role', one))
        .join(', ');
const rightsOf = ({ scopes }) => <Breakable text={(scopes ?? []).join(', ') || '–'} />;
const isLive = (token) => !token.revokedAtMs;

// A name is what the device calls itself: its identity and rights are what is agreed to.
const agreesTo = (device) =>
    confirm({
        title: t('Let {name} in?', { name: nameOf(device) }),
        text: t('Its identity is {identity}. It may: {rights}.', {
            identity: device.deviceId,
            rights: (device.scopes ?? []).join(', ') || '–',
        }),
        action: t('Approve'),
    });

function Who({ device }) {
    return (
        <>
            <strong>{nameOf(device)}</strong> {device.platform && <Badge>{device.platform}</Badge>}
        </>
    );
}

function Pending({ answer, now, decide }) {
    return (
        <Table
            caption={t('Waiting for approval')}
            columns={[
                [t('Device'), (device) => <Who device={device} />, 'wide'],
                [t('Identity'), idOf, 'short'],
                [t('Role'), rolesOf],
                [t('Rights'), rightsOf],
                [t('Address'), ({ remoteIp }) => remoteIp ?? '–'],
                [t('Asked'), ({ ts }) => ago(ts, now), 'short'],
                [
                    '',
                    (device) => (
                        <div class="buttons">
                            <button
                                type="button"
                                class="small primary"
                                aria-label={`${t('Approve')} ${nameOf(device)}`}
                                onClick={() => decide('approve', device)}
                            >
                                {t('Approve')}
                            </button>
                            <button
                                type="button"
                                class="small"
                                aria-label={`${t('Reject')} ${nameOf(device)}`}
                                onClick={() => decide('reject', device)}
                            >
                                {t('Reject')}
                            </button>
                        </div>
                    ),
                ],
            ]}
            rows={answer.data?.pending ?? []}
            keyOf={({ requestId }) => requestId}
            empty={whenEmpty(answer, t('No device waits.'))}
        />
    );
}

function Paired({ answer, now, revoke }) {
    return (
        <Table
            caption={t('Paired devices')}
            columns={[
                [t('Device'), (device) => <Who device={device} />, 'wide'],
                [t('Identity'), idOf, 'short'],
                [t('Role'), rolesOf],
                [t('Rights'), rightsOf],
                [t('Approved'), ({ approvedAtMs }) => ago(approvedAtMs, now), 'short'],
                [
                    t('Last used'),
                    ({ tokens }) => {
                        const used = Math.max(0, ...(tokens ?? []).map((token) => token.lastUsedAtMs ?? 0));
                        return used ? ago(used, now) : '–';
                    },
                ],
                [
                    '',
                    (device) => {
                        const live = (device.tokens ?? []).filter(isLive);
                        if (live.length === 0) return <Badge tone="off">{t('revoked')}</Badge>;
                        return (
                            <button
                                type="button"
                                class="small"
                                aria-label={`${t('Revoke')} ${nameOf(device)}`}
                                onClick={() => revoke(device, live)}
                            >
                                {t('Revoke')}
                            </button>
                        );
                    },
                ],
            ]}
            rows={answer.data?.paired ?? []}
            keyOf={({ deviceId }) => deviceId}
            empty={whenEmpty(answer, t('No device is paired. Whoever has the token needs none.'))}
        />
    );
}

// The gateway remembers for a while who has left.
const isHere = ({ reason }) => reason !== 'disconnect';

function Present({ now }) {
    const answer = useAnswer('system-presence', {}, { every: 10_000 });
    const { data, error, reload } = answer;
    useEffect(() => onEvent('presence', reload), []);
    return (
        <section>
            <h2>{t('Here now')}</h2>
            <Problem error={error} />
            <Table
                caption={t('Here now')}
                columns={[
                    [t('Who'), ({ host, text }) => host ?? text ?? '–', 'wide'],
                    [t('Mode'), ({ mode }) => word('mode', mode) ?? '–'],
                    [t('Platform'), ({ platform }) => platform ?? '–'],
                    [t('Address'), ({ ip }) => ip ?? '–'],
                    [t('State'), ({ reason }) => word('presence', reason) ?? '–'],
                    [t('Seen'), ({ ts }) => ago(ts, now), 'short'],
                ]}
                rows={Array.isArray(data) ? data.filter(isHere) : []}
                keyOf={(entry) => `${entry.deviceId ?? entry.instanceId ?? entry.host} ${entry.ts}`}
                empty={whenEmpty(answer, t('Nobody.'))}
            />
        </section>
    );
}

export function DevicesView() {
    const answer = useAnswer('device.pair.list', {}, { every: 15_000 });
    const { error, reload } = answer;
    const now = useNow(5_000);
    useEffect(() => {
        const ends = ['device.pair.requested', 'device.pair.resolved'].map((name) =>
            onEvent(name, reload),
        );
        return () => ends.forEach((end) => end());
    }, []);
    const decide = async (verb, { requestId, ...device }) => {
        if (verb === 'approve' && !(await agreesTo(device))) return;
        const done =
            verb === 'approve'
                ? t('{name} may come in now.', { name: nameOf(device) })
                : t('{name} was turned away.', { name: nameOf(device) });
        if (await act(`device.pair.${verb}`, { requestId }, done)) reload();
    };
    const revoke = async (device, tokens) => {
        const agreed = await confirm({
            title: t('Revoke {name}?', { name: nameOf(device) }),
            text: t('It is cut off at once and has to be paired again.'),
            action: t('Revoke'),
            isDangerous: true,
        });
        if (!agreed) return;
        for (const { role } of tokens)
            await act(
                'device.token.revoke',
                { deviceId: device.deviceId, role },
                t('{name} is cut off.', { name: nameOf(device) }),
            );
        reload();
    };
    return (
        <main class="view">
            <Heading title={t('Devices')} />
            <Problem error={error} />
            <section>
                <h2>{t('Waiting for approval')}</h2>
                <Pending answer={answer} now={now} decide={decide} />
            </section>
            <section>
                <h2>{t('Paired devices')}</h2>
                <Paired answer={answer} now={now} revoke={revoke} />
            </section>
            <Present now={now} />
        </main>
    );
}
