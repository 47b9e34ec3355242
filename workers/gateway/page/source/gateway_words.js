// Words that the gateway takes from tables of its own, in the reader's language. One that is not
// here stays as it came, and so does all that is free text.

import { language } from './i18n.js';

const words = {
    // kind of word: as sent, its Chinese
    cause: {
        requested: '应要求',
        memory_replaced: '内存将满而更换',
        config: '配置错误',
        credentials: '凭据被拒',
        taken: '已被占用',
        unasked_exit: '自行退出',
        crashed: '崩溃',
        oom: '内存不足',
        storage: '无法写入存储卷',
        machine_oom: '整机内存不足',
        killed: '被强制终止',
        never_ready: '未能就绪',
        hung: '无响应',
        not_started: '未能启动',
        protocol: '违反协议',
    },
    // How a worker ended, in the supervisor's words.
    end: {
        'ended on request': '应要求结束',
        'was replaced before it reached its memory limit': '在达到内存上限前被更换',
        'ended with success, which nobody asked for': '自行正常退出',
        'out of memory': '内存不足',
        'cannot write to the volume': '无法写入存储卷',
        'killed because the machine was out of memory': '因整机内存不足被终止',
        'never became ready': '未能就绪',
        'stopped responding': '停止响应',
        'broke the protocol': '违反协议',
    },
    result: { ok: '成功', error: '出错', skipped: '已跳过' },
    session: {
        direct: '私聊',
        group: '群组',
        channel: '频道',
        global: '全局',
        unknown: '未知',
    },
    mode: {
        polling: '轮询',
        gateway: '网关',
        cli: '命令行',
        webchat: '网页',
        ui: '界面',
        backend: '后台',
        node: '节点',
        probe: '探测',
        test: '测试',
    },
    source: { config: '配置', env: '环境变量', tokenFile: '令牌文件', none: '无' },
    role: { operator: '操作者', node: '节点' },
    presence: { self: '自身', connect: '已连接' },
    plan: { file: '文件', 'last good': '上次有效的配置', none: '无' },
    memory: {
        'kept by the kernel (cgroup v2)': '由内核执行（cgroup v2）',
        'kept by the kernel (cgroup v1)': '由内核执行（cgroup v1）',
        'kept by the kernel (cgroup v1, ended through v2)':
            '由内核执行（cgroup v1，经 v2 结束）',
    },
};

const isChinese = () => language === 'zh';

// kind: a row of the table above.
export const word = (kind, text) =>
    (isChinese() && Object.hasOwn(words[kind], text) && words[kind][text]) || text;

const numbered = [
    [/^exit code (\d+)$/, '退出码 $1'],
    [/^killed by signal (\d+)$/, '被信号 $1 终止'],
    [/^killed by signal (\d+) \((.+)\)$/, '被信号 $1（$2）终止'],
];

// "out of memory: 41.2 of 40.0 MiB, after 3 h": what happened, what was declared, how long it lived.
export function endText(text) {
    const [, what, declared = '', lived] =
        (isChinese() && /^([^:]+?)(: .*)?, after (\d+ (?:ms|s|min|h))$/s.exec(text)) || [];
    if (!what) return text;
    const row = numbered.find(([form]) => form.test(what));
    const shown = row ? what.replace(row[0], row[1]) : word('end', what);
    return `${shown}${declared}（运行 ${lived} 后）`;
}
