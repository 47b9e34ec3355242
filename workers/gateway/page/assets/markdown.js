// A small, safe part of Markdown: code, paragraphs, headings, flat lists, bold, links.
//
// Text becomes a tree of plain values, the tree becomes nodes; no HTML is ever parsed, and a link
// leads to http or https only. Time grows with the length of the text, also for hostile text.

const fence = /^ {0,3}(`{3,}|~{3,}) ?([\w+#.-]*)\s*$/;
const heading = /^#{1,6}\s+(\S.*)$/;
const bullet = /^\s{0,6}[-*+]\s+(\S.*)$/;
const numbered = /^\s{0,6}(\d{1,9})[.)]\s+(\S.*)$/;

const inline = new RegExp(
    [
        '(?<ticks>`{1,3})(?<code>[^`]+)\\k<ticks>',
        '\\*\\*(?<bold>(?=\\S)[^*]{1,2000})\\*\\*',
        '\\[(?<label>[^\\[\\]\\n]{1,500})\\]\\((?<target>[^\\s()]{1,2000})\\)',
        '(?<bare>https?://[^\\s<>"\'`)\\]]{1,2000})',
    ].join('|'),
    'g',
);

export function safeLink(target) {
    try {
        const url = new URL(target);
        return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : null;
    } catch {
        return null;
    }
}

const link = (target, children, asWritten) => {
    const href = safeLink(target);
    return href ? { kind: 'link', href, children } : { kind: 'text', text: asWritten };
};

function bareLink(written) {
    // Punctuation that ends a sentence is not part of the address.
    const target = written.replace(/[.,;:!?]{1,20}$/, '');
    const rest = written.slice(target.length);
    const node = link(target, [{ kind: 'text', text: target }], target);
    return rest ? [node, { kind: 'text', text: rest }] : [node];
}

export function parseInline(text) {
    const nodes = [];
    let end = 0;
    for (const match of text.matchAll(inline)) {
        const { code, bold, label, target, bare } = match.groups;
        if (match.index > end) nodes.push({ kind: 'text', text: text.slice(end, match.index) });
        end = match.index + match[0].length;
        if (code !== undefined) nodes.push({ kind: 'code', text: code });
        else if (bold !== undefined) nodes.push({ kind: 'bold', children: parseInline(bold) });
        else if (label !== undefined)
            nodes.push(link(target, [{ kind: 'text', text: label }], match[0]));
        else nodes.push(...bareLink(bare));
    }
    if (end < text.length) nodes.push({ kind: 'text', text: text.slice(end) });
    return nodes;
}

class Blocks {
    blocks = [];
    paragraph = [];

    endParagraph() {
        if (this.paragraph.length > 0)
            this.blocks.push({
                kind: 'paragraph',
                children: parseInline(this.paragraph.join('\n')),
            });
        this.paragraph = [];
    }

    add(block) {
        this.endParagraph();
        this.blocks.push(block);
    }

    addListItem(kind, text, start) {
        this.endParagraph();
        let list = this.blocks.at(-1);
        if (list?.kind !== kind || list.ended) {
            list = { kind, start, items: [] };
            this.blocks.push(list);
        }
        list.items.push(parseInline(text));
    }
}

// A block of code runs to its closing fence, or to the end while it is still being written.
function readCode(lines, first, [, open, language]) {
    let last = first + 1;
    while (last < lines.length) {
        const closing = lines[last].trim();
        if (closing.startsWith(open) && closing === open[0].repeat(closing.length)) break;
        last += 1;
    }
    const block = { kind: 'code_block', language, text: lines.slice(first + 1, last).join('\n') };
    return { block, next: last + 1 };
}

export function parse(text) {
    const lines = text.replace(/\r\n?/g, '\n').split('\n');
    const out = new Blocks();
    for (let index = 0; index < lines.length; index += 1) {
        const line = lines[index];
        let match;
        if ((match = fence.exec(line))) {
            const { block, next } = readCode(lines, index, match);
            out.add(block);
            index = next - 1;
        } else if ((match = heading.exec(line))) {
            out.add({ kind: 'heading', children: parseInline(match[1]) });
        } else if ((match = bullet.exec(line))) {
            out.addListItem('bullets', match[1]);
        } else if ((match = numbered.exec(line))) {
            out.addListItem('numbers', match[2], Number(match[1]));
        } else if (line.trim() === '') {
            out.endParagraph();
        } else {
            out.paragraph.push(line);
        }
    }
    out.endParagraph();
    return out.blocks;
}

const element = (name, children = [], properties = {}) => {
    const node = Object.assign(document.createElement(name), properties);
    node.append(...children);
    return node;
};

const inlineNodes = {
    text: ({ text }) => document.createTextNode(text),
    code: ({ text }) => element('code', [text]),
    bold: ({ children }) => element('strong', children.map(toInline)),
    link: ({ href, children }) =>
        element('a', children.map(toInline), {
            href,
            target: '_blank',
            rel: 'noopener noreferrer',
        }),
};
const toInline = (node) => inlineNodes[node.kind](node);
const toItems = (items) => items.map((item) => element('li', item.map(toInline)));

const blockNodes = {
    paragraph: ({ children }) => element('p', children.map(toInline)),
    heading: ({ children }) => element('p', children.map(toInline), { className: 'heading' }),
    bullets: ({ items }) => element('ul', toItems(items)),
    numbers: ({ items, start }) => element('ol', toItems(items), { start }),
    // Reachable by keyboard, since a long line scrolls sideways.
    code_block: ({ text, language }) =>
        element('pre', [element('code', [text])], {
            tabIndex: 0,
            role: 'region',
            ariaLabel: language ? `Code, ${language}` : 'Code',
        }),
};

// The nodes that show `text`.
export function render(text) {
    return parse(text).map((block) => blockNodes[block.kind](block));
}
