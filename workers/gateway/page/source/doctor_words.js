// What doctor finds, in the reader's language. The sentences are those of workers/common/doctor and
// of the supervisor's layers; what is not here stays as it came.

import { endText, word } from './gateway_words.js';
import { language } from './i18n.js';

const layers = {
    'own user': '独立用户',
    'no new privileges': '禁止提升权限',
    'no capabilities': '无特权能力',
    'own descriptors only': '仅持有自己的描述符',
    'own secrets only': '仅持有自己的密钥',
    'resource limits': '资源限制',
    'system call filter': '系统调用过滤',
    'writes (Landlock)': '写入限制（Landlock）',
    'memory limit': '内存限制',
    'supervisor spared': '保护监督进程',
    'task limit': '任务数限制',
};

const states = {
    starting: '正在启动',
    stopping: '正在停止',
    waiting: '等待重启',
    held: '已搁置',
    unknown: '状态未知',
};

// "killed: stopped responding, after 3 h": the cause stands before an end that does not name it.
function lastEnd(text) {
    const [, named, end] = /^([a-z ]+): (.+)$/s.exec(text) ?? [];
    const key = named?.replaceAll(' ', '_');
    const cause = key && word('cause', key);
    if (!cause || cause === key) return endText(text);
    const told = endText(end);
    return told.startsWith(cause) ? told : `${cause}：${told}`;
}

const last = (text) => (text ? `；最近一次：${lastEnd(text)}` : '');
const after = (text) => (text ? `：${text}` : '');

const subjects = [
    // as sent, what takes its parts and answers the Chinese
    [/^gateway$/, () => '网关'],
    [/^configuration$/, () => '配置'],
    [/^log$/, () => '日志'],
    [/^tunnel$/, () => '隧道'],
    [/^volume$/, () => '存储卷'],
    [/^memory$/, () => '内存'],
    [/^this machine$/, () => '本机'],
    [/^worker (.+)$/, (name) => `进程 ${name}`],
    [/^memory of (.+)$/, (name) => `${name} 的内存`],
    [/^layer (.+)$/, (name) => `防护：${Object.hasOwn(layers, name) ? layers[name] : name}`],
];

const details = [
    [/^workers run as the supervisor's own user(?:: (.*))?$/, (why) => `进程以监督进程的用户运行${after(why)}`],
    [
        /^a worker of the supervisor's user may read all secrets from its memory$/,
        () => '与监督进程同用户的进程可以从其内存读取所有密钥',
    ],
    [
        /^this kernel has no seccomp filters: workers may make any system call$/,
        () => '此内核不支持 seccomp 过滤：进程可以进行任何系统调用',
    ],
    [
        /^this kernel has no Landlock: workers may write wherever their user may$/,
        () => '此内核不支持 Landlock：进程可以写入其用户可写的任何位置',
    ],
    [
        /^the kernel does not hold workers to their memory(?:; it is (.*))?$/,
        (mode) => `内核不限制进程的内存${mode ? `；${word('memory', mode)}` : ''}`,
    ],
    [
        /^without CAP_SYS_RESOURCE the kernel may end the supervisor, too, when memory runs out$/,
        () => '没有 CAP_SYS_RESOURCE，内存耗尽时内核也可能终止监督进程',
    ],
    [
        /^the kernel does not limit a worker's processes and threads$/,
        () => '内核不限制进程的子进程和线程数',
    ],
];

const findings = [
    [/^ready$/, () => '运行中'],
    [/^ready, restarted once(?:; last: (.*))?$/, (end) => `运行中，重启过 1 次${last(end)}`],
    [
        /^ready, restarted (\d+) times(?:; last: (.*))?$/,
        (times, end) => `运行中，重启过 ${times} 次${last(end)}`,
    ],
    [/^it is stopped(?:; last: (.*))?$/, (end) => `已停止${last(end)}`],
    [
        /^it is (starting|stopping|waiting|held|unknown)(?:: (.*))?$/,
        (state, end) => states[state] + (end ? `：${lastEnd(end)}` : ''),
    ],
    [/^running as process (\d+)$/, (pid) => `以进程号 ${pid} 运行`],
    [
        /^running as process (\d+) on port (\d+), bind (.*)$/,
        (pid, port, bind) => `以进程号 ${pid} 运行，端口 ${port}，绑定 ${bind}`,
    ],
    [
        /^running as process (\d+), but it has no plan to follow$/,
        (pid) => `以进程号 ${pid} 运行，但没有可执行的计划`,
    ],
    [/^holds(?:: (.*))?$/, (detail) => `有效${after(detail)}`],
    [/^missing(?:: (.*))?$/, (detail) => `缺失${after(detail && said(details, detail))}`],
    [/^(\d+) % of (.+) are used$/, (share, size) => `已用 ${share} %，共 ${size}`],
    [/^it uses (.+), and dies when that is full$/, (used) => `已用 ${used}，用满后会被终止`],
    [/^limits of (\S+ \S+) in all(?: \((.*?\)?)\))?$/, (sum, mode) => limits(sum, mode)],
    [
        /^limits of (\S+ \S+) in all(?: \((.*?\)?)\))? on a machine of (.+)$/,
        (sum, mode, machine) => `${limits(sum, mode)}，本机共 ${machine}`,
    ],
    [
        /^limits of (\S+ \S+) in all(?: \((.*?\)?)\))?, more than this machine's ([^:]+): it may be full before any worker meets its limit$/,
        (sum, mode, machine) =>
            `${limits(sum, mode)}，超过本机的 ${machine}：任何进程达到上限之前内存就可能耗尽`,
    ],
    [
        /^(\d+) lines were lost because standard output was not read$/,
        (lines) => `因标准输出无人读取而丢失 ${lines} 行`,
    ],
    [
        /^(\d+) lines of (.+) were left out because there were too many$/,
        (lines, name) => `${name} 的日志过多，省略了 ${lines} 行`,
    ],
    [
        /^the volume with the state directory is (\d+) % full: (\d+) of (\d+) KiB are free; not ready until less than (\d+) % are used$/,
        (share, free, size, calm) =>
            `状态目录所在的存储卷已用 ${share} %：剩余 ${free} / ${size} KiB；用量降到 ${calm} % 以下之前不会就绪`,
    ],
    [
        /^the state directory cannot be written: its file system is read-only; nothing new is kept$/,
        () => '状态目录无法写入：其文件系统为只读；新内容不会被保存',
    ],
    [
        /^the state directory is full: (\d+) of (\d+) KiB are free; nothing new may be kept until there is room$/,
        (free, size) => `状态目录已满：剩余 ${free} / ${size} KiB；腾出空间之前可能无法保存新内容`,
    ],
    [
        /^(\S+) does not run: it could not even be started; the log says why$/,
        (name) => `${name} 没有运行：连启动都未能成功；原因见日志`,
    ],
    [
        /^(\S+) goes without metrics until its next start: port (\d+) on (\S+) is taken by another program; end it or choose another metrics\.port$/,
        (name, port, host) =>
            `${name} 在下次启动之前没有指标：${host} 的端口 ${port} 被其他程序占用；请结束该程序或另选 metrics.port`,
    ],
    [
        /^(\S+) did not start with its new configuration and runs with the one before$/,
        (name) => `${name} 未能用新配置启动，正以之前的配置运行`,
    ],
];

const limits = (sum, mode) => `上限合计 ${sum}${mode ? `（${word('memory', mode)}）` : ''}`;

const cures = [
    [
        /^give the machine more memory, or end what else uses it: no limit of (.+) was in the way$/,
        (name) => `请为机器增加内存，或结束占用内存的其他程序：并非 ${name} 的上限所致`,
    ],
    [
        /^give it more: memory\.workers\.(.+)\.limit in hardshell\.json, or a larger machine$/,
        (name) => `请提高上限：hardshell.json 中的 memory.workers.${name}.limit，或换用更大的机器`,
    ],
    [
        /^delete what is not needed or make the volume larger; if it is read-only, the kernel's log says why$/,
        () => '请删除不需要的内容或扩大存储卷；若为只读，原因见内核日志',
    ],
    [
        /^end the program that uses the same account, then (`.+`)$/,
        (command) => `请结束使用同一账号的程序，然后运行 ${command}`,
    ],
    [/^correct what it names, then (`.+`)$/, (command) => `请修正它指出的问题，然后运行 ${command}`],
    [/^correct the key or token, then (`.+`)$/, (command) => `请更正密钥或令牌，然后运行 ${command}`],
    [
        /^start as root, with a state directory that other users can pass \((.+)\)$/,
        (example) => `请以 root 启动，并使用其他用户可以进入的状态目录（${example}）`,
    ],
    [
        /^mount a cgroup hierarchy that can be written, or choose limits with room to spare$/,
        () => '请挂载可写的 cgroup 层级，或设置留有余量的上限',
    ],
    [/^use a kernel with Landlock \((\S+) or later, (.+)\)$/, (version, option) => `请使用支持 Landlock 的内核（${version} 或更高，${option}）`],
    [/^use a kernel with seccomp filters \((.+)\)$/, (option) => `请使用支持 seccomp 过滤的内核（${option}）`],
    [/^give the container CAP_SYS_RESOURCE \((.+)\)$/, (command) => `请授予容器 CAP_SYS_RESOURCE（${command}）`],
    [/^mount a pids control group that can be written$/, () => '请挂载可写的 pids 控制组'],
    [
        /^see (`.+`), correct what it names, then (`.+`)$/,
        (logs, command) => `请查看 ${logs}，修正它指出的问题，然后运行 ${command}`,
    ],
    [
        /^make that port free, or choose another metrics\.port in hardshell\.json, then (`.+`)$/,
        (command) => `请释放该端口，或在 hardshell.json 中另选 metrics.port，然后运行 ${command}`,
    ],
    [/^(`.+`) starts it$/, (command) => `运行 ${command} 可启动它`],
    [/^see (`.+`) and (`.+`)$/, (one, other) => `请查看 ${one} 和 ${other}`],
    [/^see (`[^`]+`)$/, (command) => `请查看 ${command}`],
    [
        /^see to whoever reads it; (`.+`) has the last ones$/,
        (command) => `请检查读取它的程序；最近的日志可用 ${command} 查看`,
    ],
    [
        /^raise log\.linesPerSecond in hardshell\.json if you need them$/,
        () => '如果需要，请在 hardshell.json 中提高 log.linesPerSecond',
    ],
    [
        /^see (`.+`); until it is up the internet does not reach what it leads to$/,
        (command) => `请查看 ${command}；隧道恢复之前，外部网络无法访问它所通往的服务`,
    ],
    [/^make the file system writable$/, () => '请使文件系统可写'],
    [
        /^delete what is not needed, or make the volume larger \((.+)\); (\S+)$/,
        (command, page) => `请删除不需要的内容，或扩大存储卷（${command}）；参见 ${page}`,
    ],
    [
        /^correct it, it is taken over at once \(where gateway\.reload\.mode is off by (`.+`)\); until then it runs with (.+)$/,
        (command, meanwhile) =>
            `请修正，修正后立即生效（gateway.reload.mode 为 off 时需运行 ${command}）；在此之前${
                meanwhile === 'no configuration' ? '没有配置可用' : '使用上一次有效的配置'
            }`,
    ],
    [
        /^lower memory\.total or memory\.workers\.\*\.limit in hardshell\.json, or take a larger machine$/,
        () => '请降低 hardshell.json 中的 memory.total 或 memory.workers.*.limit，或换用更大的机器',
    ],
];

function said(rows, text) {
    for (const [form, write] of rows) {
        const found = form.exec(text);
        if (found) return write(...found.slice(1));
    }
    return text;
}

const inChinese = (rows) => (text) => (language === 'zh' ? said(rows, String(text)) : text);

export const subjectText = inChinese(subjects);
export const findingText = inChinese(findings);
export const cureText = inChinese(cures);
