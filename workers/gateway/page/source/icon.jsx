// The icons of the menu: one stroke, drawn here, on a field of 24.

const paths = {
    chat: 'M4 5h16v11H10l-4 4v-4H4z',
    workers: 'M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM16.500 13v7M13 16.500h7',
    logs: 'M5 6h14M5 10h9M5 14h14M5 18h7',
    channels: 'M8 8a5.500 5.500 0 0 0 0 8M16 8a5.500 5.500 0 0 1 0 8M5 5a10 10 0 0 0 0 14M19 5a10 10 0 0 1 0 14M12 12v.01',
    devices: 'M3 5h13v10H3zM7 19h5M17 9h4v10h-4z',
    sessions: 'M4 6h16M4 12h16M4 18h10M19 16v4M17 18h4',
    cron: 'M12 4a8 8 0 1 0 0 16a8 8 0 0 0 0-16M12 8v4l3 2',
    usage: 'M4 20h16M7 16v-4M12 16V6M17 16v-7',
    config: 'M4 7h10M18 7h2M4 17h4M12 17h8M16 5v4M10 15v4',
    health: 'M3 12h4l2-6 4 12 3-8 1 2h4',
    more: 'M4 7h16M4 12h16M4 17h16',
};

export const Icon = ({ name }) => (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
        <path d={paths[name]} />
    </svg>
);
