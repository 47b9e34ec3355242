// The page at /: what an owner sees of the gateway.
//
// state.js knows, the views show. The page speaks the public protocol with the host it came from,
// and the methods named hardshell.* for what only the supervisor knows. Text from outside becomes
// text nodes only.

import { render } from 'preact';
import { keepFocus } from './focus.js';
import { Room } from './room.jsx';
import { SignIn } from './sign_in.jsx';
import { begin, isInside, shownLanguage } from './state.js';
import { Confirmation, Toasts } from './ui.jsx';

// Another language is another page: everything is written anew.
function Page() {
    return (
        <div key={shownLanguage.value} class="page">
            {isInside.value ? <Room /> : <SignIn />}
            <Confirmation />
            <Toasts />
        </div>
    );
}

begin();
const root = document.querySelector('#page');
keepFocus(root);
render(<Page />, root);
