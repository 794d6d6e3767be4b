import { mount } from 'svelte';
import App from './App.svelte';
import './design/tokens.css';
import './design/base.css';

const target = document.getElementById('page');
if (target === null) throw new Error('index.html has no element "page"');
mount(App, { target });
