/* Dashboards, as the server keeps them. */

import { ask, Problem } from './http';
import type { Dashboard, DashboardRow, NamedDashboard } from './shapes';

const at = (name: string): string => `dashboards/${encodeURIComponent(name)}`;

export async function dashboards(signal?: AbortSignal): Promise<DashboardRow[]> {
  return (await ask<{ dashboards: DashboardRow[] }>('dashboards', signal && { signal })).dashboards;
}

export function dashboard(name: string, signal?: AbortSignal): Promise<NamedDashboard> {
  return ask(at(name), signal && { signal });
}

export function putDashboard(name: string, dashboard: Dashboard): Promise<NamedDashboard> {
  return ask(at(name), { method: 'PUT', body: dashboard });
}

export async function deleteDashboard(name: string): Promise<void> {
  await ask(at(name), { method: 'DELETE' });
}

/** Whether a dashboard has this name. */
export async function isTaken(name: string): Promise<boolean> {
  try {
    await dashboard(name);
    return true;
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return false;
    throw error;
  }
}
