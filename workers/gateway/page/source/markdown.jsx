// Markdown as elements. markdown-it reads it, and what is drawn is made here, token by token: no
// text ever becomes HTML, so that nothing of it can run. Addresses lead to the web or to mail, and
// pictures of the web are shown as links, since the page loads nothing from elsewhere.

import MarkdownIt from 'markdown-it';
import { CopyButton } from './ui.jsx';

const reader = new MarkdownIt({ html: false, linkify: true, breaks: true });
reader.linkify.set({ fuzzyLink: false, fuzzyEmail: false });

const isSafe = (address) => /^(https?:|mailto:)/i.test(address ?? '');

// Which element stands for a pair of tokens; what is not listed shows its content alone.
const elements = {
    paragraph: 'p',
    bullet_list: 'ul',
    list_item: 'li',
    blockquote: 'blockquote',
    strong: 'strong',
    em: 'em',
    s: 's',
    thead: 'thead',
    tbody: 'tbody',
    tr: 'tr',
};

function Code({ text, language }) {
    return (
        <div class="code-block">
            <div class="code-head">
                <span>{language}</span>
                <CopyButton text={text} />
            </div>
            <pre tabIndex={0}>
                <code>{text}</code>
            </pre>
        </div>
    );
}

function link(address, children) {
    if (!isSafe(address)) return <span>{children}</span>;
    return (
        <a href={address} target="_blank" rel="noopener noreferrer nofollow">
            {children}
        </a>
    );
}

// Tokens that stand alone.
const single = {
    text: ({ content }) => content,
    softbreak: () => <br />,
    hardbreak: () => <br />,
    hr: () => <hr />,
    code_inline: ({ content }) => <code>{content}</code>,
    code_block: ({ content }) => <Code text={content.replace(/\n$/, '')} />,
    fence: ({ content, info }) => (
        <Code text={content.replace(/\n$/, '')} language={info.trim().split(/\s/)[0]} />
    ),
    image: (token) => link(token.attrGet('src'), token.content || token.attrGet('src')),
    inline: ({ children }) => draw(children),
};

function element(token, children) {
    const kind = token.type.replace(/_open$/, '');
    if (kind === 'link') return link(token.attrGet('href'), children);
    // A heading of an answer is no heading of the page.
    if (kind === 'heading') return <p class={`heading ${token.tag}`}>{children}</p>;
    if (kind === 'ordered_list')
        return <ol start={Number(token.attrGet('start') ?? 1)}>{children}</ol>;
    if (kind === 'table')
        return (
            <div class="table-scroll" tabIndex={0} role="group">
                <table>{children}</table>
            </div>
        );
    if (kind === 'th') return <th scope="col">{children}</th>;
    if (kind === 'td') return <td>{children}</td>;
    if (kind === 'paragraph' && token.hidden) return <>{children}</>;
    const Tag = elements[kind];
    return Tag ? <Tag>{children}</Tag> : <>{children}</>;
}

function draw(tokens) {
    const open = [{ token: null, children: [] }];
    for (const token of tokens) {
        if (token.nesting === 1) {
            open.push({ token, children: [] });
        } else if (token.nesting === -1) {
            const { token: opened, children } = open.pop();
            open.at(-1).children.push(element(opened, children));
        } else {
            const made = single[token.type]?.(token) ?? token.content;
            open.at(-1).children.push(made);
        }
    }
    return open[0].children;
}

// What is longer stays plain: it is read again with every word that is added to it.
const longest = 60_000;

export function Markdown({ text }) {
    if (text.length > longest) return <div class="plain-text">{text}</div>;
    return <>{draw(reader.parse(text, {}))}</>;
}
