// The views, in the order of the menu. A path that names none of them shows the chat; some have
// more names, those of OpenClaw's Control UI.

import { ChannelsView } from './channels_view.jsx';
import { ChatView } from './chat_view.jsx';
import { ConfigView } from './config_view.jsx';
import { CronView } from './cron_view.jsx';
import { DevicesView } from './devices_view.jsx';
import { HealthView } from './health_view.jsx';
import { later } from './i18n.js';
import { LogsView } from './logs_view.jsx';
import { SessionsView } from './sessions_view.jsx';
import { UsageView } from './usage_view.jsx';
import { WorkersView } from './workers_view.jsx';

export const views = [
    // path, title, icon, view, in the bar of a phone, other paths
    ['chat', later('Chat'), 'chat', ChatView, true, []],
    ['workers', later('Workers'), 'workers', WorkersView, true, ['overview']],
    ['logs', later('Logs'), 'logs', LogsView, true, []],
    ['channels', later('Channels'), 'channels', ChannelsView, false, []],
    ['devices', later('Devices'), 'devices', DevicesView, false, ['nodes', 'instances']],
    ['sessions', later('Sessions'), 'sessions', SessionsView, false, []],
    ['cron', later('Schedule'), 'cron', CronView, false, []],
    ['usage', later('Usage'), 'usage', UsageView, false, []],
    ['config', later('Configuration'), 'config', ConfigView, false, []],
    // Not "health": that path of the gateway is for programs that ask whether it lives.
    ['doctor', later('Health'), 'health', HealthView, false, ['debug']],
].map(([path, title, icon, View, isInBar, others]) => ({ path, title, icon, View, isInBar, others }));

export const viewAt = (path) =>
    views.find((view) => view.path === path || view.others.includes(path)) ?? views[0];
