import { mount } from 'svelte';

import App from './App.svelte';
import { clock } from './state/clock.svelte';
import { router } from './state/router.svelte';
import { session } from './state/session.svelte';
import { shared } from './state/share.svelte';
import { theme } from './state/theme.svelte';
import './style/base.css';

// First of all, the key leaves the address.
shared.start();
theme.apply();
clock.start();
router.start();
void session.load();

const target = document.getElementById('app');
if (target) mount(App, { target });
