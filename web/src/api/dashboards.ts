/* Dashboards, as the server keeps them. */

import { ask, Problem } from './http';
import type { Checked, Dashboard, DashboardRow, NamedDashboard } from './shapes';

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

/** What a query is. Throws Problem with the place where it cannot be understood. */
export async function readable(query: string, signal?: AbortSignal): Promise<Checked> {
  const told = await ask<Checked & { error?: Mistake | null }>('query/check', {
    params: { query },
    ...(signal && { signal }),
  });
  if (!told.error) return told;
  const { detail, hint, position, length, expected, suggestion } = told.error;
  const some = Array.isArray(expected) ? expected : expected ? [expected] : [];
  throw new Problem(400, 'bad_query', detail, hint ?? '', position, length ?? 0, some, suggestion);
}

interface Mistake {
  detail: string;
  hint: string | null;
  position: number | null;
  length: number | null;
  expected: string | string[] | null;
  suggestion: string | null;
}
