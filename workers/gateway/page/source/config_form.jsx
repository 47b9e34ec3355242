// The configuration as a form, made from its schema: sections that unfold, a field for each value,
// the help where it is needed. Secrets are not shown; what is typed over one replaces it.

import { useState } from 'preact/hooks';
import { fieldKind, hintFor, placeholder, valueAt } from './config_tree.js';
import { settingHelp, settingName } from './config_words.js';
import { t } from './i18n.js';
import { Badge } from './ui.jsx';

// Without blanks: some attributes take a list of such names.
const idOf = (path) => `config-${path.map(encodeURIComponent).join('.')}`;

// Its label, and its name in the file where that is another.
function Named({ path, hints }) {
    const { text, language } = settingName(path, hintFor(hints, path));
    return (
        <>
            <span lang={language}>{text}</span>{' '}
            {text !== path.at(-1) && <code class="muted">{path.at(-1)}</code>}
        </>
    );
}

const textOf = (value) =>
    value === undefined || value === null
        ? ''
        : typeof value === 'string'
          ? value
          : JSON.stringify(value, null, 2);

// Cleared again it keeps what it was: to take a secret away, edit the file.
function SecretField({ id, value, before, isChanged, set, describedBy }) {
    const isKept = value === placeholder;
    return (
        <input
            id={id}
            type="password"
            autocomplete="off"
            value={isKept ? '' : textOf(value)}
            placeholder={isKept ? t('kept; type to replace it') : t('not set')}
            aria-describedby={describedBy}
            data-changed={isChanged || undefined}
            onInput={({ target }) => set(target.value || before)}
        />
    );
}

function ChoiceField({ id, schema, value, set, describedBy }) {
    return (
        <select
            id={id}
            value={value ?? ''}
            aria-describedby={describedBy}
            onChange={({ target }) => set(target.value || undefined)}
        >
            <option value="">{usualText(schema)}</option>
            {schema.enum.map((choice) => (
                <option key={choice} value={choice}>
                    {choice}
                </option>
            ))}
        </select>
    );
}

const usualText = (schema) =>
    schema.default === undefined
        ? t('not set')
        : t('usual: {value}', { value: JSON.stringify(schema.default) });

function SwitchField({ id, schema, value, set, describedBy }) {
    return (
        <select
            id={id}
            value={value === undefined ? '' : String(value)}
            aria-describedby={describedBy}
            onChange={({ target }) =>
                set(target.value === '' ? undefined : target.value === 'true')
            }
        >
            <option value="">{usualText(schema)}</option>
            <option value="true">{t('on')}</option>
            <option value="false">{t('off')}</option>
        </select>
    );
}

function NumberField({ id, schema, value, set, describedBy }) {
    return (
        <input
            id={id}
            type="number"
            step={schema.type === 'integer' ? 1 : 'any'}
            min={schema.minimum}
            max={schema.maximum}
            value={value ?? ''}
            placeholder={usualText(schema)}
            aria-describedby={describedBy}
            onInput={({ target }) => set(target.value === '' ? undefined : Number(target.value))}
        />
    );
}

function TextField({ id, schema, value, set, hint, describedBy }) {
    return (
        <input
            id={id}
            type="text"
            value={textOf(value)}
            placeholder={hint.placeholder ? String(hint.placeholder) : usualText(schema)}
            spellcheck={false}
            autocomplete="off"
            aria-describedby={describedBy}
            onInput={({ target }) => set(target.value === '' ? undefined : target.value)}
        />
    );
}

function LinesField({ id, value, set, describedBy }) {
    const lines = Array.isArray(value) ? value : [];
    const [text, setText] = useState(lines.join('\n'));
    return (
        <textarea
            id={id}
            rows={Math.min(6, lines.length + 1)}
            value={text}
            spellcheck={false}
            placeholder={t('one in each line')}
            aria-describedby={describedBy}
            onInput={({ target }) => {
                setText(target.value);
                const list = target.value.split('\n').filter((line) => line.trim() !== '');
                set(list.length > 0 ? list : undefined);
            }}
        />
    );
}

// What has no field of its own is written as JSON.
function JsonField({ id, value, set, describedBy }) {
    const [text, setText] = useState(value === undefined ? '' : JSON.stringify(value, null, 2));
    const [isWrong, setWrong] = useState(false);
    return (
        <>
            <textarea
                id={id}
                class="mono"
                rows={Math.min(12, text.split('\n').length + 1)}
                value={text}
                spellcheck={false}
                placeholder={t('not set; JSON')}
                aria-describedby={describedBy}
                aria-invalid={isWrong ? 'true' : 'false'}
                onInput={({ target }) => {
                    setText(target.value);
                    try {
                        set(target.value.trim() === '' ? undefined : JSON.parse(target.value));
                        setWrong(false);
                    } catch {
                        setWrong(true);
                    }
                }}
            />
            {isWrong && <span class="problem-text">{t('This is no JSON yet; it is not taken.')}</span>}
        </>
    );
}

const fields = {
    choice: ChoiceField,
    switch: SwitchField,
    number: NumberField,
    text: TextField,
    lines: LinesField,
    json: JsonField,
};

function Field({ path, schema, form }) {
    const hint = hintFor(form.hints, path);
    const value = valueAt(form.tree, path);
    const before = valueAt(form.before, path);
    const isChanged = JSON.stringify(value) !== JSON.stringify(before);
    const id = idOf(path);
    const help = settingHelp(path, hint.help ?? schema?.description);
    const isSecret = hint.sensitive && fieldKind(schema) === 'text';
    const Kind = isSecret ? SecretField : fields[fieldKind(schema)];
    return (
        <div class={`config-field ${isChanged ? 'changed' : ''}`}>
            <label for={id}>
                <Named path={path} hints={form.hints} />
                {isChanged && <Badge tone="wait">{t('changed')}</Badge>}
            </label>
            <Kind
                key={form.round}
                id={id}
                schema={schema ?? {}}
                value={value}
                before={before}
                hint={hint}
                isChanged={isChanged}
                describedBy={help ? `${id}-help` : undefined}
                set={(next) => form.set(path, next)}
            />
            {help && (
                <p id={`${id}-help`} class="hint" lang={help.language}>
                    {help.text}
                </p>
            )}
        </div>
    );
}

// The keys of a map ("accounts", "providers"): those there are, and a way to add one.
function AddKey({ onAdd }) {
    const [name, setName] = useState('');
    return (
        <form
            class="inline"
            onSubmit={(event) => {
                event.preventDefault();
                if (name.trim()) onAdd(name.trim());
                setName('');
            }}
        >
            <input
                value={name}
                placeholder={t('another name')}
                aria-label={t('Name of what is added')}
                onInput={({ target }) => setName(target.value)}
            />
            <button type="submit" class="small">
                {t('Add')}
            </button>
        </form>
    );
}

const emptyOf = (schema) => (fieldKind(schema) === 'section' ? {} : undefined);

export function Section({ path, schema, form, isOpen }) {
    const [open, setOpen] = useState(Boolean(isOpen));
    const value = valueAt(form.tree, path);
    const help = settingHelp(path, hintFor(form.hints, path).help);
    const properties = schema.properties ?? {};
    const others = schema.additionalProperties;
    const [added, setAdded] = useState([]);
    const extra =
        others && typeof others === 'object'
            ? [...new Set([...Object.keys(value ?? {}), ...added])].filter(
                  (key) => !Object.hasOwn(properties, key),
              )
            : [];
    const rows = [
        ...Object.entries(properties),
        ...extra.map((key) => [key, others]),
    ];
    const isSet = value !== undefined;
    return (
        <details
            class="config-section"
            open={open}
            onToggle={(event) => {
                if (event.target === event.currentTarget) setOpen(event.target.open);
            }}
        >
            <summary>
                <Named path={path} hints={form.hints} />
                {isSet && <Badge tone="good">{t('set')}</Badge>}
            </summary>
            {open && (
                <div class="config-body">
                    {help && (
                        <p class="hint" lang={help.language}>
                            {help.text}
                        </p>
                    )}
                    {rows.map(([key, inner]) => (
                        <Entry key={key} path={[...path, key]} schema={inner} form={form} />
                    ))}
                    {others && typeof others === 'object' && (
                        <AddKey
                            onAdd={(name) => {
                                setAdded([...added, name]);
                                const empty = emptyOf(others);
                                if (empty !== undefined) form.set([...path, name], empty);
                            }}
                        />
                    )}
                </div>
            )}
        </details>
    );
}

function Entry({ path, schema, form }) {
    return fieldKind(schema) === 'section' ? (
        <Section path={path} schema={schema} form={form} />
    ) : (
        <Field path={path} schema={schema} form={form} />
    );
}

const matches = (path, hints, needle) => {
    const hint = hintFor(hints, path);
    const shown = [settingName(path, hint).text, settingHelp(path, hint.help)?.text];
    return [path.join('.'), hint.label, hint.help, ...shown].some((text) =>
        text?.toLowerCase().includes(needle),
    );
};

// The fields that a search finds, wherever they are.
function found(schema, hints, needle, path = []) {
    return Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => {
        const here = [...path, key];
        if (fieldKind(inner) === 'section') return found(inner, hints, needle, here);
        return matches(here, hints, needle) ? [[here, inner]] : [];
    });
}

const mostFound = 40;

// form: {schema, hints, tree, before, round, set(path, value)}. Another round: all fields forget
// what was typed.
export function ConfigForm({ form, search }) {
    const needle = search.trim().toLowerCase();
    if (needle) {
        const list = found(form.schema, form.hints, needle).slice(0, mostFound);
        if (list.length === 0) return <p class="empty">{t('Nothing of that name.')}</p>;
        return list.map(([path, schema]) => (
            <div key={path.join('.')} class="config-found">
                <p class="muted">{path.slice(0, -1).join(' › ')}</p>
                <Field path={path} schema={schema} form={form} />
            </div>
        ));
    }
    const sections = Object.entries(form.schema.properties ?? {})
        .filter(([key]) => key !== '$schema')
        .map(([key, schema]) => ({ key, schema, hint: hintFor(form.hints, [key]) }))
        .sort((a, b) => (a.hint.order ?? 1e9) - (b.hint.order ?? 1e9));
    const plain = sections.filter(({ hint }) => !hint.advanced);
    const advanced = sections.filter(({ hint }) => hint.advanced);
    const draw = ({ key, schema }) => (
        <Entry key={key} path={[key]} schema={schema} form={form} />
    );
    return (
        <>
            {plain.map(draw)}
            {advanced.length > 0 && (
                <details class="config-section">
                    <summary>{t('Seldom needed')}</summary>
                    <div class="config-body">{advanced.map(draw)}</div>
                </details>
            )}
        </>
    );
}

