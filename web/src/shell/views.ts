/* The views, as the header lists them. Each is loaded when it is first looked at. */

import type { Component } from 'svelte';

export interface ViewEntry {
  path: string;
  label: string;
  key: string;
  load: () => Promise<{ default: Component }>;
}

export const VIEWS: readonly ViewEntry[] = [
  { path: '', label: 'Search', key: 's', load: () => import('../search/SearchView.svelte') },
  {
    path: 'dashboards',
    label: 'Dashboards',
    key: 'd',
    load: () => import('../dashboards/DashboardsView.svelte'),
  },
  { path: 'alerts', label: 'Alerts', key: 'a', load: () => import('../alerts/AlertsView.svelte') },
  {
    path: 'operations',
    label: 'Operations',
    key: 'o',
    load: () => import('../operations/OperationsView.svelte'),
  },
];
