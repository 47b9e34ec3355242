// Language and colours, as this reader wants them on this device.

import { languages, later, t } from './i18n.js';
import { chooseLanguage, chooseTheme, shownLanguage, theme } from './state.js';

const themes = [
    // name, shown
    ['auto', later('As the system')],
    ['light', later('Light')],
    ['dark', later('Dark')],
];

function Choice({ label, value, options, onChoose }) {
    return (
        <label class="choice">
            <span>{label}</span>
            <select value={value} onChange={({ target }) => onChoose(target.value)}>
                {options.map(([code, shown]) => (
                    <option key={code} value={code}>
                        {shown}
                    </option>
                ))}
            </select>
        </label>
    );
}

export function Preferences() {
    return (
        <div class="preferences">
            <Choice
                label={t('Language')}
                value={shownLanguage.value}
                options={languages}
                onChoose={chooseLanguage}
            />
            <Choice
                label={t('Colours')}
                value={theme.value}
                options={themes.map(([code, shown]) => [code, t(shown)])}
                onChoose={chooseTheme}
            />
        </div>
    );
}
