/* How the platform stands: what it takes, has and is asked, and who may. */

import { ask } from './http';

export interface Minute {
  start: string;
  accepted: number;
  stored: number;
  deduplicated: number;
  dead_lettered: number;
  batches: number;
}

/** `/status`. `broker` is null where this process has none to ask. */
export interface Status {
  now: string;
  service: 'up' | 'query';
  version: string;
  started_at: string;
  broker: { batches: number; bytes: number | null; oldest_age_s: number | null } | null;
  minutes: Minute[];
  accept_to_stored: { p50_ms: number; p99_ms: number; max_ms: number; batches: number } | null;
  ingest: { events_per_s: number };
  store: { kind: StoreKind; events: number; segments: number | null; bytes: number | null };
  retention_days: number | null;
  dead_letters: { events: number; letters: number };
}

export type StoreKind = 'segments' | 'postgresql' | 'both';

export interface FieldSize {
  field: string;
  types: string[];
  bytes: number;
  uncompressed_bytes: number;
  segments: number;
}

export interface StoreSizes {
  kind: StoreKind;
  events: number;
  segments: number | null;
  rows: number | null;
  bytes: number | null;
  parts: { part: string; bytes: number }[];
  services: { service: string | null; events: number }[];
  fields: FieldSize[];
  unreadable: string[];
  truncated?: boolean;
  complete?: boolean;
}

export interface Finding {
  kind: string;
  is_fault: boolean;
  what: string;
  events: number | null;
}

export interface LedgerMinute extends Omit<Minute, 'start'> {
  minute: string;
}

export interface Ledger {
  is_balanced: boolean;
  findings: Finding[];
  minutes: LedgerMinute[];
}

interface Fates {
  stored: number;
  deduplicated: number;
  dead_lettered: number;
  in_flight: number;
}

export interface ReceiptFate extends Fates {
  receipt: string;
  events: number;
  parts: (Fates & {
    batch: string;
    first: number;
    count: number;
    recorded_at?: string;
    duplicate_of?: string;
    dead_letters?: { index: number | null; reason: string; settled_as?: string }[];
  })[];
}

export interface RunningQuery {
  id: string;
  asked: string;
  since: string;
}

export type Scope = 'ingest' | 'query' | 'admin';

export interface KeyEntry {
  id: string;
  name: string;
  scopes: Scope[];
  state: 'active' | 'expired' | 'revoked';
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
  revoked_at: string | null;
}

export interface NewKey {
  name: string;
  scopes: Scope[];
  expires: string | null;
  closes_door?: boolean;
}

export interface Readiness {
  isReady: boolean;
  /** Of each part that is not: why. */
  reasons: Record<string, string>;
}

export function status(signal?: AbortSignal): Promise<Status> {
  return ask('status', { params: { minutes: 60 }, ...(signal && { signal }) });
}

/** `/ready` is beside the API, and says "not ready" by a status that is no error here. */
export async function readiness(signal: AbortSignal): Promise<Readiness> {
  const response = await fetch('/ready', {
    signal,
    cache: 'no-store',
  });
  const told = (await response.json()) as { reasons?: Record<string, string> };
  return { isReady: response.ok, reasons: told.reasons ?? {} };
}

export function store(signal: AbortSignal): Promise<StoreSizes> {
  return ask('store', { signal });
}

export function ledger(start: string, isCounted: boolean, signal: AbortSignal): Promise<Ledger> {
  return ask('ledger', { params: { start, count: isCounted ? true : null }, signal });
}

export function receipt(id: string, signal: AbortSignal): Promise<ReceiptFate> {
  return ask(`receipts/${encodeURIComponent(id)}`, { signal });
}

export function queries(signal: AbortSignal): Promise<{ queries: RunningQuery[]; complete?: boolean }> {
  return ask('queries', { signal });
}

export function cancel(id: string): Promise<unknown> {
  return ask(`queries/${encodeURIComponent(id)}`, { method: 'DELETE' });
}

export async function keys(signal: AbortSignal): Promise<KeyEntry[]> {
  return (await ask<{ keys: KeyEntry[] }>('keys', { signal })).keys;
}

export function makeKey(wanted: NewKey): Promise<KeyEntry & { key: string }> {
  return ask('keys', { method: 'POST', body: wanted });
}

export function revokeKey(id: string): Promise<unknown> {
  return ask(`keys/${encodeURIComponent(id)}`, { method: 'DELETE' });
}
