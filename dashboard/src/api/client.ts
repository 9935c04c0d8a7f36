// Asks the web API. Every failure becomes an `ApiError` whose message a person can read.

import { decode, type Frame } from './columns';
import type { Problem } from './types';

export const BASE = '/api/v1';

/** Where a refusal means a wrong password in the body, and no session that is over. */
const OWN_REFUSALS = ['/session', '/password'];

export class ApiError extends Error {
  readonly status: number;
  readonly hint: string | null;

  constructor(status: number, message: string, hint: string | null = null) {
    super(message);
    this.status = status;
    this.hint = hint;
  }

  /** Whether the request failed because the controller could not be reached. */
  get unreachable(): boolean {
    return this.status === 0;
  }
}

export type Query = Record<string, string | number | boolean | string[] | null | undefined>;

/** What happens when the controller wants a login; the session's state sets it. */
export const hooks: { onUnauthorized: () => void } = { onUnauthorized: () => undefined };

/** The path of a URL, with each part percent-encoded. */
export function path(...parts: (string | number)[]): string {
  return parts.map((part) => `/${encodeURIComponent(part)}`).join('');
}

/** The path of a run, below the path of the API. */
export function runTarget(run: string): string {
  return `/runs${path(run)}`;
}

/** The path of a file below the path of its source, which is a run or a version. */
export function fileTarget(source: string, file: string): string {
  return `${source}/files${path(...file.split('/'))}`;
}

/** The address of a file of a run or of a version. */
export function fileUrl(source: string, file: string): string {
  return BASE + fileTarget(source, file);
}

/** The path of a version of an artifact, below the path of the API. */
export function versionTarget(
  at: { team: string; project: string },
  name: string,
  version: number | string,
): string {
  const number = typeof version === 'number' ? `v${version}` : version;
  return `/projects${path(at.team, at.project, 'artifacts', name, number)}`;
}

export function withQuery(target: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) search.append(name, String(one));
  }
  const text = search.toString();
  return text ? `${target}?${text}` : target;
}

interface Options {
  method?: string;
  query?: Query;
  body?: unknown;
  signal?: AbortSignal | undefined;
  accept?: string;
}

async function problem(response: Response): Promise<ApiError> {
  try {
    const body = (await response.json()) as Partial<Problem>;
    const text = body.detail || body.title;
    if (text) return new ApiError(response.status, text, body.hint ?? null);
  } catch {
    // The body is not a problem, for example because a proxy answered.
  }
  const text = `the controller answered ${response.status} ${response.statusText}`.trim();
  return new ApiError(response.status, text);
}

async function ask(target: string, options: Options): Promise<Response> {
  const headers: Record<string, string> = { Accept: options.accept ?? 'application/json' };
  const request: RequestInit = { method: options.method ?? 'GET', headers };
  if (options.signal) request.signal = options.signal;
  if (options.body !== undefined) {
    headers['Content-Type'] = 'application/json';
    request.body = JSON.stringify(options.body);
  }
  let response: Response;
  try {
    response = await fetch(BASE + withQuery(target, options.query), request);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    const hint = 'Check that it runs. The page tries again by itself.';
    throw new ApiError(0, 'The controller cannot be reached.', hint);
  }
  if (response.ok) return response;
  const failure = await problem(response);
  if (failure.status === 401 && !OWN_REFUSALS.includes(target)) hooks.onUnauthorized();
  throw failure;
}

export async function get<T>(target: string, query?: Query, signal?: AbortSignal): Promise<T> {
  const response = await ask(target, { ...(query && { query }), signal });
  return (await response.json()) as T;
}

/** Sends a change. The answer is `undefined` if the controller answers without a body. */
export async function send<T>(method: string, target: string, body?: unknown): Promise<T> {
  const response = await ask(target, { method, body });
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** Asks for a table of columns. */
export async function columns(
  target: string,
  body: unknown,
  signal?: AbortSignal,
): Promise<Frame> {
  const accept = 'application/x-columns';
  const response = await ask(target, { method: 'POST', body, signal, accept });
  return decode(await response.arrayBuffer());
}

/** Asks for a file. */
export async function blob(target: string, signal?: AbortSignal): Promise<Blob> {
  return (await ask(target, { accept: '*/*', signal })).blob();
}

/** What an error says to a person, and what to do about it. */
export function explain(error: unknown): { message: string; hint: string | null } {
  if (error instanceof ApiError) return { message: error.message, hint: error.hint };
  if (error instanceof Error) return { message: error.message, hint: null };
  return { message: String(error), hint: null };
}
